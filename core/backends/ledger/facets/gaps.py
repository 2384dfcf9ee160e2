"""What was asked and not found: see core/gaps.py."""

from collections.abc import Collection, Sequence
from datetime import datetime

from core.backends.ledger import gaps
from core.backends.ledger.facets.base import OnDatabase
from core.gaps import Cited, Mark, Question


class ForGaps(OnDatabase):
    """What was asked and not found: see core/gaps.py."""

    async def unanswered_questions(self, since: datetime, *, most: int, now: datetime) -> Sequence[Question]:
        return await self._database.read(lambda tx: gaps.unanswered(tx, since, most, now))

    async def mark_questions(self, turns: Collection[int], mark: Mark | None, *, by: str, now: datetime) -> int:
        return await self._database.write(lambda tx: gaps.mark(tx, turns, mark, by, now), durable=True)

    async def citations(self, since: datetime) -> Sequence[Cited]:
        return await self._database.read(lambda tx: gaps.citations(tx, since))
