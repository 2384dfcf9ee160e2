"""Tasks on cases: made, checked off, listed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from core.backends.ledger import recall
from core.backends.ledger.casefiles import row_of, standing_of
from core.backends.ledger.schema import cases, handles, tasks
from core.casefile import called
from core.tasks import PAGE, NewTask, NoSuchTask, Open, Task
from identity.gate import Purpose, permit

_LATELY_DONE = 20
_WHENEVER = "9999-12-31"  # sorts behind every day


def add(tx: Connection, new: NewTask) -> None:
    """Puts a task on record. Raises NoSuchCase."""
    row = row_of(tx, new.case)
    due = new.due_on.isoformat() if new.due_on else _WHENEVER
    whose = {"case_id": new.case, "handle_id": row.handle_id}
    tx.execute(insert(tasks).values(**whose, title=new.title, made_by=new.made_by, made_at=new.at, due_on=due))


def finish(tx: Connection, case: int, task: int, by: str, now: datetime) -> None:
    """Notes who has done it; the first one stays. Raises NoSuchTask."""
    this = tasks.c.id == task, tasks.c.case_id == case
    if tx.execute(select(tasks.c.id).where(*this)).first() is None:
        raise NoSuchTask(f"case {case} has no task {task}")
    tx.execute(update(tasks).where(*this, tasks.c.done_at.is_(None)).values(done_by=by, done_at=now))


def of_case(tx: Connection, case: int) -> list[Task]:
    """All that are open, and the newest that are done."""
    theirs = select(tasks).where(tasks.c.case_id == case)
    waiting = theirs.where(tasks.c.done_at.is_(None)).order_by(tasks.c.due_on, tasks.c.id)
    done = theirs.where(tasks.c.done_at.is_not(None)).order_by(tasks.c.done_at.desc()).limit(_LATELY_DONE)
    return [_task(row) for query in (waiting, done) for row in tx.execute(query)]


def open_ones(tx: Connection, mine: str, page: int) -> list[Row[Any]]:
    """One page of the tasks that wait, with who has their case."""
    waiting = select(tasks, cases.c.assignee).join(cases).where(tasks.c.done_at.is_(None))
    own = waiting.where(or_(tasks.c.made_by == mine, cases.c.assignee == mine)) if mine else waiting
    in_order = own.order_by(tasks.c.due_on, tasks.c.id).limit(PAGE).offset((page - 1) * PAGE)
    return list(tx.execute(in_order))


def opened(tx: Connection, row: Row[Any], now: datetime) -> Open:
    """One of them with its customer's name, by staff's permit."""
    return Open(
        task=_task(row), handle=row.handle_id, customer=customer_name(tx, row.case_id, now), assignee=row.assignee
    )


def customer_name(tx: Connection, case: int, now: datetime) -> str:
    """What staff call the customer of a case."""
    row = row_of(tx, case)
    allowed = permit(standing_of(tx, row, now), Purpose.STAFF)
    profile = recall.profile(tx, allowed.person) if allowed.person else None
    given = tx.execute(select(handles.c.display_name).where(handles.c.id == row.handle_id)).scalar() or ""
    return called(profile, given, row.handle_id)


def _task(row: Row[Any]) -> Task:
    return Task(
        id=row.id,
        case=row.case_id,
        title=row.title,
        made_by=row.made_by,
        made_at=row.made_at,
        due_on=None if row.due_on == _WHENEVER else date.fromisoformat(row.due_on),
        done_by=row.done_by,
        done_at=row.done_at,
    )
