"""The chat in a real browser: /chat, and the widget in a page of another website whose policy is strict."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Locator, expect

from core.messages import Choice
from identity.proof import Proof
from tests.browser import Tab, browsing
from tests.channels.chat_page import Page, later, opened, token

ROOT = "document.querySelector('throughline-chat').shadowRoot"
HUMAN = Choice(label="Talk to a person", says="I want a person")
AWAY = "503"  # what the browser tells of an engine that keeps nothing
OFFLINE = "ERR_INTERNET_DISCONNECTED"
PHONE = {"viewport": {"width": 320, "height": 480}, "device_scale_factor": 2, "is_mobile": True}


@pytest_asyncio.fixture
async def tab() -> AsyncIterator[Tab]:
    async with browsing() as tab:
        yield tab


@dataclass
class Shop:
    """A website of its own that embeds the chat, and knows who is signed in."""

    url: str
    script: str = ""
    token: str = ""

    async def page(self, _request: web.Request) -> web.Response:
        bot = self.script.partition("/chat/")[0]
        policy = f"default-src 'none'; script-src {bot}; connect-src 'self' {bot}"
        ours = (
            '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Shop</title>'
            '<h1>Shop</h1><a href="#">Out</a>'
            f'<script src="{self.script}" data-token-url="/token" data-color="#ffcc00" async></script></html>'
        )
        return web.Response(text=ours, content_type="text/html", headers={"content-security-policy": policy})

    async def who(self, _request: web.Request) -> web.Response:
        return web.json_response({"token": self.token}) if self.token else web.Response(status=204)


@asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    here = Shop("")
    app = web.Application()
    app.add_routes([web.get("/", here.page), web.get("/token", here.who)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here.url = f"http://localhost:{runner.addresses[0][1]}"
    try:
        yield here
    finally:
        await runner.cleanup()


@dataclass
class Visit:
    shop: Shop
    page: Page
    tab: Tab

    @property
    def chat(self) -> Locator:
        return self.tab.page.locator("throughline-chat")

    @property
    def text(self) -> Locator:
        return self.chat.get_by_role("textbox", name="Your message")

    @property
    def opener(self) -> Locator:
        return self.chat.locator(".opener")

    @property
    def state(self) -> Locator:
        return self.chat.locator("#state")

    async def opens_the_chat(self) -> None:
        await self.tab.page.goto(f"{self.shop.url}/")
        await self.opener.press("Enter")

    async def says(self, text: str) -> None:
        await self.text.focus()
        await self.tab.page.keyboard.insert_text(text)
        await self.tab.page.keyboard.press("Enter")

    async def sees(self, text: str) -> None:
        await expect(self._lines(":not([data-mark])").filter(has_text=exactly(text)).first).to_be_attached()

    async def sees_nothing(self) -> None:
        await expect(self._lines()).to_have_count(0)

    async def sees_it_wait(self) -> None:
        await expect(self._lines("[data-mark=waiting]")).to_have_count(1)

    async def sees_unsent(self, count: int) -> None:
        await expect(self._lines("[data-mark]")).to_have_count(count)

    async def lines(self) -> list[str]:
        return await self._lines(":not(.choices)").all_text_contents()

    def _lines(self, which: str = "") -> Locator:
        return self.chat.locator(f"#lines > li{which}")

    async def js(self, expression: str) -> Any:
        return await self.tab.page.evaluate(expression)

    def loses_the_engine(self) -> None:
        self.page.engine.is_away = True
        self.tab.forgives(AWAY)


def exactly(text: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(text)}$")


@asynccontextmanager
async def visiting(var: Path, **device: Any) -> AsyncIterator[Visit]:
    async with shop() as here, opened(var, webchat_origins=here.url) as page, browsing(**device) as tab:
        here.script = f"{page.url}/chat/widget.js"
        yield Visit(here, page, tab)


@pytest_asyncio.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as visit:
        yield visit


async def test_the_page_sends_answers_and_remembers_after_a_reload(tmp_path: Path, tab: Tab) -> None:
    shown = tab.page
    async with opened(tmp_path) as page:
        await shown.goto(f"{page.url}/chat")
        await shown.get_by_role("textbox", name="Your message").focus()
        await shown.keyboard.insert_text("Where is <b>my</b> order?")
        await shown.keyboard.press("Enter")
        await expect(shown.locator("#lines li.customer:not([data-mark])")).to_have_text("Where is <b>my</b> order?")
        await page.bot_says("r1", "See **[our page](https://acme.test/help)**.", choices=(HUMAN,))
        await expect(shown.locator("#lines li.bot strong a[rel~=noopener]")).to_be_visible()
        await shown.goto(f"{page.url}/chat")
        await expect(shown.locator("#lines > li")).to_have_count(3)
        assert await shown.locator("#lines li").first.text_content() == "Where is <b>my</b> order?"
        await shown.locator(".choices").get_by_role("button").click()
        await expect(shown.locator("li.customer")).to_have_count(2)
        await expect(shown.locator(".choices")).to_have_count(0)
        await expect(shown.locator("[data-mark]")).to_have_count(0)
        assert [message.text for message in page.heard] == ["Where is <b>my</b> order?", "I want a person"]
        await expect(shown.get_by_role("log", name="Conversation", exact=True)).to_be_visible()
        await expect(shown.get_by_role("textbox", name="Your message", exact=True)).to_be_visible()
        await expect(shown.get_by_role("button", name="Send", exact=True)).to_be_visible()
        await shown.goto("about:blank")


async def test_the_widget_works_in_a_page_whose_policy_is_strict(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    assert visit.page.heard[0].proof is Proof.CLAIMED
    await visit.page.bot_says("r1", "Good morning", choices=(HUMAN,))
    await visit.sees("Good morning")
    told: list[tuple[Any, str]] = [
        ("button", "Chat with us"),
        ("button", "Close the chat"),
        ("dialog", "Acme support"),
        ("log", "Conversation"),
        ("textbox", "Your message"),
        ("group", "Answers to choose from"),
        ("button", "Talk to a person"),
    ]
    for role, name in told:
        await expect(visit.tab.page.get_by_role(role, name=name, exact=True)).to_be_visible()
    await expect(visit.opener).to_have_css("background-color", "rgb(255, 204, 0)")
    await expect(visit.opener).to_have_css("color", "rgb(0, 0, 0)")


async def test_the_keyboard_stays_within_the_panel_and_escape_closes_it(visit: Visit) -> None:
    await visit.opens_the_chat()
    keyboard, focus = visit.tab.page.keyboard, f"({ROOT}.activeElement || {{}})"
    await expect(visit.text).to_be_focused()
    stops = []
    for _ in range(8):
        await keyboard.press("Tab")
        stops.append(await visit.js(f"{focus}.ariaLabel || {focus}.textContent || {focus}.id || 'outside'"))
    assert stops == ["Send", "Close the chat", "Conversation", "text"] * 2
    await keyboard.press("Shift+Tab")
    assert await visit.js(f"{focus}.id") == "lines"
    await keyboard.press("Escape")
    await expect(visit.chat.get_by_role("dialog", include_hidden=True)).to_be_hidden()
    await expect(visit.opener).to_be_focused()


async def test_what_is_typed_offline_is_sent_once_later_in_order(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("first")
    await visit.sees("first")
    visit.tab.forgives(OFFLINE)
    await visit.tab.page.context.set_offline(True)
    await visit.says("second")
    await visit.says("third")
    await expect(visit.state).to_have_text(re.compile("^You are offline"))
    await visit.sees_unsent(2)
    await visit.page.bot_says("r1", "Said while you were away")
    await visit.tab.page.context.set_offline(False)
    await visit.sees("second")
    await visit.sees("third")
    await visit.sees("Said while you were away")
    assert sorted(await visit.lines()) == ["Said while you were away", "first", "second", "third"]
    assert [message.text for message in visit.page.heard] == ["first", "second", "third"]


async def test_what_waits_is_sent_after_the_page_was_loaded_again(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("first")
    await visit.sees("first")
    visit.loses_the_engine()
    await visit.says("second")
    await visit.sees_it_wait()
    await visit.opens_the_chat()
    visit.page.engine.is_away = False
    await visit.sees("second")
    assert await visit.lines() == ["first", "second"]
    assert [message.text for message in visit.page.heard] == ["first", "second"]


async def test_what_waits_when_somebody_signs_in_or_out_is_never_sent_in_anothers_name(visit: Visit) -> None:
    async def waits(text: str, then: str) -> None:
        visit.loses_the_engine()
        await visit.says(text)
        await visit.sees_it_wait()
        await visit.js(then)
        await visit.sees_nothing()
        visit.page.engine.is_away = False

    await visit.opens_the_chat()
    await waits("I am nobody", f"throughline.login({json.dumps(token())})")
    await visit.says("I am Ann")
    await visit.sees("I am Ann")
    await waits("Ann's secret", "throughline.logout()")
    await visit.opens_the_chat()
    await visit.says("I am Ben")
    await visit.sees("I am Ben")
    assert [message.text for message in visit.page.heard] == ["I am Ann", "I am Ben"]
    assert await visit.lines() == ["I am Ben"]


async def test_what_is_not_taken_says_so_and_can_be_tried_again(visit: Visit) -> None:
    await visit.opens_the_chat()
    visit.loses_the_engine()
    await visit.says("Hello")
    mark = visit.chat.locator(".mark")
    await expect(mark).to_have_text(re.compile("^Not sent"))
    visit.page.engine.is_away = False
    await mark.get_by_role("button").click()
    await visit.sees("Hello")
    assert [message.text for message in visit.page.heard] == ["Hello"]


async def test_after_a_reload_the_widget_goes_on_with_its_own_session(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.opens_the_chat()
    await visit.sees("Hello")
    await visit.says("Again")
    await visit.sees("Again")
    assert len({message.conversation for message in visit.page.heard}) == 1
    later(visit.page, hours=25)
    visit.tab.forgives("401")
    await visit.opens_the_chat()
    await visit.says("The next day")
    await visit.sees("The next day")
    assert await visit.lines() == ["The next day"]


async def test_signing_in_begins_anew_and_signing_out_too(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("I am nobody")
    await visit.sees("I am nobody")
    signed = token()
    await visit.js(f"throughline.login({json.dumps(signed)})")
    await visit.sees_nothing()
    await visit.says("I am Ann")
    await visit.sees("I am Ann")
    await visit.js("throughline.logout()")
    await visit.sees_nothing()
    await visit.says("Nobody again")
    await visit.sees("Nobody again")
    assert [message.proof for message in visit.page.heard] == [Proof.CLAIMED, Proof.CONFIRMED, Proof.CLAIMED]
    assert len({message.conversation for message in visit.page.heard}) == 3


async def test_the_website_is_asked_for_a_fresh_token_when_one_has_expired(visit: Visit) -> None:
    visit.shop.token = token()
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    later(visit.page, minutes=11)
    visit.tab.forgives("401")
    now = int(visit.page.engine.now.timestamp())
    visit.shop.token = token(iat=now, exp=now + 600)
    await visit.says("Again")
    await visit.sees("Again")
    assert [message.handle.address for message in visit.page.heard] == ["cus_7", "cus_7"]


async def test_a_token_that_is_refused_is_said_and_nothing_is_sent(visit: Visit) -> None:
    visit.shop.token = token(key="another key of at least thirty-two bytes")
    visit.tab.forgives("401")
    await visit.opens_the_chat()
    await expect(visit.state).to_have_text(re.compile("^You are signed out"))
    assert not visit.page.heard


async def test_a_file_is_refused_aloud(visit: Visit) -> None:
    await visit.opens_the_chat()
    for kind, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        refused = await visit.js(
            f"""(() => {{
              const files = new DataTransfer();
              files.items.add(new File(["x"], "invoice.pdf"));
              const Kind = "{kind}" === "drop" ? DragEvent : ClipboardEvent;
              const event = new Kind("{kind}", {{ {field}: files, bubbles: true, cancelable: true }});
              {ROOT}.querySelector("#state").textContent = "";
              {ROOT}.querySelector("textarea").dispatchEvent(event);
              return event.defaultPrevented;
            }})()"""
        )
        assert refused
        await expect(visit.chat.get_by_role("status")).to_have_text(re.compile(r"^Files cannot be sent in this chat\."))


async def test_it_fits_a_narrow_phone_and_keeps_to_what_the_visitor_prefers(tmp_path: Path) -> None:
    async with visiting(tmp_path, **PHONE, color_scheme="dark", reduced_motion="reduce") as visit:
        await visit.opens_the_chat()
        dialog = visit.chat.get_by_role("dialog")
        box, seen = await dialog.bounding_box(), await visit.js("[visualViewport.width, visualViewport.height]")
        assert box == {"x": 0, "y": 0, "width": seen[0], "height": seen[1]}
        assert await dialog.evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
        await expect(dialog).to_have_css("background-color", "rgb(22, 32, 42)")
        await expect(visit.opener).to_have_css("transition-duration", "0s")
        assert await visit.text.evaluate("(text) => parseFloat(getComputedStyle(text).fontSize)") >= 16


async def test_the_widget_says_when_an_answer_is_being_written(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.page.channel.typing(visit.page.heard[0].route)
    await expect(visit.state).to_have_text("An answer is being written …")
    await visit.page.bot_says("r1", "Good morning")
    await visit.sees("Good morning")
    await expect(visit.state).to_have_text("")


async def test_a_page_that_nobody_looks_at_lets_its_stream_go_and_misses_nothing(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.js(
        """(() => {
          const real = setTimeout;
          window.setTimeout = (call, wait) => real(call, wait === 120000 && document.hidden ? 0 : wait);
          window.looks = (is) => {
            Object.defineProperty(document, "hidden", { value: !is, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
          };
          looks(false);
        })()"""
    )
    async with asyncio.timeout(15):
        while len(visit.page.channel._streams):
            await visit.page.gets("/healthz")
    await visit.page.bot_says("r1", "Said meanwhile")
    await visit.js("looks(true)")
    await visit.sees("Said meanwhile")
    assert await visit.lines() == ["Hello", "Said meanwhile"]


async def test_an_answer_that_nobody_has_seen_is_announced_on_the_button_and_after_a_reload(visit: Visit) -> None:
    shown, announced = visit.tab.page, "Chat with us. New messages"
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await shown.keyboard.press("Escape")
    await expect(visit.opener).to_have_accessible_name("Chat with us")
    await visit.page.bot_says("r1", "Good morning")
    await expect(visit.opener).to_have_accessible_name(announced)
    await shown.goto(f"{visit.shop.url}/?again")
    await expect(visit.opener).to_have_accessible_name(announced)
    await visit.opener.click()
    await visit.sees("Good morning")
    await shown.goto(f"{visit.shop.url}/?and_again")
    await visit.sees("Good morning")
    await expect(visit.opener).to_have_accessible_name("Chat with us")


async def test_the_page_and_the_widget_leave_each_other_alone(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.js(
        """(() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("body * { display: none !important; color: red !important; font-size: 2px !important }");
          document.adoptedStyleSheets = [sheet];
          window.shortcuts = 0;
          document.addEventListener("keydown", () => { window.shortcuts += 1; });
        })()"""
    )
    await visit.text.press("Tab")
    await visit.says("Hello")
    await visit.sees("Hello")
    await expect(visit.text).to_have_css("font-size", "16px")
    await expect(visit.text).to_have_css("color", "rgb(20, 32, 43)")
    box = await visit.text.bounding_box()
    assert box is not None
    assert box["width"] > 100
    assert await visit.js("window.shortcuts") == 0
    ours = await visit.js("Object.keys(window).filter((name) => /throughline|Panel|Widget|WORDS/.test(name))")
    assert ours == ["throughline"]


LEAST = 4.5  # WCAG 2.2 AA, for text


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_can_be_read_against_what_is_behind_it(tmp_path: Path, scheme: str) -> None:
    async with visiting(tmp_path, color_scheme=scheme) as visit:
        await visit.opens_the_chat()
        await visit.says("Hello")
        await visit.sees("Hello")
        await visit.page.bot_says("r1", "Good [morning](https://acme.test/)", choices=(HUMAN,))
        await expect(visit.chat.locator(".choices")).to_be_visible()
        contrasts = await visit.js(
            f"""(() => {{
              const parts = (color) => color.match(/[\\d.]+/g).map(Number);
              const linear = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
              const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
              const behind = (element) => {{
                const color = parts(getComputedStyle(element).backgroundColor);
                return color.length < 4 || color[3] > 0 ? color : behind(element.parentElement);
              }};
              const shown = "h2, label, textarea, button, li.customer, li.bot, li.bot a, #state";
              return [...{ROOT}.querySelectorAll(shown)].map((one) => {{
                const both = [light(parts(getComputedStyle(one).color)), light(behind(one))];
                const [dark, bright] = both.sort((a, b) => a - b);
                return [one.outerHTML.slice(0, 60), (bright + 0.05) / (dark + 0.05)];
              }});
            }})()"""
        )
    assert len(contrasts) >= 9
    assert [which for which, contrast in contrasts if contrast < LEAST] == []
