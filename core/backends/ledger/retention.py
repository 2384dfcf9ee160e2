"""Erasing what is older than it may be, a batch at a time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, select, update

from core.backends.ledger import enclosing, recall
from core.backends.ledger.schema import (
    access_log,
    action_runs,
    cases,
    facts,
    messages,
    notes,
    outbox,
    parked,
    raw_messages,
)
from core.memory import Note

_DONE_WITH = ("answered", "replaced")


def erase_raw(tx: Connection, before: datetime, limit: int) -> int:
    """Deliveries of messages that wait no more, those that could not be read, and the files that we sent."""
    old = messages.c.state.in_(_DONE_WITH), messages.c.received_at < before
    ids = select(raw_messages.c.message_id).join(messages).where(*old).order_by(messages.c.id).limit(limit)
    unread = _oldest(parked, parked.c.received_at < before, limit=limit)
    files = enclosing.erase(tx, before, limit)
    gone = tx.execute(parked.delete().where(parked.c.id.in_(unread))).rowcount
    return files + gone + tx.execute(raw_messages.delete().where(raw_messages.c.message_id.in_(ids))).rowcount


def erase_messages(tx: Connection, before: datetime, limit: int) -> int:
    """Messages that wait no more, replies that are not on their way, and what colleagues wrote down."""
    heard = _oldest(messages, messages.c.received_at < before, messages.c.state.in_(_DONE_WITH), limit=limit)
    ids = tx.execute(heard).scalars().all()
    tx.execute(raw_messages.delete().where(raw_messages.c.message_id.in_(ids)))
    for table in (facts, action_runs):
        tx.execute(update(table).where(table.c.message_id.in_(ids)).values(message_id=None))
    gone = tx.execute(messages.delete().where(messages.c.id.in_(ids))).rowcount
    noted = _oldest(notes, notes.c.at < before, limit=limit)
    gone += tx.execute(notes.delete().where(notes.c.id.in_(noted))).rowcount
    said = _oldest(outbox, outbox.c.created_at < before, outbox.c.state != "waiting", limit=limit)
    return gone + tx.execute(outbox.delete().where(outbox.c.id.in_(said))).rowcount


def erase_facts(tx: Connection, before: datetime, limit: int) -> list[Note]:
    """Facts, current ones too, and how cases ended: what memory has of them."""
    ids = tx.execute(_oldest(facts, facts.c.told_at < before, limit=limit)).scalars().all()
    gone = tx.execute(facts.delete().where(facts.c.id.in_(ids)).returning(facts)).all()
    notes = [recall.note_of(row) for row in gone]
    summarised = sorted({row.case_id for row in gone if row.case_id is not None})
    notes += [recall.case_note(tx, case) for case in summarised]  # what it held of these facts goes too
    worded = (cases.c.resolution != "") | (cases.c.reason != "")
    ended = tx.execute(_oldest(cases, cases.c.resolved_at < before, worded, limit=limit)).scalars().all()
    notes += [recall.case_note(tx, case) for case in ended]
    tx.execute(update(cases).where(cases.c.id.in_(ended)).values(resolution="", reason=""))
    return notes


def erase_readings(tx: Connection, before: datetime, limit: int) -> int:
    """Entries of the access log."""
    old = _oldest(access_log, access_log.c.at < before, limit=limit)
    return tx.execute(access_log.delete().where(access_log.c.id.in_(old))).rowcount


def _oldest(table: Table, *where: ColumnElement[bool], limit: int) -> Select[Any]:
    return select(table.c.id).where(*where).order_by(table.c.id).limit(limit)
