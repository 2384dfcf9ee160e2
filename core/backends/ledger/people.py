"""Handles and the evidence about them: who is writing, as far as the record tells."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from core.backends.ledger.dialects import handed_in, listed, listed_words
from core.backends.ledger.prepared import Prepared, added, change
from core.backends.ledger.schema import directory, evidence, handles, links
from core.ledger import own_address
from core.messages import InboundMessage
from core.record import DirectoryRow
from identity import partition
from identity.customers import Customers, Groups
from identity.gate import handles_of
from identity.handles import SILENCE, Handle, starts_anew
from identity.partition import Evidence, Link, Node, Owned, Vouched
from identity.proof import Proof, weigh

_TAKEN = "taken"  # the source of evidence for a key that the directory took from its holder
_DAY = timedelta(days=1)


def node_of(handle: int) -> Node:
    """The node of a handle."""
    return f"h:{handle}"


_HOLDING = Prepared(select(handles).where(handles.c.key == bindparam("held")))


# When a key was erased with its customer; None for one that never was.
ErasedAt = Callable[[Connection, str], datetime | None]


def never_erased(_tx: Connection, _key: str) -> datetime | None:
    """Of a ledger in which nobody was forgotten."""
    return None


def handle_of(tx: Connection, message: InboundMessage, erased_at: ErasedAt = never_erased) -> tuple[Row[Any], bool]:
    """The handle that a message lives on, in its present epoch, and whether it is heard from for the first time."""
    claimed = message.proof is Proof.CLAIMED
    key = f"~{message.channel}:{message.conversation}" if claimed else message.handle.key
    holding = _HOLDING.all(tx, held=key)
    epoch, silent_from = (1, None) if claimed else _epoch(holding, message)
    if not holding and not claimed and message.handle.must_be_known:
        silent_from = erased_at(tx, key)  # that it changed hands may have been erased with who had it
    address = own_address(message)
    for row in holding:
        if (row.channel, row.address, row.epoch) == (message.channel, address, epoch):
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
    return added(tx, handles, **values), True


def _epoch(holding: Sequence[Row[Any]], message: InboundMessage) -> tuple[int, datetime | None]:
    """The epoch of a key, over all its channels: a new one begins when the directory took it from its holder, and for
    a number after a long silence."""
    if not holding:
        return 1, None
    epoch = max(row.epoch for row in holding)
    newest = [row for row in holding if row.epoch == epoch]
    heard_at, silent_from = max(row.heard_at for row in newest), newest[0].silent_from
    if message.handle.must_be_known and starts_anew(heard_at, message.received_at):
        return epoch + 1, heard_at
    if any(row.closed_at is not None for row in newest):
        return epoch + 1, silent_from  # what says nothing of who gave the key up says nothing of who has it next
    return epoch, silent_from


def still_theirs(tx: Connection, handle: Row[Any], now: datetime) -> bool:
    """Neither given up by its owner, nor after anything by which it may have been given to somebody else."""
    later = select(handles.c.id).where(handles.c.key == handle.key, handles.c.epoch > handle.epoch).limit(1)
    is_number = Handle(channel=handle.channel, address=handle.address, key=handle.key).must_be_known
    refused = handle.opted_out_at is not None
    gone = refused or handle.closed_at is not None or (is_number and starts_anew(handle.heard_at, now))
    return not gone and tx.execute(later).one_or_none() is None


def heard_from(tx: Connection, handle: Row[Any], message: InboundMessage, proof: Proof) -> None:
    """Notes that a handle was heard from, and with what proof."""
    proves = proof >= Proof.PROVEN and handle.proven_at is None
    change(
        tx,
        handles,
        handle.id,
        heard_at=max(handle.heard_at, message.received_at),
        route=dict(message.route),
        display_name=message.display_name or handle.display_name,
        proven_at=message.received_at if proves else handle.proven_at,
    )


_ON_RECORD = Prepared(select(evidence).where(evidence.c.node == bindparam("holder")))


def vouch(tx: Connection, handle: Row[Any], message: InboundMessage) -> None:
    """Replaces what the channel's provider vouches for by what it vouches for now; nothing, where it was not asked."""
    if message.vouchers is None:
        return
    node = node_of(handle.id)
    on_record = _ON_RECORD.all(tx, holder=node)
    taken = {row.key for row in on_record if row.source == _TAKEN}
    current = [row for row in on_record if row.retired_at is None]
    now = {(v.key, v.person) for v in message.vouchers if v.key not in taken}
    gone = [row for row in current if (row.key, row.person) not in now]
    heard_again = [row.id for row in current if (row.key, row.person) in now and row.heard_at < message.received_at]
    if heard_again:
        tx.execute(update(evidence).where(evidence.c.id.in_(heard_again)).values(heard_at=message.received_at))
    if gone:
        ids = [row.id for row in gone]
        tx.execute(update(evidence).where(evidence.c.id.in_(ids)).values(retired_at=message.received_at))
        kinds = {_kind(key) for key, _ in now}
        _close(tx, {row.key for row in gone if _kind(row.key) in kinds}, message.received_at)
    for key, person in sorted(now - {(row.key, row.person) for row in current}, key=str):
        times = dict.fromkeys(("at", "recorded_at", "heard_at"), message.received_at)
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


# Statements of a turn are built once: building one takes as long as running it.
def _within_reach(*, lateral: bool) -> Select[Any]:
    """The names, nodes and keys alike, that any chain of keys and links leads to from those in `start`.

    PostgreSQL lets a recursive query name itself once, and so takes all steps together; SQLite knows no LATERAL.
    """
    start = handed_in("start")
    reached = select(cast(start.c.value, Text).label("name")).cte("reached", recursive=True)
    steps = _steps(reached.c.name)
    if lateral:
        step = union_all(*(query.correlate(reached) for query in steps)).lateral("step")
        return select(reached.union(select(step.c.name).select_from(reached.join(step, true()))).c.name)
    return select(reached.union(*(query.select_from(reached) for query in steps)).c.name)


def _steps(name: ColumnElement[str]) -> list[Select[Any]]:
    """What a name leads to: the key of a handle and the handles of a key, evidence and links both ways."""
    node = literal("h:").concat(cast(handles.c.id, Text))
    number = case((name.like("h:%"), cast(func.substr(name, 3), BigInteger)))
    current = evidence.c.retired_at.is_(None)
    return [
        select(handles.c.key.label("name")).where(handles.c.id == number, node == name),
        select(node.label("name")).where(handles.c.key == name),
        select(evidence.c.key.label("name")).where(evidence.c.node == name, current),
        select(evidence.c.node.label("name")).where(evidence.c.key == name, current),
        select(links.c.a.label("name")).where(links.c.b == name),
        select(links.c.b.label("name")).where(links.c.a == name),
    ]


_NODES = listed_words("nodes")
_WITHIN_REACH = {name: Prepared(_within_reach(lateral=name == "postgresql")) for name in ("sqlite", "postgresql")}
_OWNED = Prepared(
    select(
        *(handles.c[name] for name in ("id", "key", "epoch", "silent_from", "heard_at", "closed_at", "proven_at"))
    ).where(handles.c.id.in_(listed("ids")))
)
_VOUCHED = Prepared(
    select(*(evidence.c[name] for name in ("node", "key", "at", "recorded_at", "person", "heard_at"))).where(
        evidence.c.node.in_(_NODES), evidence.c.retired_at.is_(None)
    )
)
_JOINED = Prepared(select(links).where(links.c.a.in_(_NODES), links.c.retired_at.is_(None)))


def names_within_reach(tx: Connection, start: Iterable[Node]) -> list[str]:
    """The nodes and keys that any chain of keys and links leads to from some nodes, wherever it may be cut."""
    return [row.name for row in _WITHIN_REACH[tx.dialect.name].all(tx, start=list(start))]


def evidence_around(tx: Connection, start: Iterable[Node], now: datetime) -> Evidence:
    """The evidence that any chain of keys and links leads to from some nodes, as it stands now."""
    return partition.as_of(now, evidence_ever(tx, start))


def evidence_ever(tx: Connection, start: Iterable[Node]) -> Evidence:
    """All evidence that any chain of keys and links leads to from some nodes, wherever it may be cut; also what was not
    said again for so long that it counts no more."""
    nodes = names_within_reach(tx, start)
    ids = sorted(handles_of(frozenset(nodes)))
    joined = _JOINED.all(tx, nodes=nodes)
    return Evidence(
        owned=tuple(_owned(row) for row in _OWNED.all(tx, ids=ids)),
        vouched=tuple(_vouched(row) for row in _VOUCHED.all(tx, nodes=nodes)),
        links=_active(joined),
        cuts=_tombstones(joined, "cut"),
        apart=_tombstones(joined, "apart"),
    )


_HEARD_OF = select(evidence.c.node).join(handles, handles.c.key == evidence.c.key)
_JOINING = (
    select(literal("h:").concat(cast(handles.c.id, Text)), literal("key ").concat(handles.c.key)),
    select(evidence.c.node, literal("key ").concat(evidence.c.key)).where(
        evidence.c.retired_at.is_(None), or_(evidence.c.node.in_(_HEARD_OF), evidence.c.node.like("h:%"))
    ),
    select(links.c.a, links.c.b).where(links.c.retired_at.is_(None)),
)


def groups(tx: Connection) -> Groups:
    """Everybody who was ever heard from, with all that evidence may join them with."""
    return Groups((row[0], row[1]) for query in _JOINING for row in tx.execute(query))


def customers_of(tx: Connection, handles_in_doubt: Iterable[int], now: datetime) -> Customers:
    """Whose these handles are now."""
    return Customers(evidence_around(tx, [node_of(handle) for handle in handles_in_doubt], now))


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
    return Vouched(
        node=row.node,
        key=row.key,
        at=row.at,
        recorded_at=row.recorded_at,
        person=row.person,
        heard_at=row.heard_at,
    )


def _active(joined: Sequence[Row[Any]]) -> tuple[Link, ...]:
    return tuple(
        Link(a=row.a, b=row.b, two_operators=row.kind == "operators", number=row.id)
        for row in joined
        if row.kind not in {"cut", "apart"}
    )


def _tombstones(joined: Sequence[Row[Any]], kind: str) -> frozenset[frozenset[Node]]:
    return frozenset(frozenset((row.a, row.b)) for row in joined if row.kind == kind)


def customer_of(tx: Connection, handle: int, now: datetime) -> frozenset[Node]:
    """The nodes that are one customer with a handle, now."""
    return customer_at(tx, node_of(handle), now)


def customer_at(tx: Connection, node: Node, now: datetime) -> frozenset[Node]:
    """The nodes that are one customer with a node, now."""
    return partition.customer(node, evidence_around(tx, [node], now))


def proof_of(
    tx: Connection, handle: Row[Any], message: InboundMessage, now: datetime, *, first_time: bool
) -> tuple[Proof, frozenset[Node], bool]:
    """The proof of a message, the customer it comes from, and whether two people share its handle.

    `first_time`: nothing was ever heard from this handle in this epoch before the message.
    """
    node = node_of(handle.id)
    around = evidence_around(tx, [node], now)
    nodes = partition.customer(node, around)
    shared = handle.key in partition.shared_keys(around)
    lately = _heard_lately(tx, handle, message, first_time=first_time)
    proof = weigh(
        message.proof, must_be_known=message.handle.must_be_known, known=len(nodes) > 1 or lately, shared=shared
    )
    return proof, nodes, shared


_HEARD_ALIKE = Prepared(
    select(func.max(handles.c.heard_at)).where(
        handles.c.key == bindparam("held"),
        handles.c.epoch == bindparam("in_epoch"),
        handles.c.id != bindparam("handle"),
        handles.c.closed_at.is_(None),
    )
)


def _heard_lately(tx: Connection, handle: Row[Any], message: InboundMessage, *, first_time: bool) -> bool:
    """Whether this address was heard from within the time after which it may have another owner; a number may have
    been heard on the telephone and by text alike. Only what a channel vouched for lives on a key."""
    if not first_time and message.received_at - handle.heard_at <= SILENCE:
        return True
    if not message.handle.must_be_known or message.proof < Proof.PROVEN:
        return False
    heard_at = _HEARD_ALIKE.scalar(tx, held=handle.key, in_epoch=handle.epoch, handle=handle.id)
    return heard_at is not None and timedelta(0) <= message.received_at - heard_at <= SILENCE


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
