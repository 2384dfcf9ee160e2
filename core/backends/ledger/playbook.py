"""Patterns: what worked for an issue, redacted, and what each case says of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from core.backends.ledger import people
from core.backends.ledger.dialects import listed, upsert
from core.backends.ledger.people import node_of
from core.backends.ledger.prepared import Prepared
from core.backends.ledger.schema import cases, pattern_votes, turns
from core.backends.ledger.schema import patterns as table
from core.memory import Lesson, PatternHit, Vote
from core.playbook import Draft, Learnt, says_the_same
from core.writing import Pattern
from identity import partition


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tally:
    helped: int
    votes: int


# ── what is offered ──
# Statements of a turn are built once: building one takes as long as running it.
_POINTED_AT = listed("patterns")
_PATTERNS = select(table).where(table.c.id.in_(_POINTED_AT), table.c.retired_at.is_(None))
_TALLIES = (
    select(
        pattern_votes.c.pattern_id,
        func.count().filter(pattern_votes.c.helpful).label("helped"),
        func.count().label("votes"),
    )
    .where(pattern_votes.c.pattern_id.in_(_POINTED_AT))
    .group_by(pattern_votes.c.pattern_id)
)
_HELPED = (
    select(pattern_votes.c.handle_id)
    .where(pattern_votes.c.pattern_id == bindparam("pattern"), pattern_votes.c.helpful)
    .order_by(pattern_votes.c.at.desc())
    .limit(bindparam("most"))
)


def patterns(tx: Connection, hits: Sequence[PatternHit], now: datetime, enough: int) -> list[Pattern]:
    """The patterns that memory points at, in its order."""
    ids = [hit.row for hit in hits]
    rows = {row.id: row for row in tx.execute(_PATTERNS, {"patterns": ids}).all()}
    tallies = _tallies(tx, ids)
    customers = {row: _customers(tx, row, now, enough) if enough else 0 for row in rows}
    return [_pattern(rows[row], tallies.get(row), customers[row]) for row in ids if row in rows]


def _pattern(row: Row[Any], tally: _Tally | None, customers: int) -> Pattern:
    return Pattern(
        id=row.id,
        category=row.category,
        issue=row.issue,
        resolution=row.resolution,
        helped=tally.helped if tally else 0,
        votes=tally.votes if tally else 0,
        customers=customers,
        by_human=bool(row.confirmed_by),
        approved=bool(row.approved_by),
        retired=row.retired_at is not None,
    )


def _tallies(tx: Connection, ids: Sequence[int]) -> dict[int, _Tally]:
    counted = tx.execute(_TALLIES, {"patterns": ids}).all()
    return {row.pattern_id: _Tally(helped=row.helped, votes=row.votes) for row in counted}


def _customers(tx: Connection, pattern: int, now: datetime, enough: int) -> int:
    """How many different customers a pattern helped, among the newest: several handles may be one person."""
    helped = set(tx.execute(_HELPED, {"pattern": pattern, "most": 2 * enough}).scalars())
    if len(helped) < enough:
        return len(helped)
    around = people.evidence_around(tx, sorted(map(node_of, helped)), now)
    return len({partition.customer(node_of(handle), around) for handle in helped})


# ── what is learnt ──
def learn(tx: Connection, case: int, draft: Draft, *, same_as: int | None, confirmed_by: str, now: datetime) -> Learnt:
    """A case votes for the pattern that says the same, else for a new one; `confirmed_by` is "" for a rating. What a
    lead retired is not learnt again; for what was merged into another, the case votes for that one."""
    retired = None if same_as is not None else _retired_alike(tx, draft)
    same_as = retired.merged_into if retired is not None else same_as
    if same_as is not None:
        return Learnt(votes=[vote(tx, same_as, case, helpful=True, now=now)])
    if retired is not None:
        return Learnt()
    new = {"category": draft.category, "issue": draft.issue, "resolution": draft.resolution}
    learnt = insert(table).values(case_id=case, confirmed_by=confirmed_by, made_at=now, **new).returning(table.c.id)
    row = int(tx.execute(learnt).scalar_one())
    return Learnt(lessons=[draft.lesson(row)], votes=[vote(tx, row, case, helpful=True, now=now)])


def _retired_alike(tx: Connection, draft: Draft) -> Row[Any] | None:
    """The retired pattern of the same kind that says the same, if there is one."""
    retired = table.c.category == draft.category, table.c.retired_at.is_not(None)
    rows = tx.execute(select(table).where(*retired).order_by(table.c.id.desc()))
    return next((row for row in rows if says_the_same(row.resolution, draft.resolution)), None)


def vote(tx: Connection, row: int, case: int, *, helpful: bool, now: datetime) -> Vote:
    """Writes down what a case says of a pattern, in place of what it said before."""
    handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == case)).scalar_one()
    said = {"handle_id": handle, "helpful": helpful, "at": now}
    values = upsert(tx, pattern_votes).values(pattern_id=row, case_id=case, **said)
    tx.execute(values.on_conflict_do_update(index_elements=["pattern_id", "case_id"], set_=said))
    return Vote(row=row, case=case, handle=handle, helpful=helpful)


def failed(tx: Connection, case: int, now: datetime) -> list[Vote]:
    """What was offered in a case did not help."""
    return _all(tx, _offered(tx, case), case, helpful=False, now=now)


def rated(tx: Connection, case: int, score: int, *, pleased: int, displeased: int, now: datetime) -> list[Vote]:
    """A customer's verdict on what was offered to them; a bad one also on what was learnt of their case."""
    voted = set(tx.execute(select(pattern_votes.c.pattern_id).where(pattern_votes.c.case_id == case)).scalars())
    offered = _offered(tx, case)
    if score <= displeased:
        return _all(tx, offered | voted, case, helpful=False, now=now)
    if score >= pleased:  # what did not help before a human did, did not help
        return _all(tx, offered - voted, case, helpful=True, now=now)
    return []


def taken_back(tx: Connection, case: int, now: datetime) -> list[Vote]:
    """A case is not closed after all: nothing that it spoke well of has helped yet."""
    spoke_well = pattern_votes.c.case_id == case, pattern_votes.c.helpful
    rows = tx.execute(select(pattern_votes.c.pattern_id).where(*spoke_well)).scalars().all()
    return _all(tx, rows, case, helpful=False, now=now)


_OFFERED = Prepared(
    select(turns.c.pattern_id).where(turns.c.case_id == bindparam("case"), turns.c.pattern_id.in_(select(table.c.id)))
)


def _offered(tx: Connection, case: int) -> set[int]:
    return {row.pattern_id for row in _OFFERED.all(tx, case=case)}


def _all(tx: Connection, rows: Iterable[int], case: int, *, helpful: bool, now: datetime) -> list[Vote]:
    return [vote(tx, row, case, helpful=helpful, now=now) for row in sorted(rows)]


def article(tx: Connection, case: int) -> str:
    """The title of the article that was last cited in a case, or ""."""
    cited = select(turns.c.article).where(turns.c.case_id == case, turns.c.article != "")
    return str(tx.execute(cited.order_by(turns.c.id.desc()).limit(1)).scalar() or "")


# ── for a rebuild of memory ──
def lessons(tx: Connection) -> list[Lesson]:
    """Every pattern on record but the retired ones."""
    return [
        lesson_of(row) for row in tx.execute(select(table).where(table.c.retired_at.is_(None)).order_by(table.c.id))
    ]


def lesson_of(row: Row[Any]) -> Lesson:
    """A pattern as memory keeps it."""
    return Lesson(row=row.id, category=row.category, issue=row.issue, resolution=row.resolution)


def votes(tx: Connection, pattern: int | None = None) -> list[Vote]:
    """Every vote on record, or those on one pattern."""
    cast_votes = select(pattern_votes).order_by(pattern_votes.c.id)
    wanted = cast_votes if pattern is None else cast_votes.where(pattern_votes.c.pattern_id == pattern)
    return [vote_of(row) for row in tx.execute(wanted)]


def vote_of(row: Row[Any]) -> Vote:
    """A vote as memory counts it."""
    return Vote(row=row.pattern_id, case=row.case_id, handle=row.handle_id, helpful=row.helpful)
