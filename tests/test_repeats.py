"""Customers who come back: nothing is asked twice, the newest word holds, and the right issue is named."""

import re
from datetime import timedelta

import pytest

from core.greeting import issue_label
from identity.proof import Proof
from tests.shop import Shop

LATE = "My parcel is late, the order is W4829137"


@pytest.mark.parametrize(
    "correction",
    [
        "sorry, the order is W5550001",
        "it is order W5550001",
        "wait, it's W5550001",
        "Sorry, I got that wrong. The odrer number is W5550001.",
        "I mistyped before, the right order number is W5550001",
        "oops, wrong one: W5550001",
        "perdón, el pedido es W5550001",
        "Entschuldigung, die Bestellnummer ist W5550001",
        "pardon, c'est W5550001",
    ],
)
async def test_a_correction_belongs_to_the_case_and_its_old_value_does_not_return(shop: Shop, correction: str) -> None:
    await shop.hears("discord", "7", LATE)
    await shop.hears("discord", "7", correction)
    shop.later(days=1)
    reply = await shop.hears("discord", "7", "any news?")
    assert "0001" in reply, reply
    assert "9137" not in reply
    assert len(await shop.ledger.queue(now=shop.now)) == 1


async def test_what_is_put_right_at_once_is_not_greeted_with_the_old_value(shop: Shop) -> None:
    await shop.hears("discord", "7", LATE)
    shop.later(days=1)
    reply = await shop.hears("discord", "7", "Correction: my order number is W5550001.")
    assert "0001" in reply
    assert "9137" not in reply


async def test_a_message_that_comes_late_does_not_bring_an_old_value_back(shop: Shop) -> None:
    said_first = shop.now - timedelta(minutes=9)
    await shop.hears("discord", "7", "correction, my order number is W5550001")
    assert "9137" not in await shop.hears("discord", "7", LATE, sent_at=said_first)
    shop.later(days=1)
    reply = await shop.hears("discord", "7", "any news?")
    assert "0001" in reply
    assert "9137" not in reply


async def test_a_number_that_wrote_is_known_when_it_calls(shop: Shop) -> None:
    await shop.hears("sms", "+15550100001", "Hello, is anybody there?")
    await shop.hears("sms", "+15550100001", LATE)
    shop.later(days=1)
    reply = await shop.hears("voice", "+15550100001", "where is my parcel", conversation="CA1")
    assert "order number" not in reply
    assert "9137" in reply


async def test_a_call_that_nobody_vouches_for_learns_nothing_from_texts(shop: Shop) -> None:
    await shop.hears("sms", "+15550100001", "Hello, is anybody there?")
    await shop.hears("sms", "+15550100001", LATE)
    reply = await shop.hears("voice", "+15550100001", "where is my parcel", proof=Proof.CLAIMED, conversation="CA1")
    assert "9137" not in reply
    shop.later(days=46)
    assert "9137" not in await shop.hears("voice", "+15550100001", "where is my parcel", conversation="CA2")


@pytest.mark.parametrize(
    "told",
    [
        "my app shows error KX-48213, device is the Brelka T5",
        "i get KX-48213 on my laptop",
        "my router shows KX-48213",
        "the thermostat says KX-48213",
        "KX-48213 when I sign in with my Galaxy Tab",
        "Auf meinem Drucker kommt der Fehler KX-48213",
    ],
)
async def test_a_device_that_was_told_is_not_asked_for(shop: Shop, told: str) -> None:
    reply = await shop.hears("discord", "7", told)
    assert "device" not in reply
    assert "Gerät" not in reply


@pytest.mark.parametrize(
    "question",
    ["What was the amount again?", "Remind me how much I was charged?", "can you tell me the amount I was charged"],
)
async def test_who_is_proven_hears_again_what_they_told(shop: Shop, question: str) -> None:
    await shop.hears("discord", "7", "I was charged $49.37 twice on order W4829137")
    assert "$49.37" in await shop.hears("discord", "7", question)
    order = await shop.hears("discord", "7", "What is my full order number?")
    assert "9137" in order
    assert "W4829137" not in order
    stranger = await shop.hears("discord", "8", question)
    assert "49" not in stranger
    assert stranger


async def test_who_is_not_proven_hears_nothing_again(shop: Shop) -> None:
    told = "I was charged $49.37 twice on order W4829137"
    await shop.hears("email", "ann@post.test", told, proof=Proof.CLAIMED, conversation="a")
    reply = await shop.hears(
        "email", "ann@post.test", "What was the amount again?", proof=Proof.CLAIMED, conversation="a"
    )
    assert "49.37" not in reply


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Any news on my charge?", "order number and the amount"),
        ("is the replacement on its way?", "order number and which product"),
        ("has my refund come?", "order number and the amount"),
        ("What is the status of my case?", "what has happened"),
        ("How do I switch to another plan?", "which plan"),
    ],
)
async def test_a_stranger_is_asked_for_what_such_an_issue_needs(shop: Shop, question: str, asked: str) -> None:
    assert asked in await shop.hears("discord", "8", question)


@pytest.mark.parametrize(
    "closing", ["never mind, it arrived", "it turned up this morning, thanks", "problem's gone, thank you"]
)
async def test_closing_words_close(shop: Shop, closing: str) -> None:
    await shop.hears("discord", "7", LATE)
    await shop.hears("discord", "7", closing)
    shop.later(days=1)
    assert "9137" not in await shop.hears("discord", "7", "any news?")


async def test_an_end_that_is_none_closes_nothing(shop: Shop) -> None:
    await shop.hears("discord", "7", LATE)
    await shop.hears("discord", "7", "it came but the kettle is broken")
    assert await shop.ledger.queue(now=shop.now)


async def test_of_two_issues_the_one_asked_after_is_named(shop: Shop) -> None:
    await shop.hears("discord", "7", "The Zelvora kettle from order W4829137 arrived broken.")
    await shop.hears("discord", "7", "Besides that, I was charged $49.37 twice on order W5550001")
    shop.later(days=1)
    kettle = await shop.hears("discord", "7", "hi again, is the replacement on its way?")
    assert "kettle" in kettle
    assert "0001" not in kettle
    shop.later(days=1)
    refund = await shop.hears("discord", "7", "has my refund come?")
    assert "$49.37" in refund
    assert "kettle" not in refund


async def test_codes_are_no_contacts(shop: Shop) -> None:
    await shop.hears("discord", "7", "error KX-48213 all the time")
    shown = await shop.hears("discord", "7", "I have another account, which code do I need to link it?")
    code = re.search(r"\b\d{6}\b", shown)
    assert code
    pair = re.search(r"(?<!\d)\d\d(?!\d)", await shop.hears("slack", "T1/U1", code[0]))
    assert pair
    await shop.hears("slack", "T1/U1", pair[0])
    shop.later(days=1)
    await shop.hears("discord", "7", "still the same error")
    [case] = [row for row in await shop.ledger.queue(now=shop.now) if row.issue]
    assert case.case.contacts == 2


async def test_what_is_put_right_is_heard_though_a_colleague_has_the_case(shop: Shop) -> None:
    await shop.hears("discord", "7", LATE)
    reply = await shop.hears("discord", "7", "sorry, the order is W5550001")
    assert "0001" in reply
    assert "9137" not in reply
    assert await shop.hears("discord", "7", "It was sent to Berlin by the way.") == ""


async def test_who_waits_for_a_colleague_hears_so_once_after_a_while(shop: Shop) -> None:
    await shop.hears("web", "s1", LATE, proof=Proof.CLAIMED, conversation="w1")
    shop.later(hours=20)
    reply = await shop.hears("web", "s1", "any news?", proof=Proof.CLAIMED, conversation="w1")
    assert "colleague" in reply
    assert "9137" not in reply
    again = await shop.hears("sms", "+15550100009", LATE)
    assert "colleague" in again
    shop.later(hours=20)
    first = await shop.hears("email", "bo@post.test", LATE, proof=Proof.PLAUSIBLE, conversation="m1")
    assert "colleague" in first
    assert await shop.hears("email", "bo@post.test", "any news?", proof=Proof.PLAUSIBLE, conversation="m1") == ""


@pytest.mark.parametrize("language", ["en", "es", "de", "fr", "pt", "it", "nl"])
@pytest.mark.parametrize("category", ["charge", "delivery", "damaged", "fault", "plan", "account", "other"])
def test_a_greeting_holds_a_value_wherever_one_is_known(language: str, category: str) -> None:
    for facts in (
        {"order_id": "W4829137"},
        {"amount": "$31.20"},
        {"product": "Zelvora kettle"},
        {"error_code": "KX-1"},
    ):
        label = issue_label(category, "Something is odd", facts, language)  # type: ignore[arg-type]
        assert any(value in label for value in ("9137", *facts.values())), label
    if category == "plan":
        label = issue_label("plan", "I want to change", {"plan": "Corvane plan", "amount": "$31.20"}, language)
        assert "Corvane" in label
        assert "$31.20" in label


@pytest.mark.parametrize(
    ("late", "charged"),
    [
        (LATE, "It came but I was charged twice for it"),
        ("My kettle from order W4829137 arrived broken", "and I was also charged twice for the same order"),
        ("Mein Paket W4829137 ist nicht angekommen", "Es kam, aber mir wurde zweimal Geld dafür abgebucht"),
    ],
)
async def test_the_order_that_is_spoken_of_is_not_asked_for(shop: Shop, late: str, charged: str) -> None:
    await shop.hears("discord", "7", late)
    shop.later(hours=20)
    reply = await shop.hears("discord", "7", charged)
    assert "9137" in reply
    assert "order number" not in reply
    assert "Bestellnummer" not in reply
    assert "order number" not in await shop.hears("discord", "7", "it was $49.37")
    assert len(await shop.ledger.queue(now=shop.now)) == 2


async def test_another_order_is_asked_for_where_none_is_pointed_at(shop: Shop) -> None:
    await shop.hears("discord", "7", LATE)
    assert "order number" in await shop.hears("discord", "7", "Another problem: I was charged twice")


async def test_a_wish_for_a_person_is_about_the_case_that_waits(shop: Shop) -> None:
    await shop.hears("discord", "7", "I was charged $99 twice for order W4829137")
    await shop.hears("discord", "7", "Can I talk to a real person please?")
    assert len(await shop.ledger.queue(now=shop.now)) == 1
    shop.later(days=1)
    assert "$99" in await shop.hears("discord", "7", "It is me again. Has anything happened?")


async def test_the_issue_with_a_name_is_meant_and_not_the_one_without(shop: Shop) -> None:
    await shop.hears("discord", "7", "Hm, I am not sure what to make of all of this today")
    await shop.hears("discord", "7", "Hm, I am still not sure what to make of all of this")
    await shop.hears("discord", "7", f"A new problem: {LATE}")
    shop.later(days=1)
    assert "9137" in await shop.hears("discord", "7", "any news?")


async def test_what_cannot_be_given_is_not_asked_for_again_on_a_live_channel(shop: Shop) -> None:
    await shop.hears("web", "eva", "the app closes by itself when I open a photo")
    shop.later(seconds=20)  # a live channel answers at once, so an answer has the time of what it answers
    await shop.hears("web", "eva", "there is no error code")
    shop.later(seconds=20)
    assert "error code" not in await shop.hears("web", "eva", "it is a Galaxy A52")


async def test_a_question_whether_something_helps_solves_nothing(shop: Shop) -> None:
    await shop.hears("web", "bob", "My parcel is not here")
    await shop.hears("web", "bob", "W3391028")
    assert "solved" not in await shop.hears("web", "bob", "does that help")
    assert len(await shop.ledger.queue(now=shop.now)) == 1


async def test_what_is_told_while_a_person_has_it_is_named_once(shop: Shop) -> None:
    await shop.hears("discord", "7", "My parcel is late")
    await shop.hears("discord", "7", "I want to talk to a person")
    told = await shop.hears("discord", "7", "it is W4829137, a Zelvora kettle for $50")
    assert told == "Noted: order …9137, $50, Zelvora kettle; it is with my colleague."
    assert [await shop.hears("discord", "7", text) for text in ("W4829137", "zelvora kettle", "ok thanks")] == [""] * 3


async def test_slips_of_the_keyboard_do_not_change_what_it_is_about(shop: Shop) -> None:
    reply = await shop.hears("discord", "7", "I received a brkoen Zelvora kettle. The order is W4829137.")
    assert "charged" not in reply
