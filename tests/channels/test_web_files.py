"""Files that colleagues send by web chat: whoever may see the conversation may save them, and nobody else; none of them
runs, whatever is in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.channels.chat_page import Page, cookie, opened, token, widget_session
from tests.enclosures import DOCUMENT, FILES, PICTURE, PNG, file

HOSTILE = file("kettle.png", b"<script>alert(1)</script>", "image/png")
SVG = file("kettle.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml")
POLYGLOT = file("kettle.html", PNG + b"<script>alert(1)</script>", "text/html")


@pytest_asyncio.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with opened(tmp_path) as page:
        yield page


async def begun(page: Page) -> dict[str, str]:
    ours = await cookie(page)
    await page.posts({"id": "m1", "text": "Where is my invoice?"}, **ours)
    return ours


async def test_a_line_names_its_files_and_they_are_saved_as_they_are(page: Page) -> None:
    ours = await begun(page)
    async with page.stream(**ours) as stream:
        await stream.next()
        await page.bot_says("r1", "Here it is.", files=FILES)
        told = (await stream.next())["files"]
    assert [(one["name"], one["size"], one["picture"]) for one in told] == [
        (PICTURE.name, PICTURE.size, True),
        (DOCUMENT.name, DOCUMENT.size, False),
    ]
    async with page.browser.get(f"/{told[0]['path']}", headers=ours) as answer:
        assert (await answer.read(), answer.content_type) == (PNG, "image/png")
    async with page.browser.get(f"/{told[1]['path']}", headers=ours) as answer:
        assert (await answer.read(), answer.content_type) == (DOCUMENT.content, "application/octet-stream")
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''invoice%2012.pdf"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_a_page_that_opens_later_finds_them_too(page: Page) -> None:
    ours = await begun(page)
    await page.bot_says("r1", "", files=FILES)
    async with page.stream(**ours) as stream:
        await stream.next()
        assert [one["name"] for one in (await stream.next())["files"]] == [one.name for one in FILES]


async def test_nobody_else_opens_them(page: Page) -> None:
    ours = await begun(page)
    await page.bot_says("r1", "Here it is.", files=FILES)
    page.browser.cookie_jar.clear()
    path = "/api/chat/files/r1/0"
    assert await page.gets(path, **ours) == 200
    assert await page.gets(path) == 401
    assert await page.gets(path, authorization="Bearer x") == 401
    for stranger in (await cookie(page), await widget_session(page), {"authorization": f"Bearer {token()}"}):
        page.browser.cookie_jar.clear()
        assert await page.gets(path, **stranger) == 404


@pytest.mark.parametrize("path", ["r1/2", "r1/-1", "r1/²", "r2/0", "r1/0000000001", "%2e%2e/0", "r1/0%00"])
async def test_what_is_not_there_is_not_found(page: Page, path: str) -> None:
    ours = await begun(page)
    await page.bot_says("r1", "Here it is.", files=FILES)
    assert await page.gets(f"/api/chat/files/{path}", **ours) == 404


@pytest.mark.parametrize("hostile", [HOSTILE, SVG, POLYGLOT], ids=lambda one: one.media_type)
async def test_what_is_no_picture_is_never_handed_out_as_one(page: Page, hostile: object) -> None:
    ours = await begun(page)
    await page.bot_says("r1", "", files=(hostile,))  # type: ignore[arg-type]
    async with page.browser.get("/api/chat/files/r1/0", headers=ours) as answer:
        assert answer.content_type == ("image/png" if hostile is POLYGLOT else "application/octet-stream")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
