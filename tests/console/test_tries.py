"""Wrong sign-ins: what counts as one source, that counting comes first, and that a restart forgives nothing."""

from pathlib import Path

import pytest

from bots.console.tries import TooManyTries, Tries
from tests.shop import Shop


def tries(shop: Shop) -> Tries:
    return Tries(ledger=shop.ledger, key=b"the console's own secret", now=lambda: shop.now)


async def is_stopped(after: Tries, peer: str) -> bool:
    try:
        await after.begin(peer, "somebody else")
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
async def test_whoever_has_one_address_has_its_neighbours(shop: Shop, one: str, other: str, same: bool) -> None:
    counted = tries(shop)
    for _ in range(8):
        await counted.begin(one, "bea")
    assert await is_stopped(counted, other) is same


async def test_many_tries_at_once_count_before_any_is_looked_at(shop: Shop) -> None:
    counted = tries(shop)
    begun = [await counted.begin("192.0.2.1", "bea") for _ in range(8)]
    assert await is_stopped(counted, "192.0.2.1")
    await counted.forgive(begun[0])
    assert not await is_stopped(counted, "192.0.2.1")


async def test_the_wait_grows_and_has_an_end(shop: Shop) -> None:
    counted = tries(shop)
    waits = [(await counted.begin(f"192.0.2.{n}", "bea")).pause for n in range(200)]
    assert waits[:8] == [0, 0, 0, 0.25, 0.5, 1, 2, 2]
    assert set(waits[8:]) == {2}
    assert (await counted.begin("192.0.2.250", "carl")).pause == 0


async def test_a_restart_forgives_nothing_and_a_quarter_of_an_hour_does(shop: Shop) -> None:
    for _ in range(8):
        await tries(shop).begin("192.0.2.1", "bea")
    assert await is_stopped(tries(shop), "192.0.2.1")
    shop.later(minutes=16)
    assert not await is_stopped(tries(shop), "192.0.2.1")


async def test_what_is_on_record_names_nobody(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    await tries(shop).begin("192.0.2.1", "bea.of.the.night.shift")
    await shop.close()
    for path in tmp_path.rglob("*.db*"):
        assert b"192.0.2.1" not in path.read_bytes()
        assert b"bea.of.the.night.shift" not in path.read_bytes()
