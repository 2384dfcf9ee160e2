"""Which handles are one customer: a pure function of the evidence there is now.

Nothing is ever moved or merged. A link is an edge between two nodes, a customer is a connected component, and undoing
a link gives back exactly what was there before. Automatic edges are computed anew from current evidence each time.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations

from identity.handles import SILENCE

Node = str  # "h:12" is a handle in one epoch, "d:cus_7" a person in the company's directory


@dataclass(frozen=True, kw_only=True, slots=True)
class Owned:
    """A handle holds its own key, in one epoch. `silent_from` is when the epoch before it was last heard from."""

    node: Node
    key: str
    epoch: int = 1
    silent_from: datetime | None = None
    heard_at: datetime | None = None  # last
    closed_at: datetime | None = None  # when the directory took the key from whom this epoch belonged to
    proven: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is a telephone number, which the network may give to somebody else."""
        return self.key.startswith("phone:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vouched:
    """Somebody we trust says that a node holds a key: the directory, a signed login, a workspace.

    `person` is the directory id or login subject that speaks; two persons holding one key share it. `at` is when the
    key was verified, `recorded_at` when we were first told, `heard_at` when last: None where the word holds until it is
    taken back, as the directory's does.
    """

    node: Node
    key: str
    at: datetime
    recorded_at: datetime
    person: str | None = None
    heard_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it was said lately enough to count."""
        return self.heard_at is None or now - self.heard_at <= SILENCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Two nodes are one person, by a code or an operator. `two_operators` alone may join two directory persons.

    `number` tells older links from newer ones; of two that cannot both stand, the older one does.
    """

    a: Node
    b: Node
    two_operators: bool = False
    number: int = 0

    @property
    def edge(self) -> "Edge":
        """The pair that it joins."""
        return frozenset((self.a, self.b))


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that speaks for or against joining some nodes.

    What is `lapsed` was vouched for and not said again for long: it joins nobody, but a key that it gives to another
    person stays shared. Two tombstones: a pair in `cuts` is never joined directly; a pair in `apart` was told apart by
    an operator and is never one customer, over whatever others evidence may lead.
    """

    owned: Sequence[Owned] = ()
    vouched: Sequence[Vouched] = ()
    lapsed: Sequence[Vouched] = ()
    links: Sequence[Link] = ()
    cuts: "frozenset[Edge]" = frozenset()
    apart: "frozenset[Edge]" = frozenset()


Edge = frozenset[Node]
Edges = set[Edge]


def as_of(now: datetime, evidence: Evidence) -> Evidence:
    """The evidence as it stands at a moment, whatever of it had lapsed at another one."""
    told = (*evidence.vouched, *evidence.lapsed)
    holding = tuple(vouched for vouched in told if vouched.holds(now))
    return replace(evidence, vouched=holding, lapsed=tuple(vouched for vouched in told if not vouched.holds(now)))


def shared_keys(evidence: Evidence) -> frozenset[str]:
    """Keys held by two persons. They link nobody, and prove nobody."""
    persons: defaultdict[str, set[str]] = defaultdict(set)
    for vouched in (*evidence.vouched, *evidence.lapsed):
        if vouched.person is not None:
            persons[vouched.key].add(vouched.person)
    return frozenset(key for key, holders in persons.items() if len(holders) > 1)


def customer(node: Node, evidence: Evidence) -> frozenset[Node]:
    """The nodes that are one customer with `node`, itself included."""
    return reach(node, standing_edges(node, evidence))


def standing_edges(node: Node, evidence: Evidence) -> Edges:
    """The edges that hold the customer of `node` together: no two people met, and nobody who was told apart."""
    edges = all_edges(evidence)
    if _conflicted(reach(node, edges), evidence):
        edges = _direct_edges(evidence)
    return _without_meetings(edges, evidence)


def all_edges(evidence: Evidence) -> Edges:
    """Everything that joins two nodes directly, also where it may not stand."""
    links = {link.edge for link in evidence.links if len(link.edge) > 1}
    return automatic_edges(evidence) | links - evidence.cuts


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


def automatic_edges(evidence: Evidence) -> Edges:
    """What keys alone join."""
    shared = shared_keys(evidence)
    edges: Edges = set()
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
    the key away, or when the number had been silent for long, says nothing about who held it before.
    """
    if owned.silent_from is not None and vouched.at <= owned.silent_from:
        return False
    if owned.closed_at is not None and vouched.recorded_at >= owned.closed_at:
        return False
    if owned.is_number and owned.heard_at is not None and vouched.recorded_at - owned.heard_at > SILENCE:
        return False
    return owned.proven or vouched.node.startswith("d:")


def _conflicted(nodes: frozenset[Node], evidence: Evidence) -> bool:
    """Two people met, and no pair of operators said that they are one."""
    named = people(nodes, evidence)
    if len(named) < 2:  # noqa: PLR2004 - one person is never in conflict
        return False
    agreed: Edges = {link.edge for link in evidence.links if link.two_operators} - evidence.cuts
    for names in named.values():
        agreed |= {frozenset(pair) for pair in combinations(names, 2)}
    everybody = {node for names in named.values() for node in names}
    return not everybody <= reach(min(everybody), agreed)


def _direct_edges(evidence: Evidence) -> Edges:
    """What stands when two persons met: the directory's own word about a handle's own key, and two operators'."""
    shared = shared_keys(evidence)
    edges: Edges = {link.edge for link in evidence.links if link.two_operators}
    for o in evidence.owned:
        edges |= {
            frozenset((o.node, v.node))
            for v in evidence.vouched
            if v.key == o.key and v.key not in shared and v.node.startswith("d:") and _speaks_for(v, o)
        }
    return edges - evidence.cuts


class _Groups:
    """Nodes that were joined so far."""

    def __init__(self) -> None:
        self._of: dict[Node, set[Node]] = {}

    def joined(self, edge: Edge) -> set[Node]:
        """The group that an edge makes, or would make."""
        return {member for node in edge for member in self._of.get(node, {node})}

    def join(self, edge: Edge) -> set[Node]:
        group = self.joined(edge)
        self._of |= dict.fromkeys(group, group)
        return group


def _without_meetings(edges: Edges, evidence: Evidence) -> Edges:
    """The edges but for those by which two who were told apart would meet; the stronger and older ones stand."""
    if not evidence.apart:
        return edges
    groups, kept = _Groups(), set[Edge]()
    for edge in strongest_first(edges, evidence):
        group = groups.joined(edge)
        if not any(pair <= group for pair in evidence.apart):
            groups.join(edge)
            kept.add(edge)
    return kept


def strongest_first(edges: Edges, evidence: Evidence) -> list[Edge]:
    """Keys before links, then the older link, then the older handle."""
    by_keys = automatic_edges(evidence)
    numbers: dict[Edge, int] = {}
    for link in evidence.links:
        numbers[link.edge] = min(link.number, numbers.get(link.edge, link.number))

    def weakness(edge: Edge) -> tuple[bool, int, int, list[Node]]:
        by_link = edge not in by_keys
        newest = max(int(node.removeprefix("h:")) if node.startswith("h:") else 0 for node in edge)
        return by_link, numbers[edge] if by_link else 0, newest, sorted(edge)

    return sorted(edges, key=weakness)


def reach(start: Node, edges: Edges) -> frozenset[Node]:
    """The nodes to which some edges lead from one."""
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
