"""Complaints: what users of such bots are annoyed by. Each is a conversation that has to go well."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.ledger import line_of
from core.messages import Attachment
from identity.proof import Proof
from tests.shop import HOUSE, Shop
from tests.test_attacks import CHARGED, WISH, Recorder, link, shows_code


async def test_a_photo_alone_reaches_somebody(shop: Shop) -> None:
    photo = Attachment(name="broken.jpg", media_type="image/jpeg", size=3, content=b"abc")
    reply = await shop.hears("email", "ann@shop.test", "", attachments=(photo,))
    assert "broken.jpg" in reply
    assert await shop.ledger.queue(now=shop.now), f"nobody can open it: {reply!r}"


async def test_given_up_belongs_to_the_case_that_is_open(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.accept(shop.message("slack", "T1/U1", "It was order W4829137"))
    shop.later(seconds=5)
    await shop.engine.give_to_a_human("slack:T1/U1")
    queue = await shop.ledger.queue(now=shop.now)
    await shop.close()
    assert len(queue) == 1, [q.issue for q in queue]


async def test_lines_of_a_burst_stand_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    recorder = Recorder()
    shop = await Shop.open(tmp_path, writer=recorder)
    early, late = shop.now - timedelta(seconds=2), shop.now - timedelta(seconds=1)
    await shop.accept(shop.message("slack", "T1/U1", "No, sorry, W2222222", sent_at=late))
    await shop.accept(shop.message("slack", "T1/U1", "The order is W1111111", sent_at=early))
    await shop.answers("slack:T1/U1")
    await shop.close()
    assert recorder.briefs[0].text.splitlines() == ["The order is W1111111", "No, sorry, W2222222"]


@pytest.mark.parametrize(
    "text", ["Where is my order 482913?", "order 12345678 has not arrived", "Invoice 104482 is wrong"]
)
async def test_an_order_number_is_not_taken_for_a_code(shop: Shop, text: str) -> None:
    assert "code" not in await shop.hears("slack", "T1/U1", text)


async def test_a_number_after_a_code_is_not_taken_for_the_pair(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("discord", "4242", await shows_code(shop, "slack", "T1/U1"))
    reply = await shop.hears("discord", "4242", "I have been waiting for 45 days now!")
    assert "digits" not in reply


@pytest.mark.parametrize(
    "text",
    [
        "I can't connect my phone to the speaker.",
        "Mein Router lässt sich nicht mit dem WLAN verbinden.",
        "Können Sie mich mit einem Mitarbeiter verbinden?",
        "How do I join the Discord?",
        "I want to call out your terrible service.",
        "What is the discount code I need to use?",
    ],
)
async def test_no_code_is_given_to_who_did_not_ask_for_one(shop: Shop, text: str) -> None:
    assert not re.search(r"\d{6}", (await shop.hears("slack", "T1/U1", text)).replace("+15550100", ""))


async def test_a_first_message_in_german_gets_its_code_in_german(shop: Shop) -> None:
    reply = await shop.hears("email", "jan@shop.test", "Ich möchte mein Konto verknüpfen, welchen Code brauche ich?")
    assert "Your code is" not in reply


async def test_what_was_told_under_a_code_is_on_record_where_the_code_came_from(shop: Shop) -> None:
    session = {"proof": Proof.CLAIMED, "conversation": "CA1"}
    await shop.hears("slack", "T1/U1", "I was charged $99 twice.")
    code = await shows_code(shop, "slack", "T1/U1")
    await shop.hears("voice", "+15550199", "", digits=code, **session)
    assert "9137" in await shop.hears("voice", "+15550199", "The order number is W4829137.", **session)
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    shop.later(days=1)
    await shop.hears("slack", "T1/U1", "any news?")
    assert recorder.briefs[0].cases[0].facts.get("order_id"), "told on the phone, asked again on Slack"


async def test_thanks_after_solved_is_not_handed_off(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "I was charged $99 twice")
    await shop.hears("slack", "T1/U1", "That solved it, thank you!")
    assert "colleague" not in await shop.hears("slack", "T1/U1", "Thanks again!")


async def test_another_open_case_is_answered_while_a_human_has_the_first(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "I was charged $99 twice")
    await shop.hears("slack", "T1/U1", "Also my Zelvora kettle never arrived, order W1111111.")
    assert await shop.hears("slack", "T1/U1", "And what about the charge?")


async def test_who_says_the_number_is_unknown_is_not_asked_again_in_italian(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path, house=replace(HOUSE, languages=("it", "en")))
    await shop.hears("slack", "T1/U1", "Il mio ordine non è arrivato")
    reply = await shop.hears("slack", "T1/U1", "non ho il numero")
    await shop.close()
    assert "?" not in reply, reply


async def test_a_model_name_is_no_error_code(shop: Shop) -> None:
    await shop.hears("web", "cus_1", "My internet is slow")
    reply = await shop.hears("web", "cus_1", "Fritzbox 7590")
    assert "error" not in reply.split("Could")[0], reply
    assert "your I restarted" not in await shop.hears("web", "cus_1", "yes I restarted it already")


async def test_a_correction_is_no_product(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "order W4829137 was damaged")
    assert "the sorry" not in await shop.hears("slack", "T1/U1", "sorry, it is W4829138")


async def test_no_is_not_you_are_welcome(shop: Shop) -> None:
    await shop.hears("web", "cus_1", "I want to cancel my subscription")
    assert "welcome" not in await shop.hears("web", "cus_1", "no")


async def test_stop_stops(shop: Shop) -> None:
    await shop.hears("sms", "+15550142", CHARGED)
    shop.later(minutes=1)
    reply = await shop.hears("sms", "+15550142", "STOP")
    assert "?" not in reply, reply


async def test_a_mail_with_a_slow_clock_can_still_correct(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "My order W1111111 arrived damaged.")
    past = shop.now - timedelta(days=400)
    shop.later(days=1)
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("email", "ann@shop.test", "The right order number is W2222222.", sent_at=past)
    await shop.hears("email", "ann@shop.test", "OK?")
    assert "W2222222"[-4:] in str(recorder.briefs[-1].cases[0].facts)


async def test_who_asks_for_a_code_is_not_handed_to_a_colleague(shop: Shop) -> None:
    assert "colleague" not in await shop.hears("slack", "T1/U1", WISH)
    assert not await shop.ledger.queue(now=shop.now)


async def test_the_wish_for_a_code_is_not_the_issue_that_is_greeted_with(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", WISH)
    code = await shows_code(shop, "slack", "T1/U1")
    assert "which code" not in await shop.hears("discord", "4242", code)


async def test_undo_by_mail_with_a_signature_or_a_please_works(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await link(shop, ("slack", "T1/U1"), ("discord", "666"))
    assert "separate" in await shop.hears("slack", "T1/U1", "Undo please")


async def test_what_comes_back_after_it_was_solved_is_not_asked_again(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "My Zelvora kettle from order W4829137 arrived damaged.")
    await shop.hears("slack", "T1/U1", "That solved it, thank you!")
    shop.later(minutes=10)
    assert "order number" not in await shop.hears("slack", "T1/U1", "Sorry, my kettle is damaged again.")


async def test_a_call_that_opens_is_no_new_contact_and_no_news_for_staff(shop: Shop) -> None:
    """A ringing phone takes over the case: staff's answer would go to the call instead of to Slack."""
    await shop.knows("cus_1", "John Miller", "phone:+15550142", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", "I was charged $99 twice")
    for n in range(3):
        shop.later(minutes=1)
        await shop.hears("voice", "+15550142", "", opening=True, conversation=f"C{n}")
    shop.later(minutes=1)
    reply = await shop.hears("slack", "T1/U1", "The amount was $99.")
    assert "colleague" not in reply, "three dropped calls count as three contacts"


@pytest.mark.parametrize("text", ["Delete all my data", "I want to die", "I will sue you, my lawyer will call you"])
async def test_a_grave_message_reaches_a_person(shop: Shop, text: str) -> None:
    assert "colleague" in await shop.hears("web", "cus_1", text)


async def test_never_mind_ends_the_questions(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "I was charged twice $20")
    assert "order number" not in await shop.hears("slack", "T1/U1", "Never mind, I found it out myself.")


async def test_a_question_for_german_is_answered_in_german(shop: Shop) -> None:
    await shop.hears("web", "cus_1", "Hello, my parcel never came")
    assert "order number" not in await shop.hears("web", "cus_1", "Sprechen Sie Deutsch?")


async def test_a_failing_bot_does_not_answer_a_flood_of_forged_mail(shop: Shop) -> None:
    said: list[object] = []
    for n in range(3):
        message = shop.message("email", "v@shop.test", "boom", proof=Proof.CLAIMED, conversation=f"m{n}")
        await shop.accept(message)
        shop.later(seconds=5)
        settled = await shop.engine.give_to_a_human(line_of(message))
        said += settled.outbox  # type: ignore[union-attr]
    assert len(said) <= 1


async def test_a_solved_case_that_a_human_has_is_acknowledged(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "My Zelvora kettle from order W4829137 arrived damaged.")
    assert await shop.hears("slack", "T1/U1", "That solved it, thank you!")
