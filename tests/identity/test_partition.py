"""Customers are a pure function of current evidence: its order does not matter, and what is undone is as never done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from identity.partition import Evidence, Link, Owned, Vouched, customer, persons, shared_keys

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PHONE, MAIL, OTHER = "phone:+15550142", "email:john@shop.test", "email:mary@shop.test"


def directory(person: str, key: str, *, at: datetime = T0) -> Vouched:
    return Vouched(node=f"d:{person}", key=key, at=at, recorded_at=at, person=person)


def handle(number: int, key: str, *, proven: bool = True) -> Owned:
    return Owned(node=f"h:{number}", key=key, proven=proven)


def test_the_directory_joins_the_handles_it_knows() -> None:
    evidence = Evidence(
        owned=[handle(1, PHONE), handle(2, MAIL)], vouched=[directory("j", PHONE), directory("j", MAIL)]
    )
    assert customer("h:1", evidence) == {"h:1", "h:2", "d:j"}


def test_one_number_on_sms_and_voice_is_one_once_both_are_proven() -> None:
    both = Evidence(owned=[handle(1, PHONE), handle(2, PHONE)])
    assert customer("h:1", both) == {"h:1", "h:2"}
    one = Evidence(owned=[handle(1, PHONE), handle(2, PHONE, proven=False)])
    assert customer("h:1", one) == {"h:1"}


def test_a_key_of_two_people_links_nobody() -> None:
    evidence = Evidence(owned=[handle(1, PHONE)], vouched=[directory("j", PHONE), directory("m", PHONE)])
    assert shared_keys(evidence) == {PHONE}
    assert customer("h:1", evidence) == {"h:1"}


def test_a_login_speaks_for_the_person_of_that_id_and_not_for_a_second_one() -> None:
    login = Vouched(node="h:3", key=MAIL, at=T0, recorded_at=T0, person="j")
    evidence = Evidence(owned=[handle(3, "web:j")], vouched=[login, directory("j", MAIL), directory("j", "web:j")])
    assert shared_keys(evidence) == frozenset()
    assert customer("h:3", evidence) == {"h:3", "d:j"}


def test_what_was_vouched_for_before_the_silence_says_nothing_after_it() -> None:
    silent_from = T0 + timedelta(days=10)
    anew = replace(handle(2, PHONE), epoch=2, silent_from=silent_from)
    before = Evidence(owned=[handle(1, PHONE), anew], vouched=[directory("j", PHONE)])
    assert customer("h:2", before) == {"h:2"}
    assert customer("h:1", before) == {"h:1", "d:j"}
    after = replace(before, vouched=[directory("j", PHONE, at=silent_from + timedelta(days=50))])
    assert customer("h:2", after) == {"h:1", "h:2", "d:j"}


def test_who_gets_a_key_gets_nothing_of_who_had_it() -> None:
    closed = replace(handle(1, PHONE), closed_at=T0 + timedelta(days=1))
    anew = replace(handle(2, PHONE), epoch=2)
    next_owner = directory("m", PHONE, at=T0 + timedelta(days=1))
    evidence = Evidence(owned=[closed, anew], vouched=[next_owner])
    assert customer("h:1", evidence) == {"h:1"}
    assert customer("h:2", evidence) == {"h:2", "d:m"}
    earlier = replace(next_owner, at=T0 - timedelta(days=9))  # what the directory says it verified long ago
    assert customer("h:1", replace(evidence, vouched=[earlier])) == {"h:1"}


def test_two_logins_are_two_people() -> None:
    logins = [handle(1, "web:u1"), handle(2, "web:u2"), handle(3, "slack:T/U")]
    evidence = Evidence(owned=logins, links=[Link(a="h:1", b="h:3"), Link(a="h:2", b="h:3")])
    assert customer("h:1", evidence) == {"h:1"}
    assert customer("h:2", evidence) == {"h:2"}


def test_two_directory_people_meet_only_by_two_operators() -> None:
    apart = Evidence(
        owned=[handle(1, MAIL), handle(2, OTHER)],
        vouched=[directory("j", MAIL), directory("m", OTHER)],
        links=[Link(a="h:1", b="h:2")],
    )
    assert customer("h:1", apart) == {"h:1", "d:j"}
    assert customer("h:2", apart) == {"h:2", "d:m"}
    agreed = replace(apart, links=[*apart.links, Link(a="d:j", b="d:m", two_operators=True)])
    assert customer("h:1", agreed) == {"h:1", "h:2", "d:j", "d:m"}


def test_a_cut_is_never_joined_directly_again() -> None:
    joined = Evidence(owned=[handle(1, PHONE), handle(2, PHONE)], links=[Link(a="h:1", b="h:2")])
    cut = replace(joined, cuts=frozenset({frozenset({"h:1", "h:2"})}))
    assert customer("h:1", cut) == {"h:1"}


def test_the_order_of_evidence_does_not_matter() -> None:
    pieces: list[Owned | Vouched | Link] = [
        handle(1, PHONE),
        handle(2, MAIL),
        handle(3, OTHER),
        directory("j", PHONE),
        directory("j", MAIL),
        Link(a="h:2", b="h:3"),
    ]
    outcomes = set()
    for order in permutations(pieces):
        evidence = Evidence(
            owned=[p for p in order if isinstance(p, Owned)],
            vouched=[p for p in order if isinstance(p, Vouched)],
            links=[p for p in order if isinstance(p, Link)],
        )
        outcomes.add(tuple(customer(f"h:{n}", evidence) for n in (1, 2, 3)))
    assert outcomes == {(frozenset({"h:1", "h:2", "h:3", "d:j"}),) * 3}


KEYS = [f"email:k{n}@x.test" for n in range(3)]
owned = st.builds(
    Owned,
    node=st.sampled_from([f"h:{n}" for n in range(5)]),
    key=st.sampled_from(KEYS),
    proven=st.booleans(),
    epoch=st.integers(1, 2),
)
vouched = st.sampled_from("abc").flatmap(
    lambda p: st.builds(
        Vouched,
        node=st.just(f"d:{p}"),
        key=st.sampled_from(KEYS),
        at=st.just(T0),
        recorded_at=st.just(T0),
        person=st.just(p),
    )
)
link = st.builds(Link, a=st.sampled_from([f"h:{n}" for n in range(5)]), b=st.sampled_from([f"h:{n}" for n in range(5)]))
evidences = st.builds(
    Evidence,
    owned=st.lists(owned, max_size=5, unique_by=lambda o: o.node),
    vouched=st.lists(vouched, max_size=5),
    links=st.lists(link, max_size=4),
)


@given(evidences)
def test_being_one_customer_is_mutual_and_never_joins_two_people(evidence: Evidence) -> None:
    for node in (o.node for o in evidence.owned):
        mine = customer(node, evidence)
        assert node in mine
        assert len(persons(mine)) <= 1
        assert all(customer(other, evidence) == mine for other in mine)


@given(evidences, link)
def test_taking_a_link_back_gives_what_was_there_before(evidence: Evidence, added: Link) -> None:
    before = {o.node: customer(o.node, evidence) for o in evidence.owned}
    linked = replace(evidence, links=[*evidence.links, added])
    undone = replace(linked, links=[one for one in linked.links if one is not added])
    assert {o.node: customer(o.node, undone) for o in evidence.owned} == before
