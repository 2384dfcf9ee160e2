"""The queue: see core/queueing.py."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from core.backends.ledger import queueing
from core.backends.ledger.facets.base import OnDatabase
from core.queueing import Filters, Queued, QueuePage


class ForQueue(OnDatabase):
    """The queue: see core/queueing.py. Every read is short, so that turns get in between."""

    async def queue_page(self, filters: Filters, *, me: str, now: datetime) -> QueuePage:
        vip = await self._vip_handles()
        read = self._database.read
        rows = await read(lambda tx: queueing.listed_cases(tx, filters, me, vip, now))
        counted = await read(lambda tx: queueing.counts(tx, filters, me, vip, now))
        return queueing.page_of(rows, counted, await read(queueing.holders))

    async def _vip_handles(self) -> Sequence[int]:
        nodes = await self._database.read(queueing.vips)
        found: set[int] = set()
        for start in range(0, len(nodes), queueing.AT_ONCE):
            some = nodes[start : start + queueing.AT_ONCE]
            found |= set(await self._database.read(partial(queueing.within_reach, nodes=some)))
        return sorted(found)

    async def queued(self, cases: Sequence[int], *, now: datetime) -> Sequence[Queued]:
        found = [await self._database.read(partial(queueing.queued, number=case, now=now)) for case in cases]
        return [one for one in found if one is not None]

    async def queue(self, *, now: datetime) -> Sequence[Queued]:
        """The first page of everything that is neither resolved nor snoozed."""
        page = await self.queue_page(Filters(), me="", now=now)
        return await self.queued(page.cases, now=now)
