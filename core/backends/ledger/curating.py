"""The playbook as leads look after it: every pattern with what is on record about it, and what they change."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, union, update

from core.backends.ledger import auditing, people, playbook
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import cases, pattern_edits, pattern_votes, turns
from core.backends.ledger.schema import patterns as table
from core.curating import PAGE, Edit, Entry, NoSuchPattern, Use
from core.desk import Refused
from core.memory import Lesson, Vote
from core.playbook import Draft, state_of
from core.writing import Pattern


# ── what there is ──
def entries(tx: Connection, enough: int, now: datetime) -> list[Entry]:
    """Every pattern, the oldest first."""
    offered = _offered(tx)
    votes: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for vote in tx.execute(select(pattern_votes)):
        votes[vote.pattern_id].append(vote)
    helped = {vote.handle_id for cast in votes.values() for vote in cast if vote.helpful}
    customers = people.customers_of(tx, sorted(helped), now)
    rows = tx.execute(select(table).order_by(table.c.id)).all()
    found = []
    for row in rows:
        cast = votes[row.id]
        whom = {customers.of(node_of(vote.handle_id)) for vote in cast if vote.helpful}
        found.append(_entry(row, cast, len(whom), offered.get(row.id, 0), enough))
    return found


def _offered(tx: Connection) -> dict[int, int]:
    """In how many cases each pattern was told of."""
    counted = select(turns.c.pattern_id, func.count(turns.c.case_id.distinct())).where(turns.c.pattern_id.is_not(None))
    return {row[0]: row[1] for row in tx.execute(counted.group_by(turns.c.pattern_id))}


def _entry(row: Row[Any], cast: Sequence[Row[Any]], customers: int, offered: int, enough: int) -> Entry:
    pattern = Pattern(
        id=row.id,
        category=row.category,
        issue=row.issue,
        resolution=row.resolution,
        helped=sum(vote.helpful for vote in cast),
        votes=len(cast),
        customers=customers,
        by_human=bool(row.confirmed_by),
        approved=bool(row.approved_by),
        retired=row.retired_at is not None,
    )
    return Entry(
        pattern=pattern,
        state=state_of(pattern, enough),
        case=row.case_id,
        made_at=row.made_at,
        confirmed_by=row.confirmed_by,
        approved_by=row.approved_by,
        retired_by=row.retired_by,
        merged_into=row.merged_into,
        offered=offered,
    )


def uses(tx: Connection, pattern: int, page: int) -> list[Use]:
    """One page of the cases in which a pattern was offered or that voted on it, newest first; one more than a page."""
    _row(tx, pattern)
    in_turns = select(turns.c.case_id).where(turns.c.pattern_id == pattern, turns.c.case_id.is_not(None))
    voting = select(pattern_votes.c.case_id).where(pattern_votes.c.pattern_id == pattern)
    theirs = cases.c.id.in_(union(in_turns, voting).subquery().select())
    shown = select(cases).where(theirs).order_by(cases.c.updated_at.desc(), cases.c.id.desc())
    found = tx.execute(shown.limit(PAGE + 1).offset((page - 1) * PAGE)).all()
    offered = set(tx.execute(in_turns).scalars())
    said = {row.case_id: row.helpful for row in tx.execute(_votes_on(pattern))}
    return [
        Use(
            case=row.id,
            at=row.updated_at,
            offered=row.id in offered,
            helpful=said.get(row.id),
            status=row.status,
            satisfaction=row.satisfaction,
        )
        for row in found
    ]


def _votes_on(pattern: int) -> Select[Any]:
    return select(pattern_votes).where(pattern_votes.c.pattern_id == pattern)


def edits(tx: Connection, pattern: int) -> list[Edit]:
    """How a pattern was worded before, newest first."""
    before = select(pattern_edits).where(pattern_edits.c.pattern_id == pattern).order_by(pattern_edits.c.id.desc())
    return [
        Edit(at=row.at, by=row.changed_by, category=row.category, issue=row.issue, resolution=row.resolution)
        for row in tx.execute(before)
    ]


# ── what leads do ──
def approve(tx: Connection, pattern: int, by: str, approved: bool, now: datetime) -> None:
    """Says whether customers may be told of it."""
    row = _used(tx, pattern)
    if bool(row.approved_by) == approved:
        raise Refused(f"Nothing was changed: {row.approved_by} has approved it." if approved else "Nobody approved it.")
    _change(tx, pattern, approved_by=by if approved else "")
    auditing.note(tx, by, "approve a pattern" if approved else "withdraw an approval", f"pattern {pattern}", now)


def retire(tx: Connection, pattern: int, by: str, now: datetime) -> None:
    """Nobody is told of it any more."""
    _used(tx, pattern)
    _change(tx, pattern, retired_by=by, retired_at=now)
    auditing.note(tx, by, "retire a pattern", f"pattern {pattern}", now)


def bring_back(tx: Connection, pattern: int, by: str, now: datetime) -> tuple[Lesson, list[Vote]]:
    """A retired one is used again."""
    row = _row(tx, pattern)
    if row.merged_into is not None:
        raise Refused(f"Nothing was changed: it was merged into pattern {row.merged_into}, which has its votes.")
    if row.retired_at is None:
        raise Refused("Nothing was changed: it is not retired.")
    _change(tx, pattern, retired_by="", retired_at=None)
    auditing.note(tx, by, "bring back a pattern", f"pattern {pattern}", now)
    return playbook.lesson_of(row), playbook.votes(tx, pattern)


def edit(tx: Connection, pattern: int, draft: Draft, by: str, now: datetime) -> Lesson:
    """Words it anew and keeps how it was. What a lead worded stays approved, by this one."""
    row = _used(tx, pattern)
    new = {"category": draft.category, "issue": draft.issue, "resolution": draft.resolution}
    if new == {name: getattr(row, name) for name in new}:
        raise Refused("Nothing was changed: it reads the same.")
    before = {name: getattr(row, name) for name in new}
    kept = {"pattern_id": pattern, "case_id": row.case_id, "changed_by": by, "at": now}
    tx.execute(insert(pattern_edits).values(**before, **kept))
    _change(tx, pattern, **new, approved_by=by if row.approved_by else "")
    auditing.note(tx, by, "edit a pattern", f"pattern {pattern}", now)
    return draft.lesson(pattern)


def merge(tx: Connection, pattern: int, into: int, by: str, now: datetime) -> list[Vote]:
    """Retires one for another, which gets its votes and its uses."""
    if pattern == into:
        raise Refused("Nothing was changed: that is the same pattern.")
    _used(tx, pattern)
    _used(tx, into)
    there = {vote.case_id: vote for vote in tx.execute(_votes_on(into))}
    for vote in tx.execute(_votes_on(pattern)).all():
        other = there.get(vote.case_id)
        if other is None or other.at < vote.at:
            playbook.vote(tx, into, vote.case_id, helpful=vote.helpful, now=vote.at)
    tx.execute(pattern_votes.delete().where(pattern_votes.c.pattern_id == pattern))
    tx.execute(update(turns).where(turns.c.pattern_id == pattern).values(pattern_id=into))
    tx.execute(update(table).where(table.c.merged_into == pattern).values(merged_into=into))
    _change(tx, pattern, retired_by=by, retired_at=now, merged_into=into)
    auditing.note(tx, by, "merge patterns", f"pattern {pattern} into {into}", now)
    return playbook.votes(tx, into)


def _change(tx: Connection, pattern: int, **values: object) -> None:
    tx.execute(update(table).where(table.c.id == pattern).values(**values))


def _row(tx: Connection, pattern: int) -> Row[Any]:
    row = tx.execute(select(table).where(table.c.id == pattern)).one_or_none()
    if row is None:
        raise NoSuchPattern(f"there is no pattern {pattern}")
    return row


def _used(tx: Connection, pattern: int) -> Row[Any]:
    """The row of one that is not retired."""
    row = _row(tx, pattern)
    if row.retired_at is not None:
        raise Refused(f"Nothing was changed: pattern {pattern} is retired.")
    return row
