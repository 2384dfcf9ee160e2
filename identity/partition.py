"""Which handles are one customer: a pure function of the evidence there is now.

Nothing is ever moved or merged. A link is an edge between two nodes, a customer is a connected component, and undoing
a link gives back exactly what was there before. Automatic edges are computed anew from current evidence each time.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

Node = str  # "h:12" is a handle in one epoch, "d:cus_7" a person in the company's directory


@dataclass(frozen=True, kw_only=True, slots=True)
class Owned:
    """A handle holds its own key, in one epoch. `silent_from` is when the epoch before it was last heard from."""

    node: Node
    key: str
    epoch: int = 1
    silent_from: datetime | None = None
    closed_at: datetime | None = None  # when the directory took the key from whom this epoch belonged to
    proven: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Vouched:
    """Somebody we trust says that a node holds a key: the directory, a signed login, a workspace.

    `person` is the directory id or login subject that speaks; two persons holding one key share it. `at` is when the
    key was verified, `recorded_at` when we were told.
    """

    node: Node
    key: str
    at: datetime
    recorded_at: datetime
    person: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Two nodes are one person, by a code or an operator. `two_operators` alone may join two directory persons."""

    a: Node
    b: Node
    two_operators: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that speaks for or against joining some nodes. `cuts` are tombstones: those two are never joined directly."""

    owned: Sequence[Owned] = ()
    vouched: Sequence[Vouched] = ()
    links: Sequence[Link] = ()
    cuts: frozenset[frozenset[Node]] = frozenset()


Edges = set[frozenset[Node]]


def shared_keys(evidence: Evidence) -> frozenset[str]:
    """Keys held by two persons. They link nobody, and prove nobody."""
    persons: defaultdict[str, set[str]] = defaultdict(set)
    for vouched in evidence.vouched:
        if vouched.person is not None:
            persons[vouched.key].add(vouched.person)
    return frozenset(key for key, holders in persons.items() if len(holders) > 1)


def customer(node: Node, evidence: Evidence) -> frozenset[Node]:
    """The nodes that are one customer with `node`, itself included."""
    whole = _reach(node, _edges(evidence))
    if not _conflicted(whole, evidence):
        return whole
    return _reach(node, _direct_edges(evidence))


def persons(nodes: Iterable[Node]) -> list[str]:
    """The directory ids among some nodes, sorted."""
    return sorted(node.removeprefix("d:") for node in nodes if node.startswith("d:"))


def people(nodes: frozenset[Node], evidence: Evidence) -> dict[str, set[Node]]:
    """The people among some nodes, directory ids and subjects of signed logins alike, and the nodes that name them."""
    named: defaultdict[str, set[Node]] = defaultdict(set)
    for person in persons(nodes):
        named[person].add(f"d:{person}")
    for owned in evidence.owned:
        if owned.node in nodes and owned.key.startswith("web:"):
            named[owned.key.removeprefix("web:")].add(owned.node)
    return dict(named)


def _edges(evidence: Evidence) -> Edges:
    shared = shared_keys(evidence)
    edges: Edges = {frozenset((link.a, link.b)) for link in evidence.links}
    keys = {o.key for o in evidence.owned} | {v.key for v in evidence.vouched}
    for key in keys - shared:
        edges |= _edges_of_key(
            [o for o in evidence.owned if o.key == key], [v for v in evidence.vouched if v.key == key]
        )
    return {edge for edge in edges if len(edge) > 1} - evidence.cuts


def _edges_of_key(owned: list[Owned], vouched: list[Vouched]) -> Edges:
    edges: Edges = {frozenset((a.node, b.node)) for a, b in combinations(vouched, 2)}
    edges |= {
        frozenset((a.node, b.node)) for a, b in combinations(owned, 2) if a.epoch == b.epoch and a.proven and b.proven
    }
    for o in owned:
        edges |= {frozenset((o.node, v.node)) for v in vouched if _speaks_for(v, o)}
    return edges


def _speaks_for(vouched: Vouched, owned: Owned) -> bool:
    """The directory speaks for a first contact; another source only for a handle that has proved itself.

    A row from before the silence says nothing about who holds the number now; one that came after the directory took
    the key away says nothing about who held it before.
    """
    if owned.silent_from is not None and vouched.at <= owned.silent_from:
        return False
    if owned.closed_at is not None and vouched.recorded_at >= owned.closed_at:
        return False
    return owned.proven or vouched.node.startswith("d:")


def _conflicted(nodes: frozenset[Node], evidence: Evidence) -> bool:
    """Two people met, and no pair of operators said that they are one."""
    named = people(nodes, evidence)
    if len(named) < 2:  # noqa: PLR2004 - one person is never in conflict
        return False
    agreed: Edges = {frozenset((link.a, link.b)) for link in evidence.links if link.two_operators} - evidence.cuts
    for names in named.values():
        agreed |= {frozenset(pair) for pair in combinations(names, 2)}
    everybody = {node for names in named.values() for node in names}
    return not everybody <= _reach(min(everybody), agreed)


def _direct_edges(evidence: Evidence) -> Edges:
    """What stands when two persons met: the directory's own word about a handle's own key, and two operators'."""
    shared = shared_keys(evidence)
    edges: Edges = {frozenset((link.a, link.b)) for link in evidence.links if link.two_operators}
    for o in evidence.owned:
        edges |= {
            frozenset((o.node, v.node))
            for v in evidence.vouched
            if v.key == o.key and v.key not in shared and v.node.startswith("d:") and _speaks_for(v, o)
        }
    return edges - evidence.cuts


def _reach(start: Node, edges: Edges) -> frozenset[Node]:
    neighbours: defaultdict[Node, set[Node]] = defaultdict(set)
    for a, b in map(tuple, edges):
        neighbours[a].add(b)
        neighbours[b].add(a)
    reached, frontier = {start}, [start]
    while frontier:
        for node in neighbours[frontier.pop()] - reached:
            reached.add(node)
            frontier.append(node)
    return frozenset(reached)
