"""A working day at the console: a real process, a real mailbox, a real browser, and nobody is asked anything twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.console.office import TOKEN
from tests.console.watched import watching
from tests.process.running import Bot, imports, running
from tests.twins.mail import MailRelay

pytestmark = pytest.mark.slow

ANN = {"external_id": "cus_7", "name": "Ann Keller", "email": "ann@shop.test", "phone": "+15550177", "plan": "Pro"}
WISH = (
    "I was charged $99 instead of $49 after my downgrade, the order is W4829137. "
    "I already checked the invoice. I want to speak to a human!"
)
ANSWER = "Hi Ann, the $50 is on its way back to you. Maria"


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[tuple[Bot, MailRelay, Page]]:
    """The bot, the relay that takes its mail, and the browser of whoever has the token."""
    await imports(folder, ANN)
    async with MailRelay().open() as relay:
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        async with (
            running(folder, PUBLIC_BASE_URL="", CONSOLE_TOKEN=TOKEN, **mail) as bot,
            watching(bot, forgiving=["409"]) as page,  # the privacy page, of who is gone
        ):
            yield bot, relay, page


async def letter(relay: MailRelay) -> str:
    """The text of the next mail that goes out."""
    body = (await relay.arrived.get()).message.get_body(("plain",))
    assert body
    return str(body.get_content())


async def figure(page: Page, title: str) -> str:
    """What the insights say now."""
    await page.goto("/console/insights")
    return await _figure(page, title).locator("strong").inner_text()


def _figure(page: Page, title: str) -> Locator:
    return page.locator("a.figure").filter(has=page.locator("span:first-child").get_by_text(title, exact=True))


async def opens_the_case(page: Page) -> None:
    await page.goto("/console")
    await page.get_by_role("link", name="Ann Keller").first.click()


async def test_a_case_is_taken_seen_answered_resolved_counted_and_forgotten(tmp_path: Path) -> None:
    async with open_house(tmp_path) as (bot, relay, page):
        before = await figure(page, "Satisfaction")
        await page.goto("/console")
        await bot.mails("ann@shop.test", WISH)
        assert "A colleague will take this over" in await letter(relay)
        await expect(page.get_by_role("link", name="Ann Keller")).to_be_visible()  # by itself

        await page.get_by_role("link", name="Ann Keller").click()
        case = page.get_by_role("main")
        for known in ("Pro", "W4829137", "$99", "checked the invoice", "asked for a person", "vouches for the mail"):
            await expect(case).to_contain_text(known)
        await page.get_by_role("button", name="Take", exact=True).click()
        await page.get_by_role("textbox", name="Reply").fill(ANSWER)
        await page.get_by_role("button", name="Send").click()
        assert ANSWER in await letter(relay)

        await page.get_by_role("textbox", name="Resolution").fill("Refunded the difference after the downgrade.")
        await page.get_by_label("How satisfied they are").select_option("5")
        await page.get_by_role("button", name="Resolve").click()
        await expect(page.get_by_text("The case is resolved.")).to_be_visible()
        assert await figure(page, "Cases opened") == "1"
        assert await figure(page, "Satisfaction") != before
        await _figure(page, "Satisfaction").click()
        await page.get_by_role("link", name="Ann Keller").or_(page.get_by_role("link", name="Case 1")).first.click()
        await expect(page.get_by_role("heading", name="Ann Keller", level=1)).to_be_visible()

        await page.goto("/console/privacy?customer=cus_7")
        await page.get_by_role("link", name="Forget").click()
        await page.get_by_label("to confirm").fill("cus_7")
        await page.get_by_role("button", name="Forget").click()
        await expect(page.get_by_role("main")).to_contain_text("Receipt")
        await page.goto("/console?tab=resolved")
        await expect(page.get_by_role("main")).not_to_contain_text("Ann")
        await page.goto("/console/privacy?customer=cus_7")
        await expect(page.get_by_role("main")).not_to_contain_text("Keller")


async def test_two_are_merged_and_unmerged_again(tmp_path: Path) -> None:
    async with open_house(tmp_path) as (bot, relay, page):
        await bot.mails("ann@shop.test", WISH)
        await bot.mails("ann@home.test", "My parcel never arrived, the order is W7730021. Where is it?")
        for _ in range(2):
            await letter(relay)
        await opens_the_case(page)
        await page.get_by_role("link", name="Who this is").click()
        await page.get_by_label("Is also").fill("email:ann@home.test")
        await page.get_by_role("button", name="Compare").click()
        await expect(page.get_by_role("heading", name="Merge?")).to_be_visible()
        await page.get_by_role("button", name="Merge").click()
        await expect(page.get_by_text("The two are one customer now.")).to_be_visible()
        await opens_the_case(page)
        await expect(page.get_by_role("main")).to_contain_text("My parcel never arrived")

        await page.get_by_role("link", name="Who this is").click()
        await page.get_by_role("button", name="Undo").first.click()
        await page.get_by_role("button", name="Undo").first.click()
        await opens_the_case(page)
        await expect(page.get_by_role("main")).not_to_contain_text("My parcel never arrived")
