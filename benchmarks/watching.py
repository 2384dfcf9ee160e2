"""Processes of the bot as an operator starts them, and what each of them costs, by /proc."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.process.running import environment, free_port

_TICKS: Final = os.sysconf("SC_CLK_TCK")  # a second
_A_LOOK: Final = 1.0  # seconds
_CALM: Final = 0.05  # of a core
_NEVER: Final = 120.0  # seconds


@dataclass(kw_only=True)
class Watched:
    """A process that is ready."""

    command: str
    url: str  # of its web server, or of its metrics
    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far, by all of its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> float:
        """Megabytes that it holds now."""
        return self._status("VmRSS")

    @property
    def most_memory(self) -> float:
        """Megabytes that it held at most."""
        return self._status("VmHWM")

    async def at_rest(self) -> None:
        """Returns once it has loaded what it loads after its start. Raises TimeoutError."""
        async with asyncio.timeout(_NEVER):
            while True:
                before = self.cpu
                await asyncio.sleep(_A_LOOK)
                if self.cpu - before <= _CALM * _A_LOOK:
                    return

    def _status(self, what: str) -> float:
        found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0


@asynccontextmanager
async def started(folder: Path, *command: str, profile: str = "", **settings: str) -> AsyncIterator[Watched]:
    """`python -m bots COMMAND`, starting, until the block is left. `profile` is a file for cProfile's figures."""
    ports = {name: str(free_port()) for name in ("WEB_PORT", "SMTP_LISTEN_PORT", "METRICS_PORT")} | settings
    through = ["-m", "cProfile", "-o", profile] if profile else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *through,
        "-m",
        "bots",
        *command,
        cwd=folder,
        env=environment(folder, ports),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    port = ports["WEB_PORT" if command[0] in {"run", "web"} else "METRICS_PORT"]
    bot = Watched(command=" ".join(command), url=f"http://127.0.0.1:{port}", process=process)
    reading = asyncio.create_task(_read(bot))
    try:
        yield bot
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await reading
        await process.wait()


async def _read(bot: Watched) -> None:
    """Its log, so that it never waits for a reader."""
    assert bot.process.stderr
    async for line in bot.process.stderr:
        bot.log.append(line.decode().rstrip())


@asynccontextmanager
async def ready(folder: Path, *command: str, profile: str = "", **settings: str) -> AsyncIterator[Watched]:
    """The same, once it answers that it is ready, and has loaded and learnt everything."""
    async with started(folder, *command, profile=profile, **settings) as bot:
        await is_ready(bot)
        await bot.at_rest()
        yield bot


async def is_ready(bot: Watched) -> None:
    """Returns at its first 200 to /readyz. Raises AssertionError with its log where it ended, and TimeoutError."""
    async with asyncio.timeout(_NEVER):
        while not await _answers(bot.url):
            assert bot.process.returncode is None, "\n".join(bot.log)
            await asyncio.sleep(0.005)


async def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        reading, writing = await asyncio.open_connection(host, int(port))
        writing.write(b"GET /readyz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n")
        answer = await reading.readline()
    except OSError:
        return False
    writing.close()
    return b" 200 " in answer
