"""The console in a real browser, signed in and watched: see tests/browser.py for what fails a test by itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser import browsing
from tests.console.office import TOKEN, password_of

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PHONE = 360  # pixels


class Served(Protocol):
    """A console that somebody can go to: an office, or a trial."""

    @property
    def url(self) -> str:
        """Where it is."""
        ...


@asynccontextmanager
async def watching(
    office: Served, *, name: str = "", forgiving: Sequence[str] = (), **device: Any
) -> AsyncIterator[Page]:
    """The queue, in the browser of whoever has the token, or of the colleague whom the office hired by this name.

    `forgiving` are words of complaints that the test brings about, e.g. "409" of a form that is refused; `device`
    is what Playwright's `new_context` takes, e.g. `java_script_enabled=False`.
    """
    async with browsing(base_url=office.url, **device) as tab:
        tab.forgives(*forgiving)
        await _sign_in(tab.page, name, password_of(name) if name else TOKEN)
        yield tab.page


async def _sign_in(page: Page, name: str, password: str) -> None:
    await page.goto("/console/login")
    if name:
        await page.get_by_label("Name", exact=True).fill(name)
    await page.locator("input[type=password]").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).not_to_have_url("/console/login")
    await page.wait_for_load_state()


async def accessible(page: Page) -> None:
    """Tries a page by the rules of WCAG 2.1 A and AA, light and dark, wide and on a phone, where nothing is to be
    scrolled sideways. Raises AssertionError, naming each element that breaks a rule."""
    seen = page.viewport_size
    for width in (seen["width"] if seen else 0, PHONE):
        if width == PHONE:
            await page.set_viewport_size({"width": PHONE, "height": 740})
            assert await page.evaluate("document.scrollingElement.scrollWidth") <= PHONE, await _widest(page)
        await _by_the_rules(page, "light")
        await _by_the_rules(page, "dark")
    await page.emulate_media(color_scheme="null")
    if seen:
        await page.set_viewport_size(seen)


async def _by_the_rules(page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    found = await Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
    assert found.response["violations"] == [], f"{page.url}, {scheme}: {found.generate_report()}"


async def _widest(page: Page) -> Any:
    """The elements that reach beyond the screen."""
    return await page.evaluate(
        """[...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 120))"""
    )
