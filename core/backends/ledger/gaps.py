"""Questions that found no answer, what became of them, and the articles that were cited."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, cast, func, insert, or_, select

from core.backends.ledger import auditing, insights, people
from core.backends.ledger.dialects import listed
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import case_steps, cases, gap_marks, messages, turns
from core.gaps import Cited, Mark, Question
from core.ledger import UNANSWERED, UNHELPED

_ASKS = ("?", "？", "؟")
_OF_ONE_ALONE = frozenset({"charge", "delivery", "damaged", "complaint"})  # told, not asked: no article settles these
_CASES = listed("cases")


def _flagged(flag: str) -> ColumnElement[bool]:
    return cast(turns.c.flags, Text).contains(f'"{flag}"')


def unanswered(tx: Connection, since: datetime, most: int, now: datetime) -> list[Question]:
    """The newest questions since a moment that went to a person with nothing offered, newest first."""
    found = turns.c.settled_at >= since, turns.c.case_id.is_not(None), or_(_flagged(UNANSWERED), _flagged(UNHELPED))
    marked = select(turns, gap_marks.c.mark, gap_marks.c.marked_by, gap_marks.c.at.label("marked_at"))
    joined = marked.join(gap_marks, gap_marks.c.turn_id == turns.c.id, isouter=True).where(*found)
    rows = tx.execute(joined.order_by(turns.c.settled_at.desc(), turns.c.id.desc()).limit(most)).all()
    ids = sorted({row.case_id for row in rows})
    said, offered, kinds = _said(tx, ids), _offered(tx, ids), insights.categories(tx, ids)
    customers = people.customers_of(tx, sorted({row.handle_id for row in rows}), now)
    questions = []
    for row in rows:
        text = _text(row, said[row.case_id], offered.get(row.case_id))
        if text and (kinds.get(row.case_id) not in _OF_ONE_ALONE or _asks(text)):
            questions.append(_question(row, text, customers.of(node_of(row.handle_id))))
    return questions


def _question(row: Row[Any], text: str, customer: str) -> Question:
    return Question(
        turn=row.id,
        case=row.case_id,
        customer=customer,
        text=text,
        at=row.settled_at,
        mark=Mark(row.mark) if row.mark else None,
        marked_by=row.marked_by or "",
        marked_at=row.marked_at,
    )


def _said(tx: Connection, ids: Sequence[int]) -> dict[int, list[tuple[datetime, str]]]:
    """What was said in cases and when, oldest first."""
    found: defaultdict[int, list[tuple[datetime, str]]] = defaultdict(list)
    told = select(messages.c.case_id, messages.c.received_at, messages.c.text).where(messages.c.case_id.in_(_CASES))
    for row in tx.execute(told.order_by(messages.c.received_at, messages.c.id), {"cases": ids}):
        if row.case_id is not None and row.text.strip():
            found[row.case_id].append((row.received_at, row.text))
    return found


def _offered(tx: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """When something of the playbook or the knowledge was first offered in cases."""
    offering = or_(turns.c.article != "", turns.c.pattern_id.is_not(None))
    first = select(turns.c.case_id, func.min(turns.c.settled_at)).where(turns.c.case_id.in_(_CASES), offering)
    return {row[0]: row[1] for row in tx.execute(first.group_by(turns.c.case_id), {"cases": ids})}


def _text(turn: Row[Any], said: Sequence[tuple[datetime, str]], offered: datetime | None) -> str:
    """What was asked: the newest words where the bot had no answer; where a person was wanted the case's first
    question, if nothing was offered before."""
    before = [text for received_at, text in said if received_at < turn.settled_at]
    before = before or [text for received_at, text in said if received_at == turn.settled_at][:1]
    if UNANSWERED in turn.flags:
        return before[-1] if before else ""
    if offered is not None and offered <= turn.settled_at:
        return ""
    return next(filter(_asks, before), "")


def _asks(text: str) -> bool:
    return any(sign in text for sign in _ASKS)


def mark(tx: Connection, ids: Collection[int], said: Mark | None, by: str, now: datetime) -> int:
    """Marks those of these turns that are unanswered questions, or takes their marks back."""
    theirs = turns.c.id.in_(listed("turns")), or_(_flagged(UNANSWERED), _flagged(UNHELPED))
    known = tx.execute(select(turns.c.id).where(*theirs), {"turns": sorted(ids)}).scalars().all()
    tx.execute(gap_marks.delete().where(gap_marks.c.turn_id.in_(listed("turns"))), {"turns": list(known)})
    if known and said is not None:
        rows = [{"turn_id": turn} for turn in known]
        tx.execute(insert(gap_marks).values(mark=said, marked_by=by, at=now), rows)
    if known:
        what = f"mark questions as {said}" if said else "open questions again"
        auditing.note(tx, by, what, f"{len(known)} from turn {min(known)}", now)
    return len(known)


def citations(tx: Connection, since: datetime) -> list[Cited]:
    """Each case in which an article was cited since a moment."""
    escalated = select(case_steps.c.id).where(
        case_steps.c.case_id == turns.c.case_id, case_steps.c.status == "handed_off"
    )
    shown = select(
        turns.c.article,
        turns.c.case_id,
        func.count().label("times"),
        cases.c.status,
        cases.c.satisfaction,
        escalated.exists().label("escalated"),
    ).join(cases, cases.c.id == turns.c.case_id, isouter=True)
    cited = shown.where(turns.c.settled_at >= since, turns.c.article != "")
    by_case = cited.group_by(turns.c.article, turns.c.case_id, cases.c.status, cases.c.satisfaction)
    return [
        Cited(
            title=row.article,
            case=row.case_id,
            times=row.times,
            status=row.status or "",
            escalated=bool(row.escalated),
            satisfaction=row.satisfaction,
        )
        for row in tx.execute(by_case)
    ]
