"""Whoever is told of the work in a running process: metrics count it, and traces follow it where they are on."""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol

from bots.metrics import COUNTERS, TIMES, Metrics
from core.observing import Observer, Step, Trace


class Tracer(Protocol):
    """Follows steps, from one to the next."""

    def begin(self, name: str, channel: str, *, after: Trace | None, beside: Sequence[Trace], since: float) -> Step:
        """A step, with what is to be done when it has ended."""
        ...

    async def close(self) -> None:
        """Hands over what is left, as far as that is possible in a moment."""
        ...


class Observing(Observer):
    """Counts and times every step, and has it traced."""

    def __init__(self, metrics: Metrics, tracer: Tracer | None = None) -> None:
        self.metrics = metrics
        self.tracer = tracer
        self.count = metrics.count  # type: ignore[method-assign]  # a call less, several times in every turn
        self.lasted = metrics.lasted  # type: ignore[method-assign]

    def begin(
        self, name: str, channel: str, *, after: Trace | None = None, beside: Sequence[Trace] = (), since: float = 0
    ) -> Step:
        if self.tracer is None:
            return super().begin(name, channel, after=after, beside=beside, since=since)
        return self.tracer.begin(name, channel, after=after, beside=beside, since=since or perf_counter())

    def end(self, step: Step) -> None:
        channel = (step.trace.channel,)
        if timed := TIMES.get(step.name):
            self.metrics.lasted(step.name, perf_counter() - step.began, *channel[: len(timed[2])])
        if counted := COUNTERS.get(step.name):
            self.metrics.count(step.name, *channel[: len(counted[2]) - 1], step.outcome)
        if step.ended:
            step.ended(step)

    async def close(self) -> None:
        """Hands over what is left to be told."""
        if self.tracer:
            await self.tracer.close()
