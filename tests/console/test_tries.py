"""Wrong sign-ins: what counts as one source, that counting comes before looking, and that the count stays small."""

from datetime import UTC, datetime

import pytest

from bots.console.tries import TooManyTries, Tries

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def tries() -> Tries:
    return Tries(now=lambda: NOW)


def is_stopped(after: Tries, peer: str) -> bool:
    try:
        after.begin(peer, "somebody else")
    except TooManyTries:
        return True
    return False


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "", True),
    ],
)
def test_whoever_has_one_address_has_its_neighbours(one: str, other: str, same: bool) -> None:
    counted = tries()
    for _ in range(8):
        counted.begin(one, "bea")
    assert is_stopped(counted, other) is same


def test_many_tries_at_once_count_before_any_is_looked_at() -> None:
    counted = tries()
    begun = [counted.begin("192.0.2.1", "bea") for _ in range(8)]
    assert is_stopped(counted, "192.0.2.1")
    counted.forgive(begun[0])
    assert not is_stopped(counted, "192.0.2.1")


def test_the_wait_grows_and_has_an_end() -> None:
    counted = tries()
    waits = [counted.begin(f"192.0.2.{n}", "bea").pause for n in range(200)]
    assert waits[:8] == [0, 0, 0, 0.25, 0.5, 1, 2, 2]
    assert set(waits[8:]) == {2}
    assert counted.begin("192.0.2.250", "carl").pause == 0


def test_a_flood_is_forgotten_from_its_beginning() -> None:
    counted = tries()
    for n in range(2_001):
        counted.begin(f"198.51.{n // 256}.{n % 256}", f"name {n}")
    assert len(counted._wrong) == 2_000
