"""Processes of ours: each writes down that it runs and how it does, so that every one of them can tell of all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.health import Condition, Health, merged, read

log = logging.getLogger(__name__)

BEAT = timedelta(seconds=10)
HEARD_WITHIN = 3 * BEAT  # who was not heard of for longer may have died
_GONE_AFTER = timedelta(days=1)  # nobody waits any more
_SHORTEST = 1.0  # seconds between two lines of one process
_PATIENCE = 2.0  # seconds for taking leave


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process. `kind` is its command, `health` how everything does that it has to do with, as it was `seen_at`."""

    id: str
    kind: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    health: Mapping[str, Any]

    def is_heard_of(self, now: datetime) -> bool:
        """Whether it runs, as far as anybody knows."""
        return now - self.seen_at <= HEARD_WITHIN

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """Its health, by what it is about."""
        return read(self.health)

    @property
    def ails(self) -> Sequence[str]:
        """What does not go well in it, each with why."""
        return [f"{what}: {condition.ails}" for what, condition in sorted(self.conditions.items()) if condition.ails]


def over_all(others: Iterable[Process], what: str, own: Condition, now: datetime) -> Condition:
    """How one thing does here, and in every other process that is heard of."""
    theirs = [process.conditions[what] for process in others if process.is_heard_of(now) and what in process.health]
    return merged([own, *theirs])


class RunningLedger(Protocol):
    """What this needs of the record."""

    async def beat(self, process: Process) -> None:
        """Notes that a process runs, and how it does; lets go of those that nobody waits for any more."""
        ...

    async def leave(self, process: str) -> None:
        """A process has ended as it should."""
        ...

    async def running(self) -> Sequence[Process]:
        """Every process, the oldest first."""
        ...

    async def free(self, process: str) -> None:
        """Gives what a process held to whoever takes it: it has certainly ended. Replies that it was sending are
        flagged as perhaps sent."""
        ...


async def _nothing(_died: Process) -> None:
    """There is nothing to be done after a process."""


class Pulse:
    """Writes down every few seconds that this process runs, and at once when something begins or ceases to ail."""

    def __init__(
        self,
        process: Process,
        ledger: RunningLedger,
        health: Health,
        now: Callable[[], datetime],
        lives: Callable[[int], bool] = lambda _pid: True,
        *,
        succeed: Callable[[Process], Awaitable[None]] = _nothing,
    ) -> None:
        """`lives`: whether there is another process of this number on this machine. `succeed` finishes what one that
        died here left undone; its line stays until that went well."""
        self.process = process
        self._lives = lives
        self._succeed = succeed
        self._ledger = ledger
        self._health = health
        self._now = now
        self._changed = asyncio.Event()

    async def keep(self) -> None:
        """Until cancelled; then the process takes its leave."""
        self._health.on_change = self._changed.set
        await self._beat()  # before it takes anything up, so that it is known whose that is
        taking = asyncio.create_task(self._take_place())
        try:
            while True:
                self._changed.clear()
                await self._beat()
                await asyncio.sleep(_SHORTEST)
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT.total_seconds() - _SHORTEST):
                        await self._changed.wait()
        finally:
            self._health.on_change = None
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            await self._leave()

    async def _take_place(self) -> None:
        """Takes the place of one that died here: it was started again."""
        try:
            died = [one for one in await self._ledger.running() if self._could_be(one) and not self._lives(one.pid)]
            for process in sorted(died, key=lambda one: one.seen_at)[-1:]:
                await self._succeed(process)
                await self._ledger.leave(process.id)
        except Exception as error:  # noqa: BLE001 - it is shown as not heard of, and others see to what it left
            log.warning("what a process that died here left is taken up later: %s", type(error).__name__)

    def _could_be(self, other: Process) -> bool:
        return (other.kind, other.host) == (self.process.kind, self.process.host) and other.id != self.process.id

    async def _beat(self) -> None:
        line = replace(self.process, seen_at=self._now(), health=self._health.written())
        try:
            await self._ledger.beat(line)
        except Exception as error:  # noqa: BLE001 - others see that we were not heard of; here it is told anyway
            log.debug("that we run is not on record: %s", type(error).__name__)

    async def _leave(self) -> None:
        with suppress(Exception):  # who does not take leave is not heard of
            async with asyncio.timeout(_PATIENCE):
                await self._ledger.leave(self.process.id)


def forgotten_before(now: datetime) -> datetime:
    """Who was seen last before this is nobody's concern any more."""
    return now - _GONE_AFTER
