"""Tasks on cases: see core/tasks.py."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from core.backends.ledger import tasks
from core.backends.ledger.facets.base import OnDatabase
from core.tasks import NewTask, Open, Task


class ForTasks(OnDatabase):
    """Tasks on cases: see core/tasks.py."""

    async def add_task(self, task: NewTask) -> None:
        await self._database.write(lambda tx: tasks.add(tx, task), durable=True)

    async def finish_task(self, case: int, task: int, by: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: tasks.finish(tx, case, task, by, now), durable=True)

    async def tasks_of(self, case: int) -> Sequence[Task]:
        return await self._database.read(lambda tx: tasks.of_case(tx, case))

    async def open_tasks(self, mine: str, *, page: int, now: datetime) -> Sequence[Open]:
        """One short read a task, so that turns get in between."""
        waiting = await self._database.read(lambda tx: tasks.open_ones(tx, mine, page))
        return [await self._database.read(partial(tasks.opened, row=row, now=now)) for row in waiting]
