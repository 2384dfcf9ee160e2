"""Dispatch inside one process: each line of messages is served in order, different lines side by side."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from core import safety
from core.channel import Channel, Report, Reports, Speaks
from core.checking import Checking
from core.delivery import Delivery
from core.engine import Engine
from core.errors import Fenced, LedgerAway
from core.holding import Holding
from core.ledger import Ledger, Settled, Unchecked, Wait, line_of
from core.messages import InboundMessage, Interruption, Raw, Reply
from core.pausing import Leisure, growing, jittered
from core.speaking import Saying
from core.stage import is_on_stage
from core.turnstile import Turnstile

log = logging.getLogger(__name__)

_NEGLECTED = timedelta(seconds=20)  # after which whoever finds a message that waits looks after it
_TRIES = 3
_LONG = 50_000  # bytes of a delivery
_EARLY = 2.0  # seconds by which a report may overtake the note that its message was sent
_MOST_EARLY = 1_000
_LONGEST_PAUSE = timedelta(seconds=30)  # after failures in a row


async def _begin(channel: Speaks, reply: Reply) -> None:
    if not is_on_stage(reply.route):
        await channel.begin(reply)


HandOver = Callable[[str], Awaitable[None]]  # gives a line to whichever process is free to answer it


class Dispatch:
    """Hears messages and sees to it that each is answered, whatever happens.

    With `hand_over` other processes answer; but a live conversation is answered where it is heard.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        delivery: Delivery,
        channels: Mapping[str, Channel[Any]] | None = None,
        *,
        hand_over: HandOver | None = None,
    ) -> None:
        self._hand_over = hand_over
        self._holding = Holding(ledger, engine.now)
        self._engine = engine
        self._ledger = ledger
        self._delivery = delivery
        self._turnstiles = {live: Turnstile() for live in (True, False)}  # who waits on the line waits for nobody else
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._called: set[str] = set()
        self._patient: set[str] = set()  # fenced off once, so that two live lines do not fence each other for ever
        self._learning: set[asyncio.Task[None]] = set()
        self._reporting: set[asyncio.Task[None]] = set()
        self._handing: set[asyncio.Task[None]] = set()
        self._checking = Checking(ledger, channels or {}, self._call)
        self._channels: Mapping[str, Channel[Any]] = channels or {}
        self._reading = asyncio.Lock()
        self._sayings: dict[str, Saying] = {}
        self._failures: Counter[str] = Counter()  # in a row, of a line
        self._leisure = Leisure()

    async def hear(self, message: InboundMessage, raw: Raw) -> bool:
        """Keeps a message, durably, and has it answered soon; False if we had it already."""
        is_new = await self._engine.accept(message, raw)
        # Also of a redelivery: the first one may have been cut off right after its commit.
        if message.unchecked:
            self._checking.begin(Unchecked.of(message), raw if safety.kept(raw) != raw else None)
        else:
            self._call(line_of(message))
        return is_new

    async def deliver(self, channel: Channel[Any], raw: Raw) -> bool:
        """For channels that cannot be refused: keeps a delivery, parked for a human where it cannot be read."""
        try:
            message = await self._read(channel, raw)
        except Exception as error:  # noqa: BLE001 - a parser's own bug must not lose what was said either
            log.warning("a delivery by %s is parked: %s", channel.name, type(error).__name__)
            await self._ledger.park(channel.name, raw, str(error) or type(error).__name__)
            return True
        if message is None:
            await self.note(channel, raw)
            return False
        return await self.hear(message, raw)

    async def _read(self, channel: Channel[Any], raw: Raw) -> InboundMessage | None:
        """Long deliveries are read one at a time, beside the loop: nobody else waits for them."""
        if len(raw.body) < _LONG:
            return channel.parse(raw)
        async with self._reading:
            return await asyncio.to_thread(channel.parse, raw)

    async def note(self, channel: Channel[Any], raw: Raw) -> None:
        """Takes note of what a provider reports of our own messages; of any other delivery, nothing."""
        if not isinstance(channel, Reports) or not (report := channel.report(raw)):
            return
        if await self._ledger.reported(channel.name, report, now=self._engine.now()):
            return
        if len(self._reporting) < _MOST_EARLY:
            task = asyncio.create_task(self._note_later(channel.name, report))
            self._reporting.add(task)
            task.add_done_callback(self._reporting.discard)

    async def _note_later(self, channel: str, report: Report) -> None:
        """A provider may report on a message before it is on record here that it took it."""
        await asyncio.sleep(_EARLY)
        try:
            await self._ledger.reported(channel, report, now=self._engine.now())
        except Exception:
            log.exception("what %s reported of a reply is not on record", channel)

    async def interrupted(self, one: Interruption) -> None:
        """Somebody spoke against a reply: no more of it is worded, and what they heard stands on record."""
        saying = next((s for s in self._sayings.values() if s.reply and s.reply.id == one.reply), None)
        if saying:
            saying.stop(one)
        else:
            await self._ledger.heard(one)

    async def resume(self) -> None:
        """Takes up what an earlier process accepted and did not answer. For a process that is alone on its ledger."""
        await self._ledger.begin_alone()
        await self.take_up()

    async def take_up(self) -> None:
        """Takes up everything that waits, whoever left it. What others are at is theirs by lease or claim."""
        lines = await self._ledger.open_lines()
        if lines:
            log.info("answering %d conversations that were left open", len(lines))
        for line in lines:
            self._call(line)
        await self._checking.resume()
        await self._delivery.resume()

    async def sweep(self) -> None:
        """Takes up what nobody is at, since whoever was died: messages, checks, replies."""
        before = self._engine.now() - _NEGLECTED
        for line in await self._ledger.open_lines(before=before):
            if line not in self._serving:
                self._patient.add(line)
                self._call(line)
        await self._checking.resume(before=before)
        await self._delivery.sweep(before=before)

    async def answer(self, line: str) -> None:
        """Answers a line here until nothing waits on it."""
        self._call_here(line)
        if serving := self._serving.get(line):
            await asyncio.wait([serving])

    async def finish(self) -> None:
        """Begins no turn any more; ends those that are being thought about, and sends what comes of them."""
        self._leisure.end()
        while busy := {*self._serving.values(), *self._learning}:
            await asyncio.wait(busy)
        await self._delivery.finish()

    async def close(self) -> None:
        """Stops; what is not answered waits in the ledger."""
        await self._checking.close()
        tasks = [*self._serving.values(), *self._learning, *self._reporting, *self._handing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._delivery.close()
        await self._holding.close()

    def _call(self, line: str) -> None:
        if self._hand_over is None or self._engine.house.limits(line.partition(":")[0]).live:
            return self._call_here(line)
        task = asyncio.create_task(self._hand(self._hand_over, line))
        self._handing.add(task)
        return task.add_done_callback(self._handing.discard)

    @staticmethod
    async def _hand(hand_over: HandOver, line: str) -> None:
        try:
            await hand_over(line)
        except Exception as error:  # noqa: BLE001 - the message is in the ledger; a sweep finds it
            log.warning("a line could not be handed over, it is found later: %s", type(error).__name__)

    def _call_here(self, line: str) -> None:
        self._called.add(line)
        if line not in self._serving and not self._leisure.is_over:
            self._serving[line] = asyncio.create_task(self._serve(line))

    async def _serve(self, line: str) -> None:
        """Answers a line until nothing waits on it. A call that comes while the last look is taken is seen."""
        try:
            while line in self._called:
                self._called.discard(line)
                while await self._serve_once(line):
                    pass
        finally:
            self._patient.discard(line)
            self._failures.pop(line, None)
            del self._serving[line]

    async def _serve_once(self, line: str) -> bool:
        """One turn; True if there may be another one."""
        if self._leisure.is_over:
            return False
        saying = self._saying(line)
        outcome = await self._take_turn(line, saying)
        if outcome is None:
            return False
        if isinstance(outcome, Wait):
            pause = (outcome.until - self._engine.now()).total_seconds()
            await self._leisure.spend(partial(asyncio.sleep, max(pause, 0)))
            return True
        self._patient.discard(line)
        self._failures.pop(line, None)
        self._delivery.post(outcome.outbox)
        if saying and saying.interruption:
            await self._note_heard(saying.interruption)
        self._learn(outcome)
        return outcome.more_waits

    def _saying(self, line: str) -> Saying | None:
        channel: object = self._channels.get(line.partition(":")[0])
        return Saying(partial(_begin, channel)) if isinstance(channel, Speaks) else None

    async def _note_heard(self, interruption: Interruption) -> None:
        try:
            await self._ledger.heard(interruption)
        except Exception:
            log.exception("a reply that was interrupted stands on record as if all of it had been heard")

    async def _take_turn(self, line: str, saying: Saying | None) -> Settled | Wait | None:
        live = self._engine.house.limits(line.partition(":")[0]).live
        async with self._turnstiles[live].passed():
            return await self._take_in_hand(line, saying)

    async def _take_in_hand(self, line: str, saying: Saying | None) -> Settled | Wait | None:
        with self._holding.in_hand():
            if saying is None:
                return await self._try_turn(line, None)
            self._sayings[line] = saying
            try:
                return await self._try_turn(line, saying)
            finally:
                del self._sayings[line]

    async def _try_turn(self, line: str, saying: Saying | None) -> Settled | Wait | None:
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._engine.take_turn(line, patient=line in self._patient, saying=saying)
            except Fenced as error:
                log.info("%s", error)
                self._patient.add(line)
                return Wait(until=self._engine.now())
            except LedgerAway as error:
                if not (saying and saying.reply):  # begun already: then it is not said anew
                    log.warning("a turn has to wait: %s", error)
                    return self._later(line)
            except Exception:
                log.exception("turn failed, attempt %d of %d", attempt, _TRIES)
            if saying and saying.reply:
                break
        try:
            return await self._engine.give_to_a_human(line, saying=saying)
        except Exception:
            log.exception("nor could a human be called; the messages stay in the ledger and are tried again")
            return self._later(line)

    def _later(self, line: str) -> Wait:
        self._failures[line] += 1
        return Wait(until=self._engine.now() + jittered(growing(self._failures[line], _LONGEST_PAUSE)))

    def _learn(self, settled: Settled) -> None:
        if not (settled.notes or settled.superseded or settled.votes or settled.praised):
            return
        task = asyncio.create_task(self._learn_from(settled))
        self._learning.add(task)
        task.add_done_callback(self._learning.discard)

    async def _learn_from(self, settled: Settled) -> None:
        try:
            await self._engine.learn(settled)
        except Exception as error:  # noqa: BLE001 - the ledger has it; `memory rebuild` brings it back
            log.warning("memory did not take %d rows: %s", len(settled.notes), type(error).__name__)
