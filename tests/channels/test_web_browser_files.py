"""A colleague's files in a real browser, in the widget of a page whose policy allows no pictures: drawn, and saved."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from tests.browser import browsing
from tests.channels.chat_page import opened
from tests.channels.test_web_browser import Visit, visiting
from tests.enclosures import DOCUMENT, PDF, file, png

PICTURE = file("\u202egnp.kettle.png", png(960, 480), "image/png")
HOSTILE = file("kettle.png", b"<script>alert(1)</script>", "image/png")


@pytest_asyncio.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as visit:
        yield visit


async def test_a_picture_is_drawn_and_a_file_is_saved_under_its_name(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.page.bot_says("r1", "Here it is.", files=(PICTURE, DOCUMENT))
    drawn = visit.chat.locator("canvas")
    await expect(drawn).to_have_count(1)
    assert await drawn.evaluate("one => [one.width, one.height]") == [480, 240]
    await expect(visit.chat.locator("#lines img, #lines iframe, #lines a")).to_have_count(0)
    async with visit.tab.page.expect_download() as saving:
        await visit.chat.get_by_role("button", name="invoice 12.pdf (10 kB)").click()
    saved = await saving.value
    assert saved.suggested_filename == "invoice 12.pdf"
    assert Path(await saved.path()).read_bytes() == PDF


async def test_what_only_says_that_it_is_a_picture_is_not_drawn_but_can_be_saved(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.page.bot_says("r1", "", files=(HOSTILE,))
    button = visit.chat.get_by_role("button", name="kettle.png (1 kB)")
    await expect(button).to_be_visible()
    async with visit.tab.page.expect_download() as saving:
        await button.click()
    assert Path(await (await saving.value).path()).read_bytes() == HOSTILE.content
    await expect(visit.chat.locator("canvas")).to_have_count(0)


async def test_a_file_that_is_kept_no_more_is_said_to_be_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as page, browsing() as tab:
        await tab.page.goto(f"{page.url}/chat")
        await tab.page.get_by_role("textbox", name="Your message").fill("Hello")
        await tab.page.keyboard.press("Enter")
        await expect(tab.page.locator("#lines li.customer:not([data-mark])")).to_have_count(1)
        await page.bot_says("r1", "Here it is.", files=(DOCUMENT,))
        await expect(tab.page.get_by_role("button", name="invoice 12.pdf")).to_be_visible()
        page.engine.lines.clear()
        tab.forgives("404")
        await tab.page.get_by_role("button", name="invoice 12.pdf").click()
        await expect(tab.page.get_by_role("status")).to_have_text("The file could not be loaded. Please try again.")
        await tab.page.goto("about:blank")
