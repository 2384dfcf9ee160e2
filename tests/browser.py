"""A real browser, by Playwright: the one that Playwright installed, or the system's Chromium.

Whatever goes wrong on a page fails the test that opened it: errors of its scripts and on its console, what its policy
refuses, and every request to another machine, which is not let through.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Route,
    async_playwright,
    expect,
)

from tests.chromium import MISSING, program

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_FLAGS = (
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
_PATIENCE = 15_000  # milliseconds

expect.set_options(timeout=_PATIENCE)


@dataclass(kw_only=True)
class Tab:
    """A page, and what was wrong on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    _forgiven: list[str] = field(default_factory=list)

    def forgives(self, *words: str) -> None:
        """Complaints with these words are what the test itself brings about."""
        self._forgiven += words

    def unforgiven(self) -> Sequence[str]:
        """What the page has to answer for."""
        return [said for said in self.complaints if not any(words in said for words in self._forgiven)]


@asynccontextmanager
async def browsing(**device: Any) -> AsyncIterator[Tab]:
    """An empty page of a browser of its own, on a device as Playwright's `new_context` describes one. Raises
    AssertionError at the end when something was wrong; skips the test where there is no browser."""
    async with (
        async_playwright() as playwright,
        await _browser(playwright) as browser,
        await browser.new_context(locale="en-US", **device) as context,
    ):
        context.set_default_timeout(_PATIENCE)
        tab = Tab(page=await context.new_page())
        await _watch(context, tab)
        yield tab
    assert not tab.unforgiven(), "\n".join(tab.unforgiven())


async def _browser(playwright: Playwright) -> Browser:
    path = program(playwright)
    if path is None:
        pytest.skip(MISSING)
    sandbox = os.geteuid() != 0  # Chromium has none for root
    return await playwright.chromium.launch(executable_path=path, chromium_sandbox=sandbox, args=_FLAGS)


async def _watch(context: BrowserContext, tab: Tab) -> None:
    async def let_through(route: Route) -> None:
        if urlsplit(route.request.url).hostname in _HERE:
            await route.continue_()
            return
        tab.complaints.append(f"asked another machine: {route.request.url}")
        await route.abort()

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error":
            tab.complaints.append(f"{said.text} ({said.location['url']})")

    context.on("weberror", lambda thrown: tab.complaints.append(str(thrown.error)))
    context.on("console", hear)
    await context.route("**/*", let_through)
