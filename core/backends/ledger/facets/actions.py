"""What was asked of the company: see core/actions.py."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.backends.ledger import actions as deeds
from core.backends.ledger.facets.base import OnDatabase
from core.memory import Note
from core.runs import Request, Run, RunState
from identity.gate import HandleId, Permit


class ForActions(OnDatabase):
    """What was asked of the company: see core/actions.py."""

    async def begin_run(
        self, request: Request, *, message: int, handle: HandleId, state: RunState, now: datetime
    ) -> Run:
        return await self._database.write(
            lambda tx: deeds.begin(tx, request, message=message, handle=handle, state=state, now=now), durable=True
        )

    async def take_run(self, run: int, *, agent: str, state: RunState, now: datetime) -> Run:
        return await self._database.write(lambda tx: deeds.take(tx, run, agent, state, now), durable=True)

    async def end_run(self, run: Run, *, now: datetime) -> Sequence[Note]:
        return await self._database.write(lambda tx: deeds.end(tx, run, now), durable=True)

    async def spent(self, handles: Collection[HandleId], action: str, *, since: datetime) -> Decimal:
        return await self._database.read(lambda tx: deeds.spent(tx, handles, action, since))

    async def facts_of_case(self, permit: Permit, case: int) -> Mapping[str, str]:
        return await self._database.read(lambda tx: deeds.facts_of_case(tx, permit, case))
