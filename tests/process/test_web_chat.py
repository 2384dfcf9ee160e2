"""The whole bot and a real browser: a bot that is killed and comes back answers everything once."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser import browsing
from tests.process.running import free_port, running

GONE = "net::ERR_"  # what the browser tells of a server that is away


async def test_what_is_typed_while_the_bot_is_away_is_answered_once_when_it_is_back(tmp_path: Path) -> None:
    port = {"WEB_PORT": str(free_port())}
    async with browsing() as tab:
        page = tab.page
        lines, sent, answers = page.locator("#lines > li"), page.locator("li.customer"), page.locator("li.bot")
        state, waiting = page.locator("#state"), page.locator("[data-mark=waiting]")

        async def says(text: str) -> None:
            await page.get_by_role("textbox", name="Your message").fill(text)
            await page.keyboard.press("Enter")

        async with running(tmp_path, **port) as bot:
            await page.goto(f"{bot.url}/chat")
            await says("I was charged twice for order 4711.")
            await expect(sent).to_have_count(1)
            await expect(answers).not_to_have_count(0)
            tab.forgives(GONE)
            await bot.killed()
            await expect(state).not_to_be_empty()
            await says("It was the last of May.")
            await expect(waiting).to_have_count(1)
        answered = await answers.count()
        async with running(tmp_path, **port):
            await expect(page.locator("li.customer:not([data-mark])")).to_have_count(2)
            await expect(answers.nth(max(answered, 1))).to_be_visible()
            await expect(state).to_be_empty()
            shown = await lines.all_text_contents()
            await page.goto(f"{bot.url}/chat")
            await expect(lines).to_have_count(len(shown))
            assert await lines.all_text_contents() == shown
            await page.goto("about:blank")
    assert len(set(shown)) == len(shown)
