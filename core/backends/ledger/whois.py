"""Who is who, in the words that colleagues know: nodes by their names, and customers with what holds them together."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core.backends.ledger.people import node_of
from core.backends.ledger.schema import cases, directory, evidence, handles, links
from core.merging import Known, LinkRecord, NoSuchCustomer, Side, Voucher
from identity import partition
from identity.partition import Edge, Evidence, Node


def node_named(tx: Connection, name: str) -> Node:
    """The node of an external id or of channel:address, in its present epoch. Raises NoSuchCustomer."""
    if tx.execute(select(directory.c.external_id).where(directory.c.external_id == name)).first():
        return f"d:{name}"
    channel, _, address = name.partition(":")
    if channel == "email" and not address.startswith("~"):  # the own handle of a claimed mail is named by its thread
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
        retired_by=row.retired_by,
    )


def pair_of(tx: Connection, pair: Edge) -> str:
    """Two nodes by their names."""
    return " and ".join(known(tx, node).name for node in sorted(pair))


def in_order(pairs: Iterable[Edge]) -> list[Edge]:
    """Pairs, always in the same order."""
    return sorted(pairs, key=sorted)
