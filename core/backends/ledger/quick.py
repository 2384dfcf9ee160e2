"""What colleagues ask of the company for customers, and what waits for a lead."""

import dataclasses
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.backends.ledger import actions
from core.backends.ledger.casefiles import row_of
from core.backends.ledger.schema import action_runs, cases
from core.backends.ledger.tasks import customer_name
from core.quick import AskedAlready, Order, Waiting
from core.runs import Run, RunState

_NOT_ENDED = ("waiting", "running", "unknown")
_BROKEN_OFF = timedelta(minutes=2)  # longer than any endpoint may take
_MOST = 100


def order(tx: Connection, wish: Order, now: datetime) -> tuple[Run, bool]:
    """Puts a wish on record, once for each form, and not beside one whose end is not known. Raises AskedAlready."""
    row_of(tx, wish.case, locked=True)
    known = tx.execute(select(action_runs).where(action_runs.c.once == wish.once)).one_or_none()
    if known is not None:
        return actions.run_of(known), False
    same = action_runs.c.case_id == wish.case, action_runs.c.action == wish.request.action
    begun = tx.execute(select(action_runs).where(*same, action_runs.c.state.in_(_NOT_ENDED)).limit(1)).one_or_none()
    if begun is not None:
        raise AskedAlready(f"the {actions.run_of(begun).told} was asked for already, and is {begun.state}")
    row = insert(action_runs).values(
        handle_id=wish.handle,
        case_id=wish.case,
        action=wish.request.action,
        state=_state(tx, wish),
        request=dataclasses.asdict(wish.request),
        reference="",
        message="",
        error="",
        approved_by="",
        begun_at=now,
        asked_by=wish.asked_by,
        why=wish.why,
        once=wish.once,
    )
    return actions.run_of(tx.execute(row.returning(action_runs)).one()), True


def _state(tx: Connection, wish: Order) -> RunState:
    """Two orders at once cannot both have the rest of a limit."""
    if wish.at_once and wish.limit is not None:
        spent = actions.spent(tx, wish.handles, wish.request.action, wish.since)
        return "running" if spent + Decimal(wish.request.amount or 0) <= wish.limit else "waiting"
    return "running" if wish.at_once else "waiting"


def waiting(tx: Connection) -> list[Row[Any]]:
    """The runs that wait, of cases that are not resolved, the oldest first."""
    of_open = select(action_runs, cases.c.reason).join(cases, cases.c.id == action_runs.c.case_id)
    waits = action_runs.c.state == "waiting", cases.c.status != "resolved"
    return list(tx.execute(of_open.where(*waits).order_by(action_runs.c.begun_at, action_runs.c.id).limit(_MOST)))


def shown(tx: Connection, row: Row[Any], now: datetime) -> Waiting:
    """One of them with its customer's name, by staff's permit."""
    return Waiting(
        run=actions.run_of(row),
        case=row.case_id,
        handle=row.handle_id,
        customer=customer_name(tx, row.case_id, now),
        reason=row.reason,
        asked_at=row.begun_at,
    )


def cut_off(tx: Connection, case: int, now: datetime) -> bool:
    """Whether a run of a case broke off: nobody knows how far it got, and it is said so from now on."""
    begun = action_runs.c.taken_at, action_runs.c.begun_at
    late = [at.is_(None) | (at < now - _BROKEN_OFF) for at in begun]
    this = action_runs.c.case_id == case, action_runs.c.state == "running", *late
    error = "we broke off while it was carried out"
    return tx.execute(update(action_runs).where(*this).values(state="unknown", error=error)).rowcount > 0
