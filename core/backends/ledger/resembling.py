"""Who a case's customer is, and pairs of customers who may be one, for colleagues to decide."""

from datetime import datetime

from sqlalchemy import Connection, select

from core.backends.ledger import linkpast, people, suggesting
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import cases, handles
from core.backends.ledger.whois import side_of
from core.desk import NoSuchCase
from core.merging import Pair, Resemblance, Side, WhoIsIt
from core.suggesting import Suggestion
from identity import partition
from identity.gate import handles_of
from identity.partition import Node

AT_A_TIME = 60  # handles that are gone through for one page of pairs
MOST = 20  # pairs of a page


def who_is_it(tx: Connection, case: int, now: datetime) -> WhoIsIt:
    """Who a case's customer is, how that came, and who else it may be. Raises NoSuchCase."""
    handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == case)).scalar()
    if handle is None:
        raise NoSuchCase(f"there is no case {case}")
    around = people.evidence_around(tx, [node_of(handle)], now)
    nodes = partition.customer(node_of(handle), around)
    return WhoIsIt(
        side=side_of(tx, node_of(handle), around),
        history=linkpast.happened(tx, nodes, now),
        resemblances=[
            Resemblance(other=_other(tx, node, now)[1], suggestion=suggestion)
            for node, suggestion in suggesting.suggestions(tx, nodes, around, now)
        ],
    )


def next_handles(tx: Connection, after: int | None) -> list[int]:
    """The next handles to look at, the newest first."""
    earlier = [handles.c.id < after] if after is not None else []
    theirs = handles.c.address.not_like("~erased %"), *earlier
    return list(
        tx.execute(select(handles.c.id).where(*theirs).order_by(handles.c.id.desc()).limit(AT_A_TIME)).scalars()
    )


def pairs_of(tx: Connection, handle: int, now: datetime) -> list[tuple[frozenset[Node], Pair]]:
    """Who else a handle's customer may be, each with all nodes of both; nobody when another handle of the customer is
    newer, so that no pair comes twice."""
    around = people.evidence_around(tx, [node_of(handle)], now)
    nodes = partition.customer(node_of(handle), around)
    if handle < max(handles_of(nodes)):
        return []
    found = suggesting.suggestions(tx, nodes, around, now)
    mine = side_of(tx, node_of(handle), around) if found else None
    return [_pair(tx, mine, nodes, one, now) for one in found if mine]


def _pair(
    tx: Connection, mine: Side, nodes: frozenset[Node], found: tuple[Node, Suggestion], now: datetime
) -> tuple[frozenset[Node], Pair]:
    node, suggestion = found
    theirs, other = _other(tx, node, now)
    case = _case_of(tx, mine) or _case_of(tx, other)
    return nodes | theirs, Pair(one=mine, other=other, suggestion=suggestion, case=case)


def _other(tx: Connection, node: Node, now: datetime) -> tuple[frozenset[Node], Side]:
    around = people.evidence_around(tx, [node], now)
    return partition.customer(node, around), side_of(tx, node, around)


def _case_of(tx: Connection, side: Side) -> int | None:
    newest = select(cases.c.id).where(cases.c.handle_id.in_(side.ids)).order_by(cases.c.updated_at.desc()).limit(1)
    case: int | None = tx.execute(newest).scalar()
    return case
