"""What stands beside a case's file: what was attempted, promised, noted and told before, and the timeline."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from core.backends.ledger import recall, timelines
from core.backends.ledger.casefiles import newest_on, row_of, standing_of
from core.backends.ledger.schema import action_runs, facts, notes, outbox, patterns, turns
from core.casefile import Reading
from core.panel import Attempt, Line, Note, Panel, Promise, Wanted
from core.record import Fact
from identity.gate import DIRECTORY, Permit, Purpose, permit

_ATTEMPTS = 60  # of each kind
_NOTES = 20
_EARLIER = 40
_PASSING = ("mood", "urgency")  # slots whose earlier values are drawn, or mean nothing any more


def panel(tx: Connection, case: int, wanted: Wanted, now: datetime) -> Panel:
    """All of it, by staff's permit. Raises NoSuchCase."""
    allowed = permit(standing_of(tx, row_of(tx, case), now), Purpose.STAFF)
    timeline, noted = timelines.page(tx, allowed, wanted), _notes(tx, allowed, case)
    attempts = sorted(_attempts(tx, allowed, case), key=lambda attempt: attempt.at)
    earlier = _earlier(tx, allowed, case)
    return Panel(
        timeline=timeline,
        attempts=attempts,
        promises=_promises(tx, allowed, case),
        notes=noted,
        earlier=earlier,
        newest=newest_on(tx, allowed.handles),
        reading=Reading(handle=allowed.own, rows=_read(timeline.lines, noted, earlier)),
    )


def _read(lines: Sequence[Line], noted: Sequence[Note], earlier: Sequence[Fact]) -> list[str]:
    said = [f"message:{line.message}" for line in lines if line.message]
    said += [f"outbox:{line.outgoing}" for line in lines if line.outgoing]
    return said + [f"note:{note.id}" for note in noted] + [f"fact:{fact.id}" for fact in earlier]


# ── what the bot attempted ──
def _attempts(tx: Connection, allowed: Permit, case: int) -> Iterator[Attempt]:
    for kind in (_said, _acted, _offered):
        yield from allowed.admit(kind(tx, case))


def _said(tx: Connection, case: int) -> Iterator[Attempt]:
    o = outbox.c
    by_bot = select(o.created_at, o.text, o.drawn_from).where(o.case_id == case, o.sender == "bot")
    for row in tx.execute(by_bot.order_by(o.id.desc()).limit(_ATTEMPTS)):
        yield Attempt(at=row.created_at, what="said", text=row.text, drawn_from=frozenset(row.drawn_from))


def _acted(tx: Connection, case: int) -> Iterator[Attempt]:
    asked = select(action_runs).where(action_runs.c.case_id == case)
    for row in tx.execute(asked.order_by(action_runs.c.id.desc()).limit(_ATTEMPTS)):
        yield Attempt(
            at=row.begun_at,
            what="action",
            text=f"{row.action} {row.request['shown']}".strip(),
            drawn_from=frozenset((row.handle_id,)),
            outcome=row.state,
            detail=row.error or row.reference,
        )


def _offered(tx: Connection, case: int) -> Iterator[Attempt]:
    t = turns.c
    offering = select(t.settled_at, t.handle_id, t.article, patterns.c.resolution).outerjoin(
        patterns, patterns.c.id == t.pattern_id
    )
    some = offering.where(t.case_id == case, (t.article != "") | t.pattern_id.is_not(None))
    for row in tx.execute(some.order_by(t.id.desc()).limit(_ATTEMPTS)):
        whose = frozenset((row.handle_id,))
        if row.article:
            yield Attempt(at=row.settled_at, what="article", text=row.article, drawn_from=whose)
        if row.resolution:
            yield Attempt(at=row.settled_at, what="pattern", text=row.resolution, drawn_from=whose)


# ── what was promised, noted, and told before ──
def _promises(tx: Connection, allowed: Permit, case: int) -> list[Promise]:
    """What colleagues promised, and who of them: it was noted at the moment of their reply."""
    of_case = facts.c.handle_id.in_(allowed.handles), facts.c.case_id == case
    told = select(facts).where(*of_case, facts.c.slot == "promised", facts.c.superseded_at.is_(None))
    found = allowed.admit([recall.fact_of(row) for row in tx.execute(told.order_by(facts.c.told_at, facts.c.id))])
    replies = select(outbox.c.created_at, outbox.c.agent).where(outbox.c.case_id == case, outbox.c.sender == "agent")
    by = {row.created_at: row.agent for row in tx.execute(replies)} if found else {}
    return [Promise(text=fact.value, by=by.get(fact.told_at, ""), at=fact.told_at) for fact in found]


def _notes(tx: Connection, allowed: Permit, case: int) -> list[Note]:
    newest = select(notes).where(notes.c.case_id == case).order_by(notes.c.id.desc()).limit(_NOTES)
    return allowed.admit(
        [
            Note(id=row.id, handle=row.handle_id, text=row.text, by=row.written_by, at=row.at)
            for row in tx.execute(newest)
        ]
    )


def _earlier(tx: Connection, allowed: Permit, case: int) -> list[Fact]:
    """What newer values of a case, or of its customer, took the place of."""
    gone = facts.c.superseded_at.is_not(None), facts.c.slot.not_in(_PASSING)
    found: list[Row[Any]] = []
    for handle in allowed.handles - {DIRECTORY}:
        for whose in (facts.c.case_id == case, facts.c.case_id.is_(None)):
            query = select(facts).where(facts.c.handle_id == handle, whose, *gone)
            found += tx.execute(query.order_by(facts.c.told_at.desc()).limit(_EARLIER)).all()
    return allowed.admit(sorted(map(recall.fact_of, found), key=lambda fact: (fact.told_at, fact.id), reverse=True))
