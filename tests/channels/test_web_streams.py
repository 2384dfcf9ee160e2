"""The stream of a chat: it goes on where it broke off, ends with the proof that it hangs on, and stays bounded."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bots.chat import listen
from channels._web import streams
from core.channel import Typing
from core.messages import Choice
from tests.channels.chat_page import STAMP, Page, cookie, later, opened, token

HUMAN = Choice(label="Talk to a person", says="I want a person")


@pytest_asyncio.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with opened(tmp_path) as page:
        yield page


async def test_who_comes_back_is_given_what_came_after_the_last_event(page: Page) -> None:
    ours = await cookie(page)
    async with page.stream(**ours) as stream:
        await page.posts({"id": "m1", "text": "Hello"}, **ours)
        await page.bot_says("r1", "Good morning")
        events = [await stream.event(), await stream.event()]
    await page.bot_says("r2", "Are you still there?")
    async with page.stream(**ours, **{"last-event-id": events[-1]["id"]}) as stream:
        assert (await stream.next())["id"] == "r2"
    async with page.stream(**ours, **{"last-event-id": events[0]["id"]}) as stream:
        assert [(await stream.next())["id"] for _ in range(2)] == ["r1", "r2"]


async def test_a_reply_made_before_and_shown_after_a_message_is_not_lost(page: Page) -> None:
    ours = await cookie(page)
    async with page.stream(**ours) as stream:
        await page.posts({"id": "m1", "text": "Hello"}, **ours)
        await page.posts({"id": "m2", "text": "Anybody?"}, **ours)
        last = [await stream.event(), await stream.event()][-1]["id"]
    await page.bot_says("r1", "Good morning")
    lines = page.engine.lines
    lines[1], lines[2] = lines[2], lines[1]  # settled before m2 was kept
    async with page.stream(**ours, **{"last-event-id": last}) as stream:
        assert (await stream.next())["id"] == "r1"


@pytest.mark.parametrize("unknown", ["nobody:knows", "::", "é", "x" * 4000])
async def test_an_event_that_we_do_not_know_brings_everything(page: Page, unknown: str) -> None:
    ours = await cookie(page)
    await page.posts({"id": "m1", "text": "Hello"}, **ours)
    async with page.stream(**ours, **{"last-event-id": unknown}) as stream:
        assert (await stream.next())["id"] == "m1"


async def test_answers_to_press_come_with_the_reply_now_and_when_the_page_is_opened_again(page: Page) -> None:
    ours, pressed = await cookie(page), [{"label": "Talk to a person", "says": "I want a person"}]
    async with page.stream(**ours) as stream:
        await page.posts({"id": "m1", "text": "Hello"}, **ours)
        await page.bot_says("r1", "Good morning", choices=(HUMAN,))
        assert "choices" not in await stream.next()
        assert (await stream.next())["choices"] == pressed
    async with page.stream(**ours) as again:
        await again.next()
        assert (await again.next())["choices"] == pressed


async def test_typing_is_told_to_those_who_asked_for_it_and_to_nobody_else(page: Page) -> None:
    ours = await cookie(page)
    async with page.stream(**ours) as plain, page.stream("/api/chat/stream?typing=1", **ours) as eager:
        await page.posts({"id": "m1", "text": "Hello"}, **ours)
        assert isinstance(page.channel, Typing)
        await page.channel.typing(page.heard[0].route)
        await page.bot_says("r1", "Good morning")
        assert [(await plain.next())["id"] for _ in range(2)] == ["m1", "r1"]
        assert [(await eager.event()).get("event", "") for _ in range(3)] == ["", "typing", ""]


async def test_a_stream_ends_when_the_login_does(page: Page) -> None:
    later(page, seconds=599.5)
    async with page.stream(authorization=f"Bearer {token()}") as stream:
        assert await stream.event() == {}
    later(page, seconds=1)
    assert await page.gets("/api/chat/stream", authorization=f"Bearer {token(exp=STAMP + 600)}") == 401


async def test_a_stream_on_which_nobody_says_anything_ends(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_IDLE", 0.1)
    async with page.stream(**await cookie(page)) as stream:
        assert await stream.event() == {}


async def test_signs_of_life_come_while_nothing_is_said(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_HEARTBEAT", 0.05)
    async with page.browser.get("/api/chat/stream", headers=await cookie(page)) as answer:
        lines = [await answer.content.readline() for _ in range(3)]
    assert lines[2] == b": still here\n"


async def test_a_visitor_has_so_many_windows_and_no_more(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_MOST_OF_ONE", 2)
    ours = await cookie(page)
    async with page.stream(**ours), page.stream(**ours), page.stream(**await cookie(page)):
        assert await page.gets("/api/chat/stream", **ours) == 429


async def test_a_flood_of_sessions_meets_a_bound(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_MOST", 2)
    async with page.stream(**await cookie(page)), page.stream(**await cookie(page)):
        assert await page.gets("/api/chat/stream", **await cookie(page)) == 429


async def test_a_page_that_does_not_keep_up_is_let_go_and_loses_nothing(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_MOST_WAITING", 3)
    ours = await cookie(page)
    async with page.stream(**ours) as stream:
        await page.posts({"id": "m1", "text": "Hello"}, **ours)
        await stream.next()
        for number in range(5):  # nothing is read in between: sending to a page awaits nothing
            await page.bot_says(f"r{number}", "Hello")
        got = []
        while event := await stream.event():
            got.append(event["id"])
    assert len(got) < 5
    async with page.stream(**ours, **{"last-event-id": got[-1] if got else "m1:"}) as again:
        assert len([await again.next() for _ in range(5 - len(got))]) == 5 - len(got)


async def test_a_stream_that_is_left_leaves_nothing_behind(page: Page) -> None:
    ours = await cookie(page)
    async with page.stream(**ours) as stream:
        await page.posts({"id": "m1", "text": "x"}, **ours)
        await stream.next()
        assert len(page.channel._streams) == 1
    async with asyncio.timeout(5):
        while len(page.channel._streams):
            await page.gets("/healthz")


async def test_the_chat_in_a_terminal_goes_on_when_its_stream_was_ended(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_IDLE", 0)  # each stream is only as long as what was said before it
    replies: asyncio.Queue[str] = asyncio.Queue()
    signed = {"authorization": f"Bearer {token()}"}
    async with aiohttp.ClientSession(page.url, headers=signed) as browser:
        listening = asyncio.create_task(listen(browser, replies))
        await page.posts({"id": "m1", "text": "Hello"}, **signed)
        for number in range(3):
            await page.bot_says(f"r{number}", f"Answer {number}")
            assert await replies.get() == f"Answer {number}"
        listening.cancel()
    assert replies.empty()
