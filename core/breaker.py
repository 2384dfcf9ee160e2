"""A breaker for each provider: one that is away as a whole is left alone for a while, and then asked once.

It opens after some failures in a row that speak of the provider and not of one message. Then nobody asks until its
rest is over; whoever asks first after that tries for all. If that goes well everybody may ask again; if not, the
provider rests anew, twice as long up to a limit.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from core.errors import Problem, TryAgain
from core.pausing import growing, jittered

IN_A_ROW = 5  # failures after which a provider is left alone
_FIRST_REST = timedelta(seconds=15)
_LONGEST_REST = timedelta(minutes=5)

# What an error says of a provider: True that it is away, False that it answers, None nothing.
Judge = Callable[[BaseException], bool | None]


class Resting(Problem):
    """A provider was not asked, because it failed several times in a row. The message says until when."""


def is_away(error: BaseException) -> bool | None:
    """What an error in sending says of the provider."""
    if isinstance(error, asyncio.CancelledError):
        return None
    return error.away if isinstance(error, TryAgain) else isinstance(error, OSError)


class Breaker:
    """Of one provider. `told` hears until when it rests, and None when it may be asked again."""

    def __init__(
        self,
        now: Callable[[], datetime],
        told: Callable[[datetime | None], None],
        judge: Judge = is_away,
        *,
        first_rest: timedelta = _FIRST_REST,
    ) -> None:
        self._now = now
        self._told = told
        self._judge = judge
        self._first_rest = first_rest
        self._failures = 0  # in a row
        self._rests = 0  # in a row
        self._over_at = 0.0  # the rest, on the loop's clock
        self._tried = False  # one asks for all, and its outcome is awaited
        self._changed = asyncio.Event()

    @property
    def rests(self) -> bool:
        """Whether the provider is left alone, or tried by somebody for all."""
        return not self._is_free()

    async def rested(self) -> None:
        """Returns when the provider may be asked: at once, unless it rests."""
        while not self._is_free():
            left = None if self._tried else self._over_at - asyncio.get_running_loop().time()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Around a request to the provider. Raises Resting while it is left alone."""
        if not self._is_free():
            raise Resting(f"it was not asked, since it failed {self._failures} times in a row; it rests for a while")
        tries_for_all = self._tried = self._rests > 0
        try:
            yield
        except BaseException as error:
            self._judged(self._judge(error), tries_for_all=tries_for_all)
            raise
        self._judged(False, tries_for_all=tries_for_all)

    def _is_free(self) -> bool:
        over = asyncio.get_running_loop().time() >= self._over_at
        return self._rests == 0 or (over and not self._tried)

    def _judged(self, away: bool | None, *, tries_for_all: bool) -> None:
        if away is False:
            self._answers()
        elif away:
            self._failures += 1
            if tries_for_all or (self._rests == 0 and self._failures >= IN_A_ROW):
                self._rest()
        elif tries_for_all:
            self._tried = False
            self._change()

    def _answers(self) -> None:
        rested, self._failures, self._rests, self._tried = self._rests > 0, 0, 0, False
        if rested:
            self._told(None)
            self._change()

    def _rest(self) -> None:
        self._rests += 1
        rest = jittered(growing(self._rests, _LONGEST_REST, self._first_rest))
        self._over_at = asyncio.get_running_loop().time() + rest.total_seconds()
        self._tried = False
        self._told(self._now() + rest)
        self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
