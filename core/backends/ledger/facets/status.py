"""How everything does: see core/status.py."""

from collections.abc import Collection
from datetime import datetime

from core.backends.ledger import status
from core.backends.ledger.facets.base import OnDatabase
from core.ledger import Outgoing
from core.messages import Raw
from core.status import Recorded


class ForStatus(OnDatabase):
    """How everything does: see core/status.py."""

    async def recorded(self, channels: Collection[str], *, now: datetime) -> Recorded:
        return await self._database.read(lambda tx: status.recorded(tx, channels, now))

    async def rows_for_memory(self, most: int) -> int:
        return await self._database.read(lambda tx: status.rows_for_memory(tx, most))

    async def put_back(self, outgoing: int, *, now: datetime) -> Outgoing:
        return await self._database.write(lambda tx: status.put_back(tx, outgoing, now), durable=True)

    async def set_aside(self, outgoing: int) -> None:
        await self._database.write(lambda tx: status.set_aside(tx, outgoing), durable=True)

    async def parked_delivery(self, unread: int) -> tuple[str, Raw]:
        return await self._database.read(lambda tx: status.parked_delivery(tx, unread))

    async def parked_again(self, unread: int, reason: str) -> None:
        await self._database.write(lambda tx: status.parked_again(tx, unread, reason))

    async def drop_delivery(self, unread: int) -> None:
        await self._database.write(lambda tx: status.drop_delivery(tx, unread), durable=True)
