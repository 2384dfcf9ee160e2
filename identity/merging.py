"""Merge and unmerge: what an operator's word changes in the evidence. Nothing is moved, so each undoes the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from identity import partition
from identity.partition import Edge, Evidence, Link, Node


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


class ToldApart(Exception):
    """Others than the two who are named were told apart, which nothing but naming these lifts."""

    def __init__(self, pair: Edge) -> None:
        self.pair = pair
        super().__init__(" and ".join(sorted(pair)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a merge adds and lifts, or what an unmerge retires and forbids.

    `retired`: links by code or operator that end. `cut`: pairs that keys shall not join any more. `apart`: the
    two that shall never be one customer again. `lifted`: pairs whose tombstones of either kind end.
    """

    link: Link | None = None
    retired: frozenset[Link] = frozenset()
    cut: frozenset[Edge] = frozenset()
    apart: Edge | None = None
    lifted: frozenset[Edge] = frozenset()


def changed(evidence: Evidence, change: Change) -> Evidence:
    """The evidence as it is after a change."""
    links = tuple(link for link in evidence.links if link not in change.retired)
    return replace(
        evidence,
        links=(*links, change.link) if change.link else links,
        cuts=(evidence.cuts - change.lifted) | change.cut,
        apart=(evidence.apart - change.lifted) | ({change.apart} if change.apart else frozenset()),
    )


def merge(a: Node, b: Node, evidence: Evidence, *, two_operators: bool) -> Change:
    """The link that makes two customers one, and the end of what kept them apart.

    Raises OneAlready, TwoOperatorsNeeded, PeopleMixedUp or ToldApart.
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
    if others := (between | (evidence.cuts & {link.edge})) - {frozenset((a, b))}:
        raise ToldApart(min(others, key=sorted))
    lifted = frozenset(between | (evidence.cuts & {link.edge}))
    masked = frozenset(other for other in evidence.links if other.edge in lifted & evidence.cuts)
    change = Change(link=link, retired=masked, lifted=lifted)  # what a cut kept from joining does not come back with it
    if not mine | theirs <= partition.customer(a, changed(evidence, change)):
        raise PeopleMixedUp(_all_people(a, evidence) | _all_people(b, evidence))
    return change


def unmerge(a: Node, b: Node, evidence: Evidence) -> Change:
    """What has to go so that two nodes are two customers: the newest links first, what keys join last, and no more of
    it than needed.

    Where two people met, so that neither side is joined any more, everything between the two goes. Raises TwoAlready.
    """
    joins = _one_customer if _one_customer(a, b, evidence) else _connected
    if not joins(a, b, evidence):
        raise TwoAlready
    gone: list[Link | Edge] = []
    for ground in _weakest_first(evidence):
        gone.append(ground)
        if not joins(a, b, changed(evidence, _loss(gone))):
            break
    for ground in reversed(gone):
        others = [other for other in gone if other is not ground]
        if not joins(a, b, changed(evidence, _loss(others))):
            gone = others
    return replace(_loss(gone), apart=frozenset((a, b)))


def _weakest_first(evidence: Evidence) -> list[Link | Edge]:
    links = sorted(evidence.links, key=lambda link: (-link.number, link.a, link.b))
    keys = partition.strongest_first(partition.automatic_edges(evidence), evidence)
    return [*links, *reversed(keys)]


def _loss(grounds: Sequence[Link | Edge]) -> Change:
    links = frozenset(ground for ground in grounds if isinstance(ground, Link))
    return Change(retired=links, cut=frozenset(ground for ground in grounds if not isinstance(ground, Link)))


def _one_customer(a: Node, b: Node, evidence: Evidence) -> bool:
    return b in partition.customer(a, evidence)


def _connected(a: Node, b: Node, evidence: Evidence) -> bool:
    return b in partition.reach(a, partition.all_edges(evidence))


def _named(node: Node, people: dict[str, set[Node]]) -> Node:
    """A node that names a person, this one if it does: two operators join people."""
    naming = {name for names in people.values() for name in names}
    return node if node in naming else min(naming)


def _all_people(node: Node, evidence: Evidence) -> set[str]:
    return set(partition.people(partition.reach(node, partition.all_edges(evidence)), evidence))
