"""Merge and unmerge: what an operator's word changes in the evidence. Nothing is moved, so each undoes the other."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from identity import partition
from identity.partition import Edge, Edges, Evidence, Link, Node


class OneAlready(Exception):
    """The two are one customer."""


class TwoAlready(Exception):
    """Nothing joins the two."""


class TwoOperatorsNeeded(Exception):
    """Two known people would become one; `people` are their directory ids or login subjects."""

    def __init__(self, people: Iterable[str]) -> None:
        self.people = sorted(people)
        super().__init__(", ".join(self.people))


class PeopleMixedUp(TwoOperatorsNeeded):
    """A side hangs together with two people, so that nothing can be added before these are unmerged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a merge adds and lifts, or what an unmerge retires and forbids.

    `retired`: pairs whose links by code or operator end. `cut`: pairs that keys shall not join any more. `apart`: the
    two that shall never be one customer again. `lifted`: pairs whose tombstones of either kind end.
    """

    link: Link | None = None
    retired: frozenset[Edge] = frozenset()
    cut: frozenset[Edge] = frozenset()
    apart: Edge | None = None
    lifted: frozenset[Edge] = frozenset()


def changed(evidence: Evidence, change: Change) -> Evidence:
    """The evidence as it is after a change."""
    links = tuple(link for link in evidence.links if link.edge not in change.retired)
    return replace(
        evidence,
        links=(*links, change.link) if change.link else links,
        cuts=(evidence.cuts - change.lifted) | change.cut,
        apart=(evidence.apart - change.lifted) | ({change.apart} if change.apart else frozenset()),
    )


def merge(a: Node, b: Node, evidence: Evidence, *, two_operators: bool) -> Change:
    """The link that makes two customers one, and the end of what kept them apart.

    Raises OneAlready, TwoOperatorsNeeded or PeopleMixedUp.
    """
    mine, theirs = partition.customer(a, evidence), partition.customer(b, evidence)
    if b in mine:
        raise OneAlready
    here, there = partition.people(mine, evidence), partition.people(theirs, evidence)
    two_people = bool(here and there) and here.keys().isdisjoint(there)
    if two_people and not two_operators:
        raise TwoOperatorsNeeded(here | there)
    ends = (_named(a, here), _named(b, there)) if two_people else (a, b)
    number = max((link.number for link in evidence.links), default=0) + 1
    link = Link(a=ends[0], b=ends[1], two_operators=two_people, number=number)
    between = {pair for pair in evidence.apart if pair & mine and pair & theirs}
    change = Change(link=link, lifted=frozenset(between | (evidence.cuts & {link.edge})))
    if not mine | theirs <= partition.customer(a, changed(evidence, change)):
        raise PeopleMixedUp(_all_people(a, evidence) | _all_people(b, evidence))
    return change


def unmerge(a: Node, b: Node, evidence: Evidence) -> Change:
    """What has to go so that two nodes are two customers: the weakest of what joins them, until nothing does.

    Where two people met, so that neither is joined any more, everything between the two goes. Raises TwoAlready.
    """
    one = b in partition.customer(a, evidence)
    pair, gone, left = frozenset((a, b)), set[Edge](), evidence
    while edge := partition.weakest_between(a, b, _joining(a, left, one=one), left):
        gone.add(edge)
        left = changed(left, Change(retired=frozenset((edge,)), cut=frozenset((edge,))))
    if not gone:
        raise TwoAlready
    linked = {link.edge for link in evidence.links}
    return Change(
        retired=frozenset(gone & linked), cut=frozenset(gone & partition.automatic_edges(evidence)), apart=pair
    )


def _joining(node: Node, evidence: Evidence, *, one: bool) -> Edges:
    return partition.standing_edges(node, evidence) if one else partition.all_edges(evidence)


def _named(node: Node, people: dict[str, set[Node]]) -> Node:
    """A node that names a person, this one if it does: two operators join people."""
    naming = {name for names in people.values() for name in names}
    return node if node in naming else min(naming)


def _all_people(node: Node, evidence: Evidence) -> set[str]:
    return set(partition.people(partition.reach(node, partition.all_edges(evidence)), evidence))
