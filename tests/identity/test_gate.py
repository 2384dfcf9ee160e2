"""The gate: what each proof may recall, and the table that says so."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from identity.gate import DIRECTORY, Grant, Purpose, Standing, permit
from identity.policy import Deed, Leave, leave
from identity.proof import Proof, weigh

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NODES = frozenset({"h:1", "h:2", "d:cus_1"})


@dataclass
class Row:
    drawn_from: frozenset[int]


def row(*handles: int) -> Row:
    return Row(drawn_from=frozenset(handles))


def standing(proof: Proof, grant: Grant | None = None) -> Standing:
    return Standing(handle=1, proof=proof, nodes=NODES, grant=grant)


@pytest.mark.parametrize(
    ("proof", "answer", "greet", "person", "masked"),
    [
        (Proof.CLAIMED, {1}, set(), None, True),
        (Proof.PLAUSIBLE, {1}, set(), None, True),
        (Proof.PROVEN, {1, 2}, {1, 2}, "cus_1", True),
        (Proof.CONFIRMED, {1, 2}, {1, 2}, "cus_1", False),
    ],
)
def test_what_a_proof_opens(proof: Proof, answer: set[int], greet: set[int], person: str | None, masked: bool) -> None:
    allowed = permit(standing(proof), Purpose.ANSWER)
    assert allowed.handles - {DIRECTORY} == answer
    assert allowed.person == person
    assert allowed.masked is masked
    assert permit(standing(proof), Purpose.GREET).handles - {DIRECTORY} == greet


def test_staff_see_everything_of_the_customer_unmasked() -> None:
    allowed = permit(standing(Proof.CLAIMED), Purpose.STAFF)
    assert allowed.handles == {DIRECTORY, 1, 2}
    assert not allowed.masked


def test_no_row_of_another_handle_is_admitted_nor_one_that_repeats_it() -> None:
    allowed = permit(standing(Proof.PROVEN), Purpose.ANSWER)
    rows = [row(1), row(2), row(3), row(1, 2), row(1, 3)]
    assert allowed.admit(rows) == [row(1), row(2), row(1, 2)]


def test_a_code_opens_the_customer_who_showed_it_and_nothing_of_who_entered_it() -> None:
    grant = Grant(shown_by=7, nodes=frozenset({"h:7", "h:8"}), proof=Proof.PROVEN, since=NOW)
    entered = standing(Proof.PROVEN, grant)
    allowed = permit(entered, Purpose.ANSWER)
    assert allowed.handles == {DIRECTORY, 7, 8}
    assert allowed.person is None
    assert entered.keeper == 7


def test_a_code_shown_by_a_claimed_conversation_carries_that_conversation_alone() -> None:
    grant = Grant(shown_by=7, nodes=frozenset({"h:7", "h:8"}), proof=Proof.CLAIMED, since=NOW)
    assert permit(standing(Proof.PROVEN, grant), Purpose.ANSWER).handles == {7}
    assert permit(standing(Proof.PROVEN, grant), Purpose.GREET).handles == frozenset()


def test_money_never_runs_without_a_person_unless_confirmed() -> None:
    assert leave(Deed.SPEND, Proof.CLAIMED) is Leave.NO
    assert leave(Deed.SPEND, Proof.PROVEN) is Leave.WITH_APPROVAL
    assert leave(Deed.SPEND, Proof.CONFIRMED) is Leave.WITHIN_LIMIT


@pytest.mark.parametrize(
    ("vouched", "known", "shared", "found"),
    [
        (Proof.PROVEN, True, False, Proof.PROVEN),
        (Proof.PROVEN, False, False, Proof.PLAUSIBLE),
        (Proof.PROVEN, True, True, Proof.PLAUSIBLE),
        (Proof.CLAIMED, True, False, Proof.CLAIMED),
    ],
)
def test_a_number_has_to_be_known(vouched: Proof, known: bool, shared: bool, found: Proof) -> None:
    assert weigh(vouched, must_be_known=True, known=known, shared=shared) is found
