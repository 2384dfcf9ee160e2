"""Merges and unmerges on record: planned from the evidence, written as links and tombstones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from core.backends.ledger import desk, parting, people, suggesting
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import cases, directory, evidence, grants, handles, leases, links, pending_links
from core.casefile import Reading
from core.desk import NoSuchCase
from core.merging import Known, LinkRecord, NoSuchCustomer, NotDone, Order, Plan, Resemblance, Side, Voucher, WhoIsIt
from identity import merging, partition
from identity.merging import Change, OneAlready, PeopleMixedUp, ToldApart, TwoAlready, TwoOperatorsNeeded, changed
from identity.partition import Edge, Evidence, Node

_HISTORY = 50
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
    _write(tx, order, draft)
    return plan


def unmerge(tx: Connection, order: Order) -> Plan:
    """Retires what joined the two, leaves the tombstones, and ends at once what codes between them still gave."""
    draft = _draft_unmerge(tx, order)
    plan = _seen(tx, order, _plan_unmerge(tx, order, draft))
    _write(tx, order, draft)
    _end_codes(tx, order, plan.a.ids, plan.b.ids)
    parting.give_back_cases(tx, plan.a.ids, plan.b.ids)
    parting.give_back_cases(tx, plan.b.ids, plan.a.ids)
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
        raise NotDone(f"{_pair(tx, error.pair)} were told apart; name these two to merge them") from None
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
    ended = [f"That {_pair(tx, pair)} were told apart counts no longer" for pair in _sorted(draft.change.lifted)]
    return Plan(
        deed="merge",
        a=side_of(tx, draft.a, draft.around),
        b=side_of(tx, draft.b, draft.around),
        changes=[f"{order.a} and {order.b} are one customer, by {order.names}", *ended],
        two_operators=bool(draft.change.link and draft.change.link.two_operators),
    )


def _plan_unmerge(tx: Connection, order: Order, draft: _Drafted) -> Plan:
    after = changed(draft.around, draft.change)
    retired = [_pair(tx, link.edge) for link in sorted(draft.change.retired, key=lambda link: link.number)]
    cut = [_pair(tx, pair) for pair in _sorted(draft.change.cut)]
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


def _pair(tx: Connection, pair: Edge) -> str:
    return " and ".join(known(tx, node).name for node in sorted(pair))


def _sorted(pairs: Iterable[Edge]) -> list[Edge]:
    return sorted(pairs, key=sorted)


def _write(tx: Connection, order: Order, draft: _Drafted) -> None:
    _refuse_while_answered(tx, order, draft)
    change, both = draft.change, {"made_by": order.names, "made_at": order.at}
    for pair in change.lifted:
        between = links.c.a.in_(pair), links.c.b.in_(pair), links.c.kind.in_(_TOMBSTONES)
        tx.execute(update(links).where(*between, links.c.retired_at.is_(None)).values(retired_at=order.at))
    ended = [link.number for link in change.retired]
    tx.execute(update(links).where(links.c.id.in_(ended)).values(retired_at=order.at))
    for pair in _sorted(change.cut):
        tx.execute(insert(links).values(a=min(pair), b=max(pair), kind="cut", **both))
    if change.apart:
        tx.execute(insert(links).values(a=draft.a, b=draft.b, kind="apart", **both))
    if change.link:
        kind = "operators" if change.link.two_operators else "operator"
        tx.execute(insert(links).values(a=change.link.a, b=change.link.b, kind=kind, **both))


def _refuse_while_answered(tx: Connection, order: Order, draft: _Drafted) -> None:
    """A link change needs both customers' leases; the transaction is their holder, so it is enough that nobody is."""
    both = {min(partition.customer(node, draft.around)) for node in (draft.a, draft.b)}
    busy = leases.c.customer.in_(both), leases.c.expires_at > order.at
    if tx.execute(select(leases.c.token).where(*busy)).first() is not None:
        raise NotDone(f"{order.a} or {order.b} is being answered just now; nothing was changed, try again in a moment")


def _end_codes(tx: Connection, order: Order, one: Sequence[int], other: Sequence[int]) -> None:
    def across(entered: Any, shown_by: Any) -> Any:
        return or_(
            and_(entered.in_(one), shown_by.in_(other)),
            and_(entered.in_(other), shown_by.in_(one)),
        )

    tx.execute(grants.delete().where(across(grants.c.handle_id, grants.c.shown_by)))
    waiting = across(pending_links.c.handle_id, pending_links.c.shown_by), pending_links.c.closed_at.is_(None)
    tx.execute(update(pending_links).where(*waiting).values(closed_at=order.at))


def _seen(tx: Connection, order: Order, plan: Plan) -> Plan:
    """Writes into the access log that both sides were read."""
    readings = [
        Reading(handle=handle, rows=[f"{plan.deed}:{order.a}:{order.b}"]) for s in (plan.a, plan.b) for handle in s.ids
    ]
    desk.note_reading(tx, order.by, readings, order.at)
    return plan


# ── who is who ──
def node_named(tx: Connection, name: str) -> Node:
    """The node of an external id or of channel:address, in its present epoch. Raises NoSuchCustomer."""
    if tx.execute(select(directory.c.external_id).where(directory.c.external_id == name)).first():
        return f"d:{name}"
    channel, _, address = name.partition(":")
    if channel == "email":
        address = address.lower()
    there = handles.c.channel == channel, handles.c.address == address
    newest = tx.execute(select(handles.c.id).where(*there).order_by(handles.c.epoch.desc()).limit(1)).scalar()
    if newest is None:
        raise NoSuchCustomer(f"{name}: no customer has this external_id or channel:address, e.g. email:ann@shop.test")
    return node_of(newest)


def known(tx: Connection, node: Node) -> Known:
    """A node as colleagues know it."""
    if node.startswith("d:"):
        external_id = node.removeprefix("d:")
        name = tx.execute(select(directory.c.name).where(directory.c.external_id == external_id)).scalar()
        return Known(node=node, name=external_id, title=name or "")
    row = tx.execute(select(handles).where(handles.c.id == int(node.removeprefix("h:")))).one_or_none()
    if row is None:
        return Known(node=node, name=node, proven=False)
    title = row.display_name or (f"says {row.hint}" if row.hint else "")
    return Known(node=node, name=f"{row.channel}:{row.address}", title=title, proven=row.proven_at is not None)


def side_of(tx: Connection, node: Node, around: Evidence) -> Side:
    """The customer of a node under some evidence, with what holds it together."""
    nodes = partition.customer(node, around)
    mine = [known(tx, one) for one in sorted(nodes)]
    handles_here = [one for one in mine if one.node.startswith("h:")]
    ids = [int(one.node.removeprefix("h:")) for one in handles_here]
    standing = {link.number for link in around.links if link.edge <= nodes}
    return Side(
        asked_for=known(tx, node),
        handles=handles_here,
        people=[one for one in mine if one.node.startswith("d:")],
        vouchers=_vouchers(tx, nodes, around),
        links=[
            record(tx, row) for row in tx.execute(select(links).where(links.c.id.in_(standing)).order_by(links.c.id))
        ],
        cases=tx.execute(select(func.count()).select_from(cases).where(cases.c.handle_id.in_(ids))).scalar_one(),
    )


def _vouchers(tx: Connection, nodes: frozenset[Node], around: Evidence) -> list[Voucher]:
    """What is vouched for, but for a directory id's own login that nobody has used."""
    held = {(vouched.node, vouched.key) for vouched in around.vouched}
    current = select(evidence).where(evidence.c.node.in_(nodes), evidence.c.retired_at.is_(None))
    return [
        Voucher(holder=known(tx, row.node), key=row.key, source=row.source, at=row.at)
        for row in tx.execute(current.order_by(evidence.c.node, evidence.c.key))
        if row.key != f"web:{row.person}" and (row.node, row.key) in held
    ]


def record(tx: Connection, row: Row[Any]) -> LinkRecord:
    """A link as colleagues read it."""
    return LinkRecord(
        kind=row.kind,
        a=known(tx, row.a),
        b=known(tx, row.b),
        made_by=row.made_by,
        made_at=row.made_at,
        retired_at=row.retired_at,
    )


def who_is_it(tx: Connection, case: int, now: datetime) -> WhoIsIt:
    """Who a case's customer is, how that came, and who else it may be."""
    handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == case)).scalar()
    if handle is None:
        raise NoSuchCase(f"there is no case {case}")
    around = people.evidence_around(tx, [node_of(handle)], now)
    nodes = partition.customer(node_of(handle), around)
    touching = select(links).where(or_(links.c.a.in_(nodes), links.c.b.in_(nodes)))
    past = tx.execute(touching.order_by(links.c.id.desc()).limit(_HISTORY))
    return WhoIsIt(
        side=side_of(tx, node_of(handle), around),
        history=[record(tx, row) for row in past],
        resemblances=[
            Resemblance(other=side_of(tx, node, people.evidence_around(tx, [node], now)), suggestion=suggestion)
            for node, suggestion in suggesting.suggestions(tx, nodes, around, now)
        ],
    )
