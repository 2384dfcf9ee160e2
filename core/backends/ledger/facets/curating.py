"""Looking after the playbook: see core/curating.py."""

from collections.abc import Sequence
from datetime import datetime

from core.backends.ledger import curating
from core.backends.ledger.facets.base import OnDatabase
from core.curating import Edit, Entry, Use
from core.memory import Lesson, Vote
from core.playbook import Draft


class ForCurating(OnDatabase):
    """Looking after the playbook: see core/curating.py."""

    async def playbook(self, *, enough: int, now: datetime) -> Sequence[Entry]:
        return await self._database.read(lambda tx: curating.entries(tx, enough, now))

    async def uses_of_pattern(self, pattern: int, *, page: int) -> Sequence[Use]:
        return await self._database.read(lambda tx: curating.uses(tx, pattern, page))

    async def edits_of_pattern(self, pattern: int) -> Sequence[Edit]:
        return await self._database.read(lambda tx: curating.edits(tx, pattern))

    async def approve_pattern(self, pattern: int, *, by: str, approved: bool, now: datetime) -> None:
        await self._database.write(lambda tx: curating.approve(tx, pattern, by, approved, now), durable=True)

    async def retire_pattern(self, pattern: int, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: curating.retire(tx, pattern, by, now), durable=True)

    async def bring_back_pattern(self, pattern: int, *, by: str, now: datetime) -> tuple[Lesson, Sequence[Vote]]:
        return await self._database.write(lambda tx: curating.bring_back(tx, pattern, by, now), durable=True)

    async def edit_pattern(self, pattern: int, draft: Draft, *, by: str, now: datetime) -> Lesson:
        return await self._database.write(lambda tx: curating.edit(tx, pattern, draft, by, now), durable=True)

    async def merge_patterns(self, pattern: int, into: int, *, by: str, now: datetime) -> Sequence[Vote]:
        return await self._database.write(lambda tx: curating.merge(tx, pattern, into, by, now), durable=True)
