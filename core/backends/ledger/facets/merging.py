"""Who is who: see core/merging.py."""

from datetime import datetime

from core.backends.ledger import (
    merging,
)
from core.backends.ledger.facets.base import OnDatabase
from core.merging import Order, Plan, WhoIsIt


class ForMerging(OnDatabase):
    """Who is who: see core/merging.py."""

    async def plan_merge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.plan_merge(tx, order))

    async def plan_unmerge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.plan_unmerge(tx, order))

    async def merge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.merge(tx, order), durable=True)

    async def unmerge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.unmerge(tx, order), durable=True)

    async def who_is_it(self, case: int, *, now: datetime) -> WhoIsIt:
        return await self._database.read(lambda tx: merging.who_is_it(tx, case, now))
