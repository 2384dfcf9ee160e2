"""The stage in a real browser: the first thing that a newcomer sees."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.console.stage import Trial, trying
from tests.console.watched import accessible, watching

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    async with trying(tmp_path) as trial:
        await trial.bot.memory.warm()
        yield trial


def talk(page: Page) -> Locator:
    return page.get_by_role("list", name="What was said")


async def says(page: Page, text: str) -> None:
    await page.get_by_label("What you say").fill(text)
    await page.keyboard.press("Enter")


async def test_johns_story_is_one_click(trial: Trial) -> None:
    async with watching(trial) as page:
        await page.get_by_role("link", name="Play", exact=True).click()
        await page.get_by_role("button", name="Play John's story").click()
        said, case = talk(page), page.frame_locator("iframe")
        await expect(said).to_contain_text("John Miller calls")
        await expect(said).to_contain_text("Hi John, you were just chatting with us about the $99 charge")
        await expect(said).to_contain_text("order ending in 9, 1, 3, 7")
        await expect(case.get_by_role("heading", name="John Miller", level=1)).to_be_visible()
        await expect(page.get_by_role("button", name="Play John's story")).to_be_enabled()
        await accessible(page)


async def test_a_colleague_answers_beside_it_and_the_customer_has_it_at_once(trial: Trial) -> None:
    async with watching(trial) as page:
        await page.goto("/console/play?who=ann&on=slack")
        await says(page, "I was charged $99 but I downgraded to the $49 plan.")
        case = page.frame_locator("iframe")
        await case.get_by_role("button", name="Take", exact=True).click()
        await expect(case.get_by_text("It is yours.")).to_be_visible()
        await case.get_by_role("textbox", name="Reply").fill("Hi Ann, the $50 is on its way. Maria")
        await case.get_by_role("button", name="Send").click()
        answer = talk(page).locator("li.agent")
        await expect(answer).to_contain_text("Hi Ann, the $50 is on its way. Maria")


async def test_what_was_typed_survives_another_channel_and_a_look_for_news(trial: Trial) -> None:
    async with watching(trial) as page:
        await page.goto("/console/play?who=ann&on=web")
        await page.get_by_label("What you say by chat").fill("I was charged")
        await page.get_by_role("link", name="Slack").click()
        await expect(page.get_by_label("What you say by Slack")).to_have_value("I was charged")
        await trial.says("ann", "sms", "Where is my order?")
        await expect(talk(page)).to_contain_text("Where is my order?")
        await expect(page.get_by_label("What you say by Slack")).to_have_value("I was charged")
        await expect(page).to_have_url(re.compile("on=slack$"))


async def test_a_button_of_the_bots_is_pressed(trial: Trial) -> None:
    async with watching(trial) as page:
        await page.goto("/console/play?who=ann&on=web")
        await says(page, "I was charged $99 but I downgraded to the $49 plan.")
        await page.get_by_role("button", name="Talk to a person").click()
        await expect(talk(page).locator("li.customer")).to_have_count(2)
        await expect(page.frame_locator("iframe").get_by_text("Waits for a person").first).to_be_visible()


async def test_one_dials_and_hangs_up(trial: Trial) -> None:
    async with watching(trial) as page:
        await page.goto("/console/play?who=kim&on=voice")
        await page.get_by_role("button", name="Call", exact=True).click()
        await says(page, "I cannot log in.")
        await expect(talk(page).locator("li.bot")).to_have_count(2)
        await page.get_by_role("button", name="Hang up").click()
        await expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()


async def test_what_cannot_be_sent_says_so_and_is_kept(trial: Trial) -> None:
    async with watching(trial, forgiving=["ERR_INTERNET_DISCONNECTED"]) as page:
        await page.goto("/console/play?who=ann&on=web")
        await page.context.set_offline(True)
        await says(page, "Where is my order?")
        await expect(page.get_by_role("alert")).to_have_text("That did not arrive. Try again.")
        await expect(page.get_by_label("What you say")).to_have_value("Where is my order?")
        await page.context.set_offline(False)
        await page.get_by_role("button", name="Say it").click()
        await expect(talk(page)).to_contain_text("Where is my order?")


async def test_the_stage_is_cleared(trial: Trial) -> None:
    await trial.says("ann", "web", "Where is my order?")
    async with watching(trial, forgiving=["404"]) as page:  # the case that is shown may look for news of itself
        await page.goto("/console/play?who=ann&on=web")
        await page.get_by_role("button", name="Clear the stage").click()
        await expect(talk(page)).to_have_text("Nothing was said yet.")


async def test_it_works_without_scripts(trial: Trial) -> None:
    async with watching(trial, java_script_enabled=False) as page:
        await page.goto("/console/play?who=ann&on=sms")
        await page.get_by_label("What you say by SMS").fill("I was charged $99 instead of $49.")
        await page.get_by_role("button", name="Say it").click()
        await expect(talk(page)).to_contain_text("Throughline here, an AI assistant.")
        case = page.frame_locator("iframe").get_by_role("heading", name="Ann Keller", level=1)
        await expect(case).to_be_visible()


@pytest.mark.parametrize("path", ["?who=ann&on=web", "?who=forger&on=email", "?who=kim&on=voice"])
async def test_it_is_accessible_before_anything_is_said(trial: Trial, path: str) -> None:
    async with watching(trial) as page:
        await page.goto(f"/console/play{path}")
        await accessible(page)
