"""Erasing a customer from every table, once, and again where a backup brought them back."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from core import merging
from core.backends.ledger import people, tombstones, whois
from core.backends.ledger.dialects import values
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import (
    access_log,
    cases,
    codes,
    directory,
    evidence,
    facts,
    handles,
    leases,
    messages,
    metadata,
    outbox,
    parked,
    patterns,
    receipts,
)
from core.backends.ledger.tombstones import BroughtBack
from core.erasing import NoSuchCustomer, Receipt, Tombstone
from identity import partition
from identity.gate import DIRECTORY, handles_of
from identity.partition import Evidence, Node

# Their rows lose what is personal and stay, for what else hangs on them.
_BLANKED = frozenset({"handles", "access_log", "patterns"})
_SHORTEST_ADDRESS, _SHORTEST_NAME = 5, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """Everything by which a customer's rows are found."""

    nodes: frozenset[Node]
    handles: frozenset[int]
    keys: frozenset[str]
    addresses: frozenset[str]
    lines: frozenset[str]  # of handles that nobody else has taken over
    called: frozenset[int]  # replies that call a handle by their name which was once taken for theirs


# ── who it is ──
def customer(tx: Connection, name: str, now: datetime) -> Customer:
    """The customer of an external id or channel:address, now and before vouchers lapsed; with former handles. Raises
    NoSuchCustomer."""
    node = named(tx, name)
    around = people.evidence_ever(tx, [node])
    # A voucher that lapsed may join, and may be all that two people met by and were parted for.
    nodes = partition.customer(node, around) | partition.customer(node, partition.as_of(now, around))
    persons = [f"d:{person}" for person in partition.persons(nodes)]
    found = handles_of(nodes) | _shared(persons, around) | _former(tx, persons)
    rows = tx.execute(select(handles).where(handles.c.id.in_(found))).all()
    addresses = _addresses(tx, partition.persons(nodes), rows, _keys(tx, nodes))
    return _made_of(tx, nodes, [*rows, *_named(tx, addresses, found)])


def _made_of(tx: Connection, nodes: frozenset[Node], rows: Sequence[Row[Any]]) -> Customer:
    """The customer of these nodes and these handles, and of nothing else that hangs together with them."""
    keys, ids = _keys(tx, nodes), frozenset(row.id for row in rows)
    return Customer(
        nodes=nodes | {node_of(handle) for handle in ids},
        handles=ids,
        keys=keys | {row.key for row in rows},
        addresses=_addresses(tx, partition.persons(nodes), rows, keys),
        lines=frozenset(_line(row) for row in rows if _is_newest(tx, row)),
        called=_called(tx, _touched(tx, nodes, keys), _names(tx, partition.persons(nodes))),
    )


def named(tx: Connection, name: str) -> Node:
    """The node of an external id or channel:address. Raises NoSuchCustomer."""
    try:
        return whois.node_named(tx, name)
    except merging.NoSuchCustomer as error:
        raise NoSuchCustomer(f"customers: {error}") from None


def _keys(tx: Connection, nodes: frozenset[Node]) -> frozenset[str]:
    of_persons = evidence.c.node.in_([node for node in nodes if node.startswith("d:")])
    return frozenset(tx.execute(select(evidence.c.key).where(of_persons)).scalars())


def _shared(persons: Collection[Node], around: Evidence) -> frozenset[int]:
    """Handles of keys that another person holds too: they are nobody's, and would become the other one's alone."""
    theirs = {v.key: v.at for v in around.vouched if v.node in persons and v.key in partition.shared_keys(around)}
    return frozenset(
        handle
        for o in around.owned
        if o.key in theirs and (o.silent_from is None or theirs[o.key] > o.silent_from)
        for handle in handles_of(frozenset((o.node,)))
    )


def _former(tx: Connection, persons: Collection[Node]) -> frozenset[int]:
    """Handles that were theirs until the directory took the key away."""
    taken = and_(handles.c.key == evidence.c.key, handles.c.closed_at == evidence.c.retired_at)
    return frozenset(
        tx.execute(select(handles.c.id).join(evidence, taken).where(evidence.c.node.in_(persons))).scalars()
    )


def _names(tx: Connection, persons: Iterable[str]) -> frozenset[str]:
    """Words of their names, as a reply may spell them."""
    names = tx.execute(select(directory.c.name).where(directory.c.external_id.in_(list(persons)))).scalars()
    words = {word for name in names for word in name.split() if len(word) >= _SHORTEST_NAME}
    return frozenset(form for word in words for form in (word, word.upper(), word.capitalize()))


def _called(tx: Connection, touched: Collection[int], names: Collection[str]) -> frozenset[int]:
    if not names:
        return frozenset()
    naming = re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(name) for name in sorted(names))})(?!\w)")
    replies = select(outbox.c.id, outbox.c.text).where(_draws_on([DIRECTORY]), _draws_on(touched))
    return frozenset(row.id for row in tx.execute(replies) if naming.search(row.text))


def _touched(tx: Connection, nodes: frozenset[Node], keys: Iterable[str]) -> frozenset[int]:
    """Handles that links or vouchers ever joined with theirs, also where that has ended or is in dispute."""
    vouching = tx.execute(select(evidence.c.node).where(evidence.c.key.in_(list(keys)))).scalars()
    around = people.evidence_ever(tx, {*nodes, *vouching})
    return handles_of(frozenset(owned.node for owned in around.owned))


def _addresses(tx: Connection, persons: Sequence[str], rows: Iterable[Row[Any]], keys: Iterable[str]) -> frozenset[str]:
    known = {row.address for row in rows if not row.address.startswith("~")}
    for person in tx.execute(select(directory).where(directory.c.external_id.in_(persons))):
        known |= {person.email, person.phone}
    return frozenset((known | {key.partition(":")[2] for key in keys}) - {"", *persons})


def _named(tx: Connection, addresses: Collection[str], found: Collection[int]) -> list[Row[Any]]:
    """Handles of unproven messages that name one of these addresses, but for those that a code made somebody else's."""
    named = tx.execute(select(handles).where(handles.c.hint.in_(addresses), handles.c.id.not_in(found))).all()
    return [row for row in named if _is_alone(tx, node_of(row.id))]


def _is_alone(tx: Connection, node: Node) -> bool:
    return partition.customer(node, people.evidence_ever(tx, [node])) == {node}


def _is_newest(tx: Connection, row: Row[Any]) -> bool:
    same = handles.c.channel == row.channel, handles.c.address == row.address, handles.c.epoch > row.epoch
    return tx.execute(select(handles.c.id).where(*same)).first() is None


def _line(row: Row[Any]) -> str:
    return f"{row.channel}:{row.address}"


# ── erasing ──
def erase(tx: Connection, name: str, receipt: str, secret: bytes, now: datetime) -> Receipt:
    """Erases a customer everywhere in the ledger. Raises NoSuchCustomer."""
    gone = customer(tx, name, now)
    _bury(tx, gone, secret, now)
    return _erase(tx, gone, [row.id for row in _parked_of(tx, gone.addresses)], receipt, now)


def erase_again(
    tx: Connection, kept: Iterable[Tombstone], receipt: str, secret: bytes, now: datetime
) -> tuple[Receipt, frozenset[str]] | None:
    """Erases what this ledger still has, or has again, of customers whose tombstones were kept elsewhere, and takes
    these over; the receipt and their addresses, or None where nothing came back."""
    news = tombstones.take_over(tx, kept)
    back = tombstones.brought_back(tx, news, secret) if news else None
    if not back:
        return None
    gone = _brought_back(tx, back)
    found = {row.id for row in _parked_of(tx, gone.addresses)} | back.parked
    return _erase(tx, gone, sorted(found), receipt, now), gone.addresses


def _brought_back(tx: Connection, back: BroughtBack) -> Customer:
    rows = tx.execute(select(handles).where(handles.c.id.in_(back.handles))).all()
    gone = _made_of(tx, frozenset(f"d:{person}" for person in back.persons), rows)
    return replace(gone, keys=gone.keys | back.waiting)


def _erase(tx: Connection, gone: Customer, unread: Sequence[int], receipt: str, now: datetime) -> Receipt:
    tx.execute(leases.delete().where(leases.c.customer.in_(gone.nodes)))  # a turn that is at it cannot settle
    tx.execute(parked.delete().where(parked.c.id.in_(unread)))
    erased = {"parked": len(unread)} | _erase_rows(tx, gone)
    persons = partition.persons(gone.nodes)
    erased["directory"] = tx.execute(directory.delete().where(directory.c.external_id.in_(persons))).rowcount
    _blank(tx, gone)
    done = Receipt(id=receipt, at=now, handles=sorted(gone.handles), erased={t: n for t, n in erased.items() if n})
    tx.execute(insert(receipts).values(id=done.id, at=done.at, handles=list(done.handles), erased=dict(done.erased)))
    return done


def to_be_erased(tx: Connection, name: str, now: datetime) -> dict[str, int]:
    """How many rows of each table would go; nothing does. Raises NoSuchCustomer."""
    gone = customer(tx, name, now)
    theirs = {table: where for table in metadata.sorted_tables if (where := _theirs(table, gone))}
    theirs[directory] = [directory.c.external_id.in_(partition.persons(gone.nodes))]
    kept = [table for table in theirs if table.name in _BLANKED]
    counts = {
        table.name: int(tx.execute(select(func.count()).select_from(table).where(or_(*where))).scalar_one())
        for table, where in theirs.items()
        if table not in kept
    }
    counts["parked"] = len(_parked_of(tx, gone.addresses))
    return {table: count for table, count in counts.items() if count}


def _erase_rows(tx: Connection, gone: Customer) -> dict[str, int]:
    """Every row of every table that hangs on what is theirs, those that others hang on last."""
    _let_go(tx, gone)
    erased = {}
    for table in reversed(metadata.sorted_tables):
        theirs = _theirs(table, gone)
        if theirs and table.name not in _BLANKED:
            erased[table.name] = tx.execute(table.delete().where(or_(*theirs))).rowcount
    return erased


def _theirs(table: Table, gone: Customer) -> list[ColumnElement[bool]]:
    """How a row of a table can be theirs: by what it refers to, by a line, or by a node."""
    if table is messages:
        return [_messages_of(gone)]
    if table is cases:
        return [and_(cases.c.handle_id.in_(gone.handles), cases.c.id.not_in(select(patterns.c.case_id)))]
    owners: dict[str, Select[Any]] = {
        "handles": select(handles.c.id).where(handles.c.id.in_(gone.handles)),
        "messages": select(messages.c.id).where(_messages_of(gone)),
        "codes": select(codes.c.id).where(codes.c.handle_id.in_(gone.handles)),
        "cases": select(cases.c.id).where(cases.c.handle_id.in_(gone.handles)),
    }
    referring = [(key.parent, key.column.table.name) for key in table.foreign_keys]
    found = [column.in_(owners[owner]) for column, owner in referring if owner in owners]
    found += [table.c.line.in_(gone.lines)] if "line" in table.c else []
    found += [table.c[name].in_(gone.nodes) for name in ("node", "a", "b") if name in table.c]
    return found + (_outbox_of(gone) if table is outbox else [])


def _messages_of(gone: Customer) -> ColumnElement[bool]:
    """What came over their handles, what waits and names them, and what they said under somebody else's code."""
    same_address = select(handles.c.id).where((handles.c.channel + ":" + handles.c.address).in_(gone.lines))
    under_a_code = and_(messages.c.line.in_(gone.lines), messages.c.handle_id.not_in(same_address))
    waits = and_(messages.c.handle_id.is_(None), messages.c.body["key"].as_string().in_(gone.keys))
    return or_(messages.c.handle_id.in_(gone.handles), under_a_code, waits)


def _outbox_of(gone: Customer) -> list[ColumnElement[bool]]:
    """Replies that repeat what they told on a handle of somebody else, that go to an address of theirs, or that call by
    their name a handle which was once taken for theirs."""
    reply = cast(outbox.c.reply, Text)
    goes_to_them = [
        reply.contains(json.dumps(a), autoescape=True) for a in gone.addresses if len(a) >= _SHORTEST_ADDRESS
    ]
    return [_draws_on(gone.handles), outbox.c.id.in_(gone.called), *goes_to_them]


def _draws_on(rows_of: Collection[int]) -> ColumnElement[bool]:
    drawn = cast(values(outbox.c.drawn_from).c.value, BigInteger)
    return select(drawn).where(drawn.in_(rows_of)).exists()


def _let_go(tx: Connection, gone: Customer) -> None:
    """Rows of others that refer to theirs refer to nothing instead."""
    others = (
        facts.c.handle_id.not_in(gone.handles),
        facts.c.message_id.in_(select(messages.c.id).where(_messages_of(gone))),
    )
    tx.execute(update(facts).where(*others).values(message_id=None))
    here = cases.c.last_handle_id.in_(gone.handles)
    tx.execute(update(cases).where(here).values(last_handle_id=cases.c.handle_id, last_conversation=""))


def _blank(tx: Connection, gone: Customer) -> None:
    """Handles keep their number, so that it is never another's; the access log keeps who read, and when."""
    nobody = literal("~erased ").concat(cast(handles.c.id, Text))
    blank = {"address": nobody, "key": nobody, "hint": "", "display_name": "", "route": {}, "language": ""}
    tx.execute(update(handles).where(handles.c.id.in_(gone.handles)).values(**blank))
    rows = cast(access_log.c.rows, Text)
    persons = [json.dumps(f"directory:{person}") for person in partition.persons(gone.nodes)]
    named = [f":{name}{end}" for name in {*gone.addresses, *partition.persons(gone.nodes)} for end in (":", '"')]
    told = (rows.contains(one, autoescape=True) for one in (*persons, *named))  # merge:sms:+15550177:discord:77
    read = or_(access_log.c.handle_id.in_(gone.handles), *told)
    tx.execute(update(access_log).where(read).values(rows=[]))
    learnt_from = cases.c.handle_id.in_(gone.handles)
    tx.execute(update(cases).where(learnt_from).values(status="resolved", reason="", resolution="", assignee=""))


def _parked_of(tx: Connection, addresses: Iterable[str]) -> list[Row[Any]]:
    """Deliveries that could not be read and name one of these addresses."""
    names = [re.escape(name.rpartition("/")[2]) for name in addresses if len(name) >= _SHORTEST_ADDRESS]
    if not names:
        return []
    naming = re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)", re.IGNORECASE)
    rows: Iterable[Row[Any]] = tx.execute(select(parked))
    return [row for row in rows if naming.search(_legible(row))]


def _legible(row: Row[Any]) -> str:
    return "\n".join([unquote(row.body.decode("utf-8", "replace")), *row.headers.values(), row.reason])


def _bury(tx: Connection, gone: Customer, secret: bytes, now: datetime) -> None:
    said = tx.execute(select(messages.c.channel, messages.c.external_id).where(_messages_of(gone))).all()
    named = tx.execute(select(handles.c.id, handles.c.key).where(handles.c.id.in_(gone.handles))).all()
    names = [("message", f"{row.channel}:{row.external_id}") for row in said]
    names += [(kind, key) for kind in ("key", "held") for key in gone.keys]
    names += [("person", person) for person in partition.persons(gone.nodes)]
    names += [("handle", tombstones.handle_name(row.id, row.key)) for row in named]
    names += [("parked", tombstones.parked_name(row.id, row.received_at)) for row in _parked_of(tx, gone.addresses)]
    tombstones.bury(tx, [tombstones.digest(secret, kind, name) for kind, name in names], now)
