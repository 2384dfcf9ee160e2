"""The lookout: looks at the ledger for all open pages of the console together, and tells each what is new to it.

One for each process, and it looks only while a page is open. It reads the ledger and nothing else, so that it also
sees what another process wrote.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from core.calling import Due
from core.casefile import Reading
from core.desk import NoSuchCase
from core.hours import Hours
from core.queueing import Queued
from identity.masking import first_name

log = logging.getLogger(__name__)

MOST_PAGES = 10  # of one colleague that are told
_LATELY = timedelta(minutes=1)  # so long a handoff is told to a page that was just opened; others were told before
_SOMEBODY = "A customer"

Kind = Literal["queue", "case", "message", "handoff"]


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """Something that an open page is told.

    queue: counts, {waiting, mine}. case: something was said or done in the case that is looked at, {case, state}.
    message: a customer wrote in a case that the colleague has, {case}. handoff: a case waits for a person, told once
    and once more when nobody took it in time, {id, case, name, category, again}.
    """

    kind: Kind
    told: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """What is seen of all cases at one look. Nothing in it is about any customer."""

    queue: str  # changes when any case does
    waiting: int  # that nobody has
    held: Mapping[str, int]  # by colleague
    heard: Mapping[int, tuple[str, int]]  # of cases that somebody has: who, and the number of the newest message


class LookoutLedger(Protocol):
    """What the lookout needs of the record."""

    async def pulse(self, *, now: datetime) -> Pulse:
        """How all cases stand."""
        ...

    async def handoffs(self, *, first: datetime, again: tuple[datetime, datetime], now: datetime) -> Sequence[Due]:
        """The cases that nobody has: handed off after `first`, or between the two moments of `again`; bounded."""
        ...

    async def case_state(self, case: int) -> str:
        """A text that changes when something is said or done in a case. Raises NoSuchCase."""
        ...

    async def queued(self, cases: Sequence[int], *, now: datetime) -> Sequence[Queued]:
        """Cases as the queue shows them."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sight:
    """What was seen at one look."""

    number: int
    pulse: Pulse
    handoffs: Mapping[str, Due]
    states: Mapping[int, str]  # of the cases that are looked at


@dataclass(kw_only=True)
class Lookout:
    """`every`: seconds between one look and the next."""

    ledger: LookoutLedger
    hours: Hours
    patience: timedelta
    now: Callable[[], datetime]
    every: float = 1.0
    _pages: list["OpenPage"] = field(default_factory=list)
    _sight: _Sight | None = None
    _looking: asyncio.Task[None] | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def is_full(self, who: str) -> bool:
        """Whether a colleague has as many pages open as are told."""
        return sum(page.who == who for page in self._pages) >= MOST_PAGES

    @contextmanager
    def page(self, who: str, case: int | None) -> Iterator["OpenPage"]:
        """A page that is told until the block is left; `case` is the one that it shows."""
        page = OpenPage(lookout=self, who=who, case=case)
        self._pages.append(page)
        if self._looking is None:
            self._sight = None
            self._looking = asyncio.create_task(self._keep())
        try:
            yield page
        finally:
            self._pages.remove(page)
            if not self._pages:
                self._looking.cancel()
                self._looking = None

    async def _keep(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                log.exception("open pages of the console could not be told what is new; it is tried again")
            await asyncio.sleep(self.every)

    async def _look(self) -> None:
        now, before = self.now(), self._sight
        seen = _Sight(
            number=before.number + 1 if before else 1,
            pulse=await self.ledger.pulse(now=now),
            handoffs={_name(due): due for due in await self._handoffs(now)},
            states={case: await self._state(case) for case in {page.case for page in self._pages if page.case}},
        )
        async with self._news:
            self._sight = seen
            self._news.notify_all()

    async def _handoffs(self, now: datetime) -> Sequence[Due]:
        again = self.hours.open_before(now - _LATELY, self.patience), self.hours.open_before(now, self.patience)
        return await self.ledger.handoffs(first=now - _LATELY, again=again, now=now)

    async def _state(self, case: int) -> str:
        with suppress(NoSuchCase):
            return await self.ledger.case_state(case)
        return ""

    async def after(self, number: int) -> _Sight:
        """The next sight after one."""
        async with self._news:
            while (seen := self._sight) is None or seen.number <= number:
                await self._news.wait()
        return seen

    async def introduced(self, name: str, due: Due, who: str) -> News | None:
        """A handoff as a colleague is told of it; what they are told of its customer is noted as read."""
        found = await self.ledger.queued([due.case], now=self.now())
        if not found:
            return None
        one = found[0]
        reading = Reading(handle=one.case.handle, rows=[f"case:{due.case}"])
        await self.ledger.note_reading(who, [reading], now=self.now())
        called = (first_name(one.name) if one.vouched else "") or _SOMEBODY
        told = {"id": name, "case": due.case, "name": called, "category": one.category, "again": due.nth > 1}
        return News(kind="handoff", told=told)


@dataclass(kw_only=True)
class OpenPage:
    """A page of the console, and what it was told so far."""

    lookout: Lookout
    who: str
    case: int | None
    _last: _Sight | None = None
    _told: set[str] = field(default_factory=set)

    async def news(self, within: float) -> Sequence[News]:
        """What is new to the page; nothing when so many seconds pass without news."""
        try:
            async with asyncio.timeout(within):
                while True:
                    seen = await self.lookout.after(self._last.number if self._last else 0)
                    news = [*self._changes(seen)]
                    due = [(name, one) for name, one in seen.handoffs.items() if name not in self._told]
                    self._last = seen
                    if news or due:
                        break
        except TimeoutError:
            return []
        for name, one in due:
            self._told.add(name)
            introduced = await self.lookout.introduced(name, one, self.who)
            news += [introduced] if introduced else []
        return news

    def _changes(self, seen: _Sight) -> Iterator[News]:
        last, now = self._last, seen.pulse
        if last is None or last.pulse.queue != now.queue:
            yield News(kind="queue", told={"waiting": now.waiting, "mine": now.held.get(self.who, 0)})
        state = seen.states.get(self.case or 0)
        if state is not None and (last is None or last.states.get(self.case or 0) != state):
            yield News(kind="case", told={"case": self.case, "state": state})
        for case, (holder, newest) in now.heard.items() if last else ():
            before = last.pulse.heard.get(case) if last else None
            if holder == self.who and before is not None and newest > before[1]:
                yield News(kind="message", told={"case": case})


def _name(due: Due) -> str:
    """The same for every page, and for as long as the case waits."""
    return f"{due.case}-{int(due.handed_off_at.timestamp())}-{due.nth}"
