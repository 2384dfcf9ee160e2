"""What open pages of the console are told: see core/lookout.py."""

from collections.abc import Sequence
from datetime import datetime

from core.backends.ledger import lookout
from core.backends.ledger.facets.base import OnDatabase
from core.calling import Due
from core.lookout import Pulse


class ForLookout(OnDatabase):
    """What open pages of the console are told: see core/lookout.py."""

    async def pulse(self, *, now: datetime) -> Pulse:
        return await self._database.read(lambda tx: lookout.pulse(tx, now))

    async def handoffs(self, *, first: datetime, again: tuple[datetime, datetime], now: datetime) -> Sequence[Due]:
        return await self._database.read(lambda tx: lookout.handoffs(tx, first, again, now))
