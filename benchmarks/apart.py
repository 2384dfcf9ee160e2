"""What runs in processes of its own, so that its work does not count as ours."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from tests.twins.openai import OpenAITwin, openai_twin

_NANOSECONDS = 1_000_000  # in a millisecond


@contextmanager
def model_server(content: str = "") -> Iterator[str]:
    """The address of a twin of the model's server that always answers the same, at once."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, content), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(timeout=10)
        process.kill()


def _serve(ours: Connection, content: str) -> None:
    asyncio.run(_until_told(ours, content))


async def _until_told(ours: Connection, content: str) -> None:
    twin = OpenAITwin()
    twin.content = content or twin.content
    async with openai_twin(twin):
        ours.send(twin.url)
        await asyncio.to_thread(ours.recv)


class ServerTime:
    """The processor time of a PostgreSQL server: of the process that holds its lock file, and of all that it began."""

    def __init__(self, address: str) -> None:
        folder = Path(address.rsplit("host=", 1)[1])
        self._postmaster = int((folder / "postmaster.pid").read_text().split()[0])
        self._seen: dict[int, int] = {}

    def spent(self) -> float:
        """Milliseconds so far; what a process spent that has ended since the last look is not in it."""
        for process in (self._postmaster, *self._children()):
            self._seen[process] = _nanoseconds(process) or self._seen.get(process, 0)
        return sum(self._seen.values()) / _NANOSECONDS

    def _children(self) -> list[int]:
        listed = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children").read_text()
        return [int(process) for process in listed.split()]


def _nanoseconds(process: int) -> int:
    """How long a process of one thread has run, by the scheduler's own count."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
    except OSError:
        return 0
