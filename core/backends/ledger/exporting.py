"""Everything on record about a customer, for them to have."""

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, insert, or_, select

from core.backends.ledger import enclosing, erasing, people, recall
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import (
    access_log,
    action_runs,
    case_steps,
    cases,
    decisions,
    evidence,
    facts,
    handles,
    links,
    messages,
    notes,
    outbox,
    raw_messages,
    tasks,
)
from core.exporting import Export, Record
from identity import partition
from identity.gate import DIRECTORY, handles_of
from identity.partition import Node
from identity.proof import Proof

_PURPOSE = "export"
_OF_A_SOURCE = ("id", "channel", "external_id", "text", "told_at")


def export(tx: Connection, name: str, reader: str, now: datetime) -> Export:
    """Everything about a customer, by an external id or channel:address. Raises NoSuchCustomer."""
    node = erasing.named(tx, name)
    nodes = partition.customer(node, people.evidence_around(tx, [node], now))
    person = name if node == f"d:{name}" else next(iter(partition.persons(nodes)), "")
    ids = handles_of(nodes)
    said = {row.id: _said(row) for row in tx.execute(_heard_on(ids))}
    told = [_fact(row, said) for row in tx.execute(_on(facts, ids))]
    found = _records(tx.execute(_on(cases, ids)))
    read = [f"case:{row['id']}" for row in found] + [f"fact:{row['id']}" for row in told]
    _note(tx, sorted(ids), [*read, *([f"directory:{person}"] if person else [])], reader, now)
    return Export(
        external_id=person,
        exported_at=now.isoformat(),
        profile=recall.profile(tx, person) if person else None,
        evidence=_evidence(tx, f"d:{person}"),
        handles=[_handle(tx, row) for row in tx.execute(select(handles).where(handles.c.id.in_(ids)))],
        links=_touching(tx, links, nodes),
        decisions=_touching(tx, decisions, nodes),
        facts=told,
        cases=found,
        messages=list(said.values()),
        replies=[_reply(tx, row) for row in tx.execute(_on(outbox, ids)) if set(row.drawn_from) <= {*ids, DIRECTORY}],
        access_log=_records(tx.execute(_on(access_log, ids))),
        steps=_steps(tx, ids),
        notes=_records(tx.execute(_on(notes, ids))),
        tasks=_records(tx.execute(_on(tasks, ids))),
        actions=_records(tx.execute(_on(action_runs, ids))),
    )


def _steps(tx: Connection, ids: Iterable[int]) -> list[Record]:
    theirs = case_steps.c.case_id.in_(select(cases.c.id).where(cases.c.handle_id.in_(ids)))
    return _records(tx.execute(select(case_steps).where(theirs).order_by(case_steps.c.id)))


def _touching(tx: Connection, table: Table, nodes: frozenset[Node]) -> list[Record]:
    return _records(
        tx.execute(select(table).where(or_(table.c.a.in_(nodes), table.c.b.in_(nodes))).order_by(table.c.id))
    )


def _on(table: Table, ids: Iterable[int]) -> Select[Any]:
    return select(table).where(table.c.handle_id.in_(ids)).order_by(table.c.id)


def _heard_on(ids: Iterable[int]) -> Select[Any]:
    raw = raw_messages.c.body.label("delivery")
    joined = select(messages, raw).outerjoin(raw_messages, raw_messages.c.message_id == messages.c.id)
    return joined.where(messages.c.handle_id.in_(ids)).order_by(messages.c.id)


def _note(tx: Connection, ids: Iterable[int], read: list[str], reader: str, now: datetime) -> None:
    for handle in ids:
        tx.execute(insert(access_log).values(at=now, purpose=_PURPOSE, reader=reader, handle_id=handle, rows=read))


def _evidence(tx: Connection, node: str) -> list[Record]:
    return _records(tx.execute(select(evidence).where(evidence.c.node == node).order_by(evidence.c.id)))


def _handle(tx: Connection, row: Row[Any]) -> Record:
    return _record(row) | {"evidence": _evidence(tx, node_of(row.id))}


def _said(row: Row[Any]) -> Record:
    """A message, with the delivery as it came: files stand in it."""
    delivery = None if row.delivery is None else base64.b64encode(row.delivery).decode()
    shown = _record(row, "id", "handle_id", "channel", "external_id", "conversation", "text", "received_at", "told_at")
    return shown | {"proof": _proof(row.proof), "attachments": row.body["attachments"], "delivery": delivery}


def _fact(row: Row[Any], said: dict[int, Record]) -> Record:
    message = said.get(row.message_id)
    source = message and {name: message[name] for name in _OF_A_SOURCE}
    return _record(row) | {"proof": _proof(row.proof), "message": source}


def _reply(tx: Connection, row: Row[Any]) -> Record:
    """A reply, with the files that went with it, as far as they are kept."""
    shown = _record(row, "id", "handle_id", "case_id", "channel", "text", "sender", "state", "created_at", "sent_at")
    contents = enclosing.contents(tx, row.id) if row.reply.get("files") else {}
    files = [
        file | {"content": base64.b64encode(contents[number]).decode() if number in contents else None}
        for number, file in enumerate(row.reply.get("files", ()))
    ]
    return shown | {"files": files}


def _proof(value: int | None) -> str | None:
    return None if value is None else Proof(value).name.lower()


def _records(rows: Iterable[Row[Any]]) -> list[Record]:
    return [_record(row) for row in rows]


def _record(row: Row[Any], *names: str) -> Record:
    kept = row._mapping
    return {name: _plain(kept[name]) for name in names or kept}


def _plain(value: Any) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
