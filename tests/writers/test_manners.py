"""How somebody likes to be answered is learnt from what they say, and obeyed."""

import pytest

from core.backends.rules.manners import manners
from tests.shop import Shop


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I'm a developer, skip the basics please", {"technical": "expert"}),
        ("Ich kenne mich nicht so aus", {"technical": "beginner"}),
        ("Keep it short, I am not very technical", {"technical": "beginner", "tone": "brief"}),
        ("Soyez bref", {"tone": "brief"}),
        ("My parcel is late", {}),
        ("The developer edition of the app crashes", {}),
        ("It was a short delivery", {}),
    ],
)
def test_the_manner_that_they_ask_for(text: str, told: dict[str, str]) -> None:
    assert {one.slot: one.value for one in manners(text)} == told


async def test_who_wants_it_brief_is_answered_without_flourish_from_then_on(shop: Shop) -> None:
    wordy = await shop.hears("slack", "T1/U2", "My parcel has not arrived, order W4829137")
    await shop.hears("slack", "T1/U1", "Please keep it short in future.")
    shop.later(days=2)
    brief = await shop.hears("slack", "T1/U1", "My parcel has not arrived, order W4829137")
    assert "sorry" in wordy
    assert "sorry" not in brief
    assert "9137" in brief
