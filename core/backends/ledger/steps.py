"""What a case went through: each change of its status, or of whose it is, in order; insights are counted from it.

Whatever changes a case calls `note` after it. Nothing is kept where nothing changed.
"""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from core.backends.ledger.prepared import Prepared, add
from core.backends.ledger.schema import case_steps, cases

CUSTOMER, BOT = "customer", "bot"
_STANDS = Prepared(select(cases.c.status, cases.c.assignee).where(cases.c.id == bindparam("case")))
_BEFORE = Prepared(
    select(case_steps.c.status, case_steps.c.assignee)
    .where(case_steps.c.case_id == bindparam("case"))
    .order_by(case_steps.c.id.desc())
    .limit(1)
)


def note(tx: Connection, case: int, by: str, now: datetime) -> None:
    """Keeps how a case stands now, if that is new. `by` is a colleague's name, CUSTOMER or BOT."""
    stands, before = _STANDS.first(tx, case=case), _BEFORE.first(tx, case=case)
    if tuple(stands) != (tuple(before) if before else ("open", "")):
        step = {"case_id": case, "status": stands.status, "assignee": stands.assignee}
        add(tx, case_steps, **step, changed_by=by, at=now)
