"""Tasks: what a person has yet to do about a case, such as an action that the company has no endpoint for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from core.casefile import Reading
from core.desk import Refused
from core.errors import Problem
from identity.gate import HandleId

LONGEST_TITLE = 200  # characters
PAGE = 50  # tasks that are shown together


class NoSuchTask(Problem):
    """There is no such task with this case."""


class Unfit(Refused):
    """A field of a form cannot be taken; `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Something to be done by a person. `due_on` is None for whenever."""

    id: int
    case: int
    title: str
    made_by: str
    made_at: datetime
    due_on: date | None
    done_by: str
    done_at: datetime | None

    def is_late(self, today: date) -> bool:
        """Whether it should have been done before today."""
        return self.done_at is None and self.due_on is not None and self.due_on < today


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTask:
    """A task to be put on record."""

    case: int
    title: str
    made_by: str
    at: datetime
    due_on: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """A task that waits, with whom it is for and who has their case."""

    task: Task
    handle: HandleId
    customer: str
    assignee: str


class TaskLedger(Protocol):
    """Where tasks are on record."""

    async def add_task(self, task: NewTask) -> None:
        """Puts a task on record. Raises NoSuchCase."""
        ...

    async def finish_task(self, case: int, task: int, by: str, *, now: datetime) -> None:
        """Notes who has done a task, once. Raises NoSuchTask."""
        ...

    async def tasks_of(self, case: int) -> Sequence[Task]:
        """The tasks of a case: open ones first, those that are due first on top."""
        ...

    async def open_tasks(self, mine: str, *, page: int, now: datetime) -> Sequence[Open]:
        """A page of the open tasks, those that are due first on top. `mine`: only those that this colleague made, or
        whose case they have; "" for everybody's."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """What colleagues do with tasks."""

    ledger: TaskLedger
    now: Callable[[], datetime]

    async def add(self, case: int, who: str, title: str, due: str = "") -> None:
        """Makes a task of a case; `due` is an ISO date or "". Raises Unfit or NoSuchCase."""
        new = NewTask(case=case, title=_title(title), made_by=who, at=self.now(), due_on=self._due(due))
        await self.ledger.add_task(new)

    async def finish(self, case: int, task: int, who: str) -> None:
        """Checks a task off. Raises NoSuchTask."""
        await self.ledger.finish_task(case, task, who, now=self.now())

    async def open(self, reader: str, *, mine: bool, page: int) -> Sequence[Open]:
        """A page of the open tasks: everybody's, or the reader's own."""
        found = await self.ledger.open_tasks(reader if mine else "", page=page, now=self.now())
        readings = [Reading(handle=one.handle, rows=[f"task:{one.task.id}"]) for one in found]
        await self.ledger.note_reading(reader, readings, now=self.now())
        return found

    def _due(self, typed: str) -> date | None:
        if not typed.strip():
            return None
        try:
            due = date.fromisoformat(typed.strip())
        except ValueError:
            raise Unfit("due", "Nothing was added: write the day as 2026-03-31.") from None
        if due < self.now().date():
            raise Unfit("due", "Nothing was added: that day is over.")
        return due


def _title(typed: str) -> str:
    title = " ".join(typed.split())
    if not title:
        raise Unfit("title", "Nothing was added: say what is to be done.")
    if len(title) > LONGEST_TITLE:
        raise Unfit("title", f"Nothing was added: at most {LONGEST_TITLE} characters say what is to be done.")
    return title
