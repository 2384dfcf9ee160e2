"""`python -m tests.chromium`: gets a browser for the tests of pages, which are skipped without one."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from playwright.async_api import Playwright, async_playwright

MISSING = (
    "no browser on this machine: install Chromium with the system's packages,"
    " or say `.venv/bin/python -m playwright install chromium`"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE = 300.0  # seconds for one command

Command = Sequence[str]


def program(playwright: Playwright) -> str | None:
    """The browser's path: Playwright's own, or the system's."""
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else _of_the_system()


def _of_the_system() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


async def get() -> None:
    """Installs a browser where there is none. Where it cannot be, it says so and is content."""
    if await _is_there():
        return
    _say("Getting Chromium for the tests of pages (once, a minute or two) ...")
    for way in _ways():
        if await _done(way) and await _is_there():
            return
    _say(f"The tests of pages are skipped: {MISSING}.")


async def _is_there() -> bool:
    if _of_the_system():
        return True
    async with async_playwright() as playwright:
        return program(playwright) is not None


def _ways() -> Iterator[Sequence[Command]]:
    """What to try, each a few commands: the system's packages for root, or else a download."""
    own = (sys.executable, "-m", "playwright", "install", "chromium")
    if shutil.which("apt-get") and os.geteuid() == 0:
        install = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
        yield ("apt-get", "update"), ("env", "DEBIAN_FRONTEND=noninteractive", *install)
        yield ((*own, "--with-deps"),)
    else:
        yield (own,)


async def _done(commands: Sequence[Command]) -> bool:
    for command in commands:
        if not await _ran(command):
            return False
    return True


async def _ran(command: Command) -> bool:
    """Whether a command succeeded, silently and in time."""
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    try:
        return await asyncio.wait_for(process.wait(), _PATIENCE) == 0
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return False


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(get())
