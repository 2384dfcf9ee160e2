"""A real browser, by Playwright: the system's Chromium, or the one that Playwright installed.

Whatever goes wrong on a page fails the test that opened it: errors of its scripts, what it says on its console, what its
policy refuses, and every request to another machine, which is not let through.
"""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
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

NAMES = ("chromium", "chromium-browser", "google-chrome")
HERE = frozenset({"127.0.0.1", "localhost", "::1"})

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
    """A page, and what was wrong on it. `forgives` names what the test itself brings about, by words of it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    _forgiven: list[str] = field(default_factory=list)

    def forgives(self, *words: str) -> None:
        """Complaints with these words are no fault of the page."""
        self._forgiven += words

    def unforgiven(self) -> Sequence[str]:
        """What the test has to answer for."""
        return [said for said in self.complaints if not any(words in said for words in self._forgiven)]


@asynccontextmanager
async def browsing(**device: Any) -> AsyncIterator[Tab]:
    """An empty page with a profile of its own, of a device as Playwright's `new_context` describes one. Raises
    AssertionError in the end when something was wrong on it; skips the test where there is no browser."""
    async with (
        async_playwright() as playwright,
        await _started(playwright) as browser,
        await browser.new_context(locale="en-US", **device) as context,
    ):
        context.set_default_timeout(_PATIENCE)
        tab = Tab(page=await context.new_page())
        await _watch(context, tab)
        yield tab
    assert tab.unforgiven() == []


async def _started(playwright: Playwright) -> Browser:
    may_be_shut_in = os.geteuid() != 0  # root's Chromium has no sandbox
    return await playwright.chromium.launch(
        executable_path=_program(playwright), chromium_sandbox=may_be_shut_in, args=_FLAGS
    )


def _program(playwright: Playwright) -> str:
    """The browser's path; skips the test where there is none."""
    own = playwright.chromium.executable_path
    found = own if Path(own).exists() else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(
            f"no browser here ({', '.join(NAMES)}, nor Playwright's): install Chromium with the system's packages,"
            " or say `.venv/bin/python -m playwright install chromium`"
        )
    return found


async def _watch(context: BrowserContext, tab: Tab) -> None:
    async def decide(route: Route) -> None:
        if urlsplit(route.request.url).hostname in HERE:
            await route.continue_()
        else:
            tab.complaints.append(f"asked another machine: {route.request.url}")
            await route.abort()

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error":
            tab.complaints.append(f"{said.text} ({said.location['url']})")

    context.on("weberror", lambda error: tab.complaints.append(str(error.error)))
    context.on("console", hear)
    await context.route("**/*", decide)
