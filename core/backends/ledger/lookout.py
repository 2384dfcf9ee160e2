"""What the lookout sees at one look: sums and newest numbers, so that it stays short with thousands of cases."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy import case as either

from core.backends.ledger.queueing import UNRESOLVED, awake
from core.backends.ledger.schema import cases, messages
from core.calling import Due
from core.lookout import Pulse

_AT_ONCE = 20  # handoffs; the others stand in the queue
_MOST_HELD = 2_000  # cases that colleagues have


def pulse(tx: Connection, now: datetime) -> Pulse:
    """How all cases stand. Whatever happens to one changes a number: its group's, or the time of the last change."""
    snoozed = either((awake(now), 0), else_=1).label("snoozed")
    groups = select(
        cases.c.status,
        cases.c.assignee,
        snoozed,
        func.count().label("cases"),
        func.sum(cases.c.id).label("which"),
        func.max(cases.c.updated_at).label("updated_at"),
        func.max(cases.c.handed_off_at).label("handed_off_at"),
    )
    rows = tx.execute(groups.where(UNRESOLVED).group_by(cases.c.status, cases.c.assignee, snoozed)).all()
    resolved = select(func.max(cases.c.updated_at)).where(cases.c.status == "resolved")
    parts = [sorted(map(tuple, rows), key=repr), tx.execute(resolved).scalar()]
    handed_off = [row for row in rows if row.status == "handed_off" and not row.snoozed]
    return Pulse(
        queue=repr(parts),
        waiting=sum(row.cases for row in handed_off if not row.assignee),
        held={row.assignee: row.cases for row in handed_off if row.assignee},
        heard=_heard(tx),
    )


def _heard(tx: Connection) -> dict[int, tuple[str, int]]:
    """The newest message where each case that somebody has was last talked about."""
    there = select(func.max(messages.c.id)).where(messages.c.handle_id == cases.c.last_handle_id).scalar_subquery()
    held = select(cases.c.id, cases.c.assignee, there.label("newest"))
    rows = tx.execute(held.where(cases.c.status == "handed_off", cases.c.assignee != "").limit(_MOST_HELD))
    return {row.id: (row.assignee, row.newest or 0) for row in rows}


def handoffs(tx: Connection, first: datetime, again: tuple[datetime, datetime], now: datetime) -> Sequence[Due]:
    """The cases that nobody has and that are to be told now."""
    at = cases.c.handed_off_at
    new, old = at > first, and_(at > again[0], at <= again[1])
    waits = cases.c.status == "handed_off", cases.c.assignee == "", awake(now)
    rows = tx.execute(select(cases.c.id, at).where(*waits, or_(new, old)).order_by(at.desc()).limit(_AT_ONCE))
    return [
        Due(case=row.id, handed_off_at=row.handed_off_at, nth=1 if row.handed_off_at > first else 2) for row in rows
    ]
