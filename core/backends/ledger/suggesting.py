"""Who else may be a customer: candidates from the record, compared by core/suggesting.py."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from core.backends.ledger import people, undoing
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import directory, evidence, handles, messages
from core.suggesting import Suggestion, Traits, compare, fold, typed_keys
from identity import partition
from identity.gate import handles_of
from identity.partition import Evidence, Node

_LINES = 60  # newest messages that are searched for addresses
_CANDIDATES = 20
_SHOWN = 5
_KEY_OF_CHANNEL = {"email": "email", "sms": "phone", "voice": "phone"}


def suggestions(
    tx: Connection, nodes: frozenset[Node], around: Evidence, now: datetime
) -> list[tuple[Node, Suggestion]]:
    """Other customers, each by one of its nodes, the likeliest first. Who was told apart, or is two people
    as a colleague said, is not suggested again."""
    mine = _traits(tx, nodes, around)
    two_people = around.apart | undoing.dismissals(tx, nodes)
    found: list[tuple[Node, Suggestion]] = []
    seen = set(nodes)
    for node in dict.fromkeys(_candidates(tx, mine)):
        if node in seen:
            continue
        theirs = people.evidence_around(tx, [node], now)
        others = partition.customer(node, theirs)
        seen |= others
        suggestion = compare(mine, _traits(tx, others, theirs))
        if suggestion and not any(pair & nodes and pair & others for pair in two_people):
            found.append((node, suggestion))
    return sorted(found, key=lambda one: -one[1].score)[:_SHOWN]


def _traits(tx: Connection, nodes: frozenset[Node], around: Evidence) -> Traits:
    ids = handles_of(nodes)
    rows = tx.execute(select(handles).where(handles.c.id.in_(ids))).all()
    called = tx.execute(select(directory.c.name).where(directory.c.external_id.in_(partition.persons(nodes)))).scalars()
    vouched = {v.key for v in around.vouched if v.node in nodes}
    keys = vouched | {row.key for row in rows if not row.address.startswith("~")}
    newest = select(messages.c.text).where(messages.c.handle_id.in_(ids)).order_by(messages.c.id.desc()).limit(_LINES)
    return Traits(
        names=frozenset(name for name in (*called, *(row.display_name for row in rows)) if name.strip()),
        keys=frozenset(keys),
        hints=frozenset(_hint(row.channel, row.hint) for row in rows if row.hint),
        typed=typed_keys(tx.execute(newest).scalars()),
        shared=frozenset(keys) & partition.shared_keys(around),
    )


def _hint(channel: str, hint: str) -> str:
    return f"{_KEY_OF_CHANNEL.get(channel, channel)}:{hint}"


def _candidates(tx: Connection, mine: Traits) -> Iterator[Node]:
    """Nodes that any trait leads to; the comparison decides."""
    wanted = mine.hints | mine.typed | mine.shared
    mailboxes = [key.removeprefix("email:") for key in mine.keys if key.startswith("email:")]
    addresses = [key.partition(":")[2] for key in mine.keys]
    names = [" ".join(name.lower().split()) for name in mine.names]
    yield from _holding(tx, handles.c.key.in_(wanted), evidence.c.key.in_(wanted))
    for mailbox in mailboxes:
        yield from _holding(tx, _alike(handles.c.key, mailbox), _alike(evidence.c.key, mailbox))
    yield from _handles(tx, handles.c.hint.in_(addresses))
    yield from _handles(tx, func.lower(handles.c.display_name).in_(names))
    same_name = select(directory.c.external_id).where(func.lower(directory.c.name).in_(names)).limit(_CANDIDATES)
    yield from (f"d:{external_id}" for external_id in tx.execute(same_name).scalars())


def _alike(key: ColumnElement[str], mailbox: str) -> ColumnElement[bool]:
    """Whether a key may be this mailbox but for dots and +tag."""
    local, _, domain = fold(mailbox).partition("@")
    plain = func.replace(func.lower(key), ".", "")
    host = domain.replace(".", "")
    return or_(
        plain == f"email:{local}@{host}",
        and_(plain.startswith(f"email:{local}+", autoescape=True), plain.endswith(f"@{host}", autoescape=True)),
    )


def _holding(tx: Connection, handle: ColumnElement[bool], voucher: ColumnElement[bool]) -> Iterable[Node]:
    current = select(evidence.c.node).where(voucher, evidence.c.retired_at.is_(None)).limit(_CANDIDATES)
    return [*_handles(tx, handle), *tx.execute(current).scalars()]


def _handles(tx: Connection, condition: ColumnElement[bool]) -> list[Node]:
    found = tx.execute(select(handles.c.id).where(condition).order_by(handles.c.id.desc()).limit(_CANDIDATES))
    return [node_of(handle) for handle in found.scalars()]
