"""What runs in processes of its own, so that its work does not count as ours.

    python -m benchmarks.apart CONTENT

is the model's server that `model_server` starts; it says its address, and ends with its input.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.twins.openai import OpenAITwin, openai_twin

_NANOSECONDS = 1_000_000  # in a millisecond


@contextmanager
def model_server(content: str = "") -> Iterator[str]:
    """The address of a twin of the model's server that always answers the same, at once."""
    command = [sys.executable, "-m", "benchmarks.apart", content]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stdin
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


async def serve(content: str) -> None:
    """Until the input ends."""
    twin = OpenAITwin()
    twin.content = content or twin.content
    async with openai_twin(twin):
        print(twin.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


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


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
