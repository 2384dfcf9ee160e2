"""The real bot as a process of its own, in a folder that is gone afterwards."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Problem

_CHECKOUT = Path(__file__).parents[2]
_PATIENCE = 10.0  # seconds that it has to stop by itself
_LAST_LINES = 20


@dataclass(kw_only=True)
class Bot:
    """A running bot. `log` holds the last lines that it wrote."""

    child: asyncio.subprocess.Process
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))

    async def ready(self) -> None:
        """Returns when it takes messages. Raises Problem when it ends instead."""
        async for line in self._lines():
            if " ready: " in line:
                return
        raise Problem(f"the bot did not start: {self.log[-1] if self.log else 'it said nothing'}")

    async def read_on(self) -> None:
        """Takes the rest of the log, so that the bot never waits for a reader."""
        async for _line in self._lines():
            pass

    async def _lines(self) -> AsyncIterator[str]:
        while self.child.stderr and (line := await self.child.stderr.readline()):
            self.log.append(line.decode(errors="replace").rstrip())
            yield self.log[-1]


@asynccontextmanager
async def running(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Bot]:
    """`python -m bots run` in `folder`, starting, until the block is left."""
    bot = Bot(child=await _start(folder, settings, ["run"]))
    try:
        yield bot
    finally:
        await _end(bot.child)


async def command(folder: Path, settings: Mapping[str, str], *arguments: str) -> str:
    """Runs another command of the bot and returns what it printed. Raises Problem when it fails."""
    child = await _start(folder, settings, arguments)
    try:
        out, log = await child.communicate()
    finally:
        await _end(child)
    if child.returncode:
        raise Problem(f"`{' '.join(arguments)}` failed: {log.decode(errors='replace').strip()}")
    return out.decode().strip()


async def _start(folder: Path, settings: Mapping[str, str], arguments: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        *arguments,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": str(_CHECKOUT), **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ends it by its pid, and by force where it does not obey."""
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _PATIENCE)
    except TimeoutError:
        child.kill()
        await child.wait()
