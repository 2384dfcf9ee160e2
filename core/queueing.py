"""The queue: which cases a colleague looks at, in what order, and how many there are of each sort."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.casefile import Reading
from core.record import Case

PAGE = 50  # cases that are shown together
LATELY = timedelta(days=7)  # so long a resolved case can be found in the queue
AHEAD = timedelta(hours=2)  # so much longer than they did VIPs count as having waited, and so much longer who is angry
NOBODY = "-"  # stands for nobody among those who have cases; no colleague is called that


class Tab(StrEnum):
    """The sorts of cases. All but the last two are neither resolved nor snoozed."""

    ALL = "all"
    ESCALATED = "escalated"  # a person is needed, whether somebody has it or not
    WAITING = "waiting"  # a person is needed, and nobody has it
    ACTIVE = "active"  # the bot is at it, or a colleague has it
    MINE = "mine"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"  # lately


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What a colleague wants to see; "" and False leave everything in. `holder` is a name, or NOBODY."""

    tab: Tab = Tab.ALL
    channel: str = ""
    mood: str = ""
    vip: bool = False
    category: str = ""
    holder: str = ""
    page: int = 1

    @property
    def narrow(self) -> bool:
        """Whether anything but the sort and the page was chosen."""
        return bool(self.channel or self.mood or self.vip or self.category or self.holder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """A case as the queue shows it. `vouched`: the name is the directory's, not one that somebody typed."""

    case: Case
    name: str
    vouched: bool
    issue: str
    mood: str
    category: str
    vip: bool
    since: datetime  # when it was handed off, or opened

    def fits(self, filters: Filters) -> bool:
        """Whether what may be read of its customer is what was asked for."""
        wanted = (filters.mood, self.mood), (filters.category, self.category)
        return (self.vip or not filters.vip) and all(one in ("", other) for one, other in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePage:
    """One page of the queue, by numbers alone: nothing of any customer. `holders` have cases that are not resolved."""

    cases: Sequence[int]
    counts: Mapping[Tab, int]
    holders: Sequence[str]
    state: str  # changes when the page does


class QueueLedger(Protocol):
    """What the queue needs of the record."""

    async def queue_page(self, filters: Filters, *, me: str, now: datetime) -> QueuePage:
        """The numbers of a page's cases, and how many there are in each tab. Reads nothing of any customer."""
        ...

    async def queued(self, cases: Sequence[int], *, now: datetime) -> Sequence[Queued]:
        """Cases as the queue shows them, read by staff's permit; those that are gone are left out."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True)
class WaitingRoom:
    """What colleagues see of all cases together."""

    ledger: QueueLedger
    now: Callable[[], datetime]

    async def page(self, filters: Filters, me: str) -> QueuePage:
        """The numbers of one page."""
        return await self.ledger.queue_page(filters, me=me, now=self.now())

    async def shown(self, page: QueuePage, filters: Filters, reader: str) -> Sequence[Queued]:
        """The cases of a page, noted as read."""
        found = [one for one in await self.ledger.queued(page.cases, now=self.now()) if one.fits(filters)]
        readings = [Reading(handle=q.case.handle, rows=[f"case:{q.case.id}"]) for q in found]
        await self.ledger.note_reading(reader, readings, now=self.now())
        return found
