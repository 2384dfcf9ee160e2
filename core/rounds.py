"""Rounds: what is done again and again."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Something that is done at once and then again after each `every`: a divisor of a minute or of an hour, or one
    hour. One that fails is made again the next time."""

    name: str
    every: timedelta
    work: Callable[[], Awaitable[None]]

    async def make(self) -> None:
        """Does it once."""
        try:
            await self.work()
        except Exception:
            log.exception("a round failed and is made again later: %s", self.name)


def together(rounds: Iterable[Round]) -> Sequence[Round]:
    """Those that are due at the same times as one, with the first one's name; each fails by itself."""
    due: defaultdict[timedelta, list[Round]] = defaultdict(list)
    for one in rounds:
        due[one.every].append(one)
    return [Round(name=some[0].name, every=every, work=_all(some)) for every, some in due.items()]


def _all(rounds: Sequence[Round]) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await asyncio.gather(*(one.make() for one in rounds))

    return work


async def make(rounds: Sequence[Round]) -> None:
    """Makes rounds in this process, until cancelled."""
    await asyncio.gather(*(_make(one) for one in rounds))


async def _make(one: Round) -> None:
    while True:
        await one.make()
        await asyncio.sleep(one.every.total_seconds())
