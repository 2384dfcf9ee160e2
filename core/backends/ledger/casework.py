"""What colleagues do with a case beside answering it: notes, transfer, taking over, snooze, opening again, presence."""

from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.backends.ledger import desk, playbook, recall
from core.backends.ledger.casefiles import row_of
from core.backends.ledger.schema import accounts, cases, conversations, facts, notes, presence
from core.casework import PRESENT, Transfer
from core.desk import Refused
from core.playbook import Learnt
from core.writing import Mood

_SEEN_ANEW = PRESENT / 4  # after which a look is noted again


def write_note(tx: Connection, case: int, agent: str, text: str, now: datetime) -> None:
    """Keeps a note with a case, whoever has it and however it stands."""
    row = row_of(tx, case)
    tx.execute(insert(notes).values(case_id=case, handle_id=row.handle_id, text=text, written_by=agent, at=now))


def colleagues(tx: Connection) -> list[str]:
    """Who has an account that is not disabled."""
    return list(
        tx.execute(select(accounts.c.name).where(accounts.c.disabled_at.is_(None)).order_by(accounts.c.name)).scalars()
    )


def transfer(tx: Connection, order: Transfer) -> None:
    """Gives a case to a colleague. Raises Refused."""
    row = desk.held(tx, order.case, order.by)
    if order.to not in colleagues(tx):
        raise Refused("Nothing was changed: choose a colleague who has an account.")
    if row.assignee == order.to:
        raise Refused(f"Nothing was changed: {order.to} has this case already.")
    desk.give(tx, row, order.to, order.by, order.at)
    if order.note:
        write_note(tx, order.case, order.by, order.note, order.at)


def take_over(tx: Connection, case: int, agent: str, now: datetime) -> None:
    """Gives a case to a colleague, whoever had it. Raises Refused."""
    row = row_of(tx, case, locked=True)
    if row.status == "resolved":
        raise Refused(f"Case {case} is resolved already.")
    if row.assignee != agent:
        desk.give(tx, row, agent, agent, now)


def snooze(tx: Connection, case: int, agent: str, until: datetime | None, now: datetime) -> None:
    """Puts a case off, or wakes it. Whoever puts it off has it. Raises Refused."""
    desk.take(tx, case, agent, now)
    tx.execute(update(cases).where(cases.c.id == case).values(snoozed_until=until))


def correct_mood(tx: Connection, case: int, agent: str, mood: Mood, now: datetime) -> None:
    """Says how the customer of a case feels, in place of what was taken for it. Raises Refused."""
    row = desk.held(tx, case, agent)
    here = facts.c.case_id == case, facts.c.slot == "mood", facts.c.superseded_at.is_(None)
    proof = tx.execute(select(func.max(facts.c.proof)).where(*here)).scalar() or 0
    tx.execute(update(facts).where(*here).values(superseded_at=now))
    told = {"handle_id": row.handle_id, "case_id": case, "slot": "mood", "value": mood, "proof": proof}
    tx.execute(insert(facts).values(**told, told_at=now))
    tx.execute(update(cases).where(cases.c.id == case).values(updated_at=now))


# ── opening again ──
def reopen(tx: Connection, case: int, agent: str, now: datetime) -> Learnt:
    """Opens a closed case for a colleague. What they said of it on closing counts no more. Raises Refused."""
    row = row_of(tx, case, locked=True)
    if row.status != "resolved":
        raise Refused(f"Case {case} is open already.")
    closed = recall.case_note(tx, case)
    desk.give(tx, row, agent, agent, now)
    again = {"handed_off_at": now, "taken_at": now, "reason": f"Opened again by {agent}."}
    tx.execute(update(cases).where(cases.c.id == case).values(**again, **_not_ended(row)))
    asked = conversations.c.handle_id == row.last_handle_id, conversations.c.rates == case
    tx.execute(update(conversations).where(*asked).values(rates=None))
    told = recall.fact_notes(tx, case)
    return Learnt(votes=playbook.taken_back(tx, case, now), notes=told, superseded=[closed])


def _not_ended(row: Row[tuple[object, ...]]) -> dict[str, object]:
    ended: dict[str, object] = {"resolution": "", "resolved_at": None}
    by_colleague = row.rated_at is not None and row.rated_at == row.resolved_at
    return ended | ({"satisfaction": None, "rated_at": None} if by_colleague else {})


# ── who looks at a case ──
def look(tx: Connection, case: int, agent: str, now: datetime) -> tuple[list[str], bool]:
    """The others who look at a case, and whether one's own look is to be noted anew. Raises NoSuchCase."""
    row_of(tx, case)
    there = {row.agent: row.seen_at for row in tx.execute(select(presence).where(presence.c.case_id == case))}
    mine = there.pop(agent, None)
    others = [name for name, seen_at in sorted(there.items()) if now - seen_at < PRESENT]
    return others, mine is None or now - mine >= _SEEN_ANEW or len(others) < len(there)


def looked(tx: Connection, case: int, agent: str, now: datetime) -> None:
    """Notes that somebody looks at a case, and forgets who looked at any a minute ago."""
    tx.execute(delete(presence).where(presence.c.seen_at <= now - PRESENT))
    own = presence.c.case_id == case, presence.c.agent == agent
    if tx.execute(update(presence).where(*own).values(seen_at=now)).rowcount:
        return
    try:
        with tx.begin_nested():
            tx.execute(insert(presence).values(case_id=case, agent=agent, seen_at=now))
    except IntegrityError:  # the same colleague's other window was first, or the case is gone
        return
