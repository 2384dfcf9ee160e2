"""What is told of the work as it is done: for which message, how long it took, how it ended.

A message gets a random correlation id when it arrives. It stands with the message and with its answer, so that whoever
goes on with it, in another process or after a restart, goes on under the same id. Nothing that is told here
is about a customer: names of channels, of steps and of outcomes, numbers and times.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter

from core.errors import Fenced, TryAgain, Undeliverable

WELL = "well"


@dataclass(frozen=True, slots=True)
class Trace:
    """For which message something is done. `id` is its correlation id, `span` the step of it where steps are traced."""

    id: str
    channel: str = ""
    span: str = ""

    def __str__(self) -> str:
        return f"{self.id}-{self.span}" if self.span else self.id

    @classmethod
    def read(cls, kept: str | None, channel: str) -> "Trace | None":
        """What stands with a row; None where nothing does."""
        correlation, _, span = (kept or "").partition("-")
        return cls(correlation, channel, span) if correlation else None


def correlation_of(kept: str | None) -> str:
    """The correlation id in what stands with a row; "" where nothing does."""
    return (kept or "").partition("-")[0]


def new_correlation() -> str:
    """One that no other message has."""
    return secrets.token_hex(8)


_here: ContextVar[Trace | None] = ContextVar("trace", default=None)


def here() -> Trace | None:
    """For which message this is done; None where it is for none."""
    return _here.get()


def goes_on(trace: Trace | None) -> None:
    """The rest of this task is done for that message."""
    _here.set(trace)


@contextmanager
def meanwhile(trace: Trace | None) -> Iterator[None]:
    """What is done in the block is done for that message."""
    before = _here.set(trace)
    try:
        yield
    finally:
        _here.reset(before)


@dataclass(slots=True)
class Step:
    """A step of the work, from when it `began` (by `perf_counter`) to its `outcome`, one of a few words."""

    name: str
    trace: Trace
    began: float
    outcome: str = WELL
    ended: "Callable[[Step], None] | None" = None  # whoever follows it further


_arriving: ContextVar[Step | None] = ContextVar("arriving", default=None)


class Observer:
    """Is told of everything; this one keeps nothing of it."""

    def begin(
        self, name: str, channel: str, *, after: Trace | None = None, beside: Sequence[Trace] = (), since: float = 0
    ) -> Step:
        """A step begins, or has begun at `since`: of a message's way `after` an earlier one, or of a new way. `beside`:
        the messages that it is done for too."""
        del beside
        trace = Trace(after.id, channel, after.span) if after else Trace(new_correlation(), channel)
        return Step(name, trace, since or perf_counter())

    def end(self, step: Step) -> None:
        """It ended, with its outcome."""

    def count(self, what: str, *labels: str, times: int = 1) -> None:
        """Something happened, so many times. `labels` are a channel or a kind, where it has one, and an outcome."""

    def lasted(self, what: str, seconds: float, *labels: str) -> None:
        """Something took so long."""

    @contextmanager
    def step(self, name: str, channel: str = "") -> Iterator[Step]:
        """What is done in the block is a step, after the one that it is done in."""
        with self._within(self.begin(name, channel, after=here())) as step:
            yield step

    @contextmanager
    def arrival(self, channel: str) -> Iterator[Step]:
        """Something arrives in the block: it gets its correlation id, unless it has one since it is just arriving."""
        arriving = _arriving.get()
        if arriving is not None and arriving.trace is here():
            yield arriving
            return
        with self._within(self.begin("accept", channel)) as step:
            before = _arriving.set(step)
            try:
                yield step
            finally:
                _arriving.reset(before)

    @contextmanager
    def _within(self, step: Step) -> Iterator[Step]:
        with meanwhile(step.trace):
            try:
                yield step
            except BaseException as error:
                step.outcome = how(error) if step.outcome == WELL else step.outcome
                raise
            finally:
                self.end(step)


UNOBSERVED = Observer()


def how(error: BaseException | None) -> str:
    """In a word, how something ended that ended by this."""
    match error:
        case asyncio.CancelledError():
            return "cut off"
        case TryAgain():
            return "put off"
        case Undeliverable():
            return "refused"
        case Fenced():
            return "taken over"
        case _:
            return "failed"
