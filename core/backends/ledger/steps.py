"""What a case went through: each change of its status, or of whose it is, in order; insights are counted from it.

Whatever changes a case calls `note` after it. Nothing is kept where nothing changed.
"""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from core.backends.ledger.schema import case_steps, cases

CUSTOMER, BOT = "customer", "bot"


def note(tx: Connection, case: int, by: str, now: datetime) -> None:
    """Keeps how a case stands now, if that is new. `by` is a colleague's name, CUSTOMER or BOT."""
    stands = tx.execute(select(cases.c.status, cases.c.assignee).where(cases.c.id == case)).one()
    last = select(case_steps.c.status, case_steps.c.assignee).where(case_steps.c.case_id == case)
    before = tx.execute(last.order_by(case_steps.c.id.desc()).limit(1)).one_or_none()
    if tuple(stands) != (tuple(before) if before else ("open", "")):
        step = {"case_id": case, "status": stands.status, "assignee": stands.assignee}
        tx.execute(insert(case_steps).values(**step, changed_by=by, at=now))
