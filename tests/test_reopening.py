"""What was solved and comes back is the same case: nothing is asked again, and its past hands nothing over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.record import Case
from tests.shop import Shop

WHO = ("slack", "T1/U1")
FAULT = "My Brightly router shows error KX-48213 on my laptop"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await Shop.open(tmp_path)
    yield shop
    await shop.close()


async def case(shop: Shop, number: int = 1) -> Case:
    return (await shop.ledger.case_file(number, reachable=(), now=shop.now)).case


async def solved(shop: Shop) -> None:
    await shop.hears(*WHO, FAULT)
    await shop.hears(*WHO, "It works now, thank you!")
    assert (await case(shop)).status == "resolved"
    shop.later(days=2)


@pytest.mark.parametrize(
    "words",
    [
        "The same error is back",
        "It is still not working",
        "error KX-48213 again",
        "Der Fehler ist immer noch da",
        "El error sigue apareciendo",
    ],
)
async def test_what_comes_back_within_a_week_is_the_same_case(shop: Shop, words: str) -> None:
    await solved(shop)
    said = await shop.hears(*WHO, words)
    now = await case(shop)
    assert now.status != "resolved"
    assert now.contacts == 1
    assert not any(asked in said for asked in ("error code do", "Which error", "What error"))


@pytest.mark.parametrize(
    "words",
    ["New problem: the app crashes again with error ZZ-11111", "I was charged $12 twice", "error ZZ-11111 again"],
)
async def test_something_else_is_another_case_and_the_old_one_is_not_spoken_of(shop: Shop, words: str) -> None:
    await solved(shop)
    said = await shop.hears(*WHO, words)
    assert (await case(shop)).status == "resolved"
    assert (await case(shop, 2)).status != "resolved"
    assert "48213" not in said


async def test_after_a_week_it_is_a_new_case(shop: Shop) -> None:
    await solved(shop)
    shop.later(days=9)
    await shop.hears(*WHO, "The same error is back on my router")
    assert (await case(shop)).status == "resolved"


async def test_a_case_that_is_opened_again_is_not_handed_over_for_its_past(shop: Shop) -> None:
    for words in (
        FAULT + "!!! This is outrageous",
        "I am furious, error KX-48213",
        "error KX-48213, useless company!!!",
    ):
        await shop.hears(*WHO, words)
        shop.later(days=1)
    await shop.ledger.take(1, "eve", now=shop.now)
    await shop.ledger.hand_back(1, "eve", now=shop.now)
    await shop.hears(*WHO, "It works now, thank you!")
    shop.later(days=1)
    await shop.hears(*WHO, "error KX-48213 is back")
    again = await case(shop)
    assert "angry" not in again.reason
    assert "Contact number" not in again.reason
    assert again.assignee == ""


async def test_a_stranger_opens_nothing_again(shop: Shop) -> None:
    await solved(shop)
    await shop.hears("slack", "T1/U9", "error KX-48213 is back")
    assert (await case(shop)).status == "resolved"
