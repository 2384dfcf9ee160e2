"""Processes of ours, and what waits for them: see core/running.py and core/backlog.py."""

from collections.abc import Sequence
from datetime import datetime

from core.backends.ledger import running, turns
from core.backends.ledger.facets.base import OnDatabase
from core.backlog import Backlog
from core.running import Process


class ForRunning(OnDatabase):
    """Processes of ours, and what waits for them: see core/running.py and core/backlog.py."""

    async def beat(self, process: Process) -> None:
        await self._database.write(lambda tx: running.beat(tx, process), beside=process.id)

    async def leave(self, process: str) -> None:
        await self._database.write(lambda tx: running.leave(tx, process))

    async def running(self) -> Sequence[Process]:
        return await self._database.read(running.running)

    async def free(self, process: str) -> None:
        await self._database.write(lambda tx: turns.free(tx, process))

    async def backlog(self, *, now: datetime) -> Backlog:
        return await self._database.read(lambda tx: running.backlog(tx, now))
