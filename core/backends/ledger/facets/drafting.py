"""Drafts for colleagues: see core/drafting.py."""

from collections.abc import Collection
from datetime import datetime

from core.backends.ledger import drafting
from core.backends.ledger.facets.base import OnDatabase
from core.casefile import Destination
from core.drafting import Unanswered, Written


class ForDrafting(OnDatabase):
    """Drafts for colleagues: see core/drafting.py."""

    async def unanswered(self, case: int, *, reachable: Collection[str], now: datetime) -> Unanswered | None:
        return await self._database.read(lambda tx: drafting.unanswered(tx, case, reachable, now))

    async def note_draft(self, written: Written, *, now: datetime) -> None:
        await self._database.write(lambda tx: drafting.note(tx, written, now))

    async def destination(self, case: int, *, reachable: Collection[str], now: datetime) -> Destination | None:
        return await self._database.read(lambda tx: drafting.where_to(tx, case, reachable, now))
