"""What colleagues ask of the company for customers: see core/quick.py."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from core.backends.ledger import quick
from core.backends.ledger.facets.base import OnDatabase
from core.quick import Order, Waiting
from core.runs import Run


class ForQuickActions(OnDatabase):
    """What colleagues ask of the company for customers: see core/quick.py."""

    async def order_run(self, order: Order, *, now: datetime) -> tuple[Run, bool]:
        return await self._database.write(lambda tx: quick.order(tx, order, now), durable=True)

    async def waiting_runs(self, *, now: datetime) -> Sequence[Waiting]:
        """One short read a run, so that turns get in between."""
        waiting = await self._database.read(quick.waiting)
        return [await self._database.read(partial(quick.shown, row=row, now=now)) for row in waiting]

    async def cut_off_runs(self, case: int, *, now: datetime) -> bool:
        return await self._database.write(lambda tx: quick.cut_off(tx, case, now), durable=True)
