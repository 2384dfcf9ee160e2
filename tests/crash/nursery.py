"""Where processes of the real program are started from, quickly, and watched."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


@dataclass(kw_only=True)
class Child:
    """A process of the program. `ended` gives how it ended: an exit code, or -9 where it was killed."""

    pid: int
    ended: "asyncio.Future[int]"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to stop; how it ended."""
        if not self.ended.done():
            os.kill(self.pid, number)
        return await self.ended


@dataclass
class Nursery:
    """Starts processes one after the other."""

    process: asyncio.subprocess.Process
    children: dict[int, Child] = field(default_factory=dict)
    _born: "asyncio.Queue[Child]" = field(default_factory=asyncio.Queue)

    async def start(
        self,
        folder: Path,
        environment: Mapping[str, str],
        command: Sequence[str] = ("run",),
        *,
        point: str = "",
        passage: int = 1,
        trace: Path | None = None,
        waits_for: Path | None = None,
    ) -> Child:
        """The program in a folder, which dies at that passage of a point; what it passes is written to `trace`."""
        order = {
            "folder": str(folder), "environment": dict(environment), "command": list(command), "point": point,
            "passage": passage, "trace": str(trace or ""), "waits_for": str(waits_for or ""),
        }  # fmt: skip
        assert self.process.stdin
        self.process.stdin.write(f"{json.dumps(order)}\n".encode())
        return await self._born.get()

    async def listen(self) -> None:
        """Hears what becomes of them."""
        assert self.process.stdout
        async for line in self.process.stdout:
            told = json.loads(line)
            if "status" in told:
                self.children.pop(told["pid"]).ended.set_result(told["status"])
                continue
            child = Child(pid=told["pid"], ended=asyncio.get_running_loop().create_future())
            self.children[child.pid] = child
            self._born.put_nowait(child)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """Open until the block is left; then all of them are gone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.process", "--nursery",
        cwd=CHECKOUT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    opened = Nursery(process)
    listening = asyncio.create_task(opened.listen())
    try:
        yield opened
    finally:
        for child in list(opened.children.values()):
            await child.stop(signal.SIGKILL)
        assert process.stdin
        process.stdin.close()
        await process.wait()
        await listening
