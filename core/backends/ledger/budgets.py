"""What was said lately: how much, for the budgets, and what, for loops between two machines."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Select,
    Table,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from core.backends.ledger.prepared import Prepared
from core.backends.ledger.schema import Instant, drafts, messages, outbox, turns
from core.writing import Spoken

_HOUR = timedelta(hours=1)
_JUST_NOW = timedelta(minutes=10)
_LINES = 8  # of either side
_NEVER_SENT = frozenset({"parked", "discarded"})
_CHEAP = ("rules", "nobody", "")  # writers that cost nothing

_SINCE: BindParameter[datetime] = bindparam("since", type_=Instant())
_HANDLE: BindParameter[int] = bindparam("handle")


def _since(table: Table, at: Column[Any]) -> ColumnElement[int]:
    """How many rows a table got, by their ids, which rise with time: two look-ups, however many there are."""
    first = select(table.c.id).where(at > _SINCE).order_by(at).limit(1).scalar_subquery()
    newest = select(func.max(table.c.id)).scalar_subquery()
    return func.coalesce(newest - first + 1, 0)


def _number(table: Table, *where: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).select_from(table).where(*where).scalar_subquery()


_SENT = outbox.c.created_at > _SINCE, outbox.c.sender == "bot"
_COUNTS = Prepared(
    select(
        _number(turns, turns.c.handle_id == _HANDLE, turns.c.settled_at > _SINCE).label("turns_lately"),
        (
            _number(turns, turns.c.settled_at > _SINCE, turns.c.writer.not_in(_CHEAP))
            + _number(drafts, drafts.c.at > _SINCE, drafts.c.writer.not_in(_CHEAP))
        ).label("model_turns_lately"),
        _number(outbox, outbox.c.handle_id == _HANDLE, *_SENT).label("sent_lately"),
        _since(turns, turns.c.settled_at).label("turns_of_all"),
        _since(outbox, outbox.c.created_at).label("sent_to_all"),
    )
)


def counts(tx: Connection, handle: int, now: datetime) -> dict[str, int]:
    """What was done in the last hour, under the names that a turn has for it."""
    return dict(_COUNTS.first(tx, handle=handle, since=now - _HOUR)._asdict())


def _lines() -> Select[Any]:
    heard = (
        select(
            literal("customer").label("sender"),
            messages.c.text,
            messages.c.channel,
            messages.c.told_at.label("at"),
            messages.c.state,
            literal(0).label("parts_sent"),
        )
        .where(messages.c.handle_id == _HANDLE, messages.c.told_at > _SINCE, messages.c.state == "answered")
        .order_by(messages.c.told_at.desc(), messages.c.id.desc())
        .limit(_LINES)
    )
    said = (
        select(
            outbox.c.sender,
            outbox.c.text,
            outbox.c.channel,
            func.coalesce(outbox.c.sent_at, outbox.c.created_at).label("at"),
            outbox.c.state,
            outbox.c.parts_sent,
        )
        .where(outbox.c.handle_id == _HANDLE, outbox.c.created_at > _SINCE)
        .order_by(outbox.c.created_at.desc(), outbox.c.id.desc())
        .limit(_LINES)
    )
    return select(union_all(heard.subquery().select(), said.subquery().select()).subquery())


_LATELY = Prepared(_lines())


def lately(tx: Connection, handle: int, now: datetime, *, live: bool) -> Sequence[Spoken]:
    """What was said on a handle in the last minutes, oldest first. A reply that nobody got was not said, and what it
    was to answer still waits for an answer: neither counts. Who is on the line got nothing of what still waits."""
    unsaid = _NEVER_SENT | ({"waiting"} if live else frozenset())
    rows = reversed(_LATELY.all(tx, handle=handle, since=now - _JUST_NOW))
    lines: list[Spoken] = []
    for row in sorted(rows, key=lambda row: (row.at, row.sender != "customer")):
        if row.state in unsaid and not row.parts_sent:
            lines = lines[: len(lines) - _of_customer_at_the_end(lines)]
        else:
            lines.append(Spoken(sender=row.sender, text=row.text, channel=row.channel, at=row.at))
    return lines


def _of_customer_at_the_end(lines: Sequence[Spoken]) -> int:
    return len(list(takewhile(lambda line: line.sender == "customer", reversed(lines))))


def sent_lately(tx: Connection, handle: int, now: datetime) -> int:
    """How much the bot sent to a handle in the last hour."""
    return counts(tx, handle, now)["sent_lately"]
