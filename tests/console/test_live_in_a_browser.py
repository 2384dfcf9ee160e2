"""A page that is told what is new, in a real browser: nothing that was typed is lost, whatever comes meanwhile."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, Page, expect

from core.accounts import Role
from tests.console.office import Office
from tests.console.watched import accessible, watching

pytestmark = pytest.mark.slow

HUMAN = "I was charged $99 twice. I want to speak to a human."


async def escalates(office: Office, who: str = "T1/U1", text: str = HUMAN) -> None:
    await office.shop.hears("slack", who, text)


async def watched_notifications(context: BrowserContext) -> None:
    """Notifications are kept by the page instead of being shown: a headless browser shows none."""
    await context.grant_permissions(["notifications"])
    await context.add_init_script(
        "window.shown = [];"
        "window.Notification = class { static permission = 'granted'; static requestPermission = async () => 'granted';"
        "constructor(title, more) { shown.push([title, more.body, more.tag]); } close() {} };"
    )


# ── live ──
async def test_the_queue_shows_a_case_as_it_comes_and_the_tab_counts(office: Office) -> None:
    async with watching(office) as page:
        await escalates(office)
        await expect(page.get_by_role("link", name="Customer #1")).to_be_visible()
        await expect(page).to_have_title("(1) Queue · Console")
        assert "icon-waiting" in (await page.locator("#icon").get_attribute("href") or "")


async def test_what_is_typed_and_where_stays_while_the_customer_writes_and_the_line_is_shown_by_the_reply(
    office: Office,
) -> None:
    await escalates(office)
    async with watching(office) as page:
        await page.goto("/console/cases/1")
        reply = page.get_by_role("textbox", name="Reply")
        await reply.fill("Dear Ann, half of")
        await reply.evaluate("(field) => field.setSelectionRange(5, 8)")
        await page.evaluate("scrollTo(0, 120)")
        y = await page.evaluate("scrollY")
        await office.shop.hears("slack", "T1/U1", "Wait, it was <b>$49</b>.")
        notice = page.locator("#just-written")
        await expect(notice).to_have_text("The customer has just written: Wait, it was <b>$49</b>.")
        assert await notice.get_attribute("role") == "status"
        await expect(page.locator("#live")).to_contain_text("Wait, it was <b>$49</b>.")
        await expect(reply).to_have_value("Dear Ann, half of")
        await expect(reply).to_be_focused()
        assert await reply.evaluate("(field) => [field.selectionStart, field.selectionEnd]") == [5, 8]
        assert abs(await page.evaluate("scrollY") - y) < 400


async def test_without_a_stream_a_page_asks_by_itself(office: Office) -> None:
    async with watching(office, forgiving=["/console/live", "ERR_FAILED"]) as page:
        await page.route("**/console/live*", lambda route: route.abort())
        await page.goto("/console")
        await escalates(office)
        await expect(page.get_by_role("link", name="Customer #1")).to_be_visible()


async def test_who_is_signed_out_keeps_what_was_typed_and_goes_on_after_signing_in_elsewhere(office: Office) -> None:
    await escalates(office)
    async with watching(office, forgiving=["401"]) as page:
        await page.goto("/console/cases/1")
        reply = page.get_by_role("textbox", name="Reply")
        await reply.fill("Dear Ann, half of")
        other = await page.context.new_page()
        await other.goto("/console")
        await other.get_by_role("button", name="Sign out").click()
        await page.bring_to_front()
        await office.shop.hears("slack", "T1/U1", "Hello?")
        await expect(page.get_by_role("alert")).to_contain_text("You are signed out", timeout=20_000)
        await expect(page.locator("#live")).to_be_hidden()
        await expect(reply).to_have_value("Dear Ann, half of")
        async with page.context.expect_page() as opening:
            await page.get_by_role("link", name="sign in in another tab").click()
        again = await opening.value
        await again.locator("input[type=password]").fill("the token of the first start")
        await again.get_by_role("button", name="Sign in").click()
        await expect(again.get_by_role("heading", name="Queue")).to_be_visible()
        await page.bring_to_front()
        await expect(page.locator("#live")).to_be_visible(timeout=20_000)
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("Your reply is on its way.")).to_be_visible()
    await office.delivered()
    assert [said.text for said in office.channels["slack"].arrived] == ["Dear Ann, half of"]


# ── notices ──
async def test_a_handoff_is_told_by_the_browser_once_however_many_pages_are_open(office: Office) -> None:
    await office.shop.knows("cus_1", "Ann Keller", "slack:T1/U1")
    async with watching(office) as page:
        await watched_notifications(page.context)
        second = await page.context.new_page()
        for one in (page, second):
            await one.goto("/console")
        await page.get_by_role("button", name="Tell me of handoffs").click()
        await expect(page.get_by_role("button", name="Tell me of handoffs", pressed=True)).to_be_visible()
        await escalates(office)
        for one in (page, second):
            await one.bring_to_front()
            await expect(one.get_by_role("link", name="Ann Keller")).to_be_visible()
        shown = [told for one in (page, second) for told in await one.evaluate("shown")]
        while not shown:
            await asyncio.sleep(0.05)
            shown = [told for one in (page, second) for told in await one.evaluate("shown")]
        assert [told[:2] for told in shown] == [["Ann needs a person", "charge"]]
        office.shop.later(minutes=15, seconds=30)
        while len(shown) < 2:
            await asyncio.sleep(0.05)
            shown = [told for one in (page, second) for told in await one.evaluate("shown")]
        assert sorted(told[0] for told in shown) == ["Ann is still waiting for a person", "Ann needs a person"]


# ── keys and colours ──
async def test_keys_move_open_and_go_and_never_while_typing(office: Office) -> None:
    for n in range(3):
        await escalates(office, f"T1/U{n}")
    async with watching(office) as page:
        await expect(page.get_by_role("button", name="Keys")).to_be_visible()
        for _ in range(3):
            await page.keyboard.press("j")
        await page.keyboard.press("k")
        await expect(page.locator("table.queue tbody tr:nth-child(2) a")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Customer #2", level=1)).to_be_visible()
        await expect(page.get_by_role("button", name="Keys")).to_be_visible()
        await page.keyboard.press("r")
        reply = page.get_by_role("textbox", name="Reply")
        await expect(reply).to_be_focused()
        await page.keyboard.type("jgq?te/")
        await expect(reply).to_have_value("jgq?te/")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_text("Your reply is on its way.")).to_be_visible()
        await expect(page.get_by_role("button", name="Keys")).to_be_visible()
        await page.keyboard.press("e")
        await expect(page.get_by_role("textbox", name="Resolution")).to_be_focused()
        await reply.evaluate("() => document.activeElement.blur()")
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.get_by_role("searchbox").evaluate("(field) => field.blur()")
        await page.keyboard.press("g")
        await page.keyboard.press("q")
        await expect(page.get_by_role("heading", name="Queue")).to_be_visible()


async def test_the_list_of_keys_opens_closes_and_switches_them_off_for_good(office: Office) -> None:
    await escalates(office)
    async with watching(office) as page:
        await expect(page.get_by_role("button", name="Keys")).to_be_visible()
        await page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(dialog).to_be_visible()
        await accessible(page)
        await dialog.get_by_role("checkbox").uncheck()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await page.reload()
        await expect(page.get_by_role("button", name="Keys")).to_be_visible()
        await page.keyboard.press("j")
        await expect(page.locator("table.queue a").first).not_to_be_focused()
        await page.keyboard.press("?")
        await expect(dialog).to_be_hidden()
        await page.get_by_role("button", name="Keys").click()
        await expect(dialog.get_by_role("checkbox")).not_to_be_checked()


async def test_colours_follow_the_system_until_somebody_chooses(office: Office) -> None:
    async def ground(page: Page) -> str:
        return str(await page.evaluate("getComputedStyle(document.body).backgroundColor"))

    async with watching(office, color_scheme="light") as page:
        light = await ground(page)
        await page.get_by_role("button", name="Dark").click()
        dark = await ground(page)
        assert dark != light
        await page.goto("/console/search")
        assert await ground(page) == dark
        await expect(page.get_by_role("button", name="Dark", pressed=True)).to_be_visible()
        await page.emulate_media(color_scheme="dark")
        await page.get_by_role("button", name="Dark").click()
        assert await ground(page) == light, "a choice against the system"
        await page.get_by_role("button", name="Dark").click()
        await page.emulate_media(color_scheme="light")
        assert await ground(page) == light, "the choice was the system's, which has changed"


# ── looks ──
async def test_queue_and_search_are_accessible_with_all_that_they_may_show(office: Office) -> None:
    await office.shop.knows("cus_1", "Vera Long", "slack:T1/U1", value=20_000)
    for n in range(1, 4):
        await escalates(office, f"T1/U{n}")
    await office.hires("eve", Role.LEAD)
    async with watching(office, name="eve") as page:
        for path in (
            "/console?tab=escalated&mood=frustrated&vip=1",
            "/console?tab=all&with=-",
            "/console/search?q=charged",
        ):
            await page.goto(path)
            await accessible(page)
