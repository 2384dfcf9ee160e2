"""What was asked of the company for customers, and what came of it."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.backends.ledger import recall
from core.backends.ledger.schema import action_runs, facts
from core.memory import Note
from core.runs import NoSuchRun, Request, Run, RunState
from identity.gate import HandleId, Permit

_COUNTED = ("running", "done", "unknown")  # what a customer got, or may have got


def begin(tx: Connection, request: Request, *, message: int, handle: HandleId, state: RunState, now: datetime) -> Run:
    """Puts a request on record, once for each message and action."""
    same = action_runs.c.message_id == message, action_runs.c.action == request.action
    known = tx.execute(select(action_runs).where(*same)).one_or_none()
    if known is not None:
        return _after_a_crash(tx, known)
    new = {"reference": "", "message": "", "error": "", "approved_by": "", "begun_at": now}
    row = insert(action_runs).values(
        handle_id=handle,
        message_id=message,
        action=request.action,
        state=state,
        request=dataclasses.asdict(request),
        **new,
    )
    return run_of(tx.execute(row.returning(action_runs)).one())


def _after_a_crash(tx: Connection, row: Row[Any]) -> Run:
    """Nobody knows how far a request got that is still running: its turn broke off."""
    run = run_of(row)
    if run.state != "running":
        return run
    cut = dataclasses.replace(run, state="unknown", error="we broke off while it was carried out")
    tx.execute(update(action_runs).where(action_runs.c.id == run.id).values(state=cut.state, error=cut.error))
    return cut


def one(tx: Connection, run: int) -> Run:
    """A run by its number. Raises NoSuchRun."""
    row = tx.execute(select(action_runs).where(action_runs.c.id == run)).one_or_none()
    if row is None:
        raise NoSuchRun(f"there is no action {run}")
    return run_of(row)


def take(tx: Connection, run: int, agent: str, state: RunState, now: datetime) -> Run:
    """Moves a waiting run on, once. Raises NoSuchRun."""
    found = one(tx, run)
    if found.state != "waiting":
        raise NoSuchRun(f"the {found.told} waits for nobody any more: it is {found.state}")
    ended = None if state == "running" else now
    begun = now if state == "running" else None
    values = {"state": state, "approved_by": agent, "taken_at": begun, "ended_at": ended}
    tx.execute(update(action_runs).where(action_runs.c.id == run).values(**values))
    return dataclasses.replace(found, state=state, approved_by=agent)


def end(tx: Connection, run: Run, now: datetime) -> list[Note]:
    """Writes down how a run ended; among the facts of its case too, once it is done: these are for memory."""
    values = {"state": run.state, "reference": run.reference, "message": run.message, "error": run.error}
    changed = update(action_runs).where(action_runs.c.id == run.id).values(ended_at=now, **values)
    row = tx.execute(changed.returning(action_runs)).one_or_none()
    if row is None or row.case_id is None or run.state != "done":
        return []
    return [_note(tx, row, now)]


def settle(tx: Connection, runs: Sequence[Run], case: int | None, now: datetime) -> list[Note]:
    """Ties runs to the case that their turn was about; what was done for it, for memory."""
    done: list[Note] = []
    for run in runs:
        tied = update(action_runs).where(action_runs.c.id == run.id).values(case_id=case).returning(action_runs)
        row = tx.execute(tied).one_or_none()
        if row is not None and case is not None and row.state == "done":
            done.append(_note(tx, row, now))
    return done


def _note(tx: Connection, row: Row[Any], now: datetime) -> Note:
    told = {"slot": "done", "value": run_of(row).told, "proof": 0, "told_at": now, "message_id": row.message_id}
    kept = insert(facts).values(handle_id=row.handle_id, case_id=row.case_id, **told).returning(facts)
    return recall.note_of(tx.execute(kept).one())


def spent(tx: Connection, handles: Collection[HandleId], action: str, since: datetime) -> Decimal:
    """What a customer got by an action, or may have got."""
    theirs = action_runs.c.handle_id.in_(handles), action_runs.c.action == action, action_runs.c.begun_at > since
    requests = tx.execute(select(action_runs.c.request).where(*theirs, action_runs.c.state.in_(_COUNTED))).scalars()
    return sum((Decimal(request["amount"] or 0) for request in requests), Decimal(0))


def facts_of_case(tx: Connection, permit: Permit, case: int) -> Mapping[str, str]:
    """The newest value of each slot of a case."""
    current = facts.c.case_id == case, facts.c.superseded_at.is_(None), facts.c.handle_id.in_(permit.handles)
    rows = tx.execute(select(facts).where(*current).order_by(facts.c.told_at, facts.c.id))
    return {fact.slot: fact.value for fact in permit.admit([recall.fact_of(row) for row in rows])}


def of_case(tx: Connection, permit: Permit, case: int) -> list[Run]:
    """What was asked of the company for a case, oldest first."""
    theirs = action_runs.c.case_id == case, action_runs.c.handle_id.in_(permit.handles)
    return [run_of(row) for row in tx.execute(select(action_runs).where(*theirs).order_by(action_runs.c.id))]


def run_of(row: Row[Any]) -> Run:
    """The run of a row."""
    return Run(
        id=row.id,
        action=row.action,
        state=row.state,
        request=Request(**row.request),
        reference=row.reference,
        message=row.message,
        error=row.error,
        asked_by=row.asked_by,
        why=row.why,
        approved_by=row.approved_by,
    )
