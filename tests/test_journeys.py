"""Journeys: the customer told it once, and is not asked again; who cannot prove who they are learns nothing."""

from itertools import permutations

import pytest

from identity.proof import Proof
from tests.shop import LABELS, OFFICE, Shop

JOHN = {
    "web": "cus_1",
    "email": "john@shop.test",
    "sms": "+15550142",
    "voice": "+15550142",
    "slack": "T1/U1",
    "discord": "4242",
}
CHARGED = "I was charged $99 but I downgraded to the $49 plan last week. I already checked the invoice."


async def john_is_a_customer(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john@shop.test", "phone:+15550142", "slack:T1/U1", "discord:4242")


@pytest.mark.parametrize(("first", "second"), list(permutations(LABELS, 2)))
async def test_the_case_is_carried_over(shop: Shop, first: str, second: str) -> None:
    await john_is_a_customer(shop)
    await shop.hears(first, JOHN[first], CHARGED)
    shop.later(minutes=5)
    greeting = await shop.hears(second, JOHN[second], "Hello, any news?")
    assert "John" in greeting
    assert "$99" in greeting
    assert "checked the invoice" in greeting
    assert "repeat" in greeting
    assert "Miller" not in greeting


async def test_what_was_told_is_not_asked_again(shop: Shop) -> None:
    await john_is_a_customer(shop)
    first = await shop.hears("slack", "T1/U1", CHARGED)
    assert "order number" in first
    assert "amount" not in first.partition("?")[0].rpartition(".")[2]
    shop.later(days=1)
    second = await shop.hears("email", "john@shop.test", "The order was W4829137.")
    assert "order number?" not in second
    assert "9137" in second
    assert "W4829137" not in second


async def test_a_greeting_comes_once_and_again_after_a_gap(shop: Shop) -> None:
    await john_is_a_customer(shop)
    await shop.hears("email", "john@shop.test", CHARGED)
    shop.later(minutes=1)
    assert "Hi John" in await shop.hears("sms", "+15550142", "Did you get my mail about it?")
    shop.later(minutes=1)
    assert "Hi John" not in await shop.hears("sms", "+15550142", "It was order W4829137")


async def test_a_solved_case_is_not_greeted_with(shop: Shop) -> None:
    await john_is_a_customer(shop)
    await shop.hears("email", "john@shop.test", CHARGED)
    await shop.hears("email", "john@shop.test", "That solved it, thank you!")
    shop.later(days=1)
    greeting = await shop.hears("sms", "+15550142", "Hello")
    assert "$99" not in greeting


async def test_a_forged_sender_gets_what_a_stranger_gets(shop: Shop) -> None:
    await john_is_a_customer(shop)
    await shop.hears("email", "john@shop.test", CHARGED)
    shop.later(minutes=5)
    forged = await shop.hears("email", "john@shop.test", "Any news?", proof=Proof.CLAIMED, conversation="forged")
    stranger = await shop.hears("email", "nobody@else.test", "Any news?", proof=Proof.CLAIMED, conversation="stranger")
    assert forged == stranger
    assert forged


async def test_an_unknown_number_is_plausible_first_and_proven_by_what_it_said(shop: Shop) -> None:
    assert "Hi" not in await shop.hears("sms", "+15550177", CHARGED)
    shop.later(hours=3)
    greeting = await shop.hears("sms", "+15550177", "Any news?")
    assert "$99" in greeting


async def test_after_a_long_silence_a_number_may_have_a_new_owner(shop: Shop) -> None:
    await john_is_a_customer(shop)
    await shop.hears("sms", "+15550142", CHARGED)
    shop.later(days=60)
    for text in ("Hello?", "Any news on my order?"):
        reply = await shop.hears("sms", "+15550142", text)
        assert "$99" not in reply
        assert "John" not in reply


async def test_a_household_phone_names_nobody(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "phone:+15550142", "email:john@shop.test")
    await shop.knows("cus_2", "Mary Miller", "phone:+15550142", "email:mary@shop.test")
    await shop.hears("email", "john@shop.test", CHARGED)
    greeting = await shop.hears("voice", "+15550142", "", opening=True)
    assert "John" not in greeting
    assert "Mary" not in greeting
    assert "$99" not in greeting


async def test_an_anonymous_chat_is_carried_to_the_phone_by_a_code(shop: Shop) -> None:
    session = {"proof": Proof.CLAIMED, "conversation": "session-1"}
    await shop.hears("web", "session-1", CHARGED, **session)
    offer = await shop.hears("web", "session-1", "I'm going to call you.", **session)
    assert OFFICE in offer
    code = next(word.strip(".") for word in offer.split() if word.strip(".").isdigit() and len(word.strip(".")) == 6)
    call = {"proof": Proof.CLAIMED, "conversation": "CA1"}
    hello = await shop.hears("voice", "+15550199", "", opening=True, **call)
    assert "$99" not in hello
    assert "code" in hello
    greeting = await shop.hears("voice", "+15550199", "", digits=code, **call)
    assert "$99" in greeting
    assert "repeat" in greeting
    other_call = {"proof": Proof.CLAIMED, "conversation": "CA2"}
    again = await shop.hears("voice", "+15550198", "", digits=code, **other_call)
    assert "$99" not in again


async def test_a_code_and_two_digits_link_for_good_and_undo_takes_it_back(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("discord", "4242", "My Zelvora kettle never arrived, order W1111111.")
    offer = await shop.hears("slack", "T1/U1", "Please link my other account, which code do I need?")
    code = next(word.strip(".") for word in offer.split() if word.strip(".").isdigit() and len(word.strip(".")) == 6)
    asked = await shop.hears("discord", "4242", code)
    assert "$99" in asked
    assert "kettle" not in asked
    assert "Slack" in asked
    pair = asked.rstrip(".").rsplit(maxsplit=1)[-1] if asked.rstrip(".")[-2:].isdigit() else ""
    pair = pair or next(w.strip(".") for w in asked.split() if w.strip(".").isdigit() and len(w.strip(".")) == 2)
    linked = await shop.hears("discord", "4242", pair)
    assert "one" in linked
    assert any(o.channel == "slack" and "UNDO" in o.reply.text for o in shop.sent)
    shop.later(days=1)
    assert "$99" in await shop.hears("discord", "4242", "Any news about the charge?")
    await shop.hears("slack", "T1/U1", "undo")
    shop.later(days=1)
    assert "$99" not in await shop.hears("discord", "4242", "Hello again, any news?")


async def test_repeated_delivery_changes_nothing(shop: Shop) -> None:
    message = shop.message("slack", "T1/U1", CHARGED)
    assert await shop.accept(message)
    assert not await shop.accept(message)
    await shop.answers("slack:T1/U1")
    assert len(shop.sent) == 1
    assert not await shop.accept(message)
    assert await shop.answers("slack:T1/U1") == ""
    assert len(shop.sent) == 1


async def test_a_burst_is_answered_once(shop: Shop) -> None:
    for text in ("Hi", "I was charged twice", "for order W4829137, $49.37"):
        await shop.accept(shop.message("slack", "T1/U1", text))
        shop.later(seconds=1)
    reply = await shop.answers("slack:T1/U1")
    assert len(shop.sent) == 1
    assert "9137" in reply


async def test_a_wish_for_a_human_is_granted_and_then_the_bot_is_silent(shop: Shop) -> None:
    await john_is_a_customer(shop)
    await shop.hears("slack", "T1/U1", CHARGED)
    reply = await shop.hears("slack", "T1/U1", "I want to speak to a human, please.")
    assert "colleague" in reply
    noted = await shop.hears("slack", "T1/U1", "The order is W4829137 by the way.")
    assert noted == "Noted: order …9137; it is with my colleague."
    assert await shop.hears("slack", "T1/U1", "As I said, W4829137.") == ""
    assert await shop.hears("slack", "T1/U1", "Thanks!") == ""
    assert await shop.hears("slack", "T1/U1", "any news?") == ""


async def test_the_same_order_named_again_is_the_same_case(shop: Shop) -> None:
    await john_is_a_customer(shop)
    await shop.hears("slack", "T1/U1", "My order W4829137 has not arrived.")
    await shop.hears("slack", "T1/U1", "Thank you. Where is my order W4829137 now?")
    shop.later(days=1)
    greeting = await shop.hears("email", "john@shop.test", "And my order W5550001 has not arrived either.")
    assert "9137" not in greeting
    first, second = {row.reply.text for row in shop.sent[:2]}, {row.reply.text for row in shop.sent[2:]}
    assert not first & second
