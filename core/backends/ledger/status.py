"""What the record knows of how everything does, and putting right what did not go out or could not be read."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
    update,
)

from core.backends.ledger import budgets, people
from core.backends.ledger import outbox as out
from core.backends.ledger.schema import cases, facts, handles, messages, outbox, parked, patterns, turns, wires
from core.desk import Refused
from core.ledger import Outgoing
from core.messages import Raw
from core.status import Deferred, Held, NoSuchThing, Outbox, Recorded, Traffic

_LISTED = 50
_LOOKED_AT = 20_000  # newest replies among which the last one by each channel is looked for
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_OFFLINE = ("rules", "nobody", "")  # writers that are no model
_GONE = "It is not there any more: it was put right already, or its customer was erased."

_WAITING = outbox.c.state == "waiting"


def recorded(tx: Connection, channels: Collection[str], now: datetime) -> Recorded:
    """What the record knows."""
    lately = budgets.counts(tx, 0, now)
    waits = messages.c.state.in_(("waiting", "unchecked"))
    unanswered, since = tx.execute(select(func.count(), func.min(messages.c.received_at)).where(waits)).one()
    return Recorded(
        traffic={name: _traffic(tx, name) for name in channels},
        outbox=_outbox(tx, now),
        deferred=_deferred(tx),
        parked=_count(tx, outbox.c.id, outbox.c.state == "parked"),
        unread=_count(tx, parked.c.id),
        unanswered=unanswered,
        unanswered_since=since,
        turns_lately=lately["turns_of_all"],
        model_turns_lately=lately["model_turns_lately"],
        sent_lately=lately["sent_to_all"],
        model_at=_model_at(tx, now),
        bytes=bytes_of(tx),
    )


def _count(tx: Connection, column: ColumnElement[Any], *where: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count(column)).where(*where)).scalar_one())


def _traffic(tx: Connection, channel: str) -> Traffic:
    newest = select(func.max(outbox.c.id)).scalar_subquery()
    sent = outbox.c.channel == channel, outbox.c.state == "sent", outbox.c.id > newest - _LOOKED_AT
    return Traffic(
        heard_at=tx.execute(select(func.max(handles.c.heard_at)).where(handles.c.channel == channel)).scalar(),
        sent_at=tx.execute(select(outbox.c.sent_at).where(*sent).order_by(outbox.c.id.desc()).limit(1)).scalar(),
    )


def _outbox(tx: Connection, now: datetime) -> Outbox:
    due = _WAITING, or_(outbox.c.due_at.is_(None), outbox.c.due_at <= now)
    twice = outbox.c.maybe_twice, outbox.c.created_at > now - _DAY
    return Outbox(
        waiting=_count(tx, outbox.c.id, _WAITING),
        due=_count(tx, outbox.c.id, *due),
        oldest=tx.execute(select(func.min(outbox.c.created_at)).where(_WAITING)).scalar(),
        failing=_held(tx, _WAITING, outbox.c.attempts > 0),
        maybe_twice=_held(tx, *twice),
    )


def _held(tx: Connection, *where: ColumnElement[bool]) -> list[Held]:
    return [
        Held(
            id=row.id,
            case=row.case_id,
            channel=row.channel,
            since=row.created_at,
            state=row.state,
            attempts=row.attempts,
            error=row.error,
            due_at=row.due_at,
        )
        for row in tx.execute(select(outbox).where(*where).order_by(outbox.c.id).limit(_LISTED))
    ]


def _deferred(tx: Connection) -> list[Deferred]:
    put_off = select(outbox.c.channel, func.count(), func.min(outbox.c.created_at))
    by_channel = put_off.where(_WAITING, outbox.c.attempts > 0).group_by(outbox.c.channel).order_by(outbox.c.channel)
    return [Deferred(channel=channel, count=count, since=since) for channel, count, since in tx.execute(by_channel)]


def _model_at(tx: Connection, now: datetime) -> datetime | None:
    """Within the last week."""
    by_model = turns.c.settled_at > now - _WEEK, turns.c.writer.not_in(_OFFLINE)
    newest = select(turns.c.settled_at).where(*by_model).order_by(turns.c.settled_at.desc()).limit(1)
    at: datetime | None = tx.execute(newest).scalar()
    return at


def bytes_of(tx: Connection) -> int:
    """How large the database is."""
    if tx.dialect.name == "postgresql":
        return int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (tx.exec_driver_sql(f"PRAGMA {what}").scalar_one() for what in ("page_count", "page_size"))
    return int(pages) * int(size)


def rows_for_memory(tx: Connection, most: int) -> int:
    """How many rows memory should hold: current facts that no closed case stands for, closed cases, and patterns."""
    one: ColumnElement[int] = literal_column("1", Integer).label("one")
    closed = select(cases.c.handle_id, one).where(cases.c.status == "resolved")
    stood_for = (
        select(cases.c.id)
        .where(cases.c.id == facts.c.case_id, cases.c.handle_id == facts.c.handle_id, cases.c.status == "resolved")
        .exists()
    )
    told = select(facts.c.handle_id, one).where(facts.c.superseded_at.is_(None), ~stood_for)
    rows = union_all(told, closed).subquery()
    each = tx.execute(select(func.count()).select_from(rows).group_by(rows.c.handle_id)).scalars()
    return sum(min(int(count), most) for count in each) + _count(tx, patterns.c.id)


# ── putting right ──
def put_back(tx: Connection, outgoing: int, now: datetime) -> Outgoing:
    """Puts a parked reply into the outbox again. What went out whole, and failed later, goes anew."""
    row = _parked(tx, outgoing)
    handle = tx.execute(select(handles).where(handles.c.id == row.handle_id)).one()
    if handle.opted_out_at is not None:
        raise Refused("Nothing was sent: its receiver wants to hear no more of us.")
    if not people.still_theirs(tx, handle, now):
        raise Refused("Nothing was sent: the address may belong to somebody else by now.")
    begun: dict[str, Any] = {"state": "waiting", "due_at": None, "attempts": 0, "error": ""}
    begun["maybe_twice"] = row.maybe_twice or row.sent_at is not None
    if row.sent_at is not None:
        tx.execute(wires.delete().where(wires.c.outgoing == outgoing))
        begun["sent_at"] = None  # delivery begins anew with what went out whole
    again = update(outbox).where(outbox.c.id == outgoing).values(**begun).returning(outbox)
    return out.outgoing_of(tx.execute(again).one())


def set_aside(tx: Connection, outgoing: int) -> None:
    """A parked reply will not be sent."""
    _parked(tx, outgoing)
    tx.execute(update(outbox).where(outbox.c.id == outgoing).values(state="discarded"))


def _parked(tx: Connection, outgoing: int) -> Row[Any]:
    row = tx.execute(select(outbox).where(outbox.c.id == outgoing)).one_or_none()
    if row is None:
        raise NoSuchThing(_GONE)
    if row.state != "parked":
        raise Refused("Nothing was changed: this reply was sent again, or set aside, already.")
    return row


def parked_delivery(tx: Connection, unread: int) -> tuple[str, Raw]:
    """A delivery that could not be read."""
    row = tx.execute(select(parked).where(parked.c.id == unread)).one_or_none()
    if row is None:
        raise NoSuchThing(_GONE)
    return row.channel, Raw(body=row.body, received_at=row.received_at, headers=row.headers)


def parked_again(tx: Connection, unread: int, reason: str) -> None:
    """Notes why it still cannot be read."""
    tx.execute(update(parked).where(parked.c.id == unread).values(reason=reason))


def drop_delivery(tx: Connection, unread: int) -> None:
    """Lets go of a delivery."""
    if not tx.execute(parked.delete().where(parked.c.id == unread)).rowcount:
        raise NoSuchThing(_GONE)
