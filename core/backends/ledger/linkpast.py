"""How it came that a customer is who they are: links, codes, keys and decisions, each with who, when, from what, and
how it ended."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from core.backends.ledger.schema import codes, decisions, evidence, handles, links, pending_links
from core.backends.ledger.whois import known, record
from core.merging import Happened
from identity.gate import handles_of
from identity.handles import SILENCE
from identity.partition import Node

_LINES = 100
_TAKEN = "taken"  # as in people.py: the directory took the key from who held it


def happened(tx: Connection, nodes: frozenset[Node], now: datetime) -> list[Happened]:
    """What bears on these nodes, newest first."""
    found = [
        *_linked(tx, nodes),
        *_vouched(tx, nodes, now),
        *_codes(tx, nodes),
        *_epochs(tx, nodes),
        *_decided(tx, nodes),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:_LINES]


def _touching(table: Any, nodes: frozenset[Node]) -> Any:
    return or_(table.c.a.in_(nodes), table.c.b.in_(nodes))


def _linked(tx: Connection, nodes: frozenset[Node]) -> Iterator[Happened]:
    undoable = _undoable(tx, nodes)
    of_links = {link: row for row in _decisions(tx, nodes) for link in row.made}
    for row in tx.execute(select(links).where(_touching(links, nodes)).order_by(links.c.id.desc()).limit(_LINES)):
        decision = of_links.get(row.id)
        newest = (
            undoable is not None and decision is not None and decision.id == undoable and row.id == max(decision.made)
        )
        by_code = row.kind == "code"
        yield Happened(
            at=row.made_at,
            what=record(tx, row).text,
            who="the customer" if by_code else row.made_by,
            evidence="the code that one showed was entered on the other, and confirmed there" if by_code else "",
            ended_at=row.retired_at,
            ended_by={"customer": "the customer said UNDO"}.get(row.retired_by, row.retired_by),
            decision=undoable if newest else None,
        )


def _decisions(tx: Connection, nodes: frozenset[Node]) -> list[Row[Any]]:
    """Merges and unmerges, newest first."""
    theirs = _touching(decisions, nodes), decisions.c.kind != "dismiss"
    return list(tx.execute(select(decisions).where(*theirs).order_by(decisions.c.id.desc()).limit(_LINES)))


def _undoable(tx: Connection, nodes: frozenset[Node]) -> int | None:
    """The newest decision that was not taken back."""
    standing = (row.id for row in _decisions(tx, nodes) if row.undone_at is None)
    return next(standing, None)


def _decided(tx: Connection, nodes: frozenset[Node]) -> Iterator[Happened]:
    """What is on record as no link: two people told apart in a list of look-alikes, and what was taken back."""
    theirs = select(decisions).where(_touching(decisions, nodes)).order_by(decisions.c.id.desc()).limit(_LINES)
    for row in tx.execute(theirs):
        pair = f"{known(tx, row.a).name} and {known(tx, row.b).name}"
        if row.kind == "dismiss":
            yield Happened(
                at=row.made_at,
                what=f"{pair} are two people and are not suggested as one",
                who=row.made_by,
                ended_at=row.undone_at,
                ended_by=row.undone_by,
            )
        elif row.undone_at is not None:
            deed = "merge" if row.kind == "merge" else "unmerge"
            what = f"The {deed} of {pair} was taken back: all is as it was before"
            yield Happened(at=row.undone_at, what=what, who=row.undone_by)


def _vouched(tx: Connection, nodes: frozenset[Node], now: datetime) -> Iterator[Happened]:
    theirs = select(evidence).where(evidence.c.node.in_(nodes)).order_by(evidence.c.id.desc()).limit(_LINES)
    for row in tx.execute(theirs):
        if row.key == f"web:{row.person}" and row.node == f"d:{row.person}":
            continue  # the directory's own name for somebody, which says nothing of anybody else
        lapsed = row.retired_at is None and row.heard_at is not None and now - row.heard_at > SILENCE
        directory = row.node.startswith("d:")
        yield Happened(
            at=row.recorded_at,
            what=f"{known(tx, row.node).name} holds {row.key}",
            who="the directory"
            if directory
            else f"the provider of the {known(tx, row.node).name.partition(':')[0]} account",
            evidence=f"verified {row.at:%Y-%m-%d}",
            ended_at=row.heard_at + SILENCE if lapsed else row.retired_at,
            ended_by=_why_ended(row, lapsed=lapsed, directory=directory),
        )


def _why_ended(row: Row[Any], *, lapsed: bool, directory: bool) -> str:
    if lapsed:
        return f"it was not said again for {SILENCE.days} days"
    if row.retired_at is None:
        return ""
    if row.source == _TAKEN:
        return "the directory took the key away"
    return "the directory names it no more" if directory else "the provider vouches for it no more"


def _codes(tx: Connection, nodes: frozenset[Node]) -> Iterator[Happened]:
    ids = handles_of(nodes)
    for row in tx.execute(select(codes).where(codes.c.handle_id.in_(ids)).order_by(codes.c.id.desc()).limit(_LINES)):
        used = f", used {row.used_at:%Y-%m-%d %H:%M} UTC" if row.used_at else ", never used"
        yield Happened(
            at=row.issued_at, what=f"{_handle(tx, row.handle_id)} was shown a code{used}", who="the customer"
        )
    asked = or_(pending_links.c.handle_id.in_(ids), pending_links.c.shown_by.in_(ids))
    for row in tx.execute(select(pending_links).where(asked).order_by(pending_links.c.id.desc()).limit(_LINES)):
        pair = f"{_handle(tx, row.handle_id)} was asked whether to stay linked with {_handle(tx, row.shown_by)}"
        yield Happened(at=row.asked_at, what=pair, who="the bot", evidence="a code of the one was entered on the other")


def _epochs(tx: Connection, nodes: frozenset[Node]) -> Iterator[Happened]:
    """Where a handle may have changed hands."""
    anew = or_(
        handles.c.silent_from.is_not(None), handles.c.closed_at.is_not(None), handles.c.opted_out_at.is_not(None)
    )
    for row in tx.execute(select(handles).where(and_(handles.c.id.in_(handles_of(nodes)), anew))):
        yield from _epoch(row)


def _epoch(row: Row[Any]) -> Iterable[Happened]:
    name = f"{row.channel}:{row.address}"
    if row.silent_from is not None:
        what = f"{name} began anew, as it may have another owner: nothing from before counts"
        evidence_for = f"it was not heard from since {row.silent_from:%Y-%m-%d}"
        yield Happened(at=row.opened_at, what=what, who="the passing of time", evidence=evidence_for)
    if row.closed_at is not None:
        what = f"{name} was given up by its owner: whoever writes from there next is somebody else"
        yield Happened(at=row.closed_at, what=what, who="the directory or the provider")


def _handle(tx: Connection, handle: int) -> str:
    return known(tx, f"h:{handle}").name
