"""Colleagues' decisions about who is who: taken back exactly, as long as nothing else has changed since."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from core.backends.ledger import people
from core.backends.ledger.merging import note_seen, part, refuse_while_answered
from core.backends.ledger.schema import decisions, evidence, links
from core.backends.ledger.whois import known, node_named, pair_of, record, side_of
from core.merging import Dismissed, NotDone, Order, Plan, Undo
from identity import partition
from identity.partition import Evidence, Link, Node

_TOMBSTONES = frozenset({"cut", "apart"})
_SHOWN = 3  # of what stands in the way
_DISMISSED = 50


# ── taking back ──
def plan_undo(tx: Connection, order: Undo) -> Plan:
    """What taking back a decision will change. Raises NotDone."""
    plan, _, _ = _planned(tx, order)
    note_seen(tx, plan, order.by, f"undo:{order.decision}", order.at)
    return plan


def undo(tx: Connection, order: Undo) -> Plan:
    """Retires what a decision made and brings back what it retired. Raises NotDone."""
    plan, row, now = _planned(tx, order)
    refuse_while_answered(tx, (row.a, row.b), now, order.at)
    note_seen(tx, plan, order.by, f"undo:{order.decision}", order.at)
    ended = {"retired_at": order.at, "retired_by": order.names}
    tx.execute(update(links).where(links.c.id.in_(row.made)).values(**ended))
    tx.execute(update(links).where(links.c.id.in_(row.retired)).values(retired_at=None, retired_by=""))
    _close(tx, row.id, order.names, order.at)
    if row.kind == "merge":
        part(tx, plan.a.ids, plan.b.ids, order.at)
    return plan


def _close(tx: Connection, decision: int, by: str, now: datetime) -> None:
    tx.execute(update(decisions).where(decisions.c.id == decision).values(undone_at=now, undone_by=by))


def _planned(tx: Connection, order: Undo) -> tuple[Plan, Row[Any], Evidence]:
    row = _open_decision(tx, order.decision)
    now = people.evidence_around(tx, [row.a, row.b], order.at)
    made, retired = _links(tx, row.made), _links(tx, row.retired)
    after = _without(_with(now, retired), made)
    _refuse_if_changed(tx, row, _either(row, now) | _either(row, after))
    _refuse_if_not_as_before(row, after)
    two = any(link.kind == "operators" for link in retired)
    if two and not order.second:
        raise NotDone("this makes one of two known people again, so two different colleagues must agree")
    apart = after if row.kind == "merge" else now
    plan = Plan(
        deed="undo",
        a=side_of(tx, row.a, apart),
        b=side_of(tx, row.b, apart),
        changes=_changes(tx, row, made, retired),
        two_operators=two,
    )
    return plan, row, now


def _either(row: Row[Any], around: Evidence) -> frozenset[Node]:
    return partition.customer(row.a, around) | partition.customer(row.b, around)


def _open_decision(tx: Connection, decision: int) -> Row[Any]:
    row = tx.execute(select(decisions).where(decisions.c.id == decision)).one_or_none()
    if row is None or row.kind == "dismiss":
        raise NotDone("there is no such decision on record; nothing was changed")
    if row.undone_at is not None:
        raise NotDone(f"{row.undone_by} has taken this back already; nothing was changed")
    return row


def _links(tx: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    return list(tx.execute(select(links).where(links.c.id.in_(ids)).order_by(links.c.id)))


def _with(known_now: Evidence, rows: Iterable[Row[Any]]) -> Evidence:
    """The evidence with links and tombstones that have ended."""
    found = list(rows)
    return replace(
        known_now,
        links=(*known_now.links, *(_link(row) for row in found if row.kind not in _TOMBSTONES)),
        cuts=known_now.cuts | _pairs(found, "cut"),
        apart=known_now.apart | _pairs(found, "apart"),
    )


def _without(known_now: Evidence, rows: Iterable[Row[Any]]) -> Evidence:
    """The evidence without some links and tombstones."""
    found = list(rows)
    numbers = {row.id for row in found}
    return replace(
        known_now,
        links=tuple(link for link in known_now.links if link.number not in numbers),
        cuts=known_now.cuts - _pairs(found, "cut"),
        apart=known_now.apart - _pairs(found, "apart"),
    )


def _link(row: Row[Any]) -> Link:
    return Link(a=row.a, b=row.b, two_operators=row.kind == "operators", number=row.id)


def _pairs(rows: Iterable[Row[Any]], kind: str) -> frozenset[frozenset[Node]]:
    return frozenset(frozenset((row.a, row.b)) for row in rows if row.kind == kind)


def _changes(tx: Connection, row: Row[Any], made: Sequence[Row[Any]], retired: Sequence[Row[Any]]) -> list[str]:
    ended = {
        "cut": "What {} share joins them again",
        "apart": "That {} were told apart counts no longer",
        "": "The link between {} has ended",
    }
    again = {
        "cut": "What {} share does not join them any more",
        "apart": "{} are told apart again",
        "": "The link between {} counts again",
    }
    lines = [ended.get(one.kind, ended[""]).format(_names(tx, one)) for one in made]
    lines += [again.get(one.kind, again[""]).format(_names(tx, one)) for one in retired]
    if row.kind == "merge":
        return [*lines, "They are two customers as before; what speaks for one person is suggested again"]
    return [
        *lines,
        "They are one customer as before; cases that were parted stay parted, each with what was told in it",
    ]


def _names(tx: Connection, link: Row[Any]) -> str:
    return pair_of(tx, frozenset((link.a, link.b)))


# ── what has changed since ──
def _refuse_if_changed(tx: Connection, row: Row[Any], nodes: frozenset[Node]) -> None:
    lines = _changed_since(tx, row, nodes)
    if lines:
        more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        raise NotDone(
            f"this cannot be taken back as it was, since things have changed: {'; '.join(lines[:_SHOWN])}{more}. "
            "Merge or unmerge by hand instead"
        )


def _changed_since(tx: Connection, row: Row[Any], nodes: frozenset[Node]) -> list[str]:
    """What came, ended or was decided about some nodes after a decision, a line each."""
    own = [*row.made, *row.retired, *_of_the_undone(tx, nodes, row)]
    newer = or_(links.c.id > max(row.made), links.c.retired_at > row.made_at)
    touching = or_(links.c.a.in_(nodes), links.c.b.in_(nodes)), newer, links.c.id.not_in(own)
    later = or_(evidence.c.recorded_at > row.made_at, evidence.c.retired_at > row.made_at)
    told = evidence.c.node.in_(nodes), later
    return [
        *(str(record(tx, link)) for link in tx.execute(select(links).where(*touching).order_by(links.c.id))),
        *(_told(tx, one) for one in tx.execute(select(evidence).where(*told).order_by(evidence.c.id))),
    ]


def _of_the_undone(tx: Connection, nodes: frozenset[Node], row: Row[Any]) -> list[int]:
    """Links of later decisions that were taken back themselves: they left nothing behind."""
    theirs = or_(decisions.c.a.in_(nodes), decisions.c.b.in_(nodes))
    undone = decisions.c.id > row.id, decisions.c.undone_at.is_not(None), decisions.c.kind != "dismiss"
    found = tx.execute(select(decisions.c.made, decisions.c.retired).where(theirs, *undone))
    return [link for one in found for link in (*one.made, *one.retired)]


def _told(tx: Connection, row: Row[Any]) -> str:
    ended = " no more" if row.retired_at else ""
    return f"{row.source} vouches{ended} that {known(tx, row.node).name} holds {row.key}"


def _refuse_if_not_as_before(row: Row[Any], after: Evidence) -> None:
    """Time alone may have changed what a decision can be taken back to: a voucher lapses."""
    one = row.b in partition.customer(row.a, after)
    if row.kind == "merge" and one:
        raise NotDone("something else joins the two by now, so that this would not part them; unmerge them instead")
    if row.kind == "unmerge" and not one:
        raise NotDone("what joined the two has lapsed since, so that this would not join them; merge them instead")


# ── these are two people ──
def dismiss(tx: Connection, order: Order) -> None:
    """Notes that two are two people; nothing else is changed."""
    a, b = node_named(tx, order.a), node_named(tx, order.b)
    if b in partition.customer(a, people.evidence_around(tx, [a, b], order.at)):
        raise NotDone(f"{order.a} and {order.b} are one customer; unmerge them instead")
    if dismissals(tx, frozenset((a, b))):
        return
    noted = {"made_by": order.names, "made_at": order.at, "made": [], "retired": []}
    tx.execute(insert(decisions).values(kind="dismiss", a=a, b=b, **noted))


def restore_suggestion(tx: Connection, dismissed: int, by: str, now: datetime) -> None:
    """Takes a dismissal back."""
    standing = decisions.c.id == dismissed, decisions.c.kind == "dismiss", decisions.c.undone_at.is_(None)
    if tx.execute(select(decisions.c.id).where(*standing)).first() is None:
        raise NotDone("this was taken back already; nothing was changed")
    _close(tx, dismissed, by, now)


def dismissals(tx: Connection, nodes: frozenset[Node]) -> frozenset[frozenset[Node]]:
    """The pairs that touch some nodes and of which a colleague said that they are two people."""
    theirs = or_(decisions.c.a.in_(nodes), decisions.c.b.in_(nodes))
    standing = decisions.c.kind == "dismiss", decisions.c.undone_at.is_(None)
    return frozenset(
        frozenset((row.a, row.b)) for row in tx.execute(select(decisions.c.a, decisions.c.b).where(theirs, *standing))
    )


def dismissed(tx: Connection) -> list[Dismissed]:
    """The newest dismissals that stand."""
    standing = decisions.c.kind == "dismiss", decisions.c.undone_at.is_(None)
    newest = tx.execute(select(decisions).where(*standing).order_by(decisions.c.id.desc()).limit(_DISMISSED))
    return [
        Dismissed(number=row.id, a=known(tx, row.a), b=known(tx, row.b), made_by=row.made_by, made_at=row.made_at)
        for row in newest
    ]
