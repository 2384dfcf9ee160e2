"""How satisfied customers are: asked once for a case, in the channel's manner, and taken in their own words; whatever
else they write is a message like any other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels._markdown.speech import speakable
from core.backends.ledger.schema import cases, conversations
from core.desk import Desk
from core.ledger import Outgoing
from core.rating import question, rating
from core.sentiment import trend
from core.writing import Answer, Brief
from identity.proof import Proof
from tests.shop import HOUSE, Shop

LANGUAGES = ("en", "es", "de", "fr", "pt", "it", "nl")
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
ANN, BEN = "T1/U1", "+15550111"
FAULT = "My router blinks red every evening and there is no internet."
SOLVED = "It works now, thank you!"


def score(text: str) -> int:
    found = rating(text)
    assert found is None or not found.rest, found
    return found.score if found else 0


# ── what is a rating ──
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5), ("4/5", 4), (" 3. ", 3), ("10/10", 5), ("1/10", 1), ("four", 4), ("5 stars", 5), ("4 out of 5", 4),
        ("I'd give it a 4", 4), ("great", 5), ("Great, thanks!", 5), ("very bad", 1), ("It was excellent", 5),
        ("not good", 2),
        ("👍", 5), ("👍🏽", 5), ("👎", 1), ("⭐⭐⭐", 3), ("Thanks, 5", 5), ("2 - sorry", 2),
        ("cinco estrellas", 5), ("muy mal", 1), ("Note 2", 2), ("sehr gut", 5), ("Fünf Sterne, danke", 5), ("drei", 3),
        ("très bien", 5), ("quatre sur 5", 4), ("muito bom, obrigada", 5), ("péssimo", 1), ("ottimo", 5),
        ("molto male", 1),
        ("vier sterren", 4), ("heel goed", 5), ("slecht", 2),
    ],
)  # fmt: skip
def test_digits_words_stars_and_signs_rate(text: str, expected: int) -> None:
    assert score(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "?", "0", "6", "45", "$5", "5.99", "4,50", "W4829137", "5?", "thanks", "ok", "no", "STOP", "good morning",
        "5 times I wrote", "I was charged 5 dollars", "I have 2 accounts", "3 - 4 days ago", "2nd floor",
        "one more thing",
        "1. I restarted it 2. nothing", "my router is bad", "Great, and where is my other order?",
        "good, then cancel my plan",
        "It is still broken", "una pregunta", "mal sehen", "een vraag", "the best way is to call me", "The code is 5",
    ],
)  # fmt: skip
def test_whatever_else_is_said_is_no_rating(text: str) -> None:
    assert rating(text) is None


@pytest.mark.parametrize(
    ("text", "expected", "rest"),
    [
        ("1, it is still broken", 1, "it is still broken"),
        ("5. My other parcel is late", 5, "My other parcel is late"),
        ("Terrible! Nobody called me", 1, "Nobody called me"),
        ("2 because I waited a week", 2, "because I waited a week"),
        ("4\nOne more thing: the invoice", 4, "One more thing: the invoice"),
    ],
)
def test_what_is_told_beside_a_rating_is_kept(text: str, expected: int, rest: str) -> None:
    found = rating(text)
    assert found is not None
    assert (found.score, found.rest) == (expected, rest)


def test_on_a_telephone_one_key_from_1_to_5_rates() -> None:
    assert [bool(rating("", digits=keyed)) for keyed in ("1", "5", "0", "6", "55", "123456")] == [
        True,
        True,
        *[False] * 4,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_channel_is_asked_in_its_manner(language: str) -> None:
    written, short, spoken = (question(language, label) for label in ("email", "SMS", "phone"))
    assert len({written, short, spoken}) == 3
    assert set(short) <= GSM
    assert len(short) <= 80
    assert speakable(spoken, language) == spoken
    assert not set("()/=–") & set(spoken)
    assert language == "en" or not {written, short, spoken} & {question("en", one) for one in ("email", "SMS", "phone")}


# ── in the shop ──
async def solved(shop: Shop, channel: str = "slack", who: str = ANN, **more: object) -> str:
    """Somebody has a case, and says themselves that it is solved."""
    await shop.hears(channel, who, FAULT, **more)
    return await shop.hears(channel, who, SOLVED, **more)


async def case(shop: Shop, number: int = 1) -> Any:
    rows = await shop.ledger._database.read(lambda tx: tx.execute(select(cases).where(cases.c.id == number)).all())
    return rows[0]


def desk(shop: Shop, posted: list[Outgoing]) -> Desk:
    return Desk(
        ledger=shop.ledger,
        memory=shop.memory,
        house=HOUSE,
        actions=shop.engine.actions,
        post=posted.extend,
        now=lambda: shop.now,
        new_id=shop.engine.new_id,
    )


async def test_who_says_that_it_is_solved_is_asked_and_thanked(shop: Shop) -> None:
    assert question("en", "Slack") in await solved(shop)
    assert (await case(shop)).status == "resolved"
    assert await shop.hears("slack", ANN, "4") == "Thank you for your rating."
    rated = await case(shop)
    assert (rated.satisfaction, rated.rated_at) == (4, shop.now)
    assert len(await shop.ledger._database.read(lambda tx: tx.execute(select(cases)).all())) == 1


async def test_what_may_be_pressed_says_what_could_be_written(shop: Shop) -> None:
    await shop.hears("slack", ANN, "I was charged $49.37 twice")
    (person,) = shop.sent[-1].reply.choices
    assert person.label == "Talk to a person"
    await shop.hears("slack", ANN, "It is solved now, thank you")
    scores = shop.sent[-1].reply.choices
    assert [choice.label for choice in scores] == ["1", "2", "3", "4", "5"]
    assert await shop.hears("slack", ANN, scores[3].says) == "Thank you for your rating."
    await shop.hears("slack", ANN, "Now my parcel is late")
    await shop.hears("slack", ANN, person.says)
    assert [one.case.status for one in await shop.ledger.queue(now=shop.now)] == ["handed_off"]


async def test_a_bad_rating_hears_that_we_are_sorry(shop: Shop) -> None:
    await solved(shop)
    assert "sorry" in await shop.hears("slack", ANN, "very bad")
    assert (await case(shop)).satisfaction == 1


async def test_a_customer_is_asked_in_their_language(shop: Shop) -> None:
    await shop.hears("slack", ANN, "Mein Router blinkt jeden Abend rot und das Internet geht nicht.")
    assert question("de", "Slack") in await shop.hears(
        "slack", ANN, "Danke, jetzt funktioniert es wieder, das Problem ist gelöst."
    )
    assert await shop.hears("slack", ANN, "sehr gut") == "Danke für Ihre Bewertung."


async def test_a_text_message_is_short_and_a_call_asks_for_one_key(shop: Shop) -> None:
    assert question("en", "SMS") in await solved(shop, "sms", BEN)
    assert shop.sent[-1].reply.expects_digits == 0
    call = {"conversation": "CA1", "route": {"call": "CA1", "step": "1"}}
    assert question("en", "phone") in await solved(shop, "voice", "+15550222", **call)
    assert shop.sent[-1].reply.expects_digits == 1
    assert await shop.hears("voice", "+15550222", "", digits="5", **call) == "Thank you for your rating."
    assert (await case(shop, 2)).satisfaction == 5


async def test_nobody_is_asked_twice_for_one_case(shop: Shop) -> None:
    await solved(shop)
    assert question("en", "Slack") not in await shop.hears("slack", ANN, "Thanks, it is solved now.")
    await shop.hears("slack", ANN, "The same problem is back: my router blinks red every evening.")
    assert (await case(shop)).status != "resolved"
    assert question("en", "Slack") not in await shop.hears("slack", ANN, SOLVED)
    await shop.hears("slack", ANN, "The same problem is back: my router blinks red every evening.")
    assert not await resolved(shop)
    assert (await case(shop)).status == "resolved"


class _Script:
    """A writer that says what the test wants."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def answer(self, brief: Brief) -> Answer:
        return self.answers.pop(0)


async def test_once_we_have_asked_something_else_a_number_answers_that(tmp_path: Path) -> None:
    fine = Answer(human_wanted=False, confidence=0.9, reply="Fine.", writer="m")
    asks = replace(fine, reply="How much was it?", asks=("amount",))
    solves = [replace(fine, issue="Noise"), replace(fine, case=1, resolved=True)]
    shop = await Shop.open(tmp_path, writer=_Script(*solves, asks, fine))
    await solved(shop)
    await shop.hears("slack", ANN, "There was a fee as well")
    await shop.hears("slack", ANN, "5")
    assert (await case(shop)).satisfaction is None
    await shop.close()


async def test_a_number_that_answers_another_question_is_no_rating(shop: Shop) -> None:
    await solved(shop)
    asked = await shop.hears("slack", ANN, "My parcel with the Zelvora kettle never arrived.")
    assert shop.sent[-1].reply.asks, asked
    await shop.hears("slack", ANN, "5")
    assert (await case(shop)).satisfaction is None


async def test_a_message_that_is_no_rating_is_answered_and_a_rating_may_still_come(shop: Shop) -> None:
    await solved(shop)
    assert await shop.hears("slack", ANN, "Thanks!")
    assert (await case(shop)).satisfaction is None
    await shop.hears("slack", ANN, "five stars")
    assert (await case(shop)).satisfaction == 5


async def test_what_is_told_beside_a_rating_reaches_the_engine(shop: Shop) -> None:
    await solved(shop)
    said = await shop.hears("slack", ANN, "1, my order W4829137 for the Zelvora kettle never arrived")
    assert said.startswith("Thank you for your rating.")
    assert "9137" in said
    assert (await case(shop)).satisfaction == 1


async def test_after_a_week_of_silence_a_number_is_only_a_number(shop: Shop) -> None:
    await solved(shop)
    shop.later(days=7)
    assert "rating" not in await shop.hears("slack", ANN, "5")
    assert (await case(shop)).satisfaction is None


async def test_a_rating_is_taken_where_it_was_asked_for_alone(shop: Shop) -> None:
    await solved(shop)
    await shop.hears("slack", "T1/U9", "5")
    await shop.hears("slack", ANN, "5", conversation="another one")
    assert (await case(shop)).satisfaction is None


async def test_stop_stays_law(shop: Shop) -> None:
    await solved(shop, "sms", BEN)
    assert await shop.hears("sms", BEN, "STOP") == ""
    assert await shop.hears("sms", BEN, "5") == ""
    assert (await case(shop)).satisfaction == 5


async def test_nobody_rates_a_case_that_is_another_customers_by_now(
    shop: Shop,
) -> None:
    await solved(shop)
    await shop.hears("discord", "42", FAULT)

    def stolen(tx: Any) -> None:
        tx.execute(conversations.update().where(conversations.c.handle_id == 1).values(rates=2))
        tx.execute(cases.update().where(cases.c.id == 2).values(rating_asked_at=shop.now))

    await shop.ledger._database.write(stolen)
    await shop.hears("slack", ANN, "1")
    assert (await case(shop, 2)).satisfaction is None


# ── at the desk ──
async def resolved(shop: Shop, *, satisfaction: int | None = None, number: int = 1) -> list[Outgoing]:
    """A colleague resolves a case; what is sent for that."""
    posted: list[Outgoing] = []
    await desk(shop, posted).resolve(number, "mia", "Sent a new router.", satisfaction)
    return posted


async def test_who_was_helped_by_a_colleague_is_asked_where_the_case_was(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "I want to speak to a human!")
    (asked,) = await resolved(shop)
    assert (asked.channel, asked.reply.text) == ("email", question("en", "email"))
    shop.later(days=2)
    assert "Thank you for your rating." in await shop.hears("email", "ann@shop.test", "4/5")
    assert (await case(shop)).satisfaction == 4


async def test_what_a_colleague_was_told_is_not_asked_again(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "I want to speak to a human!")
    assert not await resolved(shop, satisfaction=5)
    assert (await case(shop)).satisfaction == 5


async def test_who_wants_to_hear_no_more_cannot_be_reached_or_proved_nothing_is_not_asked(shop: Shop) -> None:
    await shop.hears("sms", BEN, "I want to speak to a human!")
    await shop.hears("sms", BEN, "STOP")
    call = {"conversation": "CA1", "route": {"call": "CA1", "step": "1"}}
    await shop.hears("voice", "+15550222", "I want to speak to a human!", **call)
    await shop.hears("email", "eve@shop.test", "I want to speak to a human!", proof=Proof.CLAIMED)
    assert [await resolved(shop, number=n) for n in (1, 2, 3)] == [[], [], []]
    assert (await case(shop, 3)).status == "resolved"


# ── how the mood went ──
@pytest.mark.parametrize(
    ("moods", "expected"),
    [
        ([], "too little"),
        (["angry", "positive"], "too little"),
        (["angry", "frustrated", "neutral", "positive"], "improving"),
        (["positive", "neutral", "frustrated", "angry"], "declining"),
        (["neutral", "frustrated", "neutral", "frustrated"], "stable"),
        (["neutral", "neutral", "neutral", "odd", "angry"], "declining"),
    ],
)
def test_the_later_half_of_the_moods_is_held_beside_the_earlier_one(moods: list[str], expected: str) -> None:
    assert trend(moods) == expected


async def test_contacts_about_the_same_within_a_week_are_counted(shop: Shop) -> None:
    await shop.hears("slack", ANN, FAULT)
    shop.later(days=2)
    await shop.hears("slack", ANN, "Any news about my router?")
    shop.later(minutes=5)
    await shop.hears("slack", ANN, "It still blinks red.")
    file = await shop.ledger.case_file(1, reachable=(), now=shop.now)
    assert file.repeats == 1
    shop.later(days=9)
    await shop.hears("slack", ANN, "Any news about my router?")
    assert (await shop.ledger.case_file(1, reachable=(), now=shop.now)).repeats == 1
