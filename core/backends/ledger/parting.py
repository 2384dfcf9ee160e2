"""Cases after an unmerge: each customer keeps what they told, also where it was told in the other one's case."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from core.backends.ledger.schema import action_runs, cases, facts, messages, outbox, turns

_NOTHING_TOLD = frozenset({"mood", "urgency"})
_ISSUE_LENGTH = 200  # characters


def give_back_cases(tx: Connection, own: Sequence[int], others: Sequence[int]) -> None:
    """Parts the cases of the handles in `own` from what those in `others` did in them."""
    for case in tx.execute(select(cases).where(cases.c.handle_id.in_(own))).all():
        told = facts.c.case_id == case.id, facts.c.handle_id.in_(others)
        theirs = tx.execute(select(facts).where(*told).order_by(facts.c.id)).all()
        contacts = max(case.contacts - _contacts(tx, case.id, others), 1)
        if contacts != case.contacts:
            tx.execute(update(cases).where(cases.c.id == case.id).values(contacts=contacts))
        if any(fact.slot not in _NOTHING_TOLD for fact in theirs):
            _open_their_own(tx, case, theirs, others)
        if case.last_handle_id in others:
            tx.execute(update(cases).where(cases.c.id == case.id).values(**_left_at(tx, case, own)))


def _contacts(tx: Connection, case: int, side: Sequence[int]) -> int:
    """How often one side came back about a case."""
    theirs = turns.c.case_id == case, turns.c.handle_id.in_(side), turns.c.came_back
    return int(tx.execute(select(func.count()).select_from(turns).where(*theirs)).scalar_one())


def _left_at(tx: Connection, case: Row[Any], side: Sequence[int]) -> dict[str, Any]:
    """Where and when one side last talked about a case."""
    about = turns.c.case_id == case.id, turns.c.handle_id.in_(side)
    turn = tx.execute(select(turns).where(*about).order_by(turns.c.id.desc()).limit(1)).one_or_none()
    handle, at = (turn.handle_id, turn.settled_at) if turn else (case.handle_id, case.opened_at)
    said = select(messages).where(messages.c.handle_id == handle, messages.c.received_at <= at)
    newest = tx.execute(said.order_by(messages.c.id.desc()).limit(1)).one()
    return {
        "updated_at": at,
        "last_handle_id": handle,
        "last_channel": newest.channel,
        "last_conversation": newest.conversation,
    }


def _open_their_own(tx: Connection, case: Row[Any], theirs: Sequence[Row[Any]], others: Sequence[int]) -> None:
    """A case of the same state with what the other side told, and with what they began with as its issue."""
    first = theirs[0]
    state = {
        "status": case.status,
        "reason": case.reason,
        "handed_off_at": case.handed_off_at,
        "contacts": _contacts(tx, case.id, others) or 1,
    }
    ended = {"assignee": case.assignee, "resolution": case.resolution, "resolved_at": case.resolved_at}
    whose = {"handle_id": first.handle_id, "opened_at": first.told_at} | _left_at(tx, case, others)
    new = tx.execute(insert(cases).values(**whose, **state, **ended).returning(cases.c.id)).scalar_one()
    for table in (facts, turns, outbox, action_runs):
        moved = table.c.case_id == case.id, table.c.handle_id.in_(others)
        tx.execute(update(table).where(*moved).values(case_id=new))
    if all(fact.slot != "issue" for fact in theirs):
        text = tx.execute(select(messages.c.text).where(messages.c.id == first.message_id)).scalar() or "an issue"
        told = {"proof": first.proof, "told_at": first.told_at, "message_id": first.message_id}
        issue = {"handle_id": first.handle_id, "case_id": new, "slot": "issue", "value": text[:_ISSUE_LENGTH]}
        tx.execute(insert(facts).values(**issue, **told))
