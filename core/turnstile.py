"""A turnstile: so many turns at a time are worked on in a process.

Without it a rush is worked on all at once: each turn slowly, and what just comes in is kept too late for whoever sent
it. A turn that waits for somebody outside, a model or the company, stands aside meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

_AT_ONCE = 3  # enough for one to work while others wait for the disk; with eight whoever writes is told a third later

_inside: ContextVar[asyncio.Semaphore | None] = ContextVar("inside", default=None)


class Turnstile:
    """Lets `at_once` turns through."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._room = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """The block is run once there is room."""
        async with self._room:
            before = _inside.set(self._room)
            try:
                yield
            finally:
                _inside.reset(before)


@asynccontextmanager
async def aside() -> AsyncIterator[None]:
    """While the block runs its turn makes room for others; it does nothing outside of a turnstile."""
    room = _inside.get()
    if room is None:
        yield
        return
    room.release()
    try:
        yield
    finally:
        await asyncio.shield(room.acquire())  # also when it is cancelled, since it will be released once more
