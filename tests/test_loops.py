"""Two machines that answer each other fall silent after one exchange; a person who repeats themselves does not go
unheard."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from core.house import House
from core.ledger import Settled
from core.phrases import say
from identity.proof import Proof
from tests.shop import HOUSE, LABELS, Shop

CHARGED = "I was charged $99 twice."
AWAY = "Thank you for your message. I am away until Monday and will answer then."
THEIRS: House = replace(HOUSE, bot_name="Robo-Helper", brand="Zelvora Inc.")
WHO = {"sms": "+15550142", "voice": "+15550142", "email": "bot@else.test"}


@pytest_asyncio.fixture
async def other(tmp_path: Path) -> AsyncIterator[Shop]:
    """Another company's shop, with the same software under another name."""
    opened = await Shop.open(tmp_path / "other", house=THEIRS)
    yield opened
    await opened.close()


async def rounds(shop: Shop, other: Shop, channel: str, first: str) -> int:
    """Each one's reply is what the other hears, until one is silent: how often the two of them replied."""
    who, said, replies = WHO.get(channel, "T1/U1"), first, 0
    listening, answering = other, shop
    while said := await answering.hears(channel, who, said):
        replies += 1
        assert replies < 50, "they talk for ever"
        listening, answering = answering, listening
    return replies


@pytest.mark.parametrize("channel", sorted(LABELS))
@pytest.mark.parametrize("first", [CHARGED, "Hello?", "Where is my order W4829137?", AWAY])
async def test_two_shops_exchange_one_round_and_then_are_silent(
    shop: Shop, other: Shop, channel: str, first: str
) -> None:
    assert await rounds(shop, other, channel, first) <= 2
    shop.later(minutes=1)
    heard = [case.case for one in (shop, other) for case in await one.ledger.queue(now=one.now)]
    assert any(case.status == "handed_off" for case in heard), "staff see it"


async def test_two_shops_that_speak_another_language_fall_silent_too(tmp_path: Path, other: Shop) -> None:
    shop = await Shop.open(tmp_path / "german", house=replace(HOUSE, languages=("de",)))
    assert await rounds(shop, other, "slack", "Mir wurden zweimal 99 $ berechnet.") <= 2
    await shop.close()


@pytest.mark.parametrize("channel", sorted(LABELS))
async def test_a_machine_that_always_says_the_same_is_answered_once(shop: Shop, channel: str) -> None:
    who = WHO.get(channel, "T1/U1")
    assert await shop.hears(channel, who, AWAY)
    assert await shop.hears(channel, who, AWAY) == ""
    assert [case.case.status for case in await shop.ledger.queue(now=shop.now)] == ["handed_off"]


@pytest.mark.parametrize("channel", sorted(LABELS))
async def test_a_machine_that_gives_us_our_own_words_back_is_answered_once(shop: Shop, channel: str) -> None:
    who = WHO.get(channel, "T1/U1")
    ours = await shop.hears(channel, who, CHARGED)
    assert await shop.hears(channel, who, ours) == ""
    assert ["machine" in case.case.reason for case in await shop.ledger.queue(now=shop.now)] == [True]


async def test_a_person_who_asks_hello_twice_is_answered_twice_and_then_gets_a_colleague(shop: Shop) -> None:
    replies = [await shop.hears("slack", "T1/U1", text) for text in ("hello?", "Hello??", "hello", "hello?")]
    assert all(replies[:2])
    assert replies[2].endswith(say("repeated", "en"))
    assert replies[3] == ""
    assert [case.case.status for case in await shop.ledger.queue(now=shop.now)] == ["handed_off"]


async def test_a_person_who_says_the_same_a_third_time_is_told_who_has_it(shop: Shop) -> None:
    replies = [await shop.hears("slack", "T1/U1", "My lamp flickers all night") for _ in range(5)]
    assert replies[0]
    assert replies[1:] == ["", say("repeated", "en"), "", ""]


async def test_yes_to_one_question_after_another_is_no_loop(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    assert await shop.hears("slack", "T1/U1", "yes")
    assert await shop.hears("slack", "T1/U1", "The amount is $99, order W4829137") is not None
    assert all("again and again" not in case.case.reason for case in await shop.ledger.queue(now=shop.now))


async def test_what_was_said_before_lunch_may_be_said_again(shop: Shop) -> None:
    assert await shop.hears("slack", "T1/U1", CHARGED)
    shop.later(hours=3)
    assert await shop.hears("slack", "T1/U1", CHARGED)


async def test_what_was_said_elsewhere_may_be_said_here(shop: Shop) -> None:
    await shop.knows("cus_1", "Ann Miller", "email:ann@shop.test", "phone:+15550142")
    assert await shop.hears("email", "ann@shop.test", CHARGED)
    assert await shop.hears("sms", "+15550142", CHARGED)


async def test_a_person_may_quote_us_and_ask_about_it(shop: Shop) -> None:
    ours = await shop.hears("slack", "T1/U1", CHARGED)
    first = ours.split(". ")[0]
    asked = f'You wrote: "{first}". Does that mean that nobody at all is going to look at what I told you today?'
    assert await shop.hears("slack", "T1/U1", asked)


async def test_who_waits_for_a_colleague_keeps_their_place(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "I want to talk to a human about my broken lamp")
    since = (await shop.ledger.queue(now=shop.now))[0].since
    shop.later(minutes=1)
    await shop.hears("slack", "T1/U1", "I want to talk to a human about my broken lamp")
    assert (await shop.ledger.queue(now=shop.now))[0].since == since


async def test_a_forger_who_repeats_a_customer_silences_nobody(shop: Shop) -> None:
    ours = await shop.hears("email", "ann@shop.test", CHARGED)
    for n in range(3):
        await shop.hears("email", "ann@shop.test", ours, proof=Proof.CLAIMED, conversation=f"forged {n}")
    assert await shop.hears("email", "ann@shop.test", "The order number is W4829137")


async def test_who_repeats_what_was_never_answered_aloud_is_answered(shop: Shop) -> None:
    """A process died before it could say its answers: staff see them, and the caller says it again."""
    await shop.hears("voice", "+15550142", "", opening=True)
    for _ in range(3):
        shop.later(minutes=1)
        await shop.accept(shop.message("voice", "+15550142", CHARGED))
        settled = await shop.engine.take_turn("voice:+15550142")
        assert isinstance(settled, Settled)
        for row in settled.outbox:
            await shop.ledger.sending_failed(row.id, error="the call is over", due_at=None)
    shop.later(minutes=1)
    assert await shop.hears("voice", "+15550142", CHARGED)
    assert all("again and again" not in case.case.reason for case in await shop.ledger.queue(now=shop.now))


async def test_who_is_on_the_line_got_nothing_of_what_still_waits(shop: Shop) -> None:
    """A process died before it could say its answer, and the next one has not come to it yet."""
    for _ in range(3):
        shop.later(minutes=1)
        await shop.accept(shop.message("voice", "+15550142", CHARGED))
        assert isinstance(await shop.engine.take_turn("voice:+15550142"), Settled)
    assert all("again and again" not in case.case.reason for case in await shop.ledger.queue(now=shop.now))


async def test_who_says_it_again_before_our_answer_is_there_is_answered(shop: Shop) -> None:
    """A process died between keeping a message and answering it, and the caller could not wait."""
    await shop.accept(shop.message("voice", "+15550142", CHARGED))
    shop.later(seconds=1)
    again = shop.message("voice", "+15550142", CHARGED, conversation="the same call by other means")
    shop.later(seconds=1)
    assert await shop.answers("voice:+15550142")
    await shop.accept(again)
    assert await shop.answers("voice:+15550142")


async def test_who_says_it_again_before_our_answer_gets_out_is_answered(shop: Shop) -> None:
    """It stood in the outbox while its process died, and went out while the caller said it again."""
    await shop.accept(shop.message("voice", "+15550142", CHARGED))
    settled = await shop.engine.take_turn("voice:+15550142")
    assert isinstance(settled, Settled)
    shop.later(seconds=1)
    again = shop.message("voice", "+15550142", CHARGED)
    shop.later(seconds=1)
    for row in settled.outbox:
        await shop.ledger.part_sent(row.id, parts=1, done=True, provider_id="spoken", now=shop.now)
    await shop.accept(again)
    assert await shop.answers("voice:+15550142")
