"""The console in a real browser: nothing that it shows breaks its policy, WCAG 2.1 AA, or a phone's width."""

import pytest
from playwright.async_api import expect

from core.accounts import Role
from tests.console.office import Office
from tests.console.watched import accessible, watching

pytestmark = pytest.mark.slow

PAGES = ["/console", "/console/status", "/console/accounts"]


async def _a_case(office: Office) -> None:
    await office.shop.knows("cus_1", "John Miller", "web:john", plan="Pro", value=5_000)
    await office.shop.hears("web", "john", "I was charged $99 but I downgraded. Let me talk to a person, please!")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_accessible(office: Office, path: str) -> None:
    await _a_case(office)
    async with watching(office) as page:
        await page.goto(path)
        await accessible(page)


async def test_a_case_is_found_taken_and_answered(office: Office) -> None:
    await _a_case(office)
    async with watching(office) as page:
        await page.get_by_role("link", name="John Miller").click()
        await page.get_by_role("button", name="Take", exact=True).click()
        await page.get_by_role("textbox", name="Reply").fill("Hi John, the $50 is on its way back to you.")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("status").first).to_have_text("Your reply is on its way.")
        await accessible(page)
    await office.delivered()
    assert [reply.text for reply in office.channels["web"].arrived] == ["Hi John, the $50 is on its way back to you."]


async def test_a_colleague_signs_in_by_name(office: Office) -> None:
    await office.hires("maria", Role.AGENT)
    async with watching(office, name="maria") as page:
        await expect(page.get_by_role("heading", name="Queue")).to_be_visible()


async def test_without_scripts_a_case_is_read_all_the_same(office: Office) -> None:
    await _a_case(office)
    async with watching(office, java_script_enabled=False) as page:
        await page.get_by_role("link", name="John Miller").click()
        await expect(page.get_by_role("heading", name="John Miller", level=1)).to_be_visible()


async def test_what_was_typed_into_one_form_survives_another(office: Office) -> None:
    await _a_case(office)
    async with watching(office) as page:
        await page.get_by_role("link", name="John Miller").click()
        await page.get_by_role("textbox", name="Reply").fill("Hi John, I am looking into it.")
        await page.get_by_role("textbox", name="Resolution").fill("Refunded.")
        await page.get_by_role("button", name="Take", exact=True).click()
        await expect(page.get_by_text("It is yours.")).to_be_visible()
        await expect(page.get_by_role("textbox", name="Reply")).to_have_value("Hi John, I am looking into it.")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("Your reply is on its way.")).to_be_visible()
        await expect(page.get_by_role("textbox", name="Reply")).to_have_value("")
        await expect(page.get_by_role("textbox", name="Resolution")).to_have_value("Refunded.")


async def test_a_word_without_end_stays_on_the_page(office: Office) -> None:
    await office.shop.hears("web", "john", f"I was charged twice: {'W' * 600}. Let me talk to a person, please!")
    async with watching(office, viewport={"width": 360, "height": 740}) as page:
        for path in ("/console", "/console/cases/1", "/console/search?q=charged"):
            await page.goto(path)
            assert await page.evaluate("document.scrollingElement.scrollWidth") <= 360, path
