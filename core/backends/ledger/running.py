"""Processes of ours, and what waits for them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal_column, select

from core.backends.ledger.dialects import upsert
from core.backends.ledger.schema import cases, leases, messages, outbox, parked, processes
from core.backends.ledger.status import bytes_of
from core.backlog import Backlog
from core.running import Process, forgotten_before


def beat(tx: Connection, process: Process) -> None:
    """Notes that a process runs."""
    values = asdict(process)
    tx.execute(upsert(tx, processes).values(**values).on_conflict_do_update(index_elements=["id"], set_=values))
    tx.execute(processes.delete().where(processes.c.seen_at < forgotten_before(process.seen_at)))


def leave(tx: Connection, process: str) -> None:
    """A process has ended."""
    tx.execute(processes.delete().where(processes.c.id == process))


def running(tx: Connection) -> Sequence[Process]:
    """Every process, the oldest first."""
    return [_process(row) for row in tx.execute(select(processes).order_by(processes.c.started_at, processes.c.id))]


def _process(row: Row[Any]) -> Process:
    return Process(**row._mapping)


def _is(column: ColumnElement[str], state: str) -> ColumnElement[bool]:
    """Said so that an index of these rows alone is taken."""
    return column == literal_column(f"'{state}'")


def backlog(tx: Connection, now: datetime) -> Backlog:
    """What waits."""
    each = messages.c
    waits = tx.execute(
        select(func.count(), func.count(each.line.distinct()), func.min(each.received_at)).where(
            _is(each.state, "waiting")
        )
    ).one()
    checks = tx.execute(select(func.count(), func.min(each.received_at)).where(_is(each.state, "unchecked"))).one()
    untaken = _is(cases.c.status, "handed_off"), cases.c.assignee == ""
    handed = tx.execute(select(func.count(), func.min(cases.c.handed_off_at)).where(*untaken)).one()
    on_their_way = _by_channel(tx, "waiting")
    return Backlog(
        messages=waits[0] + checks[0],
        lines=waits[1],
        messages_since=min((at for at in (waits[2], checks[1]) if at), default=None),
        outbox={row.channel: row.many for row in on_their_way},
        outbox_since={row.channel: row.since for row in on_their_way},
        parked={row.channel: row.many for row in _by_channel(tx, "parked")},
        unread=tx.execute(select(func.count()).select_from(parked)).scalar_one(),
        cases=handed[0],
        cases_since=handed[1],
        leases=tx.execute(select(func.count()).select_from(leases).where(leases.c.expires_at > now)).scalar_one(),
        bytes=bytes_of(tx),
        processes=running(tx),
    )


def _by_channel(tx: Connection, state: str) -> Sequence[Row[Any]]:
    counted = select(outbox.c.channel, func.count().label("many"), func.min(outbox.c.created_at).label("since"))
    return tx.execute(counted.where(_is(outbox.c.state, state)).group_by(outbox.c.channel)).all()
