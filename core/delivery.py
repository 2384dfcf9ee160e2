"""Delivery: replies leave the outbox, one after the other for each destination, until the provider took them."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.channel import Channel
from core.errors import TryAgain, Undeliverable
from core.ledger import Ledger, Outgoing

log = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(minutes=15)
_ATTEMPTS = 12  # with the pauses above about two hours; then it is parked and staff see it


class Delivery:
    """Sends what stands in the outbox. A reply that cannot go holds up only those to the same destination."""

    def __init__(self, ledger: Ledger, channels: Mapping[str, Channel[Any]], now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._channels = channels
        self._now = now
        self._queues: dict[str, deque[Outgoing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def post(self, ids: Sequence[int]) -> None:
        """Sends these rows of the outbox; returns when they are queued."""
        if ids:
            self._queue(await self._ledger.outgoing(ids))

    async def resume(self) -> None:
        """Sends what an earlier process left over."""
        left = await self._ledger.left_over()
        if left:
            log.info("sending %d replies that were left over", len(left))
        self._queue(left)

    async def close(self) -> None:
        """Stops; what is not sent stays in the outbox."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _queue(self, rows: Sequence[Outgoing]) -> None:
        for row in rows:
            if row.channel not in self._channels:
                log.warning("reply %d waits: channel %s is off; switch it on to send it", row.id, row.channel)
                continue
            waiting = self._queues.setdefault(row.destination, deque())
            waiting.append(row)
            if len(waiting) == 1:
                task = asyncio.create_task(self._drain(row.destination))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _drain(self, destination: str) -> None:
        waiting = self._queues[destination]
        while waiting:
            try:
                await self._deliver(waiting[0])
            except Exception:
                log.exception("reply %d could not be noted; it stays in the outbox", waiting[0].id)
            waiting.popleft()
        del self._queues[destination]

    async def _deliver(self, row: Outgoing) -> None:
        parts = row.parts_sent
        for attempt in range(row.attempts + 1, _ATTEMPTS + 1):
            try:
                await self._send(row, parts)
            except Undeliverable as error:
                return await self._park(row, error)
            except Exception as error:  # noqa: BLE001 - whatever a provider does, the reply is kept and tried again
                pause = self._pause(error, attempt)
                log.warning("reply %d by %s: attempt %d failed (%s)", row.id, row.channel, attempt, _line(error))
                await self._ledger.sending_failed(row.id, error=_line(error), due_at=self._now() + pause)
                parts = await self._parts_sent(row)
                await asyncio.sleep(pause.total_seconds())
            else:
                return None
        return await self._park(row, Undeliverable(f"given up after {_ATTEMPTS} attempts"))

    async def _send(self, row: Outgoing, already: int) -> None:
        channel = self._channels[row.channel]
        wires = channel.render(row.reply)
        for part, wire in enumerate(wires[already:], start=already + 1):
            provider_id = await channel.send(wire)
            done = part == len(wires)
            await self._ledger.part_sent(row.id, parts=part, done=done, provider_id=provider_id, now=self._now())

    async def _parts_sent(self, row: Outgoing) -> int:
        return next((r.parts_sent for r in await self._ledger.outgoing([row.id])), row.parts_sent)

    async def _park(self, row: Outgoing, error: Exception) -> None:
        log.error("reply %d by %s cannot be delivered: %s", row.id, row.channel, _line(error))
        await self._ledger.sending_failed(row.id, error=_line(error), due_at=None)

    @staticmethod
    def _pause(error: Exception, attempt: int) -> timedelta:
        if isinstance(error, TryAgain) and error.after is not None:
            return error.after
        return min(timedelta(seconds=2 ** (attempt - 1)), _LONGEST_PAUSE)


def _line(error: Exception) -> str:
    text = str(error) if isinstance(error, TryAgain | Undeliverable) else f"{type(error).__name__}: {error}"
    return text.splitlines()[0][:300] if text else type(error).__name__
