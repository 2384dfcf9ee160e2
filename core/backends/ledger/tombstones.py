"""Tombstones: digests by which what was erased is refused when it comes again, and found where a backup brings it
back."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from core.backends.ledger.dialects import upsert
from core.backends.ledger.prepared import Prepared
from core.backends.ledger.schema import directory, evidence, handles, messages, parked, tombstones
from core.erasing import Tombstone
from core.messages import InboundMessage
from core.record import DirectoryRow

_STANDING = or_(tombstones.c.restored_at.is_(None), tombstones.c.restored_at < tombstones.c.at)


def digest(secret: bytes, kind: str, name: str) -> str:
    """What stands for a name. Kinds: message, key, held, person; handle and parked say which row it was."""
    return hmac.new(secret, f"{kind} {name}".encode(), hashlib.sha256).hexdigest()


def handle_name(handle: int, key: str) -> str:
    """Which row of `handles` it was, and whose: numbers alone are given again where a backup is restored."""
    return f"{handle} {key}"


def parked_name(row: int, at: datetime) -> str:
    """Which row of `parked` it was."""
    return f"{row} {at.isoformat()}"


def bury(tx: Connection, digests: Iterable[str], now: datetime) -> None:
    """Leaves tombstones; one that is there already counts from now."""
    stone = upsert(tx, tombstones)
    stone = stone.on_conflict_do_update(index_elements=["digest"], set_={"at": stone.excluded.at})
    tx.execute(stone, [{"digest": one, "at": now} for one in digests])


# ── what is refused ──
_REFUSING = Prepared(
    select(tombstones.c.digest)
    .where(
        or_(
            tombstones.c.digest == bindparam("itself"),
            and_(tombstones.c.digest == bindparam("key"), tombstones.c.at > bindparam("said_at")),
        )
    )
    .limit(1)
)


def is_erased(tx: Connection, message: InboundMessage, secret: bytes) -> bool:
    """Whether a message was erased, or is older than the erasure of whom it names."""
    found = _REFUSING.first(
        tx,
        itself=digest(secret, "message", f"{message.channel}:{message.external_id}"),
        key=digest(secret, "key", message.handle.key),
        said_at=message.sent_at or message.received_at,
    )
    return found is not None


def admitted(tx: Connection, rows: Sequence[DirectoryRow], secret: bytes) -> list[DirectoryRow]:
    """The rows of people who were not erased, without keys that were an erased one's when they were verified."""
    if tx.execute(select(tombstones.c.digest).limit(1)).first() is None:
        return list(rows)
    return [_without_erased_keys(tx, row, secret) for row in rows if not _erased_at(tx, secret, "person", row)]


def _without_erased_keys(tx: Connection, row: DirectoryRow, secret: bytes) -> DirectoryRow:
    theirs = evidence.c.node == f"d:{row.profile.external_id}", evidence.c.retired_at.is_(None)
    on_record = set(tx.execute(select(evidence.c.key).where(*theirs)).scalars())
    erased = {key: _erased_at(tx, secret, "held", key) for key in row.keys if key not in on_record}
    old = {key for key, at in erased.items() if at and (row.verified_at is None or row.verified_at <= at)}
    return replace(row, keys=[key for key in row.keys if key not in old])


def _erased_at(tx: Connection, secret: bytes, kind: str, named: DirectoryRow | str) -> datetime | None:
    name = named if isinstance(named, str) else named.profile.external_id
    at: datetime | None = tx.execute(
        select(tombstones.c.at).where(tombstones.c.digest == digest(secret, kind, name), _STANDING)
    ).scalar()
    return at


def key_erased_at(secret: bytes, tx: Connection, key: str) -> datetime | None:
    """When a key was erased with its customer; None for one that never was."""
    return _erased_at(tx, secret, "key", key)


def restored(tx: Connection, rows: Iterable[DirectoryRow], secret: bytes, now: datetime) -> list[DirectoryRow]:
    """The directory may name these people again, whose keys it vouches for anew; what they said stays erased."""
    known = [replace(row, verified_at=now) if _erased_at(tx, secret, "person", row) else row for row in rows]
    for row in known:
        names = [("person", row.profile.external_id), *(("held", key) for key in row.keys)]
        names.append(("held", f"web:{row.profile.external_id}"))
        digests = [digest(secret, kind, name) for kind, name in names]
        tx.execute(update(tombstones).where(tombstones.c.digest.in_(digests)).values(restored_at=now))
    return known


# ── kept outside of the ledger, and brought back to one that is older ──
def on_record(tx: Connection, since: datetime | None) -> list[Tombstone]:
    """All of them, or those of an erasure or a restoration since then."""
    lately = or_(tombstones.c.at >= since, tombstones.c.restored_at >= since) if since else None
    found = select(tombstones) if lately is None else select(tombstones).where(lately)
    return [Tombstone(digest=row.digest, at=row.at, restored_at=row.restored_at) for row in tx.execute(found)]


def take_over(tx: Connection, kept: Iterable[Tombstone]) -> frozenset[str]:
    """Adds what the ledger does not know; the digests of erasures that it did not."""
    known = {one.digest: one for one in on_record(tx, None)}
    news = [one.later(known.get(one.digest)) for one in kept if one.is_news_to(known.get(one.digest))]
    if not news:
        return frozenset()
    stone = upsert(tx, tombstones)
    newest = {"at": stone.excluded.at, "restored_at": stone.excluded.restored_at}
    rows = [{"digest": one.digest, "at": one.at, "restored_at": one.restored_at} for one in news]
    tx.execute(stone.on_conflict_do_update(index_elements=["digest"], set_=newest), rows)
    before = {found: one.at for found, one in known.items()}
    return frozenset(one.digest for one in news if one.stands and one.at != before.get(one.digest))


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtBack:
    """Rows of an older ledger that were erased since."""

    persons: frozenset[str]  # external ids
    handles: frozenset[int]
    waiting: frozenset[str]  # keys of messages that nobody has read yet
    parked: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.persons or self.handles or self.waiting or self.parked)


def brought_back(tx: Connection, digests: frozenset[str], secret: bytes) -> BroughtBack:
    """The rows that these digests stand for. Reads every name there is, so it is asked only where there are digests."""

    def stands_for(kind: str, name: str) -> bool:
        return digest(secret, kind, name) in digests

    said = select(messages.c.channel, messages.c.external_id, messages.c.body["key"].as_string().label("key"))
    named = tx.execute(select(handles.c.id, handles.c.key))
    waiting = tx.execute(said.where(messages.c.handle_id.is_(None)))
    kept = tx.execute(select(parked.c.id, parked.c.received_at))
    persons = tx.execute(select(directory.c.external_id)).scalars()
    return BroughtBack(
        persons=frozenset(one for one in persons if stands_for("person", one)),
        handles=frozenset(row.id for row in named if stands_for("handle", handle_name(row.id, row.key))),
        waiting=frozenset(row.key for row in waiting if stands_for("message", f"{row.channel}:{row.external_id}")),
        parked=frozenset(row.id for row in kept if stands_for("parked", parked_name(row.id, row.received_at))),
    )
