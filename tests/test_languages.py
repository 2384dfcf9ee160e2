"""A conversation goes on in the customer's language: on the next channel too, and before they have said a word."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from identity.proof import Proof
from tests.shop import Shop

JO = "+15550142"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await Shop.open(tmp_path)
    await shop.knows("cus_7", "Jo Berg", "email:jo@post.test", f"phone:{JO}")
    yield shop
    await shop.close()


async def test_who_wrote_in_german_is_greeted_in_german_on_the_phone(shop: Shop) -> None:
    await shop.hears("sms", JO, "Meine Bestellung W4829137 ist nicht angekommen.", proof=Proof.PROVEN)
    assert "Hallo Jo" in await shop.hears("voice", JO, "", proof=Proof.PROVEN)


async def test_a_call_that_nobody_vouches_for_opens_in_the_house_language(shop: Shop) -> None:
    await shop.hears("sms", JO, "Meine Bestellung W4829137 ist nicht angekommen.", proof=Proof.PROVEN)
    said = await shop.hears("voice", "call-1", "", proof=Proof.CLAIMED)
    assert "AI assistant" in said


async def test_a_wish_for_a_language_is_obeyed_on_another_channel(shop: Shop) -> None:
    await shop.hears("sms", JO, "My parcel has not arrived.", proof=Proof.PROVEN)
    await shop.hears("sms", JO, "Please write in German from now on.", proof=Proof.PROVEN)
    said = await shop.hears("email", "jo@post.test", "It is order W4829137, and I am still waiting for it.")
    assert "Bestellung" in said
