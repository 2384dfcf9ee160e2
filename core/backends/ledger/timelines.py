"""A customer's timeline: what was said on any channel, notes, what became of cases, and how handles came together.

Each source is read by its own index, newest first and no more than a page of it; a channel that is asked for has its
lines alone.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Select, Table, bindparam, func, or_, select, union

from core.backends.ledger.people import node_of
from core.backends.ledger.schema import case_steps, cases, handles, links, messages, notes, outbox
from core.messages import Attachment
from core.observing import correlation_of
from core.panel import LINES, Kind, Line, Place, Timeline, Wanted, became, joined
from identity.gate import DIRECTORY, Permit
from identity.proof import Proof

_SHOWN = 20_000  # characters of a line; a mail may have a million
_END = Place.after(datetime(9999, 1, 1, tzinfo=UTC))
_ALL = 2**62  # more than any row's number


def page(tx: Connection, allowed: Permit, wanted: Wanted) -> Timeline:
    """One page of a customer's timeline."""
    found = sorted(_found(tx, allowed, wanted), key=lambda line: line.place)
    shown = found[-LINES:]
    older = shown[0].place if len(found) > LINES else None
    return Timeline(lines=allowed.admit(shown), older=older, channels=_channels(tx, allowed))


def _found(tx: Connection, allowed: Permit, wanted: Wanted) -> Iterator[Line]:
    addresses = _addresses(tx, allowed)
    for handle in sorted(allowed.handles - {DIRECTORY}):
        here = {"handle": handle, "channel": wanted.channel}
        of_channel = bool(wanted.channel)
        for row in tx.execute(_heard(of_channel), _before(wanted, Kind.HEARD) | here):
            yield _heard_line(row, addresses)
        for row in tx.execute(_told(of_channel), _before(wanted, Kind.TOLD) | here):
            yield _told_line(row, addresses)
        if not wanted.channel:
            for row in tx.execute(_NOTES, _before(wanted, Kind.NOTE) | here):
                yield _note_line(row)
            for row in tx.execute(_STEPS, _before(wanted, Kind.STEP) | here):
                yield _step_line(row)
    if not wanted.channel:
        yield from _links(tx, allowed, wanted)


# ── where a page begins ──
def _before(wanted: Wanted, kind: Kind) -> dict[str, Any]:
    """The bounds of a source: its rows before a place among all kinds."""
    place = wanted.before or _END
    below = _ALL if kind < place.kind else place.id if kind == place.kind else 0
    return {"at": place.at, "below": below}


def _newest_first(query: Select[Any], at: Any, number: Any) -> Select[Any]:
    """A source, bounded by a place and to one page."""
    moment, below = bindparam("at", type_=at.type), bindparam("below", type_=BigInteger)
    bounded = query.where(at <= moment, or_(at < moment, number < below))
    return bounded.order_by(at.desc(), number.desc()).limit(LINES + 1)


# ── what was said ──
def _text(table: Table) -> tuple[Any, Any]:
    return func.substr(table.c.text, 1, _SHOWN).label("text"), func.length(table.c.text).label("length")


@cache
def _heard(of_channel: bool) -> Select[Any]:
    m = messages.c
    told = select(m.id, m.handle_id, m.told_at, m.channel, m.proof, m.case_id, m.body, m.trace, *_text(messages))
    query = told.where(m.handle_id == bindparam("handle"))
    return _newest_first(query.where(m.channel == bindparam("channel")) if of_channel else query, m.told_at, m.id)


def _heard_line(row: Row[Any], addresses: dict[int, str]) -> Line:
    return Line(
        place=Place(row.told_at, Kind.HEARD, row.id),
        drawn_from=frozenset((row.handle_id,)),
        text=row.text,
        length=row.length,
        case=row.case_id,
        channel=row.channel,
        address=addresses.get(row.handle_id, ""),
        sender="customer",
        proof=None if row.proof is None else Proof(row.proof),
        files=[Attachment(**file) for file in row.body["attachments"]],
        message=row.id,
        correlation=correlation_of(row.trace),
    )


@cache
def _told(of_channel: bool) -> Select[Any]:
    o = outbox.c
    whose = o.id, o.handle_id, o.channel, o.case_id, o.drawn_from, o.sender, o.agent
    columns = *whose, o.created_at, o.state, o.error, o.trace
    query = select(*columns, o.reply["files"].label("files"), *_text(outbox)).where(o.handle_id == bindparam("handle"))
    return _newest_first(query.where(o.channel == bindparam("channel")) if of_channel else query, o.created_at, o.id)


def _told_line(row: Row[Any], addresses: dict[int, str]) -> Line:
    return Line(
        place=Place(row.created_at, Kind.TOLD, row.id),
        drawn_from=frozenset(row.drawn_from),
        text=row.text,
        length=row.length,
        case=row.case_id,
        who=row.agent,
        channel=row.channel,
        address=addresses.get(row.handle_id, ""),
        sender=row.sender,
        state=row.state,
        error=row.error,
        files=[Attachment(**file) for file in row.files or ()],
        outgoing=row.id,
        correlation=correlation_of(row.trace),
    )


# ── what colleagues wrote down, and what became of cases ──
_NOTES = _newest_first(
    select(notes.c.id, notes.c.case_id, notes.c.handle_id, notes.c.text, notes.c.written_by, notes.c.at).where(
        notes.c.handle_id == bindparam("handle")
    ),
    notes.c.at,
    notes.c.id,
)


def _note_line(row: Row[Any]) -> Line:
    return Line(
        place=Place(row.at, Kind.NOTE, row.id),
        drawn_from=frozenset((row.handle_id,)),
        text=row.text,
        length=len(row.text),
        case=row.case_id,
        who=row.written_by,
    )


def _steps() -> Select[Any]:
    taken = (
        select(
            *(case_steps.c[name] for name in ("id", "case_id", "at", "status", "assignee", "changed_by")),
            *(
                func.lag(case_steps.c[name])
                .over(partition_by=case_steps.c.case_id, order_by=case_steps.c.id)
                .label(was)
                for name, was in (("status", "was_status"), ("assignee", "was_with"))
            ),
            *(cases.c[name] for name in ("handle_id", "reason", "handed_off_at", "resolution", "resolved_at")),
        )
        .join(cases, cases.c.id == case_steps.c.case_id)
        .where(cases.c.handle_id == bindparam("handle"))
        .subquery()
    )
    return _newest_first(select(taken), taken.c.at, taken.c.id)


_STEPS = _steps()


def _step_line(row: Row[Any]) -> Line:
    why = row.reason if row.status == "handed_off" and row.at == row.handed_off_at and not row.assignee else ""
    how = row.resolution if row.status == "resolved" and row.at == row.resolved_at else ""
    before = (row.was_status or "open", row.was_with or "")
    text = became(before, (row.status, row.assignee), row.changed_by, why or how)
    return Line(
        place=Place(row.at, Kind.STEP, row.id),
        drawn_from=frozenset((row.handle_id,)),
        text=text,
        length=len(text),
        case=row.case_id,
    )


# ── how handles came together ──
def _links(tx: Connection, allowed: Permit, wanted: Wanted) -> Iterator[Line]:
    """Few for any customer, so all are looked at."""
    nodes = [node_of(handle) for handle in allowed.handles] + ([f"d:{allowed.person}"] if allowed.person else [])
    sides = [select(links).where(side.in_(nodes)) for side in (links.c.a, links.c.b)]
    for row in tx.execute(union(*sides)).all():
        pair = f"{_named(tx, row.a)} and {_named(tx, row.b)}"
        for at, ended in ((row.made_at, False), (row.retired_at, True)):
            place = Place(at, Kind.LINK, 2 * row.id + ended) if at else None
            if place and (wanted.before is None or place < wanted.before):
                text = joined(row.kind, pair, row.made_by, ended=ended)
                yield Line(place=place, drawn_from=frozenset(), text=text, length=len(text))


def _named(tx: Connection, node: str) -> str:
    if node.startswith("d:"):
        return node.removeprefix("d:")
    of_it = select(handles.c.channel, handles.c.address).where(handles.c.id == int(node.removeprefix("h:")))
    row = tx.execute(of_it).one_or_none()
    return f"{row.channel}:{row.address}" if row and not row.address.startswith("~") else node


def _addresses(tx: Connection, allowed: Permit) -> dict[int, str]:
    rows = tx.execute(select(handles.c.id, handles.c.address).where(handles.c.id.in_(allowed.handles)))
    return {row.id: "" if row.address.startswith("~") else row.address for row in rows}


def _channels(tx: Connection, allowed: Permit) -> Sequence[str]:
    """The channels of a customer's handles."""
    own = select(handles.c.channel).where(handles.c.id.in_(allowed.handles)).distinct()
    return sorted(tx.execute(own).scalars())
