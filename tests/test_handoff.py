"""The handoff packet: whoever takes over need ask the customer nothing."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from core.actions import Action
from core.handoff import next_steps, packet
from tests.shop import Shop

CHARGED = (
    "I was charged $99 instead of $49 after I downgraded, order W4829137. I already checked the invoice. Refund me!"
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await Shop.open(tmp_path, actions={"refund": Action(name="refund", limit=Decimal(0))})
    await shop.knows("cus_7", "Ann Keller", "email:ann@post.test", "phone:+15550177", plan="Pro", value=12_500)
    yield shop
    await shop.close()


async def told(shop: Shop) -> tuple[str, list[str]]:
    file = await shop.ledger.case_file(1, reachable=("email",), now=shop.now)
    return packet(file, []), next_steps(file, [])


async def test_the_packet_says_who_what_why_and_what_was_tried(shop: Shop) -> None:
    await shop.hears("email", "ann@post.test", CHARGED)
    text, _ = await told(shop)
    for known in (
        "Ann Keller, proof: proven, plan Pro",
        "value 12,500, VIP",
        "refund $50. A person has to approve it.",
        "Issue: I was charged $99",
        "order id W4829137, amount $99",
        "Tried by the customer: checked the invoice",
        "Tried by the bot: refund $50: waiting",
        "customer by email: I was charged $99",
    ):
        assert known in text


async def test_the_next_steps_begin_with_what_waits_and_never_ask_for_what_is_known(shop: Shop) -> None:
    await shop.hears("email", "ann@post.test", CHARGED)
    _, steps = await told(shop)
    assert steps[0] == "Approve or decline the refund $50"
    assert not any("ask for it" in step for step in steps)
    assert steps[-1] == "Compare the charge with the invoice and the plan"


async def test_what_nobody_told_is_named_so_that_it_is_asked_once(shop: Shop) -> None:
    await shop.hears("sms", "+15550177", "My parcel has not come. I want to speak to a human")
    _, steps = await told(shop)
    assert "Still unknown, ask for it once: order id" in steps
