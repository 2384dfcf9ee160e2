"""The whole bot and a real browser: a bot that is killed and comes back answers everything once."""

from pathlib import Path

from tests.browser import browsing
from tests.process.running import free_port, running

SENT = "document.querySelectorAll('li.customer:not([data-mark])').length"
ANSWERS = "document.querySelectorAll('li.bot').length"


async def test_what_is_typed_while_the_bot_is_away_is_answered_once_when_it_is_back(tmp_path: Path) -> None:
    port = {"WEB_PORT": str(free_port())}
    async with browsing(tmp_path / "profile") as tab:

        async def says(text: str) -> None:
            await tab.js("document.getElementById('text').focus()")
            await tab.types(text)
            await tab.presses("Enter")

        async with running(tmp_path, **port) as bot:
            await tab.opens(f"{bot.url}/chat")
            await says("I was charged twice for order 4711.")
            await tab.until(f"{SENT} === 1 && {ANSWERS} >= 1")
            await bot.killed()
            await tab.until("document.getElementById('state').textContent")
            await says("It was the last of May.")
            await tab.until("document.querySelector('[data-mark=waiting]')")
        async with running(tmp_path, **port):
            await tab.until(f"{SENT} === 2 && {ANSWERS} >= 2 && !document.getElementById('state').textContent")
            shown = await tab.js("[...document.querySelectorAll('#lines > li')].map((l) => l.textContent)")
            await tab.opens(f"{bot.url}/chat")
            await tab.until(f"document.querySelectorAll('#lines > li').length === {len(shown)}")
            again = await tab.js("[...document.querySelectorAll('#lines > li')].map((l) => l.textContent)")
            await tab.opens("about:blank")
    assert again == shown
    assert len(set(shown)) == len(shown)
