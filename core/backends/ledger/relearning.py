"""What was settled in some minutes, as memory is to know it now."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from core.backends.ledger import playbook, recall
from core.backends.ledger.dialects import listed
from core.backends.ledger.schema import cases, facts, pattern_votes, patterns, turns
from core.memory import Note, Vote
from core.playbook import Learnt
from core.rating import PLEASED
from core.relearning import Unlearnt

_THESE = listed("these")


def settled_between(tx: Connection, since: datetime, until: datetime) -> Unlearnt:
    """Reads it: by the turns of that time, and by the cases that were touched then."""
    settled = tx.execute(
        select(turns.c.handle_id, turns.c.case_id).where(turns.c.settled_at.between(since, until))
    ).all()
    touched = tx.execute(select(cases.c.id, cases.c.handle_id).where(_touched(since, until))).all()
    about = sorted({row.case_id for row in settled if row.case_id is not None} | {row.id for row in touched})
    whose = sorted({row.handle_id for row in (*settled, *touched)})
    notes, superseded = _of_cases(tx, about)
    kept = [note for note in _current(tx, whose, about) if note not in superseded]
    return Unlearnt(
        learnt=Learnt(
            notes=[*{(note.kind, note.row): note for note in (*kept, *notes)}.values()],
            superseded=[*superseded, *_superseded(tx, whose, since, until)],
            lessons=[playbook.lesson_of(row) for row in tx.execute(_lessons(since, until))],
            votes=_votes(tx, since, until),
        ),
        praised=tx.execute(_praised(since, until)).scalars().all(),
    )


def _touched(since: datetime, until: datetime) -> ColumnElement[bool]:
    return or_(cases.c.updated_at.between(since, until), cases.c.rated_at.between(since, until))


def _of_cases(tx: Connection, about: list[int]) -> tuple[list[Note], list[Note]]:
    """Of a closed case its summary in place of its facts, of any other its facts in place of a summary."""
    notes: list[Note] = []
    superseded: list[Note] = []
    for case in tx.execute(select(cases.c.id, cases.c.status).where(cases.c.id.in_(_THESE)), {"these": about}):
        told, summary = recall.fact_notes(tx, case.id), [recall.case_note(tx, case.id)]
        stays, goes = (summary, told) if case.status == "resolved" else (told, summary)
        notes += stays
        superseded += goes
    return notes, superseded


def _current(tx: Connection, whose: list[int], about: list[int]) -> list[Note]:
    """What these handles told of themselves, and of these cases."""
    of_cases = facts.c.case_id.in_(listed("about"))
    current = facts.c.handle_id.in_(_THESE), facts.c.superseded_at.is_(None), or_(facts.c.case_id.is_(None), of_cases)
    rows = tx.execute(select(facts).where(*current).order_by(facts.c.id), {"these": whose, "about": about})
    return [recall.note_of(row) for row in rows]


def _superseded(tx: Connection, whose: list[int], since: datetime, until: datetime) -> list[Note]:
    gone = facts.c.handle_id.in_(_THESE), facts.c.superseded_at.between(since, until)
    return [recall.note_of(row) for row in tx.execute(select(facts).where(*gone), {"these": whose})]


def _lessons(since: datetime, until: datetime) -> Select[Any]:
    made = patterns.c.made_at.between(since, until), patterns.c.retired_at.is_(None)
    return select(patterns).where(*made).order_by(patterns.c.id)


def _votes(tx: Connection, since: datetime, until: datetime) -> list[Vote]:
    cast = select(pattern_votes).where(pattern_votes.c.at.between(since, until)).order_by(pattern_votes.c.id)
    return [playbook.vote_of(row) for row in tx.execute(cast)]


def _praised(since: datetime, until: datetime) -> Select[Any]:
    """Cases that the bot alone saw to and that were rated well, and that speak for no pattern yet."""
    speaks = select(pattern_votes.c.id).where(pattern_votes.c.case_id == cases.c.id, pattern_votes.c.helpful).exists()
    well = cases.c.rated_at.between(since, until), cases.c.assignee == "", cases.c.satisfaction >= PLEASED
    return select(cases.c.id).where(*well, ~speaks).order_by(cases.c.id)
