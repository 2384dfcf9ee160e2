"""Delivery: replies leave the outbox, one after the other for each destination, until the provider took them."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate, count, takewhile
from typing import Any, Protocol

from tenacity import RetryCallState

from core.breaker import Breaker, Resting
from core.channel import Channel, Limits, Recounts, Typing
from core.errors import LedgerAway, TryAgain, Undeliverable
from core.holding import Holding
from core.ledger import Ledger, Outgoing
from core.messages import Reply, Route
from core.observing import UNOBSERVED, Observer, Trace, meanwhile
from core.pausing import Leisure, a_little_longer, growing, insisting, jittered
from core.stage import is_on_stage
from identity.masking import mask

log = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(minutes=15)
_LONGEST_NOTING = timedelta(seconds=30)
_AFTER_AN_OUTAGE = timedelta(seconds=5)  # of the ledger's
_BEHIND_ANOTHER = [timedelta(milliseconds=50) * 2**times for times in range(6)]  # about three seconds in all
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


@dataclass(kw_only=True, slots=True)
class _Going:
    """A reply on its way. `parts` of it were taken; `in_doubt`: the next one may have been."""

    row: Outgoing
    taker: Taker
    breaker: Breaker
    parts: int
    in_doubt: bool


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
        rests: Callable[[str, datetime | None], None] = lambda _what, _until: None,  # and until when nothing is sent
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._observer = observer
        self._ledger = ledger
        self._holding = Holding(ledger, now)
        self._channels = channels
        self._now = now
        self._stage = stage
        self._noted = noted
        self._rests = rests
        self._breakers: dict[str, Breaker] = {}
        self._leisure = Leisure()
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
        """Sends what waits and is sent by nobody."""
        left = await self._ledger.left_over(now=self._now())
        if left:
            log.info("sending %d replies that were left over", len(left))
        self.post(left)

    async def sweep(self, *, before: datetime) -> None:
        """Sends what was written before then, is due, and is sent by nobody."""
        for destination in await self._ledger.neglected(before=before, now=self._now()):
            if destination not in self._queues:
                self.post(await self._ledger.left_over(now=self._now(), destination=destination))

    async def finish(self) -> None:
        """Sends what can be sent at once; what would have to wait stays in the outbox."""
        self._leisure.end()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Stops; what is not sent stays in the outbox."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._holding.close()

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

    def _breaker(self, row: Outgoing) -> Breaker:
        """That of whoever takes a reply."""
        name = "the stage" if is_on_stage(row.reply.route) else row.channel
        return self._breakers.setdefault(name, Breaker(self._now, partial(self._rests, f"sending {name}")))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, destination: str) -> None:
        waiting = self._queues[destination]
        while waiting:
            with meanwhile(Trace.read(waiting[0].trace, waiting[0].channel)):
                await self._deliver(waiting[0])
            waiting.popleft()
        del self._queues[destination]

    async def _deliver(self, row: Outgoing) -> None:
        if row.due_at is not None:
            await self._sleep(row.due_at - self._now())
        if (taker := self._taker(row)) is None:
            return None
        going = _Going(row=row, taker=taker, breaker=self._breaker(row), parts=row.parts_sent, in_doubt=row.maybe_twice)
        attempt, most = row.attempts + 1, attempts_within(taker.limits.patience)
        while attempt <= most:
            try:
                if await self._claim_in_turn(going):
                    with self._holding.in_hand():
                        await self._send(going)
            except Resting:  # somebody else's reply is tried for all
                await self._insist(partial(self._ledger.let_go, row.id))
            except LedgerAway as away:
                log.warning("reply %d by %s waits: %s", row.id, row.channel, away)
                await self._sleep(jittered(_AFTER_AN_OUTAGE))
            except Undeliverable as error:
                return await self._park(row, _in_part(error, going.parts))
            except Exception as error:  # noqa: BLE001 - whatever a provider does, the reply is kept and tried again
                await self._wait(row, error, attempt, taker.limits.patience)
                attempt += 1
            else:
                return None
        return await self._park(row, _in_part(Undeliverable(f"given up after {most} attempts"), going.parts))

    async def _send(self, going: "_Going") -> None:
        row, wires = going.row, await self._wires(going.taker, going.row)
        if going.parts >= len(wires):  # all had gone and failed later: it was put back
            going.parts, going.in_doubt = 0, False
        while going.parts < len(wires):
            wire = wires[going.parts]
            with going.breaker.asked(), self._observer.step("send", row.channel):
                known = await self._taken(going.taker, wire, row) if going.in_doubt else ""
                provider_id = known or await going.taker.send(wire)
            if going.in_doubt and not known:
                self._observer.count("sends", row.channel, "maybe twice")
            going.parts, going.in_doubt = going.parts + 1, False
            await self._sent(row, going.parts, len(wires), provider_id)

    async def _claim_in_turn(self, going: "_Going") -> bool:
        """Takes a reply in hand, or waits a moment for the process that is at an earlier one; whom that takes longer, a
        sweep finds what is left."""
        for pause in _BEHIND_ANOTHER:
            if await self._claim(going):
                return True
            await self._sleep(pause)
        return await self._claim(going)

    async def _claim(self, going: "_Going") -> bool:
        """Takes a reply in hand, once its provider does not rest. False for one that is not to go, its customer was
        erased, or that is not ours to send: another process is at it, or at an earlier one."""
        if going.breaker.rests:
            await self._leisure.spend(going.breaker.rested)
        row = await self._ledger.claim(going.row.id, now=self._now())
        if row is not None:
            going.row, going.parts, going.in_doubt = row, row.parts_sent, row.maybe_twice
        return row is not None

    async def _sleep(self, pause: timedelta) -> None:
        if pause > timedelta(0):
            await self._leisure.spend(partial(asyncio.sleep, pause.total_seconds()))

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
        if done:
            self._went(row, now)
        self._noted(f"sending {row.channel}", "")
        note = partial(self._ledger.part_sent, row.id, parts=parts, done=done, provider_id=provider_id, now=now)
        await self._insist(note)

    def _went(self, row: Outgoing, now: datetime) -> None:
        self._observer.count("sends", row.channel, "sent")
        if row.heard_at is not None:
            self._observer.lasted("delivery", (now - row.heard_at).total_seconds(), row.channel)

    async def _wait(self, row: Outgoing, error: Exception, attempt: int, patience: timedelta) -> None:
        pause = _pause(error, attempt, longest_pause(patience))
        log.warning("reply %d by %s: attempt %d failed (%s)", row.id, row.channel, attempt, mask(_line(error)))
        self._noted(f"sending {row.channel}", mask(_line(error)))
        self._observer.count("sends", row.channel, "put off")
        due_at = self._now() + pause
        maybe_sent = isinstance(error, TryAgain) and error.maybe_sent
        note = partial(self._ledger.sending_failed, row.id, error=_line(error), due_at=due_at, maybe_sent=maybe_sent)
        await self._insist(note)
        await self._sleep(pause)

    async def _park(self, row: Outgoing, error: Exception) -> None:
        log.error("reply %d by %s cannot be delivered: %s", row.id, row.channel, mask(_line(error)))
        self._noted(f"sending {row.channel}", mask(_line(error)))
        self._observer.count("sends", row.channel, "parked")
        if isinstance(error, Undeliverable) and error.opted_out:
            await self._insist(partial(self._ledger.opted_out, row.id, now=self._now()))
        await self._insist(partial(self._ledger.sending_failed, row.id, error=_line(error), due_at=None))

    @staticmethod
    async def _insist(note: Callable[[], Awaitable[None]]) -> None:
        """Notes something, however often that takes: what went out is never sent again because a note failed."""
        await insisting(_LONGEST_NOTING, told=_not_noted)(note)


def _not_noted(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("the ledger took no note, attempt %d", state.attempt_number, exc_info=error)


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
    spent = accumulate((growing(attempt, longest) for attempt in count(1)), initial=timedelta(0))
    return sum(1 for _ in takewhile(lambda so_far: so_far <= patience, spent))


def _pause(error: Exception, attempt: int, longest: timedelta) -> timedelta:
    if isinstance(error, TryAgain) and error.after is not None:
        return a_little_longer(error.after)
    return jittered(growing(attempt, longest))


def _line(error: Exception) -> str:
    """One line for staff: what we say of a problem ourselves; of others' errors, which may repeat a reply, the kind."""
    text = str(error) if isinstance(error, TryAgain | Undeliverable) else ""
    return text.splitlines()[0][:300] if text else type(error).__name__
