"""The playbook's rules: what is the same resolution, and what may be offered to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.knowledge import terms
from core.memory import Lesson, Memory, Note, PatternHit, Vote
from core.writing import Category, Pattern

SAME = 0.65  # of the words of two resolutions, shared; see tests/test_playbook.py for what it was measured on
_FAIR = 2  # votes after which a pattern that did not help is no longer offered
_LOOKED_AT = 10  # patterns for such an issue


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What may be learnt of a case, redacted."""

    category: Category
    issue: str
    resolution: str

    def lesson(self, row: int) -> Lesson:
        """As it stands on record."""
        return Lesson(row=row, category=self.category, issue=self.issue, resolution=self.resolution)


@dataclass(frozen=True, kw_only=True, slots=True)
class Learnt:
    """What the record took, for memory to follow."""

    lessons: Sequence[Lesson] = ()
    votes: Sequence[Vote] = ()
    notes: Sequence[Note] = ()  # of what a closed case comes to
    superseded: Sequence[Note] = ()  # and what this stands for


class State(StrEnum):
    """How a pattern stands."""

    LEARNING = "learning"  # colleagues see it; customers do not yet
    OFFERED = "offered to customers"  # since it helped enough of them
    APPROVED = "approved"  # by a lead, for customers
    FAILING = "failing"  # it did not help: colleagues see it last, customers not at all
    RETIRED = "retired"  # by a lead: nobody sees it


class PatternLedger(Protocol):
    """Where patterns are on record."""

    async def patterns(self, hits: Sequence[PatternHit], *, now: datetime, enough: int = 0) -> Sequence[Pattern]:
        """The patterns that memory points at, in its order."""
        ...


def overlap(one: str, other: str) -> float:
    """How many words of meaning two texts share, from 0 to 1."""
    first, second = set(terms(one)), set(terms(other))
    both = len(first) + len(second)
    return 2 * len(first & second) / both if both else 0.0


def says_the_same(one: str, other: str) -> bool:
    """Whether two resolutions are one in other words."""
    return one.strip() == other.strip() or overlap(one, other) >= SAME


def may_be_offered(pattern: Pattern, customers: int) -> bool:
    """Whether customers may be told of it with no human in between: a lead approved it, or it helped so many of them.

    What we did ourselves is worded for staff, so it needs a lead. What failed, or was retired, is offered to nobody.
    """
    return state_of(pattern, customers) in {State.APPROVED, State.OFFERED}


def state_of(pattern: Pattern, customers: int) -> State:
    """How a pattern stands, if it takes so many customers whom it helped."""
    if pattern.retired:
        return State.RETIRED
    if pattern.votes >= _FAIR and pattern.effectiveness <= 0:
        return State.FAILING
    if pattern.approved:
        return State.APPROVED
    helped = pattern.by_human and pattern.customers >= customers
    return State.OFFERED if helped else State.LEARNING


async def on_record(draft: Draft, memory: Memory, ledger: PatternLedger, *, now: datetime) -> int | None:
    """The pattern that says the same for such an issue, if there is one."""
    hits = await memory.suggest(draft.issue, draft.category, limit=_LOOKED_AT)
    found = await ledger.patterns(hits, now=now)
    return next((p.id for p in found if says_the_same(p.resolution, draft.resolution)), None)


async def tell(memory: Memory, learnt: Learnt) -> None:
    """Lets memory follow the record."""
    await memory.retract(learnt.superseded)
    await memory.remember(learnt.notes)
    for lesson in learnt.lessons:
        await memory.learn(lesson)
    await memory.vote(learnt.votes)
