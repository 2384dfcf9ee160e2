"""The chat in a real browser: /chat, and the widget in a page of another website whose policy is strict."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from core.messages import Choice
from identity.proof import Proof
from tests.browser import Tab, browsing
from tests.channels.chat_page import Page, later, opened, token

ROOT = "document.querySelector('throughline-chat').shadowRoot"
LINES = f"[...{ROOT}.querySelectorAll('#lines > li')]"
HUMAN = Choice(label="Talk to a person", says="I want a person")


@pytest_asyncio.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with browsing(tmp_path / "profile") as tab:
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

    async def opens_the_chat(self) -> None:
        await self.tab.opens(f"{self.shop.url}/")
        await self.tab.until("window.throughline && document.querySelector('throughline-chat')")
        await self.tab.js(f"{ROOT}.querySelector('.opener').focus()")
        await self.tab.presses("Enter")

    async def says(self, text: str) -> None:
        await self.tab.js(f"{ROOT}.querySelector('textarea').focus()")
        await self.tab.types(text)
        await self.tab.presses("Enter")

    async def sees(self, text: str) -> None:
        await self.tab.until(f"{LINES}.some((line) => line.textContent === {json.dumps(text)} && !line.dataset.mark)")

    async def lines(self) -> list[str]:
        shown: list[str] = await self.tab.js(
            f"{LINES}.filter((l) => l.className !== 'choices').map((l) => l.textContent)"
        )
        return shown


@pytest_asyncio.fixture
async def visit(tmp_path: Path, tab: Tab) -> AsyncIterator[Visit]:
    async with shop() as here, opened(tmp_path, webchat_origins=here.url) as page:
        here.script = f"{page.url}/chat/widget.js"
        yield Visit(here, page, tab)
        await tab.opens("about:blank")


async def test_the_page_sends_answers_and_remembers_after_a_reload(tmp_path: Path, tab: Tab) -> None:
    async with opened(tmp_path) as page:
        await tab.opens(f"{page.url}/chat")
        await tab.js("document.getElementById('text').focus()")
        await tab.types("Where is <b>my</b> order?")
        await tab.presses("Enter")
        await tab.until("document.querySelector('#lines li.customer:not([data-mark])')")
        await page.bot_says("r1", "See **[our page](https://acme.test/help)**.", choices=(HUMAN,))
        await tab.until("document.querySelector('#lines li.bot strong a[rel~=noopener]')")
        assert await tab.js("document.querySelector('#lines li').textContent") == "Where is <b>my</b> order?"
        await tab.opens(f"{page.url}/chat")
        await tab.until("document.querySelectorAll('#lines > li').length === 3")
        await tab.js("document.querySelector('.choices button').click()")
        await tab.until("!document.querySelector('.choices') && document.querySelectorAll('li.customer').length === 2")
        await tab.until("!document.querySelector('[data-mark]')")
        assert [message.text for message in page.heard] == ["Where is <b>my</b> order?", "I want a person"]
        told = await tab.roles()
    assert {("log", "Conversation"), ("textbox", "Your message"), ("button", "Send")} <= told
    assert tab.complaints == []


async def test_the_widget_works_in_a_page_whose_policy_is_strict(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    assert visit.page.heard[0].proof is Proof.CLAIMED
    await visit.page.bot_says("r1", "Good morning", choices=(HUMAN,))
    await visit.sees("Good morning")
    told = await visit.tab.roles()
    expected = {
        ("button", "Chat with us"),
        ("button", "Close the chat"),
        ("dialog", "Acme support"),
        ("log", "Conversation"),
        ("textbox", "Your message"),
        ("group", "Answers to choose from"),
        ("button", "Talk to a person"),
    }
    assert expected <= told
    color = f"getComputedStyle({ROOT}.querySelector('.opener'))"
    assert await visit.tab.js(f"[{color}.backgroundColor, {color}.color]") == ["rgb(255, 204, 0)", "rgb(0, 0, 0)"]
    assert visit.tab.complaints == []


async def test_the_keyboard_stays_within_the_panel_and_escape_closes_it(visit: Visit) -> None:
    await visit.opens_the_chat()
    focus = f"({ROOT}.activeElement || {{}})"
    await visit.tab.until(f"{focus}.id === 'text'")
    stops = []
    for _ in range(8):
        await visit.tab.presses("Tab")
        stops.append(await visit.tab.js(f"{focus}.ariaLabel || {focus}.textContent || {focus}.id || 'outside'"))
    assert stops == ["Send", "Close the chat", "Conversation", "text"] * 2
    await visit.tab.presses("Tab", shift=True)
    assert await visit.tab.js(f"{focus}.id") == "lines"
    await visit.tab.presses("Escape")
    assert await visit.tab.js(f"{ROOT}.querySelector('[role=dialog]').hidden")
    assert await visit.tab.js(f"{focus}.className") == "opener"


async def test_what_is_typed_offline_is_sent_once_later_in_order(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("first")
    await visit.sees("first")
    await visit.tab.goes(offline=True)
    await visit.says("second")
    await visit.says("third")
    await visit.tab.until(f"{ROOT}.querySelector('#state').textContent.startsWith('You are offline')")
    await visit.tab.until(f"{LINES}.filter((line) => line.dataset.mark).length === 2")
    await visit.page.bot_says("r1", "Said while you were away")
    await visit.tab.goes(offline=False)
    await visit.sees("second")
    await visit.sees("third")
    await visit.sees("Said while you were away")
    assert sorted(await visit.lines()) == ["Said while you were away", "first", "second", "third"]
    assert [message.text for message in visit.page.heard] == ["first", "second", "third"]


async def test_what_waits_is_sent_after_the_page_was_loaded_again(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("first")
    await visit.sees("first")
    visit.page.engine.is_away = True
    await visit.says("second")
    await visit.tab.until(f"{LINES}.some((line) => line.dataset.mark === 'waiting')")
    await visit.opens_the_chat()
    visit.page.engine.is_away = False
    await visit.sees("second")
    assert await visit.lines() == ["first", "second"]
    assert [message.text for message in visit.page.heard] == ["first", "second"]


async def test_what_waits_when_somebody_signs_in_or_out_is_never_sent_in_anothers_name(visit: Visit) -> None:
    async def waits(text: str, then: str) -> None:
        visit.page.engine.is_away = True
        await visit.says(text)
        await visit.tab.until(f"{LINES}.some((line) => line.dataset.mark === 'waiting')")
        await visit.tab.js(then)
        await visit.tab.until(f"!{LINES}.length")
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
    visit.page.engine.is_away = True
    await visit.says("Hello")
    await visit.tab.until(f"{ROOT}.querySelector('.mark').textContent.startsWith('Not sent')")
    visit.page.engine.is_away = False
    await visit.tab.js(f"{ROOT}.querySelector('.mark button').click()")
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
    await visit.opens_the_chat()
    await visit.says("The next day")
    await visit.sees("The next day")
    assert await visit.lines() == ["The next day"]


async def test_signing_in_begins_anew_and_signing_out_too(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("I am nobody")
    await visit.sees("I am nobody")
    signed = token()
    await visit.tab.js(f"throughline.login({json.dumps(signed)})")
    await visit.tab.until(f"!{LINES}.length")
    await visit.says("I am Ann")
    await visit.sees("I am Ann")
    await visit.tab.js("throughline.logout()")
    await visit.tab.until(f"!{LINES}.length")
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
    now = int(visit.page.engine.now.timestamp())
    visit.shop.token = token(iat=now, exp=now + 600)
    await visit.says("Again")
    await visit.sees("Again")
    assert [message.handle.address for message in visit.page.heard] == ["cus_7", "cus_7"]


async def test_a_token_that_is_refused_is_said_and_nothing_is_sent(visit: Visit) -> None:
    visit.shop.token = token(key="another key of at least thirty-two bytes")
    await visit.opens_the_chat()
    await visit.tab.until(f"{ROOT}.querySelector('#state').textContent.startsWith('You are signed out')")
    assert not visit.page.heard


async def test_a_file_is_refused_aloud(visit: Visit) -> None:
    await visit.opens_the_chat()
    for kind, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        await visit.tab.js(
            f"""(() => {{
              const files = new DataTransfer();
              files.items.add(new File(["x"], "invoice.pdf"));
              const Kind = "{kind}" === "drop" ? DragEvent : ClipboardEvent;
              const event = new Kind("{kind}", {{ {field}: files, bubbles: true, cancelable: true }});
              {ROOT}.querySelector("#state").textContent = "";
              {ROOT}.querySelector("textarea").dispatchEvent(event);
              window.refused = event.defaultPrevented;
            }})()"""
        )
        assert await visit.tab.js("window.refused")
        said = await visit.tab.js(f"{ROOT}.querySelector('[role=status]').textContent")
        assert said.startswith("Files cannot be sent in this chat.")


async def test_it_fits_a_narrow_phone_and_keeps_to_what_the_visitor_prefers(visit: Visit) -> None:
    await visit.tab.does("Emulation.setDeviceMetricsOverride", width=320, height=480, deviceScaleFactor=2, mobile=True)
    preferred = [
        {"name": "prefers-color-scheme", "value": "dark"},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    await visit.tab.does("Emulation.setEmulatedMedia", features=preferred)
    await visit.opens_the_chat()
    dialog = f"{ROOT}.querySelector('[role=dialog]')"
    box = await visit.tab.js(
        f"(({{ left, right, top, bottom }}) => [left, right, top, bottom])({dialog}.getBoundingClientRect())"
    )
    width, height = await visit.tab.js("[visualViewport.width, visualViewport.height]")
    assert box == [0, width, 0, height]
    assert await visit.tab.js(f"{dialog}.scrollWidth <= {dialog}.clientWidth")
    assert await visit.tab.js(f"getComputedStyle({dialog}).backgroundColor") == "rgb(22, 32, 42)"
    assert await visit.tab.js(f"getComputedStyle({ROOT}.querySelector('.opener')).transitionDuration") == "0s"
    assert await visit.tab.js(f"parseFloat(getComputedStyle({ROOT}.querySelector('textarea')).fontSize)") >= 16


async def test_the_widget_says_when_an_answer_is_being_written(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.page.channel.typing(visit.page.heard[0].route)
    await visit.tab.until(f"{ROOT}.querySelector('#state').textContent === 'An answer is being written …'")
    await visit.page.bot_says("r1", "Good morning")
    await visit.sees("Good morning")
    assert await visit.tab.js(f"{ROOT}.querySelector('#state').textContent") == ""


async def test_a_page_that_nobody_looks_at_lets_its_stream_go_and_misses_nothing(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.tab.js(
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
    await visit.tab.js("looks(true)")
    await visit.sees("Said meanwhile")
    assert await visit.lines() == ["Hello", "Said meanwhile"]


async def test_an_answer_that_nobody_has_seen_is_announced_on_the_button_and_after_a_reload(visit: Visit) -> None:
    button = f"{ROOT}.querySelector('.opener')"
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.tab.presses("Escape")
    assert await visit.tab.js(f"{button}.ariaLabel") == "Chat with us"
    await visit.page.bot_says("r1", "Good morning")
    await visit.tab.until(f"{button}.ariaLabel === 'Chat with us. New messages'")
    await visit.tab.opens(f"{visit.shop.url}/?again")
    await visit.tab.until(f"{button}.ariaLabel === 'Chat with us. New messages'")
    await visit.tab.js(f"{button}.click()")
    await visit.tab.opens(f"{visit.shop.url}/?and_again")
    await visit.sees("Good morning")
    assert await visit.tab.js(f"{button}.ariaLabel") == "Chat with us"


async def test_the_page_and_the_widget_leave_each_other_alone(visit: Visit) -> None:
    await visit.opens_the_chat()
    await visit.tab.js(
        """(() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("body * { display: none !important; color: red !important; font-size: 2px !important }");
          document.adoptedStyleSheets = [sheet];
          window.shortcuts = 0;
          document.addEventListener("keydown", () => { window.shortcuts += 1; });
        })()"""
    )
    text = f"{ROOT}.querySelector('textarea')"
    await visit.tab.js(f"{text}.focus()")
    await visit.tab.presses("Tab")
    await visit.says("Hello")
    await visit.sees("Hello")
    style = f"getComputedStyle({text})"
    assert await visit.tab.js(f"[{style}.fontSize, {style}.color]") == ["16px", "rgb(20, 32, 43)"]
    assert await visit.tab.js(f"{text}.getBoundingClientRect().width > 100")
    assert await visit.tab.js("window.shortcuts") == 0
    assert set(
        await visit.tab.js("Object.keys(window).filter((name) => /throughline|Panel|Widget|WORDS/.test(name))")
    ) == {"throughline"}


LEAST = 4.5  # WCAG 2.2 AA, for text


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_can_be_read_against_what_is_behind_it(visit: Visit, scheme: str) -> None:
    await visit.tab.does("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    await visit.opens_the_chat()
    await visit.says("Hello")
    await visit.sees("Hello")
    await visit.page.bot_says("r1", "Good [morning](https://acme.test/)", choices=(HUMAN,))
    await visit.tab.until(f"{ROOT}.querySelector('.choices')")
    contrasts = await visit.tab.js(
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
