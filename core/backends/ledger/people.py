"""Handles and the evidence about them: who is writing, as far as the record tells."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from core.backends.ledger.schema import directory, evidence, handles, links
from core.ledger import DirectoryRow, own_address
from core.messages import InboundMessage
from identity import partition
from identity.handles import SILENCE, Handle, starts_anew
from identity.partition import Evidence, Link, Node, Owned, Vouched
from identity.proof import Proof, weigh

_TAKEN = "taken"  # the source of evidence for a key that the directory took from its holder
_DAY = timedelta(days=1)


def node_of(handle: int) -> Node:
    """The node of a handle."""
    return f"h:{handle}"


def handle_of(tx: Connection, message: InboundMessage) -> tuple[Row[Any], bool]:
    """The handle that a message lives on, in its present epoch, and whether it is heard from for the first time."""
    claimed = message.proof is Proof.CLAIMED
    key = f"~{message.channel}:{message.conversation}" if claimed else message.handle.key
    epoch, silent_from = (1, None) if claimed else _epoch(tx, message)
    address = own_address(message)
    known = handles.c.channel == message.channel, handles.c.address == address, handles.c.epoch == epoch
    row = tx.execute(select(handles).where(*known)).one_or_none()
    if row is not None:
        return row, False
    values = {
        "channel": message.channel,
        "address": address,
        "key": key,
        "epoch": epoch,
        "silent_from": silent_from,
        "hint": message.handle.address if claimed else "",
        "display_name": message.display_name,
        "opened_at": message.received_at,
        "heard_at": message.received_at,
        "route": dict(message.route),
        "language": "",
    }
    return tx.execute(insert(handles).values(**values).returning(handles)).one(), True


def _epoch(tx: Connection, message: InboundMessage) -> tuple[int, datetime | None]:
    """The epoch of a key, over all its channels: a new one begins when the directory took it from its holder, and for
    a number after a long silence."""
    rows = tx.execute(select(handles).where(handles.c.key == message.handle.key)).all()
    if not rows:
        return 1, None
    epoch = max(row.epoch for row in rows)
    newest = [row for row in rows if row.epoch == epoch]
    if any(row.closed_at is not None for row in newest):
        return epoch + 1, None
    heard_at = max(row.heard_at for row in newest)
    if message.handle.must_be_known and starts_anew(heard_at, message.received_at):
        return epoch + 1, heard_at
    return epoch, newest[0].silent_from


def still_theirs(tx: Connection, handle: Row[Any], now: datetime) -> bool:
    """Neither given up by its owner, nor after anything by which it may have been given to somebody else."""
    later = select(handles.c.id).where(handles.c.key == handle.key, handles.c.epoch > handle.epoch).limit(1)
    is_number = Handle(channel=handle.channel, address=handle.address, key=handle.key).must_be_known
    refused = handle.opted_out_at is not None
    gone = refused or handle.closed_at is not None or (is_number and starts_anew(handle.heard_at, now))
    return not gone and tx.execute(later).one_or_none() is None


def heard_from(tx: Connection, handle: Row[Any], message: InboundMessage, proof: Proof) -> None:
    """Notes that a handle was heard from, and with what proof."""
    values: dict[str, Any] = {"heard_at": max(handle.heard_at, message.received_at), "route": dict(message.route)}
    if message.display_name:
        values["display_name"] = message.display_name
    if proof >= Proof.PROVEN and handle.proven_at is None:
        values["proven_at"] = message.received_at
    tx.execute(update(handles).where(handles.c.id == handle.id).values(**values))


def vouch(tx: Connection, handle: Row[Any], message: InboundMessage) -> None:
    """Replaces what the channel's provider vouches for by what it vouches for now."""
    node = node_of(handle.id)
    on_record = tx.execute(select(evidence).where(evidence.c.node == node)).all()
    taken = {row.key for row in on_record if row.source == _TAKEN}
    current = [row for row in on_record if row.retired_at is None]
    now = {(v.key, v.person) for v in message.vouchers if v.key not in taken}
    gone = [row for row in current if (row.key, row.person) not in now]
    if gone:
        ids = [row.id for row in gone]
        tx.execute(update(evidence).where(evidence.c.id.in_(ids)).values(retired_at=message.received_at))
        kinds = {_kind(key) for key, _ in now}
        _close(tx, {row.key for row in gone if _kind(row.key) in kinds}, message.received_at)
    for key, person in sorted(now - {(row.key, row.person) for row in current}, key=str):
        times = {"at": message.received_at, "recorded_at": message.received_at}
        tx.execute(insert(evidence).values(node=node, key=key, person=person, source=message.channel, **times))


def _kind(key: str) -> str:
    return key.partition(":")[0]


def _close(tx: Connection, keys: Collection[str], now: datetime) -> None:
    """Ends the epochs of keys that their holder gave up: whoever has one next is somebody else."""
    if keys:
        held = handles.c.key.in_(keys), handles.c.closed_at.is_(None)
        tx.execute(update(handles).where(*held).values(closed_at=now))


def _current_evidence(condition: Any) -> Any:
    return select(evidence).where(condition, evidence.c.retired_at.is_(None))


def evidence_around(tx: Connection, start: Iterable[Node]) -> Evidence:
    """All evidence that any chain of keys and links leads to from some nodes, wherever it may be cut."""
    nodes, keys = set(start), set[str]()
    owned: dict[Node, Owned] = {}
    vouched: dict[int, Vouched] = {}
    joined: dict[int, Row[Any]] = {}
    new_nodes, new_keys = set(nodes), set[str]()
    while new_nodes or new_keys:
        found_nodes, found_keys = set[Node](), set[str]()
        for row in _handles_with(tx, new_nodes, new_keys):
            owned[node_of(row.id)] = _owned(row)
            found_nodes.add(node_of(row.id))
            found_keys.add(row.key)
        for row in tx.execute(_current_evidence(or_(evidence.c.node.in_(new_nodes), evidence.c.key.in_(new_keys)))):
            vouched[row.id] = _vouched(row)
            found_nodes.add(row.node)
            found_keys.add(row.key)
        if new_nodes:
            for row in tx.execute(select(links).where(or_(links.c.a.in_(new_nodes), links.c.b.in_(new_nodes)))):
                joined[row.id] = row
                found_nodes |= {row.a, row.b}
        new_nodes, new_keys = found_nodes - nodes, found_keys - keys
        nodes |= new_nodes
        keys |= new_keys
    return Evidence(
        owned=tuple(owned.values()),
        vouched=tuple(vouched.values()),
        links=_active(joined),
        cuts=_tombstones(joined, "cut"),
        apart=_tombstones(joined, "apart"),
    )


def _handles_with(tx: Connection, nodes: set[Node], keys: set[str]) -> Sequence[Row[Any]]:
    ids = [int(node.removeprefix("h:")) for node in nodes if node.startswith("h:")]
    if not ids and not keys:
        return []
    return tx.execute(select(handles).where(or_(handles.c.id.in_(ids), handles.c.key.in_(keys)))).all()


def _owned(row: Row[Any]) -> Owned:
    return Owned(
        node=node_of(row.id),
        key=row.key,
        epoch=row.epoch,
        silent_from=row.silent_from,
        heard_at=row.heard_at,
        closed_at=row.closed_at,
        proven=row.proven_at is not None,
    )


def _vouched(row: Row[Any]) -> Vouched:
    return Vouched(node=row.node, key=row.key, at=row.at, recorded_at=row.recorded_at, person=row.person)


def _active(joined: dict[int, Row[Any]]) -> tuple[Link, ...]:
    return tuple(
        Link(a=row.a, b=row.b, two_operators=row.kind == "operators", number=row.id)
        for row in joined.values()
        if row.retired_at is None and row.kind not in {"cut", "apart"}
    )


def _tombstones(joined: dict[int, Row[Any]], kind: str) -> frozenset[frozenset[Node]]:
    return frozenset(
        frozenset((row.a, row.b)) for row in joined.values() if row.retired_at is None and row.kind == kind
    )


def customer_of(tx: Connection, handle: int) -> frozenset[Node]:
    """The nodes that are one customer with a handle, now."""
    return partition.customer(node_of(handle), evidence_around(tx, [node_of(handle)]))


def proof_of(
    tx: Connection, handle: Row[Any], message: InboundMessage, *, first_time: bool
) -> tuple[Proof, frozenset[Node], bool]:
    """The proof of a message, the customer it comes from, and whether two people share its handle.

    `first_time`: nothing was ever heard from this handle in this epoch before the message.
    """
    node = node_of(handle.id)
    around = evidence_around(tx, [node])
    nodes = partition.customer(node, around)
    shared = handle.key in partition.shared_keys(around)
    lately = not first_time and message.received_at - handle.heard_at <= SILENCE
    proof = weigh(
        message.proof, must_be_known=message.handle.must_be_known, known=len(nodes) > 1 or lately, shared=shared
    )
    return proof, nodes, shared


def named_lately(tx: Connection, handle: Row[Any], now: datetime) -> int:
    """How many earlier claimed conversations of the last day named the address that this one names."""
    same = handles.c.channel == handle.channel, handles.c.hint == handle.hint, handles.c.id < handle.id
    query = select(func.count()).select_from(handles).where(*same, handles.c.opened_at > now - _DAY)
    return int(tx.execute(query).scalar_one())


def import_directory(tx: Connection, rows: Sequence[DirectoryRow], now: datetime) -> None:
    """Adds or updates people by external id. A key that is on record keeps the time of its verification."""
    for row in rows:
        profile = row.profile
        values = {
            "name": profile.name,
            "plan": profile.plan,
            "value": profile.value,
            "since": profile.since,
            "language": profile.language,
            "email": profile.email,
            "phone": profile.phone,
            "imported_at": now,
        }
        known = directory.c.external_id == profile.external_id
        if tx.execute(update(directory).where(known).values(**values)).rowcount == 0:
            tx.execute(insert(directory).values(external_id=profile.external_id, **values))
        _record_keys(tx, row, now)


def _record_keys(tx: Connection, row: DirectoryRow, now: datetime) -> None:
    external_id = row.profile.external_id
    node = f"d:{external_id}"
    wanted = {*row.keys, f"web:{external_id}"}  # a signed login's subject is the directory id
    from_directory = and_(evidence.c.node == node, evidence.c.source == "directory")
    current = {e.key: e for e in tx.execute(_current_evidence(from_directory))}
    for key in wanted:
        verified_at = row.verified_at or (current[key].at if key in current else now)
        if key in current:
            tx.execute(update(evidence).where(evidence.c.id == current[key].id).values(at=verified_at))
        else:
            new = {"node": node, "key": key, "person": external_id, "source": "directory"}
            tx.execute(insert(evidence).values(**new, at=verified_at, recorded_at=now))
    gone = current.keys() - wanted
    if gone:
        tx.execute(update(evidence).where(evidence.c.id.in_([current[key].id for key in gone])).values(retired_at=now))
        _close(tx, gone, now)
        # What others vouched for while it was this person's speaks for nobody, nor does it when they say it again.
        stale = evidence.c.key.in_(gone), evidence.c.source != "directory", evidence.c.retired_at.is_(None)
        tx.execute(update(evidence).where(*stale).values(retired_at=now, source=_TAKEN))
