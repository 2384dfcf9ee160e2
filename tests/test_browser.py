"""What goes wrong on a page fails the test that looks at it, whether or not the test looks for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.browser import browsing
from tests.console.watched import accessible

FAULTS = {
    "<script>throw new Error('a script broke')</script>": "a script broke",
    "<script>Promise.reject(new Error('nobody waited'))</script>": "nobody waited",
    "<script>console.error('it says so itself')</script>": "it says so itself",
    "<p style='color: red'>": "Content Security Policy",
    "<img src='/nowhere.png' alt=''>": "404",
    "<img src='https://tracker.test/pixel.png' alt=''>": "asked another machine: https://tracker.test/pixel.png",
}
POLICY = "default-src 'self'; script-src 'unsafe-inline'; img-src *"


@asynccontextmanager
async def served(html: str, *, policy: str = POLICY) -> AsyncIterator[str]:
    async def page(_request: web.Request) -> web.Response:
        headers = {"content-security-policy": policy}
        return web.Response(text=f"<!doctype html>{html}", content_type="text/html", headers=headers)

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/favicon.ico", page)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def looks_at(html: str, *, forgiving: str = "") -> None:
    async with served(html) as url, browsing() as tab:
        if forgiving:
            tab.forgives(forgiving)
        await tab.page.goto(url)
        await tab.page.get_by_text("Loaded").wait_for()


@pytest.mark.parametrize("html", FAULTS)
async def test_a_fault_of_the_page_fails_the_test(html: str) -> None:
    with pytest.raises(AssertionError, match=FAULTS[html]):
        await looks_at(f"{html}<p>Loaded</p>")


async def test_a_page_without_fault_does_not() -> None:
    await looks_at("<p>Loaded</p>")


async def test_what_the_test_itself_brings_about_is_forgiven() -> None:
    await looks_at("<img src='/nowhere.png' alt=''><p>Loaded</p>", forgiving="404")


BARRIERS = {
    "<img src='data:,' alt>": "",
    "<img src='data:,'>": "image-alt",
    "<p style='color: #ccc; background: #fff'>Pale</p>": "color-contrast",
    "<div style='width: 400px'>Wide</div>": "Wide",
}


@pytest.mark.parametrize("html", BARRIERS)
async def test_what_keeps_somebody_out_is_found(html: str) -> None:
    page = f"<html lang='en'><title>A page</title><main><h1>Loaded</h1>{html}</main></html>"
    async with served(page, policy="default-src * 'unsafe-inline' data:") as url, browsing() as tab:
        await tab.page.goto(url)
        if BARRIERS[html]:
            with pytest.raises(AssertionError, match=BARRIERS[html]):
                await accessible(tab.page)
        else:
            await accessible(tab.page)
