"""Sessions of a chat, in the cookie of /chat and in the header of a widget, and which websites may embed the chat."""

import json
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from channels.web import WebSettings
from identity.proof import Proof
from tests.channels.chat_page import Page, cookie, later, opened, token, widget_session

SHOP = "https://shop.acme.test"


@pytest_asyncio.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with opened(tmp_path, webchat_origins=SHOP) as page:
        yield page


async def says(page: Page, id: str, **headers: str) -> tuple[int, dict[str, str]]:  # noqa: A002
    async with page.browser.post("/api/chat/messages", json={"id": id, "text": "Hello"}, headers=headers) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}


async def test_a_widget_is_known_by_its_header_alone(page: Page) -> None:
    ours = await widget_session(page)
    status, headers = await says(page, "m1", **ours)
    assert status == 202
    assert "set-cookie" not in headers
    assert page.heard[0].proof is Proof.CLAIMED
    async with page.stream(**ours) as stream:
        assert (await stream.next())["id"] == "m1"


async def test_a_bad_header_never_falls_back_to_the_cookie(page: Page) -> None:
    for bad in ("", "x", "a.1.b", f"{'a' * 5000}.1.{'0' * 32}", "é.1.é"):
        headers = await cookie(page) | {"x-chat-session": bad}
        assert await page.posts({"id": "m1", "text": "x"}, **headers) == 401
        assert await page.gets("/api/chat/stream", **headers) == 401


async def test_a_session_in_use_goes_on_and_one_that_was_idle_for_a_day_is_over(page: Page) -> None:
    ours = await widget_session(page)
    assert "x-chat-session" not in (await says(page, "m1", **ours))[1]
    later(page, hours=23)
    renewed = {"x-chat-session": (await says(page, "m2", **ours))[1]["x-chat-session"]}
    later(page, hours=23)
    assert (await says(page, "m3", **ours))[0] == 401
    assert (await says(page, "m3", **renewed))[0] == 202
    assert len({message.conversation for message in page.heard}) == 1


async def test_the_cookie_is_renewed_in_use_and_given_anew_when_it_was_idle(page: Page) -> None:
    ours = await cookie(page)
    assert "set-cookie" not in await page.headers_of("/chat", **ours)
    later(page, hours=2)
    name = ours["cookie"].partition(".")[0]
    assert (await page.headers_of("/chat", **ours))["set-cookie"].startswith(f"{name}.")
    assert (await says(page, "m1", **ours))[1]["set-cookie"].startswith(f"{name}.")
    later(page, hours=24)
    again = (await page.headers_of("/chat", **ours))["set-cookie"]
    assert not again.startswith(f"{name}.")
    flags = SimpleCookie(again)["throughline_chat"]
    assert (flags["httponly"], flags["secure"], flags["samesite"], flags["max-age"]) == (True, True, "Lax", "86400")


async def test_a_login_leaves_the_anonymous_session_behind_and_never_joins_it(page: Page) -> None:
    ours = await cookie(page)
    await says(page, "m1", **ours)
    signed = {"authorization": f"Bearer {token()}"}
    _, headers = await says(page, "m2", **ours, **signed)
    assert headers["set-cookie"].partition(";")[0] != ours["cookie"]
    before, after = page.heard
    assert before.conversation != after.conversation
    assert before.handle != after.handle
    async with page.stream(**ours, **signed) as stream:
        assert (await stream.next())["id"] == "m2"


async def asks_first(page: Page, path: str, origin: str) -> tuple[int, str]:
    """What a browser asks before a script of another website may send something."""
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, x-chat-session, authorization, last-event-id",
    }
    async with page.browser.options(path, headers=headers) as answer:
        return answer.status, answer.headers.get("access-control-allow-origin", "")


async def test_only_websites_on_the_list_may_use_the_chat(page: Page) -> None:
    for path in ("/api/chat/messages", "/api/chat/stream", "/api/chat/session"):
        assert await asks_first(page, path, SHOP) == (200, SHOP)
        for other in ("https://evil.test", f"{SHOP}.evil.test", "http://shop.acme.test", "null"):
            assert await asks_first(page, path, other) == (400, "")


async def test_a_website_on_the_list_can_read_refusals_and_never_sends_cookies(page: Page) -> None:
    status, headers = await says(page, "m1", origin=SHOP)
    assert (status, headers["access-control-allow-origin"]) == (401, SHOP)
    assert "access-control-allow-credentials" not in headers
    assert "x-chat-session" in headers["access-control-expose-headers"]


async def test_by_default_no_other_website_may(tmp_path: Path) -> None:
    async with opened(tmp_path) as page:
        assert (await asks_first(page, "/api/chat/messages", SHOP))[0] == 405
        assert "access-control-allow-origin" not in (await says(page, "m1", origin=SHOP))[1]


async def test_any_website_may_where_that_is_said_and_doctor_warns(tmp_path: Path) -> None:
    async with opened(tmp_path, webchat_origins="*") as page:
        assert await asks_first(page, "/api/chat/messages", "https://any.test") == (200, "*")
        finding = (await page.channel.examine())[-1]
        assert finding.advice
        assert not finding.fatal


@pytest.mark.parametrize("wrong", ["shop.acme.test", "https://shop.acme.test/", "https://Shop.test", "ftp://x.test"])
def test_what_is_no_website_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no website"):
        WebSettings(webchat_origins=f"{SHOP}, {wrong}")


async def test_the_widget_is_one_script_that_any_page_may_load(page: Page) -> None:
    headers = await page.headers_of("/chat/widget.js")
    assert headers["content-type"].startswith("text/javascript")
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in headers


HOSTILE: list[tuple[Any, int]] = [
    (b"{", 400),
    (b"[" * 60_000, 400),
    (b'{"id": "m1", "text": "\xff\xfe"}', 400),
    (b"\xff\xfe\x00\xd8", 400),
    ({"id": "m1", "text": "\x00"}, 400),
    ({"id": "m1", "text": "\u200b\u200d\ufeff\u2060"}, 400),
    ({"id": "m1", "text": "\u202e \u2066"}, 400),
    ({"id": "", "text": "x"}, 400),
    ({"id": "é", "text": "x"}, 400),
    ({"id": "a:b", "text": "x"}, 400),
    ({"id": "m" * 60_000, "text": "x"}, 400),
    ({"id": "m1", "text": ["x"]}, 400),
    ({"id": "m1", "text": {"text": "x"}}, 400),
    (b'{"id": "m1", "text": "' + b"x" * 65_536 + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_bodies_are_refused(page: Page, body: Any, status: int) -> None:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert await page.posts_bytes(sent, **await cookie(page)) == status
    assert not page.heard


async def test_what_cannot_be_kept_or_turns_the_text_around_it_is_taken_out(page: Page) -> None:
    ours = await cookie(page)
    sent = b'{"id": "m1", "text": "a\\u0000b \\u202edetnuocca\\u202c \\ud800 \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7"}'
    assert await page.posts_bytes(sent, **ours) == 202
    assert page.heard[0].text == "ab detnuocca ? مرحبا"


@pytest.mark.parametrize("form", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_form_of_another_website_could_send_is_refused(page: Page, form: str) -> None:
    body = b'{"id": "m1", "text": "x"}'
    assert await page.posts_bytes(body, **await cookie(page), **{"content-type": form}) == 400
