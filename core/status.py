"""How everything does, and what a colleague can put right: replies that did not go out, deliveries that were not read.

What the record knows is asked of it; what only this process knows, of core/health.py. Nothing here is a guess.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.channel import Channel
from core.desk import Refused, Undelivered, Unread
from core.health import Condition, Health
from core.house import House
from core.ledger import LEDGER, Outgoing
from core.messages import InboundMessage, Raw
from core.running import Process, RunningLedger, over_all
from core.sparing import ENDPOINT
from core.watched import MEMORY, MODEL

log = logging.getLogger(__name__)

_COUNTED_FOR = timedelta(minutes=1)  # so long a count of memory's rows is shown


class NoSuchThing(Refused):
    """What a colleague wants to put right is gone, or was put right already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A channel as the settings have it. `off` says why it is off, "" when it is on; `listens`: it keeps a connection
    or a server of its own open."""

    name: str
    label: str
    off: str = ""
    listens: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """When a channel was last heard from, and when something last went out by it."""

    heard_at: datetime | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A reply that waits although it was tried, or one that may have gone out twice."""

    id: int
    case: int | None
    channel: str
    since: datetime
    state: str
    attempts: int
    error: str
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbox:
    """What is on its way. `due` of those that wait could go now; `oldest` is when the first of them was written."""

    waiting: int
    due: int
    oldest: datetime | None
    failing: Sequence[Held]
    maybe_twice: Sequence[Held]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deferred:
    """Replies of one channel that its provider put off, and since when."""

    channel: str
    count: int
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What the record knows. `parked` and `unread` are counts; `unanswered` messages wait since `unanswered_since`."""

    traffic: Mapping[str, Traffic]
    outbox: Outbox
    deferred: Sequence[Deferred]
    parked: int
    unread: int
    unanswered: int
    unanswered_since: datetime | None
    turns_lately: int  # in the last hour
    model_turns_lately: int
    sent_lately: int
    model_at: datetime | None  # when a model last answered somebody
    bytes: int  # of the database


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """A channel, with how it does."""

    setting: Setting
    traffic: Traffic
    listening: Condition
    sending: Condition
    checking: Condition  # its messages, with others


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryRows:
    """How many rows memory holds, and how many the record says it should; None where it could not be counted."""

    held: int | None
    expected: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """How everything does at one moment."""

    channels: Sequence[Connection]
    recorded: Recorded
    model: Condition
    memory: Condition
    database: Condition
    endpoints: Mapping[str, Condition]  # of the company's, by action
    rows: MemoryRows
    free: int | None  # bytes on the disk
    processes: Sequence[Process] = ()  # the oldest first


class StatusLedger(RunningLedger, Protocol):
    """What this needs of the record."""

    async def recorded(self, channels: Collection[str], *, now: datetime) -> Recorded:
        """What it knows. Reads nothing of any customer."""
        ...

    async def rows_for_memory(self, most: int) -> int:
        """How many rows memory should hold, at most so many for each handle."""
        ...

    async def unread(self) -> Sequence[Unread]:
        """The newest deliveries that could not be read."""
        ...

    async def undelivered(self) -> Sequence[Undelivered]:
        """The newest replies that could not be delivered."""
        ...

    async def put_back(self, outgoing: int, *, now: datetime) -> Outgoing:
        """Puts a parked reply into the outbox again, once. Raises NoSuchThing, and Refused where it may not go."""
        ...

    async def set_aside(self, outgoing: int) -> None:
        """A parked reply will not be sent. Raises NoSuchThing."""
        ...

    async def parked_delivery(self, unread: int) -> tuple[str, Raw]:
        """The channel and the bytes of a delivery that could not be read. Raises NoSuchThing."""
        ...

    async def parked_again(self, unread: int, reason: str) -> None:
        """Notes why a delivery still cannot be read."""
        ...

    async def drop_delivery(self, unread: int) -> None:
        """Lets go of a delivery. Raises NoSuchThing."""
        ...


class Counted(Protocol):
    """A memory that can be counted."""

    async def size(self) -> int:
        """How many rows it holds."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What the settings say, to be shown; without any secret. `retention` in words, by class."""

    version: str
    model: str  # its name and host; "" when the offline rules answer
    retention: Mapping[str, str]
    most_for_memory: int  # rows of each handle that memory keeps


@dataclass(frozen=True, kw_only=True)
class Status:
    """Looks at everything, and puts right what can be."""

    ledger: StatusLedger
    memory: Counted
    health: Health
    house: House
    settings: Sequence[Setting]
    channels: Mapping[str, Channel[Any]]
    about: About
    post: Callable[[Sequence[Outgoing]], None]
    hear: Callable[[InboundMessage, Raw], Awaitable[bool]]
    free: Callable[[], int]
    now: Callable[[], datetime]
    own: str = ""  # the id of this process
    actions: Sequence[str] = ()  # that an endpoint of the company's carries out
    _counts: "dict[str, tuple[datetime, MemoryRows]]" = field(default_factory=dict)

    async def look(self) -> Snapshot:
        """How everything does now."""
        on = [setting.name for setting in self.settings if not setting.off]
        recorded = await self.ledger.recorded([setting.name for setting in self.settings], now=self.now())
        processes = await self.ledger.running()
        return Snapshot(
            channels=[
                Connection(
                    setting=setting,
                    traffic=recorded.traffic.get(setting.name, Traffic()),
                    listening=self._of(processes, f"listening {setting.name}") if setting.name in on else Condition(),
                    sending=self._of(processes, f"sending {setting.name}"),
                    checking=self._of(processes, f"checking {setting.name}"),
                )
                for setting in self.settings
            ],
            recorded=recorded,
            model=self._of(processes, MODEL),
            memory=self._of(processes, MEMORY),
            database=self._of(processes, LEDGER),
            endpoints={name: self._of(processes, ENDPOINT.format(name)) for name in self.actions},
            rows=await self._rows(),
            free=self._free(),
            processes=processes,
        )

    def _of(self, processes: Sequence[Process], what: str) -> Condition:
        others = [process for process in processes if process.id != self.own]
        return over_all(others, what, self.health.of(what), self.now())

    async def _rows(self) -> MemoryRows:
        """Counted once in a while: it takes longer the more there is."""
        counted = self._counts.get(MEMORY)
        if counted is None or self.now() - counted[0] >= _COUNTED_FOR:
            expected = await self.ledger.rows_for_memory(self.about.most_for_memory)
            counted = self._counts[MEMORY] = self.now(), MemoryRows(held=await self._held(), expected=expected)
        return counted[1]

    async def _held(self) -> int | None:
        try:
            async with asyncio.timeout(1):
                return await self.memory.size()
        except Exception as error:  # noqa: BLE001 - that it cannot be counted is what is shown
            log.warning("memory could not be counted: %s", type(error).__name__)
            return None

    def _free(self) -> int | None:
        try:
            return self.free()
        except OSError:
            return None

    # ── putting right ──
    async def retry(self, outgoing: int) -> None:
        """Sends a parked reply again. Raises NoSuchThing, or Refused where it may not go, or its channel is off."""
        parked = next((one for one in await self.ledger.undelivered() if one.id == outgoing), None)
        if parked is not None and parked.channel not in self.channels:
            raise Refused(f"Nothing was sent: the channel {parked.channel} is off; switch it on first.")
        self.post([await self.ledger.put_back(outgoing, now=self.now())])

    async def discard(self, outgoing: int) -> None:
        """A parked reply is not sent; it stays in the case, as not delivered. Raises NoSuchThing."""
        await self.ledger.set_aside(outgoing)

    async def read_again(self, unread: int) -> bool:
        """Has a delivery read by its channel as it is now, and answered; False where no customer talks in it, and it
        was on record already. Raises NoSuchThing, or Refused with the reason where it still cannot be read."""
        channel, raw = await self.ledger.parked_delivery(unread)
        if channel not in self.channels:
            raise Refused(f"It was not read: the channel {channel} is off; switch it on first.")
        try:
            message = await asyncio.to_thread(self.channels[channel].parse, raw)
        except Exception as error:  # noqa: BLE001 - a parser's own bug must not lose what was said either
            reason = str(error) or type(error).__name__
            await self.ledger.parked_again(unread, reason)
            raise Refused(f"It still cannot be read: {reason}") from None
        is_new = message is not None and await self.hear(message, raw)
        await self.ledger.drop_delivery(unread)
        return is_new

    async def let_go(self, unread: int) -> None:
        """A delivery that cannot be read is not kept any longer. Raises NoSuchThing."""
        await self.ledger.drop_delivery(unread)
