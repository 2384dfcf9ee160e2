"""Our own arm: the real engine, ledger, rules, memory and desk, on a fresh ledger and a clock that the harness turns.

What Dispatch and Delivery do by sleeping is done here by the harness's clock: a live channel is answered at once, every
other one when its burst is over, at the latest by the next tick. Who writes first is answered first.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from benchmarks.repeatbench import hearing
from benchmarks.repeatbench.fittings import Clock, Nobody, SteadyMemory, WitnessedLedger, embedder, writer
from benchmarks.repeatbench.fittings import house as its_house
from benchmarks.repeatbench.hearing import Hearing
from benchmarks.repeatbench.protocol import (
    AgentDid,
    CaseState,
    ChannelName,
    Handoff,
    Inbound,
    NotFound,
    Outcome,
    Reply,
    Reset,
    Seed,
)
from core.actions import Actions
from core.backends.aegis import AegisMemory
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.desk import Desk, NoSuchCase, Refused
from core.engine import Engine
from core.erasing import Forgetting, NoSuchCustomer
from core.handoff import packet
from core.ledger import Outgoing, Settled, Settlement, Wait, line_of
from core.linking import Linking
from core.retention import Housekeeping, Retention
from identity.gate import HandleId, Purpose, permit

log = logging.getLogger(__name__)

_RETENTION = Retention(raw=timedelta(days=90))  # the default settings
_HOUSEKEEPING = timedelta(days=1)
_TRIES = 3
_COLLEAGUE = "colleague"
_DESK = "agents"


class Ours:
    """A Bot. Every reset makes a new one in a folder of its own; the folder goes with it."""

    _new_ledger: ClassVar[bytes] = b""  # in its newest shape; migrating takes longer than many a contact

    def __init__(self) -> None:
        self._shop: Shop | None = None

    async def reset(self, reset: Reset) -> None:
        """Empty, at that time."""
        await self.close()
        Ours._new_ledger = self._new_ledger or await _migrated()
        self._shop = await Shop.open(self._new_ledger, reset.now)

    async def seed(self, seed: Seed) -> None:
        """Learns the directory."""
        shop = self._open()
        async with shop.turn:
            await shop.ledger.import_directory(hearing.rows_of(seed.directory), now=shop.now)

    async def inbound(self, message: Inbound) -> Outcome:
        """Takes one message; the same `msg_id` twice has one effect."""
        return await self._open().hear(message)

    async def tick(self, now: datetime) -> Outcome:
        """What is due by then."""
        return await self._open().tick(now)

    async def agent(self, did: AgentDid) -> Outcome:
        """A human acted on a case. Raises NotFound."""
        shop = self._open()
        try:
            async with shop.turn:
                return await shop.colleague(did)
        except NoSuchCase as error:
            raise NotFound(str(error)) from error

    async def forget(self, customer: str) -> None:
        """Erases a person. Raises NotFound."""
        shop = self._open()
        try:
            async with shop.turn:
                await shop.forget(customer)
        except NoSuchCustomer as error:
            raise NotFound(str(error)) from error

    async def close(self) -> None:
        """Lets go of everything."""
        shop, self._shop = self._shop, None
        if shop is not None:
            async with shop.turn:
                await shop.close()

    def _open(self) -> "Shop":
        if self._shop is None:
            raise NotFound("there is no run: POST /rb/reset first")
        return self._shop


async def _migrated() -> bytes:
    with TemporaryDirectory(prefix="repeatbench-") as folder:
        path = Path(folder, "ledger.db")
        ledger = SqlLedger(SqliteDatabase(path))
        await ledger.migrate()
        await ledger.close()
        return path.read_bytes()  # noqa: ASYNC240 - once


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What came of one turn: the rows to send, what a human gets of it, and the case that is open."""

    keeper: HandleId
    rows: Sequence[Outgoing]
    handoff: Handoff | None
    case: CaseState | None


@dataclass(kw_only=True)
class Shop:
    """One run. `turn` is held by whatever reads the clock or turns it."""

    folder: TemporaryDirectory[str]
    ledger: WitnessedLedger
    memory: AegisMemory
    engine: Engine
    desk: Desk
    forgetting: Forgetting
    clock: Clock
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _hearing: Hearing = field(default_factory=Hearing)
    _due: dict[str, datetime] = field(default_factory=dict)  # lines that wait, and when they may be answered
    _waiting: "Counter[str]" = field(default_factory=Counter)  # how many messages each line has
    _answered: list[Answered] = field(default_factory=list)  # between two ticks
    _posted: list[Outgoing] = field(default_factory=list)  # by a colleague
    _tidied_at: datetime | None = None

    @classmethod
    async def open(cls, new_ledger: bytes, now: datetime) -> "Shop":
        """A shop with an empty ledger, at that time."""
        folder = TemporaryDirectory(prefix="repeatbench-")
        path = Path(folder.name, "ledger.db")
        path.write_bytes(new_ledger)  # noqa: ASYNC240 - small
        ledger = WitnessedLedger(SqliteDatabase(path), secret=secrets.token_bytes(32))
        memory, clock, ids = SteadyMemory(Path(folder.name, "memory.db"), embedder), Clock(now), count(1)
        await memory.warm()
        house = its_house()
        engine = Engine(
            ledger=ledger,
            memory=memory,
            writer=writer(),
            knowledge=None,
            house=house,
            linking=Linking(secret=house.secret, label=house.label, call_number=house.call_number),
            actions=Actions(known={}, carrier=Nobody(), ledger=ledger, now=clock, new_id=lambda: f"run{next(ids)}"),
            now=clock,
            new_id=lambda: f"rb{next(ids)}",
        )
        posted: list[Outgoing] = []
        return cls(
            folder=folder,
            ledger=ledger,
            memory=memory,
            engine=engine,
            desk=Desk(
                ledger=ledger,
                memory=memory,
                house=house,
                actions=engine.actions,
                post=posted.extend,
                now=clock,
                new_id=engine.new_id,
            ),
            forgetting=Forgetting(ledger=ledger, memory=memory, letters=_no_letters),
            clock=clock,
            _posted=posted,
        )

    @property
    def now(self) -> datetime:
        """The time by the harness's clock."""
        return self.clock()

    async def close(self) -> None:
        """Lets go of the files and deletes them."""
        await self.memory.close()
        await self.ledger.close()
        self.folder.cleanup()

    # ── what the harness does ──
    async def hear(self, message: Inbound) -> Outcome:
        """Keeps a message; a live channel is answered now."""
        async with self.turn:
            await self._catch_up(message.ts)
            self.clock.reach(message.ts)
            heard = self._hearing.hear(message, self.now)
        if heard is None or not await self.engine.accept(*heard):
            return Outcome()
        line = line_of(heard[0])
        self._waiting[line] += 1
        if not self.engine.house.limits(heard[0].channel).live:
            self._due.setdefault(line, self.now + self.engine.house.burst)
            return Outcome()
        async with self.turn:
            answered = await self._answer(line)
            return Outcome(
                replies=await self._deliver([row for one in answered for row in one.rows]),
                handoff=next((one.handoff for one in answered if one.handoff), None),
                case=next((one.case for one in reversed(answered) if one.case), None),
            )

    async def tick(self, now: datetime) -> Outcome:
        """Answers everything that waits, and moves the clock."""
        async with self.turn:
            await self._catch_up(None)
            self.clock.reach(now)
            await self._tidy()
            answered, self._answered = self._answered, []
            return Outcome(
                replies=await self._deliver([row for one in answered for row in one.rows]),
                handoffs=[one.handoff for one in answered if one.handoff],
                cases=[one.case for one in answered if one.case],
            )

    async def colleague(self, did: AgentDid) -> Outcome:
        """What a human did with a case; nothing where the desk refuses. Raises NoSuchCase."""
        case = int(did.case_id) if did.case_id.isascii() and did.case_id.isdigit() else 0
        file = await self.ledger.case_file(case, reachable=(), now=self.now)
        try:
            await self._do(did, file.case.id)
        except Refused as error:
            log.info("the desk refused: %s", error)
        posted = [*self._posted]
        self._posted.clear()
        return Outcome(replies=await self._deliver(posted))

    async def forget(self, customer: str) -> None:
        """Erases a person, with what was about to be sent. Raises NoSuchCustomer."""
        receipt, _ = await self.forgetting.forget(customer, receipt=self.engine.new_id(), now=self.clock)
        self._answered = [one for one in self._answered if one.keeper not in receipt.handles]

    async def _do(self, did: AgentDid, case: int) -> None:
        match did.action:
            case "take":
                await self.desk.take(case, _COLLEAGUE)
            case "reply":
                await self.desk.reply(case, _COLLEAGUE, did.text)
            case "resolve":
                await self.desk.learn(await self.desk.resolve(case, _COLLEAGUE, did.text, did.satisfaction))
            case "return":
                await self.desk.hand_back(case, _COLLEAGUE)

    # ── time ──
    async def _catch_up(self, until: datetime | None) -> None:
        """Answers the lines whose burst is over by then (all of them without a time), in the order of their time."""
        while self._due:
            line = min(self._due, key=self._due.__getitem__)
            if until is not None and self._due[line] > until:
                return
            self.clock.reach(self._due.pop(line))
            self._answered += await self._answer(line)

    async def _tidy(self) -> None:
        """Erases what is too old, once a day."""
        self._tidied_at = self._tidied_at or self.now
        if self.now - self._tidied_at >= _HOUSEKEEPING:
            self._tidied_at = self.now
            house = Housekeeping(
                retention=_RETENTION, ledger=self.ledger, memory=self.memory, forgetting=self.forgetting
            )
            await house.enforce(self.now)

    # ── turns ──
    async def _answer(self, line: str) -> list[Answered]:
        """Every turn that a line has now."""
        answered: list[Answered] = []
        while self._waiting[line] > 0 and (outcome := await self._take_turn(line)) is not None:
            if isinstance(outcome, Wait):
                self._due[line] = outcome.until
                return answered
            done = self.ledger.settled
            self._waiting[line] -= len(done.turn.heard)
            answered.append(await self._report(outcome, done))
            await self.engine.learn(outcome)
        del self._waiting[line]
        return answered

    async def _take_turn(self, line: str) -> Settled | Wait | None:
        for _ in range(_TRIES):
            try:
                return await self.engine.take_turn(line)
            except Exception:
                log.exception("turn failed")
        return await self.engine.give_to_a_human(line)

    async def _report(self, settled: Settled, done: Settlement) -> Answered:
        first = done.turn.first
        whose = {"channel": first.channel, "address": first.route["to"]}
        handoff = None
        if done.status == "handed_off" and settled.case is not None:
            view = await self.desk.open(settled.case, _DESK)
            handoff = Handoff(to=_DESK, text=packet(view.file, view.suggestions), **whose)
        found = await self._case(settled, done)
        case = CaseState(id=str(found[0]), status=found[1], **whose) if found else None
        return Answered(keeper=done.keeper, rows=settled.outbox, handoff=handoff, case=case)

    async def _case(self, settled: Settled, done: Settlement) -> tuple[int, str] | None:
        """The case that the turn was about, else the latest open one that may be known here."""
        if settled.case is not None and done.status is not None:
            return settled.case, done.status
        allowed = done.permits[0][0] if done.permits else permit(done.turn.standing, Purpose.ANSWER)
        rows = await self.ledger.recall(allowed)
        known = sorted(rows.cases, key=lambda case: case.id != settled.case)
        return (known[0].id, known[0].status) if known else None

    async def _deliver(self, rows: Sequence[Outgoing]) -> list[Reply]:
        """Sends rows of the outbox."""
        for row in rows:
            await self.ledger.part_sent(row.id, parts=1, done=True, provider_id=f"rb{row.id}", now=self.now)
        return [_sent(row) for row in rows]


def _sent(row: Outgoing) -> Reply:
    channels: Mapping[str, ChannelName] = {
        "email": "email", "sms": "sms", "voice": "voice", "slack": "slack", "discord": "discord", "web": "web"
    }  # fmt: skip
    text = hearing.shown(row.channel, row.reply.text)
    return Reply(channel=channels[row.channel], to=row.reply.route["to"], text=text, asks=row.reply.asks)


async def _no_letters(_addresses: Collection[str]) -> int:
    """Nothing is kept outside of the ledger and the memory."""
    return 0
