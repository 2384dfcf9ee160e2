"""Codes that were used already, guessed, or got from the victim; and messages that only bear the victim's name."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.forgeries.stage import ASK, CANARIES, CODE_WISH, DISCORD, NUMBER, Stage, Theatre, in_the_end, judged, letter

pytestmark = pytest.mark.asyncio(loop_scope="session")

THIEF = "800000000000000066"


async def chats(stage: Stage, *said: str) -> Sequence[str]:
    """A visitor says several things; returns the last answer to each."""
    visitor = await stage.session()
    for text in said:
        await stage.posts(text, visitor)
    return stage.said_in("web")[-len(said) :]


async def writes_on_discord(stage: Stage, text: str, *, user: str = THIEF) -> None:
    posts = len(stage.discord.posted)
    stage.discord.says(user, text)
    await stage.discord.until(posts=posts + 1)


async def test_a_used_code_opens_nothing_on_a_third_handle(bots: Theatre) -> None:
    async def calls(stage: Stage) -> list[str]:
        call = stage.twilio.calls(NUMBER)
        return [
            await in_the_end(call, await call.dials()),
            await in_the_end(call, await call.keys(stage.used_code)),
            await in_the_end(call, await call.says(ASK)),
        ]

    await bots.withstands(lambda stage: stage.texts("+15550166", stage.used_code))
    await bots.withstands(lambda stage: chats(stage, stage.used_code, ASK))
    await bots.withstands(
        lambda stage: stage.mails(letter(verdicts=[judged("shop.test", "fail")], text=stage.used_code))
    )
    await bots.withstands(lambda stage: writes_on_discord(stage, stage.used_code))
    await bots.withstands(calls)


async def test_guesses_open_nothing_and_count_against_who_guesses(bots: Theatre) -> None:
    guesses = [f"{number:06d}" for number in range(100_001, 100_009)]
    await bots.withstands(lambda stage: chats(stage, *guesses, "42", ASK))


async def test_the_two_digits_of_a_link_mean_nothing_to_who_was_not_asked(bots: Theatre) -> None:
    for digits in ("10", "42", "Yes, 99"):
        await bots.withstands(lambda stage, digits=digits: writes_on_discord(stage, digits))  # type: ignore[misc]


async def test_who_gets_the_victim_to_enter_a_code_learns_nothing_of_them(bots: Theatre) -> None:
    """The victim's conversation speaks for the attacker's customer meanwhile, never the other way round."""
    stage = bots.present
    stage.a_day_passes()
    shown = await stage.texts("+15550167", CODE_WISH)
    before = stage.belongings()
    await stage.texts(NUMBER, re.findall(r"(?<!\d)\d{6}(?!\d)", shown)[-1])
    for text in (ASK, "What did I tell you?", "UNDO"):
        answer = await stage.texts("+15550167", text)
        assert not [canary for canary in CANARIES if canary in answer]
    after = stage.belongings()
    for table in ("cases", "facts", "evidence", "links", "codes", "wrong_codes"):
        assert after[table] == before[table]
    stage.a_day_passes()
    assert await stage.greets_the_caller()
    assert CANARIES[1] in await stage.texts(NUMBER, ASK)


JOHNS = {"id": DISCORD, "username": "John Miller", "global_name": "John Miller"}


@pytest.mark.parametrize(
    ("barrier", "told"),
    [
        (1, {"author": JOHNS | {"id": THIEF}}),
        (2, {"author": JOHNS | {"id": THIEF}, "webhook_id": THIEF}),
        (3, {"author": JOHNS, "webhook_id": THIEF}),
        (4, {"author": JOHNS | {"bot": True}}),
        (5, {"author": JOHNS | {"system": True}}),
        (6, {"author": JOHNS, "type": 7}),
    ],
)
async def test_a_webhook_a_bot_or_a_namesake_is_not_the_victim(
    bots: Theatre, barrier: int, told: dict[str, Any]
) -> None:
    async def writes(stage: Stage) -> None:
        stage.discord.says(THIEF, "UNDO", channel_id=stage.discord.direct(told["author"]["id"]), **told)
        await writes_on_discord(stage, ASK, user=f"80000000000000010{barrier}")  # who is heard after it

    await bots.withstands(writes)


async def test_the_customer_is_greeted_on_discord(bots: Theatre) -> None:
    bots.present.a_day_passes()
    await writes_on_discord(bots.present, ASK, user=DISCORD)
    assert all(known in bots.present.discord.posted[-1]["content"] for known in CANARIES[:3])
