"""The knowledge folder helps who asks, also at length, and does not answer past somebody who tells a problem."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.backends.rules.writer import RulesWriter
from core.knowledge import Knowledge
from core.writing import Answer, Brief, OpenCase, Spoken

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CANCEL = "Open Settings, then Subscription, and choose Cancel."
RESET = "Choose “Forgot password” on the login page."


@pytest.fixture
def knowledge(tmp_path: Path) -> Knowledge:
    (tmp_path / "help.md").write_text(
        "# Help\n\n"
        "## How to return an item\n\nOpen your orders, choose the item and print the label. The refund comes 5 days "
        "after we have the parcel.\n\n"
        f"## Resetting your password\n\n{RESET}\n\n## Cancelling a subscription\n\n{CANCEL}\n",
        encoding="utf-8",
    )
    return Knowledge(tmp_path)


async def answer(knowledge: Knowledge, text: str, *said: str) -> Answer:
    spoken = [Spoken(sender="bot", text=line, channel="web", at=NOW) for line in said]
    cases = [OpenCase(id=1, category="account", issue="cant login")] if said else []
    brief = Brief(text=text, channel="web", language="en", languages=("en",), now=NOW, said=spoken, cases=cases)
    return await RulesWriter().answer(replace(brief, articles=knowledge.find(text)))


async def test_a_long_story_with_the_question_in_it_is_answered(knowledge: Knowledge) -> None:
    story = (
        "Hello there! My sister got me into your service last spring and it has been great, but now we are moving to "
        "Portugal, so I think I would like to cancel my subscription if that is alright with you?"
    )
    said = await answer(knowledge, story)
    assert CANCEL in said.reply
    assert not any(fact.slot == "plan" for fact in said.facts)


async def test_a_late_parcel_is_not_answered_with_how_to_return_one(knowledge: Knowledge) -> None:
    said = await answer(knowledge, "My parcel with order W4829137 has not arrived")
    assert "label" not in said.reply


async def test_a_few_words_of_trouble_find_the_passage_of_their_kind(knowledge: Knowledge) -> None:
    assert RESET in (await answer(knowledge, "cant login")).reply


async def test_how_something_is_done_is_no_wish_that_we_do_it(knowledge: Knowledge) -> None:
    said = await answer(knowledge, "How do I reset my password?")
    assert RESET in said.reply
    assert not said.actions


async def test_what_did_not_help_is_not_said_again(knowledge: Knowledge) -> None:
    said = await answer(knowledge, "no mail, still cannot login", f"{RESET} (from: Resetting your password)")
    assert RESET not in said.reply
