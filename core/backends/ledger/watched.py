"""The ledger, watched: every message gets its correlation id as it is kept, and turns and transactions are told of."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from sys import exception
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Connection

from core.backends.ledger.database import Database
from core.backends.ledger.sql import SqlLedger
from core.ledger import Settled, Settlement, Turn, Wait
from core.messages import InboundMessage, Raw
from core.observing import Observer, Step, Trace, goes_on, how
from core.record import Rows
from identity.gate import Permit

T = TypeVar("T")


class WatchedDatabase:
    """A database whose transactions are told of. See core/backends/ledger/database.py for what each method promises."""

    def __init__(self, database: Database, observer: Observer) -> None:
        self._database = database
        self._observer = observer

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False, beside: str = "") -> T:
        run = partial(self._database.write, durable=durable, beside=beside)
        return await self._timed("durable" if durable else "write", transaction, run)

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        return await self._timed("read", transaction, self._database.read)

    async def scour(self) -> bool:
        return await self._database.scour()

    async def close(self) -> None:
        await self._database.close()

    async def _timed(
        self,
        kind: str,
        transaction: Callable[[Connection], T],
        run: Callable[[Callable[[Connection], T]], Coroutine[Any, Any, T]],
    ) -> T:
        """Runs a transaction, however often that takes."""
        runs, since, outcome = 0, perf_counter(), "failed"

        def counted(tx: Connection) -> T:
            nonlocal runs
            runs += 1
            return transaction(tx)

        try:
            done = await run(counted)
            outcome = "well"
        finally:
            self._observer.lasted("transactions", perf_counter() - since, kind)
            self._observer.count("transactions", kind, outcome)
            if runs > 1:
                self._observer.count("transactions", kind, "retried", times=runs - 1)
        return done


class WatchedLedger(SqlLedger):
    """A ledger that tells of messages and turns. See core/ledger.py for what each method promises."""

    def __init__(
        self,
        database: Database,
        observer: Observer,
        *,
        secret: bytes = b"",
        accepted: Sequence[bytes] = (),
        holder: str = "",
    ) -> None:
        super().__init__(WatchedDatabase(database, observer), secret=secret, accepted=accepted, holder=holder)
        self._observer = observer
        self._turns: dict[str, Step] = {}

    async def accept(self, message: InboundMessage, raw: Raw) -> bool:
        with self._observer.arrival(message.channel) as arriving:
            is_new = await super().accept(replace(message, trace=str(arriving.trace)), raw)
        self._observer.count("messages", message.channel, "new" if is_new else "duplicate")
        return is_new

    async def park(self, channel: str, raw: Raw, reason: str) -> None:
        await super().park(channel, raw, reason)
        self._observer.count("messages", channel, "parked")

    async def open_turn(
        self, line: str, *, token: str, now: datetime, burst: timedelta, live: bool
    ) -> Turn | Wait | None:
        since = perf_counter()
        turn = await super().open_turn(line, token=token, now=now, burst=burst, live=live)
        if isinstance(turn, Turn):
            of = [Trace.read(heard.message.trace, turn.first.channel) for heard in turn.heard]
            beside = [trace for trace in of[1:] if trace]
            step = self._observer.begin("turn", turn.first.channel, after=of[0], beside=beside, since=since)
            self._turns[turn.token] = step
            goes_on(step.trace)
        return turn

    async def recall(self, permit: Permit, *, closed_after: datetime | None = None) -> Rows:
        with self._observer.step("recall"):
            return await super().recall(permit, closed_after=closed_after)

    async def settle(self, settlement: Settlement) -> Settled:
        step = self._turns.get(settlement.turn.token)
        trace = str(step.trace) if step else ""
        with self._observer.step("settle"):
            settled = await super().settle(replace(settlement, trace=trace))
        self._ended(settlement.turn, _outcome(settlement))
        return settled

    def release(self, turn: Turn) -> Coroutine[Any, Any, None]:
        self._ended(turn, how(exception()))  # asked here: what is awaited runs in a task of its own
        return super().release(turn)

    def _ended(self, turn: Turn, outcome: str) -> None:
        if step := self._turns.pop(turn.token, None):
            step.outcome = outcome
            self._observer.end(step)


def _outcome(settlement: Settlement) -> str:
    if settlement.status == "handed_off":
        return "handed off"
    return "answered" if settlement.replies else "silent"
