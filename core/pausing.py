"""How long to wait before something is tried again: longer each time, and never in step with others."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_never

_FIRST = timedelta(seconds=1)
_MOST_DOUBLED = 20
_LITTLE = 0.1  # of a pause that somebody asked for


def growing(attempt: int, longest: timedelta, first: timedelta = _FIRST) -> timedelta:
    """The pause after this attempt, from 1: twice as long each time, up to the longest. On average: see `jittered`."""
    times: int = 2 ** min(attempt - 1, _MOST_DOUBLED)
    return min(first * times, longest)


def jittered(pause: timedelta) -> timedelta:
    """About this pause, from half of it to half as much again: who failed together does not come back together."""
    return pause * random.uniform(0.5, 1.5)  # noqa: S311 - a pause


def a_little_longer(pause: timedelta) -> timedelta:
    """At least the pause that somebody asked for."""
    return pause * (1 + random.uniform(0, _LITTLE))  # noqa: S311 - a pause


def insisting(
    longest: timedelta,
    *,
    first: timedelta = _FIRST,
    tries: int = 0,
    when: Callable[[BaseException], bool] = lambda error: isinstance(error, Exception),
    told: Callable[[RetryCallState], None] | None = None,
) -> AsyncRetrying:
    """Tries something again, to be called with it: so many times, 0 for as often as it takes, and only `when` its error
    may pass. The last error is raised. `told` hears of each failure that is followed by another try."""
    return AsyncRetrying(
        retry=retry_if_exception(when),
        wait=lambda state: jittered(growing(state.attempt_number, longest, first)).total_seconds(),
        stop=stop_after_attempt(tries) if tries else stop_never,
        before_sleep=told,
        reraise=True,
    )


class Leisure:
    """What tasks spend their time with while they have nothing in hand. When a process stops, these end at once, and
    the others may finish what they do."""

    def __init__(self) -> None:
        self.is_over = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def spend(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Waits. Raises CancelledError when the leisure is over."""
        task = asyncio.current_task()
        if task is None or self.is_over:
            raise asyncio.CancelledError
        self._tasks.add(task)
        try:
            await wait()
        finally:
            self._tasks.discard(task)

    def end(self) -> None:
        """Ends every task that is at leisure, now or later."""
        self.is_over = True
        for task in self._tasks:
            task.cancel()
