"""Looking after the playbook: what leads approve, word anew, retire, bring back and merge, and where it was used.

The record decides what is offered; memory follows it. A memory that is away costs nothing but a worse ranking: what it
still points at is left out by the record, and `memory rebuild` brings it abreast.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, get_args

from core.casefile import CaseFile, Reading, redact
from core.desk import Refused
from core.errors import Problem
from core.memory import Lesson, Memory, Vote
from core.playbook import Draft, State, overlap
from core.queueing import Queued, QueueLedger
from core.writing import Category, Pattern

log = logging.getLogger(__name__)

PAGE = 50  # patterns, or cases of one
LONGEST = 2_000  # characters of a text
_ALIKE = 0.3  # of the words of two resolutions, shared: such are proposed for merging
_PROPOSED = 8
_READER = "bot"
_PATIENCE = 5.0  # seconds for memory to follow


class NoSuchPattern(Problem):
    """There is no pattern of this number."""


class Order(StrEnum):
    """What stands first in the playbook."""

    NEWEST = "newest"
    VOTES = "votes"
    EFFECTIVENESS = "effectiveness"
    CUSTOMERS = "customers"
    OFFERED = "offered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A pattern with what is on record about it. `offered` is in how many cases the bot told of it."""

    pattern: Pattern
    state: State
    case: int  # that it was learnt from
    made_at: datetime
    confirmed_by: str
    approved_by: str
    retired_by: str
    merged_into: int | None
    offered: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A case in which a pattern was offered, or that voted on it. `helpful` is its vote, None where it gave none."""

    case: int
    at: datetime
    offered: bool
    helpful: bool | None
    status: str
    satisfaction: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """How a pattern was worded until somebody changed it."""

    at: datetime
    by: str
    category: str
    issue: str
    resolution: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of the playbook is to be seen, and in which order; "" leaves everything in."""

    state: State | None = None
    category: str = ""
    text: str = ""
    order: Order = Order.NEWEST
    page: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """One pattern with everything about it. `alike` are others that may say the same; `shown` the cases of `uses`."""

    entry: Entry
    uses: Sequence[Use]
    following: bool
    edits: Sequence[Edit]
    alike: Sequence[Entry]
    shown: dict[int, Queued]


class CuratingLedger(QueueLedger, Protocol):
    """What looking after the playbook needs of the record. Every deed is audited; one on no pattern raises
    NoSuchPattern, and one that cannot be done raises Refused."""

    async def playbook(self, *, enough: int, now: datetime) -> Sequence[Entry]:
        """Every pattern. `enough`: so many customers whom one helped make it offered."""
        ...

    async def uses_of_pattern(self, pattern: int, *, page: int) -> Sequence[Use]:
        """One page of the cases in which it was offered, or that voted on it, newest first; one more than a page."""
        ...

    async def edits_of_pattern(self, pattern: int) -> Sequence[Edit]:
        """How it was worded before, newest first."""
        ...

    async def approve_pattern(self, pattern: int, *, by: str, approved: bool, now: datetime) -> None:
        """Says whether customers may be told of it with no human in between."""
        ...

    async def retire_pattern(self, pattern: int, *, by: str, now: datetime) -> None:
        """Nobody is told of it any more."""
        ...

    async def bring_back_pattern(self, pattern: int, *, by: str, now: datetime) -> tuple[Lesson, Sequence[Vote]]:
        """A retired one is used again: what memory is to learn."""
        ...

    async def edit_pattern(self, pattern: int, draft: Draft, *, by: str, now: datetime) -> Lesson:
        """Words it anew and keeps how it was: what memory is to learn."""
        ...

    async def merge_patterns(self, pattern: int, into: int, *, by: str, now: datetime) -> Sequence[Vote]:
        """Retires one for another, which gets its votes, one a case, the newer: all votes of the other one."""
        ...

    async def case_file(self, case: int, *, reachable: Collection[str], now: datetime) -> CaseFile:
        """A case, read by staff's permit. Raises NoSuchCase."""
        ...


@dataclass(frozen=True, kw_only=True)
class Curating:
    """What colleagues see of the playbook, and what leads do with it. `enough` is the house's pattern_customers."""

    ledger: CuratingLedger
    memory: Memory
    enough: int
    now: Callable[[], datetime]

    async def listed(self, wanted: Wanted) -> tuple[Sequence[Entry], int]:
        """One page of the patterns that are wanted, and how many there are."""
        every = await self.ledger.playbook(enough=self.enough, now=self.now())
        found = sorted(filter(lambda entry: _fits(entry, wanted), every), key=_ORDERS[wanted.order], reverse=True)
        begin = (wanted.page - 1) * PAGE
        return found[begin : begin + PAGE], len(found)

    async def open(self, pattern: int, reader: str, page: int = 1) -> Opened:
        """One pattern; the cases that are shown of it are noted as read. Raises NoSuchPattern."""
        every = await self.ledger.playbook(enough=self.enough, now=self.now())
        entry = _the_one(every, pattern)
        uses = await self.ledger.uses_of_pattern(pattern, page=page)
        shown = await self.ledger.queued([use.case for use in uses[:PAGE]], now=self.now())
        readings = [Reading(handle=one.case.handle, rows=[f"case:{one.case.id}"]) for one in shown]
        await self.ledger.note_reading(reader, readings, now=self.now())
        return Opened(
            entry=entry,
            uses=uses[:PAGE],
            following=len(uses) > PAGE,
            edits=await self.ledger.edits_of_pattern(pattern),
            alike=_alike(entry, every),
            shown={one.case.id: one for one in shown},
        )

    async def approve(self, pattern: int, by: str) -> None:
        """Customers may be told of it from now on, unless it fails. Raises NoSuchPattern or Refused."""
        await self.ledger.approve_pattern(pattern, by=by, approved=True, now=self.now())

    async def withdraw(self, pattern: int, by: str) -> None:
        """It needs as many customers as any other again. Raises NoSuchPattern or Refused."""
        await self.ledger.approve_pattern(pattern, by=by, approved=False, now=self.now())

    async def retire(self, pattern: int, by: str) -> None:
        """Nobody is told of it any more. Raises NoSuchPattern or Refused."""
        await self.ledger.retire_pattern(pattern, by=by, now=self.now())
        await self._follow(unlearnt=[pattern])

    async def bring_back(self, pattern: int, by: str) -> None:
        """It is used again as if it had never been retired. Raises NoSuchPattern or Refused."""
        lesson, votes = await self.ledger.bring_back_pattern(pattern, by=by, now=self.now())
        await self._follow(lesson=lesson, votes=votes)

    async def edit(self, pattern: int, draft: Draft, by: str) -> None:
        """Words it anew, without what is known of the customer whose case it was learnt from. Raises NoSuchPattern or
        Refused."""
        every = await self.ledger.playbook(enough=self.enough, now=self.now())
        source = _the_one(every, pattern).case
        file = await self.ledger.case_file(source, reachable=(), now=self.now())
        await self.ledger.note_reading(_READER, [file.reading], now=self.now())
        kept = replace(draft, issue=_plain(draft.issue, file), resolution=_plain(draft.resolution, file))
        await self._follow(lesson=await self.ledger.edit_pattern(pattern, kept, by=by, now=self.now()))

    async def merge(self, pattern: int, into: int, by: str) -> None:
        """Two that say the same become the second one. Raises NoSuchPattern or Refused."""
        votes = await self.ledger.merge_patterns(pattern, into, by=by, now=self.now())
        await self._follow(unlearnt=[pattern], votes=votes)

    async def _follow(
        self, *, lesson: Lesson | None = None, votes: Sequence[Vote] = (), unlearnt: Sequence[int] = ()
    ) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.memory.unlearn(unlearnt)
                if lesson is not None:
                    await self.memory.learn(lesson)
                await self.memory.vote(votes)
        except Exception as error:  # noqa: BLE001 - the record has it; `memory rebuild` brings memory abreast
            log.warning("memory did not follow the playbook: %s", type(error).__name__)


def draft_of(category: str, issue: str, resolution: str) -> Draft:
    """What somebody typed. Raises Refused."""
    known = next((one for one in get_args(Category) if one == category), None)
    if known is None:
        raise Refused("Nothing was changed: there is no such category.")
    for name, text in (("issue", issue), ("resolution", resolution)):
        if not text.strip():
            raise Refused(f"Nothing was changed: the {name} is empty.")
        if len(text) > LONGEST:
            raise Refused(
                f"Nothing was changed: the {name} has {len(text):,} characters; at most {LONGEST:,} are kept."
            )
    return Draft(category=known, issue=issue.strip(), resolution=resolution.strip())


def _plain(text: str, file: CaseFile) -> str:
    return redact(text, file).strip()


def _the_one(every: Sequence[Entry], pattern: int) -> Entry:
    found = next((entry for entry in every if entry.pattern.id == pattern), None)
    if found is None:
        raise NoSuchPattern(f"there is no pattern {pattern}")
    return found


def _fits(entry: Entry, wanted: Wanted) -> bool:
    pattern, text = entry.pattern, wanted.text.casefold()
    if wanted.state not in (None, entry.state) or wanted.category not in ("", pattern.category):
        return False
    return text in f"{pattern.issue}\n{pattern.resolution}".casefold()


def _alike(entry: Entry, every: Sequence[Entry]) -> list[Entry]:
    """Others of the same kind that are not retired, those that share most words first."""

    def shared(other: Entry) -> float:
        return overlap(entry.pattern.resolution, other.pattern.resolution)

    others = [one for one in every if one.pattern.id != entry.pattern.id and one.state is not State.RETIRED]
    near = [one for one in others if one.pattern.category == entry.pattern.category and shared(one) >= _ALIKE]
    return sorted(near, key=shared, reverse=True)[:_PROPOSED]


_ORDERS: dict[Order, Callable[[Entry], tuple[float, int]]] = {
    Order.NEWEST: lambda entry: (entry.made_at.timestamp(), entry.pattern.id),
    Order.VOTES: lambda entry: (entry.pattern.votes, entry.pattern.id),
    Order.EFFECTIVENESS: lambda entry: (entry.pattern.effectiveness, entry.pattern.id),
    Order.CUSTOMERS: lambda entry: (entry.pattern.customers, entry.pattern.id),
    Order.OFFERED: lambda entry: (entry.offered, entry.pattern.id),
}
