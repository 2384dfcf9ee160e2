"""Merge and unmerge undo each other exactly, hold for good, and ask two operators where two known people would meet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from identity.merging import (
    Change,
    OneAlready,
    PeopleMixedUp,
    ToldApart,
    TwoAlready,
    TwoOperatorsNeeded,
    changed,
    merge,
    unmerge,
)
from identity.partition import Evidence, Link, Node, Owned, Vouched, customer, people

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PHONE, MAIL, OTHER = "phone:+15550142", "email:john@shop.test", "email:mary@shop.test"


def directory(person: str, key: str) -> Vouched:
    return Vouched(node=f"d:{person}", key=key, at=T0, recorded_at=T0, person=person)


def handle(number: int, key: str, *, proven: bool = True) -> Owned:
    return Owned(node=f"h:{number}", key=key, proven=proven)


def nodes(evidence: Evidence) -> list[Node]:
    return sorted({o.node for o in evidence.owned} | {v.node for v in evidence.vouched})


def customers(evidence: Evidence) -> dict[Node, frozenset[Node]]:
    return {node: customer(node, evidence) for node in nodes(evidence)}


def merged(a: Node, b: Node, evidence: Evidence) -> Evidence:
    return changed(evidence, merge(a, b, evidence, two_operators=True))


def unmerged(a: Node, b: Node, evidence: Evidence) -> Evidence:
    return changed(evidence, unmerge(a, b, evidence))


JOHN_AND_MARY = Evidence(
    owned=[handle(1, MAIL), handle(2, OTHER), handle(3, "slack:T1/U1")],
    vouched=[directory("j", MAIL), directory("m", OTHER)],
)
TWO_NUMBERS = Evidence(owned=[handle(1, MAIL), handle(2, PHONE)], vouched=[directory("j", MAIL), directory("j", PHONE)])


def test_a_merge_joins_all_of_both() -> None:
    assert customer("h:3", merged("h:3", "d:j", JOHN_AND_MARY)) == {"h:1", "h:3", "d:j"}


def test_two_known_people_take_two_operators_also_when_their_handles_are_named() -> None:
    with pytest.raises(TwoOperatorsNeeded) as needed:
        merge("h:1", "h:2", JOHN_AND_MARY, two_operators=False)
    assert needed.value.people == ["j", "m"]
    both = merged("h:1", "h:2", JOHN_AND_MARY)
    assert customer("h:1", both) == {"h:1", "h:2", "d:j", "d:m"}
    assert customers(unmerged("h:1", "h:2", both)) == customers(JOHN_AND_MARY)


def test_nothing_is_done_that_is_so_already() -> None:
    with pytest.raises(OneAlready):
        merge("h:1", "d:j", JOHN_AND_MARY, two_operators=False)
    with pytest.raises(TwoAlready):
        unmerge("h:1", "h:2", JOHN_AND_MARY)


def test_what_the_directory_joined_is_parted_where_the_newer_handle_hangs() -> None:
    change = unmerge("h:1", "h:2", TWO_NUMBERS)
    assert change == Change(cut=frozenset({frozenset({"d:j", "h:2"})}), apart=frozenset({"h:1", "h:2"}))
    assert customer("h:1", changed(TWO_NUMBERS, change)) == {"h:1", "d:j"}


def test_who_was_told_apart_is_not_led_back_over_a_third() -> None:
    apart = unmerged("d:j", "h:2", TWO_NUMBERS)
    called = replace(apart, owned=[*apart.owned, handle(3, PHONE)])  # the same number, now on the telephone
    assert customer("h:2", called) == {"h:2"}
    assert customer("d:j", called) == {"d:j", "h:1", "h:3"}


def test_an_earlier_parting_holds_when_a_later_one_takes_its_reason_away() -> None:
    three = replace(
        TWO_NUMBERS, owned=[*TWO_NUMBERS.owned, handle(3, OTHER)], vouched=[*TWO_NUMBERS.vouched, directory("j", OTHER)]
    )
    parted = unmerged("h:3", "h:1", unmerged("h:1", "h:2", three))
    assert "d:j" not in customer("h:2", parted)


def test_a_merge_brings_back_who_was_told_apart() -> None:
    assert customers(merged("h:2", "h:1", unmerged("h:1", "h:2", TWO_NUMBERS))) == customers(TWO_NUMBERS)


def test_where_two_people_met_over_a_third_handle_unmerging_says_whose_it_is() -> None:
    met = replace(JOHN_AND_MARY, links=[Link(a="h:1", b="h:3", number=1), Link(a="h:2", b="h:3", number=2)])
    assert customer("h:3", met) == {"h:3"}
    with pytest.raises(PeopleMixedUp):
        merge("h:3", "d:j", met, two_operators=True)
    assert customer("h:3", unmerged("h:3", "d:m", met)) == {"h:1", "h:3", "d:j"}


KEYS = [f"email:k{n}@x.test" for n in range(4)]
HANDLES = [f"h:{n}" for n in range(6)]
NODES = [*HANDLES, "d:a", "d:b", "d:c"]
owned = st.builds(
    Owned, node=st.sampled_from(HANDLES), key=st.sampled_from([*KEYS, "web:a", "web:z"]), proven=st.booleans()
)
vouched = st.sampled_from("abc").flatmap(lambda person: st.builds(directory, st.just(person), st.sampled_from(KEYS)))
pairs = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda pair: pair[0] != pair[1])


def links_of(drawn: Sequence[tuple[Node, Node]]) -> tuple[Link, ...]:
    return tuple(Link(a=a, b=b, number=number) for number, (a, b) in enumerate(drawn, start=1))


evidences = st.builds(
    Evidence,
    owned=st.lists(owned, max_size=6, unique_by=lambda o: o.node),
    vouched=st.lists(vouched, max_size=5),
    links=st.lists(pairs, max_size=4).map(links_of),
    cuts=st.frozensets(pairs.map(frozenset), max_size=2),
    apart=st.frozensets(pairs.map(frozenset), max_size=2),
)


def evidence_with(evidence: Evidence, pair: tuple[Node, Node]) -> dict[Node, frozenset[Node]]:
    return {node: customer(node, evidence) for node in {*nodes(evidence), *pair}}


@settings(max_examples=500)
@given(evidences, pairs)
def test_merge_then_unmerge_is_as_if_neither_had_been(evidence: Evidence, pair: tuple[Node, Node]) -> None:
    before = evidence_with(evidence, pair)
    try:
        both = merged(*pair, evidence)
    except (OneAlready, PeopleMixedUp, ToldApart):
        assume(False)
    assert customer(pair[0], both) >= before[pair[0]] | before[pair[1]]
    assert evidence_with(unmerged(*pair, both), pair) == before
    assert evidence_with(unmerged(pair[1], pair[0], both), pair) == before


@settings(max_examples=500)
@given(evidences, pairs, st.lists(owned, max_size=3), st.lists(vouched, max_size=3), st.lists(pairs, max_size=2))
def test_nothing_that_comes_later_joins_who_was_unmerged(
    evidence: Evidence,
    pair: tuple[Node, Node],
    handles: list[Owned],
    said: list[Vouched],
    codes: list[tuple[Node, Node]],
) -> None:
    a, b = pair
    try:
        parted = unmerged(a, b, evidence if b in customer(a, evidence) else merged(a, b, evidence))
    except (PeopleMixedUp, ToldApart):
        assume(False)
    newer = [replace(o, node=f"h:{number}") for number, o in enumerate(handles, start=10)]
    added = tuple(Link(a=one, b=other, number=90) for one, other in codes)
    later = replace(
        parted,
        owned=[*parted.owned, *newer],
        vouched=[*parted.vouched, *said],
        links=(*parted.links, *added),
    )
    assert b not in customer(a, parted)
    assert b not in customer(a, later)


@settings(max_examples=500)
@given(evidences, st.lists(st.tuples(st.booleans(), pairs), max_size=5), st.randoms())
def test_after_any_deeds_being_one_customer_is_mutual_and_has_no_order(
    evidence: Evidence, deeds: list[tuple[bool, tuple[Node, Node]]], random: st.DataObject
) -> None:
    for joins, pair in deeds:
        try:
            evidence = (merged if joins else unmerged)(*pair, evidence)
        except (OneAlready, TwoAlready, PeopleMixedUp, ToldApart):
            continue
    shuffled = replace(
        evidence,
        owned=sorted(evidence.owned, key=lambda _: random.random()),  # type: ignore[attr-defined]
        vouched=sorted(evidence.vouched, key=lambda _: random.random()),  # type: ignore[attr-defined]
        links=sorted(evidence.links, key=lambda _: random.random()),  # type: ignore[attr-defined]
    )
    for node, mine in customers(evidence).items():
        assert all(customer(other, evidence) == mine for other in mine)
        assert not any(pair <= mine for pair in evidence.apart)
        assert customer(node, shuffled) == mine
        assert len(people(mine, evidence)) < 2 or any(link.two_operators for link in evidence.links)
