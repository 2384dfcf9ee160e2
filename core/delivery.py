"""Delivery: replies leave the outbox, one after the other for each destination, until the provider took them."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate, count, takewhile
from typing import Any, Protocol

from core.channel import Channel, Limits, Recounts, Typing
from core.errors import TryAgain, Undeliverable
from core.ledger import Ledger, Outgoing
from core.messages import Reply, Route
from core.stage import is_on_stage
from identity.masking import mask

log = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(minutes=15)
_SHARE = 40  # the longest pause of a patient channel is its patience by this


class Taker(Protocol):
    """What a reply is handed to: a channel, or the stage."""

    @property
    def limits(self) -> Limits:
        """Its patience counts."""
        ...

    def render(self, reply: Reply) -> Sequence[Any]:
        """What is sent for it, in order."""
        ...

    async def send(self, wire: Any) -> str:
        """Hands one wire over. Raises TryAgain or Undeliverable."""
        ...


class Delivery:
    """Sends what stands in the outbox. A reply that cannot go holds up only those to the same destination. What is for
    somebody made-up goes to the `stage`, or nowhere."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel[Any]],
        now: Callable[[], datetime],
        *,
        stage: Taker | None = None,
        noted: Callable[[str, str], None] = lambda _what, _why: None,  # told how sending by each channel went
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._now = now
        self._stage = stage
        self._noted = noted
        self._queues: dict[str, deque[Outgoing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, rows: Sequence[Outgoing]) -> None:
        """Sends these rows of the outbox, each after those to the same destination that were posted before."""
        for row in rows:
            self._queue(row)

    def shows_typing(self, channel: str, route: Route) -> None:
        """Shows a customer that an answer is being written, where the channel can."""
        there: object = self._channels.get(channel)
        if isinstance(there, Typing) and not is_on_stage(route):
            self._keep(asyncio.create_task(_show_typing(there, route)))

    async def resume(self) -> None:
        """Sends what an earlier process left over."""
        left = await self._ledger.left_over()
        if left:
            log.info("sending %d replies that were left over", len(left))
        self.post(left)

    async def close(self) -> None:
        """Stops; what is not sent stays in the outbox."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _queue(self, row: Outgoing) -> None:
        if self._taker(row) is None:
            log.warning("reply %d waits: channel %s is off; switch it on to send it", row.id, row.channel)
            return
        if waiting := self._queues.get(row.destination):
            waiting.extend([row] if all(row.id != other.id for other in waiting) else [])
            return
        self._queues[row.destination] = deque([row])
        self._keep(asyncio.create_task(self._drain(row.destination)))

    def _taker(self, row: Outgoing) -> Taker | None:
        """What takes a reply, if it is on."""
        return self._stage if is_on_stage(row.reply.route) else self._channels.get(row.channel)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, destination: str) -> None:
        waiting = self._queues[destination]
        while waiting:
            await self._deliver(waiting[0])
            waiting.popleft()
        del self._queues[destination]

    async def _deliver(self, row: Outgoing) -> None:
        if row.due_at is not None:
            await asyncio.sleep(max((row.due_at - self._now()).total_seconds(), 0))
        taker, parts = self._taker(row), row.parts_sent
        if taker is None:
            return None
        most, in_doubt = attempts_within(taker.limits.patience), row.maybe_twice
        for attempt in range(row.attempts + 1, most + 1):
            try:
                if not await self._ledger.is_waiting(row.id):  # its customer was erased
                    return None
                wires = await self._wires(taker, row)
                if parts >= len(wires):  # all had gone and failed later: it was put back
                    parts, in_doubt = 0, False
                while parts < len(wires):
                    known = await self._taken(taker, wires[parts], row) if in_doubt else ""
                    provider_id = known or await taker.send(wires[parts])
                    parts, in_doubt = parts + 1, False
                    await self._sent(row, parts, len(wires), provider_id)
            except Undeliverable as error:
                return await self._park(row, _in_part(error, parts))
            except Exception as error:  # noqa: BLE001 - whatever a provider does, the reply is kept and tried again
                in_doubt = in_doubt or (isinstance(error, TryAgain) and error.maybe_sent)
                await self._wait(row, error, attempt, taker.limits.patience)
            else:
                return None
        return await self._park(row, _in_part(Undeliverable(f"given up after {most} attempts"), parts))

    async def _taken(self, taker: Taker, wire: Any, row: Outgoing) -> str:
        """The provider's id of what may have gone and did go; "" where it did not, or where the provider cannot tell.

        Raises TryAgain."""
        if not isinstance(taker, Recounts) or row.written_at is None:
            return ""
        try:
            found = await taker.taken(wire, row.written_at)
        except Undeliverable as refusal:
            log.warning("%s does not say whether it has reply %d: %s", row.channel, row.id, mask(_line(refusal)))
            return ""
        return "" if found is None else await self._ledger.reconciled(row.id, found)

    async def _wires(self, taker: Taker, row: Outgoing) -> Sequence[Any]:
        """What is sent for a reply. Files are large: read no sooner than they go, and put in shape beside the loop.

        Raises Undeliverable where a channel takes none, so that no file is left out without a word.
        """
        if not row.reply.files:
            return taker.render(row.reply)
        if not taker.limits.file_bytes:
            raise Undeliverable("files cannot be sent by this channel, so nothing was")
        return await asyncio.to_thread(taker.render, await self._ledger.enclosed(row))

    async def _sent(self, row: Outgoing, parts: int, of: int, provider_id: str) -> None:
        done, now = parts == of, self._now()
        self._noted(f"sending {row.channel}", "")
        note = partial(self._ledger.part_sent, row.id, parts=parts, done=done, provider_id=provider_id, now=now)
        await self._insist(note)

    async def _wait(self, row: Outgoing, error: Exception, attempt: int, patience: timedelta) -> None:
        pause = _pause(error, attempt, longest_pause(patience))
        log.warning("reply %d by %s: attempt %d failed (%s)", row.id, row.channel, attempt, mask(_line(error)))
        self._noted(f"sending {row.channel}", mask(_line(error)))
        due_at = self._now() + pause
        maybe_sent = isinstance(error, TryAgain) and error.maybe_sent
        note = partial(self._ledger.sending_failed, row.id, error=_line(error), due_at=due_at, maybe_sent=maybe_sent)
        await self._insist(note)
        await asyncio.sleep(pause.total_seconds())

    async def _park(self, row: Outgoing, error: Exception) -> None:
        log.error("reply %d by %s cannot be delivered: %s", row.id, row.channel, mask(_line(error)))
        self._noted(f"sending {row.channel}", mask(_line(error)))
        if isinstance(error, Undeliverable) and error.opted_out:
            await self._insist(partial(self._ledger.opted_out, row.id, now=self._now()))
        await self._insist(partial(self._ledger.sending_failed, row.id, error=_line(error), due_at=None))

    @staticmethod
    async def _insist(note: Callable[[], Awaitable[None]]) -> None:
        """Notes something, however often that takes: what went out is never sent again because a note failed."""
        for attempt in count(1):
            try:
                await note()
            except Exception as error:
                log.exception("the ledger took no note, attempt %d", attempt)
                await asyncio.sleep(_pause(error, attempt).total_seconds())
            else:
                return


async def _show_typing(channel: Typing, route: Route) -> None:
    with suppress(Exception):  # nobody misses it
        await channel.typing(route)


def _in_part(error: Undeliverable, parts: int) -> Undeliverable:
    """Says so where the beginning did arrive."""
    if parts == 0:
        return error
    went = "the beginning was sent" if parts == 1 else f"the first {parts} parts were sent"
    return Undeliverable(f"{went}, the rest was not: {error}", opted_out=error.opted_out)


def longest_pause(patience: timedelta) -> timedelta:
    """The longest pause between two attempts."""
    return max(patience / _SHARE, _LONGEST_PAUSE)


def attempts_within(patience: timedelta) -> int:
    """How many attempts fall into so long a time; then a reply is parked and staff see it."""
    longest = longest_pause(patience)
    spent = accumulate((_growing(attempt, longest) for attempt in count(1)), initial=timedelta(0))
    return sum(1 for _ in takewhile(lambda so_far: so_far <= patience, spent))


def _pause(error: Exception, attempt: int, longest: timedelta = _LONGEST_PAUSE) -> timedelta:
    if isinstance(error, TryAgain) and error.after is not None:
        return error.after
    return _growing(attempt, longest)


def _growing(attempt: int, longest: timedelta) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempt - 1, 20)), longest)


def _line(error: Exception) -> str:
    """One line for staff: what we say of a problem ourselves; of others' errors, which may repeat a reply, the kind."""
    text = str(error) if isinstance(error, TryAgain | Undeliverable) else ""
    return text.splitlines()[0][:300] if text else type(error).__name__
