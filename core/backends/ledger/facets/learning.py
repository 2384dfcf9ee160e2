"""What memory and the offline writer learn from: see core/learning.py."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial

from core.backends.ledger import (
    desk,
    playbook,
    recall,
    relearning,
)
from core.backends.ledger.facets.base import OnDatabase
from core.memory import Lesson, Note, PatternHit, Vote
from core.playbook import Draft, Learnt
from core.relearning import Unlearnt
from core.writing import Pattern


class ForLearning(OnDatabase):
    """What memory and the offline writer learn from: see core/learning.py."""

    async def patterns(self, hits: Sequence[PatternHit], *, now: datetime, enough: int = 0) -> Sequence[Pattern]:
        return await self._database.read(lambda tx: playbook.patterns(tx, hits, now, enough)) if hits else []

    async def all_notes(self, at_a_time: int) -> AsyncIterator[Sequence[Note]]:
        """All that memory is to hold, in portions: closed cases, then every current fact of none of these."""
        yield await self._database.read(recall.closed_cases)
        last = 0
        while notes := await self._database.read(partial(recall.notes_after, last=last, limit=at_a_time)):
            yield notes
            last = notes[-1].row

    async def all_lessons(self) -> Sequence[Lesson]:
        """Every pattern on record."""
        return await self._database.read(playbook.lessons)

    async def all_votes(self) -> Sequence[Vote]:
        """What every case says of a pattern."""
        return await self._database.read(playbook.votes)

    async def settled_between(self, since: datetime, until: datetime) -> Unlearnt:
        """What turns and colleagues changed then of what memory is to hold: see core/relearning.py."""
        return await self._database.read(lambda tx: relearning.settled_between(tx, since, until))

    # ── learning: see core/learning.py ──
    async def cited(self, case: int) -> str:
        return await self._database.read(lambda tx: playbook.article(tx, case))

    async def learn(self, case: int, draft: Draft, *, same_as: int | None, now: datetime) -> Learnt:
        return await self._database.write(
            lambda tx: playbook.learn(tx, case, draft, same_as=same_as, confirmed_by="", now=now), durable=True
        )

    async def corrected(self) -> Sequence[tuple[str, str]]:
        """The newest corrections: what was said, redacted, and the category it is really of."""
        return await self._database.read(desk.corrected)
