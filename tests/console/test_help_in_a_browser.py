"""Help for who answers, in a real browser: the preview follows what is typed, and a mail shows in its sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import Tab, browsing
from tests.console.office import TOKEN, Office, opened
from tests.shop import Shop
from tests.site import make_channel

CASE = "/console/cases/1"


@pytest.fixture
async def office(shop: Shop, tmp_path: Path) -> AsyncIterator[Office]:
    await shop.knows("cus_7", "Ann Keller", "email:ann@post.test")
    await shop.hears("email", "ann@post.test", "I was charged $99 instead of $49 for order W4829137. Please refund me.")
    async with opened(shop, shown_by={"email": make_channel("email", tmp_path)}) as office:
        yield office


async def signed_in(tab: Tab, office: Office) -> None:
    await tab.page.goto(f"{office.url}/console/login")
    await tab.page.get_by_label("Password").fill(TOKEN)
    await tab.page.get_by_role("button", name="Sign in").click()
    await tab.page.goto(office.url + CASE)


async def test_the_preview_follows_what_is_typed_and_shows_a_mail_that_can_do_nothing(office: Office) -> None:
    async with browsing() as tab:
        await signed_in(tab, office)
        await tab.page.get_by_label("Reply").fill("It is **on its way** <script>alert(1)</script>")
        mail = tab.page.frame_locator("iframe.look")
        await expect(mail.get_by_text("on its way")).to_be_visible()
        assert await mail.locator("strong").count() == 1
        assert await mail.locator("script").count() == 0
        await expect(tab.page.get_by_text("One mail, as text and as HTML")).to_be_visible()


async def test_a_suggestion_comes_into_the_box_and_its_source_leads_into_the_timeline(office: Office) -> None:
    async with browsing() as tab:
        await signed_in(tab, office)
        await tab.page.get_by_role("button", name="Suggest a reply").click()
        await expect(tab.page.get_by_label("Reply")).to_have_value(
            "I am sorry about that. I have noted order ending …9137 and the amount of $99."
        )
        await tab.page.get_by_role("link", name="$99, told on 2 Mar 2026").click()
        await expect(tab.page.locator("li#m1")).to_be_in_viewport()
