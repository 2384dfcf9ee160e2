"""Merges and unmerges on record: planned from the evidence, written as links and tombstones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update

from core.backends.ledger import desk, parting, people
from core.backends.ledger.schema import decisions, grants, leases, links, pending_links
from core.backends.ledger.whois import in_order, known, node_named, pair_of, side_of
from core.casefile import Reading
from core.merging import NotDone, Order, Plan
from identity import merging, partition
from identity.merging import Change, OneAlready, PeopleMixedUp, ToldApart, TwoAlready, TwoOperatorsNeeded, changed
from identity.partition import Evidence, Node

_TOMBSTONES = ("cut", "apart")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drafted:
    """A deed before it is done: the nodes that were named, what is known around them, and what changes."""

    a: Node
    b: Node
    around: Evidence
    change: Change


# ── deeds ──
def plan_merge(tx: Connection, order: Order) -> Plan:
    """What a merge will change."""
    return _seen(tx, order, _plan_merge(tx, order, _draft_merge(tx, order)))


def plan_unmerge(tx: Connection, order: Order) -> Plan:
    """What an unmerge will change."""
    return _seen(tx, order, _plan_unmerge(tx, order, _draft_unmerge(tx, order)))


def merge(tx: Connection, order: Order) -> Plan:
    """Adds the link, and ends what kept the two apart."""
    draft = _draft_merge(tx, order)
    plan = _seen(tx, order, _plan_merge(tx, order, draft))
    _write(tx, order, draft, "merge")
    return plan


def unmerge(tx: Connection, order: Order) -> Plan:
    """Retires what joined the two, leaves the tombstones, and ends at once what codes between them still gave."""
    draft = _draft_unmerge(tx, order)
    plan = _seen(tx, order, _plan_unmerge(tx, order, draft))
    _write(tx, order, draft, "unmerge")
    part(tx, plan.a.ids, plan.b.ids, order.at)
    return plan


def _draft_merge(tx: Connection, order: Order) -> _Drafted:
    def decide(a: Node, b: Node, around: Evidence) -> Change:
        return merging.merge(a, b, around, two_operators=bool(order.second))

    try:
        return _draft(tx, order, decide)
    except OneAlready:
        raise NotDone(f"{order.a} and {order.b} are one customer already; nothing was changed") from None
    except PeopleMixedUp as error:
        raise NotDone(
            f"one side holds evidence of several people ({error}); unmerge these from each other first"
        ) from None
    except ToldApart as error:
        raise NotDone(f"{pair_of(tx, error.pair)} were told apart; name these two to merge them") from None
    except TwoOperatorsNeeded as error:
        raise NotDone(
            f"{order.a} and {order.b} are two known people ({error}); two different colleagues must agree to "
            "merge them (on the command line --by NAME --and NAME)"
        ) from None


def _draft_unmerge(tx: Connection, order: Order) -> _Drafted:
    try:
        return _draft(tx, order, merging.unmerge)
    except TwoAlready:
        raise NotDone(f"{order.a} and {order.b} are two customers already; nothing was changed") from None


def _draft(tx: Connection, order: Order, decide: Callable[[Node, Node, Evidence], Change]) -> _Drafted:
    a, b = node_named(tx, order.a), node_named(tx, order.b)
    if a == b:
        raise NotDone(f"{order.a} and {order.b} are the same; name two")
    around = people.evidence_around(tx, [a, b], order.at)
    return _Drafted(a=a, b=b, around=around, change=decide(a, b, around))


def _plan_merge(tx: Connection, order: Order, draft: _Drafted) -> Plan:
    ended = [f"That {pair_of(tx, pair)} were told apart counts no longer" for pair in in_order(draft.change.lifted)]
    return Plan(
        deed="merge",
        a=side_of(tx, draft.a, draft.around),
        b=side_of(tx, draft.b, draft.around),
        changes=[f"{order.a} and {order.b} are one customer, by {order.names}", *ended],
        two_operators=bool(draft.change.link and draft.change.link.two_operators),
    )


def _plan_unmerge(tx: Connection, order: Order, draft: _Drafted) -> Plan:
    after = changed(draft.around, draft.change)
    retired = [pair_of(tx, link.edge) for link in sorted(draft.change.retired, key=lambda link: link.number)]
    cut = [pair_of(tx, pair) for pair in in_order(draft.change.cut)]
    return Plan(
        deed="unmerge",
        a=side_of(tx, draft.a, after),
        b=side_of(tx, draft.b, after),
        changes=[
            *(f"The link between {pair} has ended" for pair in retired),
            *(f"What {pair} share does not join them any more" for pair in cut),
            f"{order.a} and {order.b} are two customers and will not become one by themselves again",
        ],
    )


def _write(tx: Connection, order: Order, draft: _Drafted, kind: str) -> None:
    """Writes a change, and as one decision what came and what went, so that it can be undone."""
    refuse_while_answered(tx, (draft.a, draft.b), draft.around, order.at)
    change = draft.change
    gone = [link.number for link in change.retired]
    for pair in change.lifted:
        between = links.c.a.in_(pair), links.c.b.in_(pair), links.c.kind.in_(_TOMBSTONES)
        gone += tx.execute(select(links.c.id).where(*between, links.c.retired_at.is_(None))).scalars()
    tx.execute(update(links).where(links.c.id.in_(gone)).values(retired_at=order.at, retired_by=order.names))
    come = [_added(tx, order, min(pair), max(pair), "cut") for pair in in_order(change.cut)]
    if change.apart:
        come.append(_added(tx, order, draft.a, draft.b, "apart"))
    if change.link:
        made = "operators" if change.link.two_operators else "operator"
        come.append(_added(tx, order, change.link.a, change.link.b, made))
    decided = {"made_by": order.names, "made_at": order.at, "made": come, "retired": sorted(gone)}
    tx.execute(insert(decisions).values(kind=kind, a=draft.a, b=draft.b, **decided))


def _added(tx: Connection, order: Order, a: Node, b: Node, kind: str) -> int:
    row = insert(links).values(a=a, b=b, kind=kind, made_by=order.names, made_at=order.at)
    return int(tx.execute(row.returning(links.c.id)).scalar_one())


def refuse_while_answered(tx: Connection, pair: Sequence[Node], around: Evidence, now: datetime) -> None:
    """A link change needs both customers' leases; the transaction is their holder, so it is enough that nobody is."""
    both = {min(partition.customer(node, around)) for node in pair}
    busy = leases.c.customer.in_(both), leases.c.expires_at > now
    if tx.execute(select(leases.c.token).where(*busy)).first() is not None:
        names = " or ".join(known(tx, node).name for node in pair)
        raise NotDone(f"{names} is being answered just now; nothing was changed, try again in a moment")


def part(tx: Connection, one: Sequence[int], other: Sequence[int], now: datetime) -> None:
    """Ends at once what codes between two customers still gave, and gives each what it told in the other's cases."""
    _end_codes(tx, one, other, now)
    parting.give_back_cases(tx, one, other)
    parting.give_back_cases(tx, other, one)


def _end_codes(tx: Connection, one: Sequence[int], other: Sequence[int], now: datetime) -> None:
    def across(entered: Any, shown_by: Any) -> Any:
        return or_(
            and_(entered.in_(one), shown_by.in_(other)),
            and_(entered.in_(other), shown_by.in_(one)),
        )

    tx.execute(grants.delete().where(across(grants.c.handle_id, grants.c.shown_by)))
    waiting = across(pending_links.c.handle_id, pending_links.c.shown_by), pending_links.c.closed_at.is_(None)
    tx.execute(update(pending_links).where(*waiting).values(closed_at=now))


def _seen(tx: Connection, order: Order, plan: Plan) -> Plan:
    note_seen(tx, plan, order.by, f"{plan.deed}:{order.a}:{order.b}", order.at)
    return plan


def note_seen(tx: Connection, plan: Plan, by: str, row: str, now: datetime) -> None:
    """Writes into the access log that both sides were read."""
    readings = [Reading(handle=handle, rows=[row]) for side in (plan.a, plan.b) for handle in side.ids]
    desk.note_reading(tx, by, readings, now)
