"""What a permit may read. Every query here names the permit's handles; nothing else is reachable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, or_, select

from core.backends.ledger.schema import cases, directory, facts, messages, outbox
from core.ledger import Case, Fact, Profile, Rows, Utterance
from core.memory import Note
from core.writing import Spoken
from identity.gate import Permit
from identity.proof import Proof

_CASES = 12
_LATELY_CLOSED = 3
_FACTS = 200
_LINES = 12


# Statements of a turn are built once: building one takes as long as running it.
_PERMITTED: BindParameter[int] = bindparam("handles", expanding=True)
_OPEN_CASES = (
    select(cases)
    .where(cases.c.handle_id.in_(_PERMITTED), cases.c.status != "resolved")
    .order_by(cases.c.updated_at.desc(), cases.c.id.desc())
    .limit(_CASES)
)
_CLOSED_CASES = (
    select(cases)
    .where(
        cases.c.handle_id.in_(_PERMITTED),
        cases.c.status == "resolved",
        cases.c.resolved_at > bindparam("after", type_=cases.c.resolved_at.type),
    )
    .order_by(cases.c.resolved_at.desc(), cases.c.id.desc())
    .limit(_LATELY_CLOSED)
)
_OF_A_FACT = ("id", "handle_id", "case_id", "slot", "value", "proof", "told_at", "message_id")
_CURRENT_FACTS = (
    select(*(facts.c[name] for name in _OF_A_FACT))
    .where(
        facts.c.handle_id.in_(_PERMITTED),
        facts.c.superseded_at.is_(None),
        or_(facts.c.case_id.is_(None), facts.c.case_id.in_(bindparam("cases", expanding=True))),
    )
    .order_by(facts.c.told_at.desc(), facts.c.id.desc())
    .limit(_FACTS)
)
_HEARD = (
    select(*(messages.c[name] for name in ("handle_id", "told_at", "text", "channel")))
    .where(messages.c.handle_id.in_(_PERMITTED), messages.c.state == "answered")
    .order_by(messages.c.told_at.desc(), messages.c.id.desc())
    .limit(_LINES)
)
_TOLD = (
    select(*(outbox.c[name] for name in ("handle_id", "created_at", "drawn_from", "sender", "text", "channel")))
    .where(outbox.c.handle_id.in_(_PERMITTED))
    .order_by(outbox.c.created_at.desc(), outbox.c.id.desc())
    .limit(_LINES)
)
_PERSON = select(directory).where(directory.c.external_id == bindparam("person"))


def rows(tx: Connection, permit: Permit, closed_after: datetime | None = None) -> Rows:
    """The current rows on a permit's handles, newest first, and the person's profile."""
    permitted = {"handles": sorted(permit.handles)}
    known = permit.admit([case_of(row) for row in tx.execute(_OPEN_CASES, permitted)])
    closed = _closed(tx, permit, closed_after) if closed_after else []
    of_cases = permitted | {"cases": [case.id for case in (*known, *closed)]}
    return Rows(
        cases=known,
        closed=closed,
        facts=permit.admit([fact_of(row) for row in tx.execute(_CURRENT_FACTS, of_cases)]),
        said=permit.admit(_said(tx, permitted)),
        profile=profile(tx, permit.person) if permit.person else None,
    )


def _closed(tx: Connection, permit: Permit, after: datetime) -> list[Case]:
    lately = {"handles": sorted(permit.handles), "after": after}
    return permit.admit([case_of(row) for row in tx.execute(_CLOSED_CASES, lately)])


def case_of(row: Row[Any]) -> Case:
    """The case of a row."""
    return Case(
        id=row.id,
        handle=row.handle_id,
        status=row.status,
        told_at=row.opened_at,
        updated_at=row.updated_at,
        last_handle=row.last_handle_id,
        last_channel=row.last_channel,
        contacts=row.contacts,
        reason=row.reason,
        handed_off_at=row.handed_off_at,
        assignee=row.assignee,
        resolution=row.resolution,
        resolved_at=row.resolved_at,
        rating_asked_at=row.rating_asked_at,
        satisfaction=row.satisfaction,
    )


def fact_of(row: Row[Any]) -> Fact:
    """The fact of a row."""
    return Fact(
        id=row.id,
        handle=row.handle_id,
        case=row.case_id,
        slot=row.slot,
        value=row.value,
        proof=Proof(row.proof),
        told_at=row.told_at,
        message=row.message_id,
    )


def note_of(row: Row[Any]) -> Note:
    """A fact as memory keeps it."""
    text = f"{row.slot}: {row.value}"
    return Note(handle=row.handle_id, kind="fact", row=row.id, text=text, told_at=row.told_at)


def _said(tx: Connection, permitted: dict[str, list[int]]) -> list[Utterance]:
    lines = [
        Utterance(
            handle=row.handle_id,
            told_at=row.told_at,
            drawn_from=frozenset((row.handle_id,)),
            spoken=Spoken(sender="customer", text=row.text, channel=row.channel, at=row.told_at),
        )
        for row in tx.execute(_HEARD, permitted)
        if row.text
    ]
    lines += [
        Utterance(
            handle=row.handle_id,
            told_at=row.created_at,
            drawn_from=frozenset(row.drawn_from),
            spoken=Spoken(sender=row.sender, text=row.text, channel=row.channel, at=row.created_at),
        )
        for row in tx.execute(_TOLD, permitted)
    ]
    return sorted(lines, key=lambda line: line.told_at, reverse=True)[:_LINES]


def episodes(tx: Connection, permit: Permit, case_ids: Sequence[int]) -> list[str]:
    """One line for each closed case among these that the permit admits."""
    closed = cases.c.id.in_(case_ids), cases.c.status == "resolved"
    found = permit.admit([case_of(row) for row in tx.execute(select(cases).where(*closed))])
    return [summary(tx, case) for case in found]


def summary(tx: Connection, case: Case) -> str:
    """A closed case in one line: when, what, and how it ended."""
    about = facts.c.case_id == case.id, facts.c.handle_id == case.handle, facts.c.slot == "issue"
    issue = tx.execute(select(facts.c.value).where(*about).limit(1)).scalar() or "an issue"
    ended = f" Resolved: {case.resolution}" if case.resolution else ""
    return f"{case.told_at:%Y-%m-%d}: {issue}.{ended}"


def profile(tx: Connection, external_id: str) -> Profile | None:
    """A person as the directory knows them."""
    row = tx.execute(_PERSON, {"person": external_id}).one_or_none()
    if row is None:
        return None
    return Profile(
        external_id=row.external_id,
        name=row.name,
        plan=row.plan,
        value=row.value,
        since=row.since,
        language=row.language,
        email=row.email,
        phone=row.phone,
    )


def case_note(tx: Connection, case_id: int) -> Note:
    """A closed case as memory keeps it."""
    case = case_of(tx.execute(select(cases).where(cases.c.id == case_id)).one())
    return Note(handle=case.handle, kind="case", row=case.id, text=summary(tx, case), told_at=case.updated_at)


def closed_cases(tx: Connection) -> list[Note]:
    """Every closed case, as memory keeps it."""
    ids = tx.execute(select(cases.c.id).where(cases.c.status == "resolved").order_by(cases.c.id)).scalars().all()
    return [case_note(tx, case_id) for case_id in ids]


def notes_after(tx: Connection, last: int, limit: int) -> list[Note]:
    """The next current facts after a row, as memory keeps them."""
    query = select(facts).where(facts.c.id > last, facts.c.superseded_at.is_(None)).order_by(facts.c.id).limit(limit)
    return [note_of(row) for row in tx.execute(query)]
