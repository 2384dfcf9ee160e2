"""Who is one customer with whom, for many handles at once: evidence is cut into groups that nothing joins, and a
customer is looked for within one of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from identity.partition import Edge, Evidence, Node, customer

T = TypeVar("T")


class Groups:
    """Names, of nodes and of keys, that pairs of them join. Nodes of two groups are two customers; those of one may be
    one customer or several."""

    def __init__(self, joined: Iterable[tuple[str, str]]) -> None:
        self._parent: dict[str, str] = {}
        for a, b in joined:
            first, second = self.of(a), self.of(b)
            if first != second:
                self._parent[second] = first

    def of(self, name: str) -> str:
        """What a name's group is called."""
        parent = self._parent
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = parent[above]
            name = above
        return name


class Customers:
    """The customers that some evidence makes. It is to be whole: all that any chain leads to from what is asked for."""

    def __init__(self, evidence: Evidence) -> None:
        pairs = [(one.node, f"key {one.key}") for one in evidence.owned]
        pairs += [(one.node, f"key {one.key}") for one in (*evidence.vouched, *evidence.lapsed)]
        self._groups = Groups([*pairs, *((link.a, link.b) for link in evidence.links)])
        self._evidence = self._cut(evidence)
        self._known: dict[Node, Node] = {}

    def of(self, node: Node) -> Node:
        """The customer of a node, by the first of its nodes."""
        if node not in self._known:
            members = customer(node, self._evidence.get(self._groups.of(node), Evidence()))
            self._known |= dict.fromkeys(members, min(members))
        return self._known[node]

    def _cut(self, whole: Evidence) -> dict[str, Evidence]:
        owned, vouched = self._apart(whole.owned, lambda o: o.node), self._apart(whole.vouched, lambda v: v.node)
        lapsed, links = self._apart(whole.lapsed, lambda v: v.node), self._apart(whole.links, lambda link: link.a)
        cuts, apart = self._apart(whole.cuts, min), self._apart(whole.apart, min)
        return {
            group: Evidence(
                owned=owned.get(group, ()),
                vouched=vouched.get(group, ()),
                lapsed=lapsed.get(group, ()),
                links=links.get(group, ()),
                cuts=frozenset[Edge](cuts.get(group, ())),
                apart=frozenset[Edge](apart.get(group, ())),
            )
            for group in {*owned, *vouched, *lapsed, *links}
        }

    def _apart(self, rows: Iterable[T], node_of: Callable[[T], Node]) -> dict[str, list[T]]:
        cut: defaultdict[str, list[T]] = defaultdict(list)
        for row in rows:
            cut[self._groups.of(node_of(row))].append(row)
        return cut
