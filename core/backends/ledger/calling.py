"""Which cases colleagues are to be told of, and who they are elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select

from core.backends.ledger.schema import accounts, calls, cases
from core.calling import Due
from core.stage import CONVERSATION

_AT_ONCE = 20  # cases; the next look finds the others


def to_call(tx: Connection, room: str, again_from: datetime, oldest: datetime) -> Sequence[Due]:
    """The cases of real customers that nobody has and that a room was not told of, or only once and long ago."""
    is_real = cases.c.last_conversation.not_like(f"{CONVERSATION}%")
    waits = cases.c.status == "handed_off", cases.c.assignee == "", is_real
    first = ~_told(room, 1) & (cases.c.handed_off_at > oldest)
    second = _told(room, 1, calls.c.at <= again_from) & ~_told(room, 2)
    query = select(cases.c.id, cases.c.handed_off_at, first.label("first")).where(*waits, first | second)
    rows = tx.execute(query.order_by(cases.c.handed_off_at).limit(_AT_ONCE))
    return [Due(case=row.id, handed_off_at=row.handed_off_at, nth=1 if row.first else 2) for row in rows]


def _told(room: str, nth: int, *further: ColumnElement[bool]) -> ColumnElement[bool]:
    of_it = calls.c.case_id == cases.c.id, calls.c.handed_off_at == cases.c.handed_off_at
    return select(calls.c.nth).where(*of_it, calls.c.room == room, calls.c.nth == nth, *further).exists()


def called(tx: Connection, due: Due, room: str, post: str, now: datetime) -> None:
    """Notes that a room was told."""
    which = {"case_id": due.case, "handed_off_at": due.handed_off_at, "room": room, "nth": due.nth}
    tx.execute(insert(calls).values(**which, post=post, at=now))


def called_for(tx: Connection, room: str, post: str) -> int | None:
    """The case that a post is about."""
    if not post:
        return None
    return tx.execute(select(calls.c.case_id).where(calls.c.room == room, calls.c.post == post)).scalar()


def tied(tx: Connection, key: str) -> str | None:
    """The account that is tied to a handle elsewhere."""
    if not key:
        return None
    return tx.execute(select(accounts.c.name).where(accounts.c.tied == key, accounts.c.disabled_at.is_(None))).scalar()
