"""Searching: short reads over a range of rows each, and what was found by staff's permit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, func, or_, select
from sqlalchemy import case as either

from core.backends.ledger import people
from core.backends.ledger.casefiles import standing_of
from core.backends.ledger.folding import says
from core.backends.ledger.people import node_of
from core.backends.ledger.queueing import seen
from core.backends.ledger.schema import cases, directory, facts, handles, messages, outbox
from core.casefile import Reading
from core.queueing import Queued
from core.searching import FoundCustomer, FoundLine, Sought, excerpt, fold
from identity.gate import Permit, Purpose, handles_of, permit

AT_ONCE = 5_000  # rows that one short read looks through
FARTHEST = 300_000  # rows of a table that a search looks through
_CANDIDATES = 50  # rows of which those shown are chosen
_ADDRESSES = 4

Ids = Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A line that matches, before it has passed the permit."""

    handle: int
    drawn_from: frozenset[int]
    case: int | None
    channel: str
    sender: str
    told_at: datetime
    text: str


def newest(tx: Connection, table: Table) -> int:
    """The highest number in a table."""
    return int(tx.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())


# ── what matches, in one range of rows ──
def heard(tx: Connection, sought: Sought, top: int) -> list[Said]:
    """What customers wrote."""
    found = select(messages).where(messages.c.handle_id.is_not(None), _is_it(messages, sought))
    rows = tx.execute(_range(found, messages, top)).all()
    return [
        Said(
            handle=row.handle_id,
            drawn_from=frozenset((row.handle_id,)),
            case=row.case_id,
            channel=row.channel,
            sender="customer",
            told_at=row.told_at,
            text=row.text,
        )
        for row in rows
    ]


def told(tx: Connection, sought: Sought, top: int) -> list[Said]:
    """What we wrote; a code in it is blotted out."""
    rows = tx.execute(_range(select(outbox).where(_is_it(outbox, sought)), outbox, top)).all()
    return [
        Said(
            handle=row.handle_id,
            drawn_from=frozenset(row.drawn_from),
            case=row.case_id,
            channel=row.channel,
            sender=row.sender,
            told_at=row.created_at,
            text=row.text,
        )
        for row in rows
    ]


def _is_it(said: Table, sought: Sought) -> ColumnElement[bool]:
    """What was said with the words in it, or under the correlation id."""
    told = and_(*says(said.c.text, sought.words))
    return or_(told, said.c.trace.startswith(sought.correlation)) if sought.correlation else told


def issues(tx: Connection, sought: Sought, top: int) -> Ids:
    """Cases by their issue."""
    about = facts.c.case_id == cases.c.id, facts.c.slot == "issue", facts.c.superseded_at.is_(None)
    found = select(cases.c.id).where(select(facts.c.id).where(*about, *says(facts.c.value, sought.words)).exists())
    return tx.execute(_range(found, cases, top)).scalars().all()


def called_so(tx: Connection, sought: Sought, top: int) -> Ids:
    """Handles by the name or the address that they go by; one of a claimed message by the address that it named."""
    address = either((handles.c.address.startswith("~", autoescape=True), ""), else_=handles.c.address)
    names = handles.c.display_name + " " + address + " " + handles.c.hint
    found = select(handles.c.id).where(*says(names, sought.of_a_customer))
    return tx.execute(_range(found, handles, top)).scalars().all()


def _range(found: Select[Any], table: Table, top: int) -> Select[Any]:
    here = table.c.id <= top, table.c.id > top - AT_ONCE
    return found.where(*here).order_by(table.c.id.desc()).limit(_CANDIDATES)


def listed_so(tx: Connection, sought: Sought, after: str) -> tuple[Sequence[str], str]:
    """People by what the directory tells of them, among the next ones after an id; the last id that was looked at."""
    each = directory.c
    names = each.name + " " + each.external_id + " " + each.email + " " + each.phone
    here = select(each.external_id).where(each.external_id > after).order_by(each.external_id)
    last = tx.execute(here.offset(AT_ONCE - 1).limit(1)).scalar() or ""
    within = [each.external_id > after, *([each.external_id <= last] if last else [])]
    found = select(each.external_id).where(*within, *says(names, sought.of_a_customer)).limit(_CANDIDATES)
    return tx.execute(found).scalars().all(), last


# ── what may be shown of it ──
def customer(tx: Connection, node: str, now: datetime) -> FoundCustomer | None:
    """A customer by their newest case; None where they have none."""
    around = people.customer_at(tx, node, now)
    theirs = cases.c.handle_id.in_(handles_of(around))
    row = tx.execute(
        select(cases).where(theirs).order_by(cases.c.updated_at.desc(), cases.c.id.desc()).limit(1)
    ).first()
    if row is None:
        return None
    allowed = permit(standing_of(tx, row, now), Purpose.STAFF)
    count = select(func.count()).select_from(cases).where(cases.c.handle_id.in_(allowed.handles))
    return FoundCustomer(
        newest=seen(tx, row, allowed),
        cases=tx.execute(count).scalar_one(),
        addresses=_addresses(tx, allowed),
    )


def _addresses(tx: Connection, allowed: Permit) -> list[tuple[str, str, bool]]:
    rows = tx.execute(select(handles).where(handles.c.id.in_(allowed.handles)).order_by(handles.c.id)).all()
    known = [(row, row.hint if row.address.startswith("~") else row.address) for row in rows]
    return [(row.channel, text, row.proven_at is not None) for row, text in known if text][:_ADDRESSES]


def matter(tx: Connection, number: int, sought: Sought, now: datetime) -> Queued | None:
    """A case, if its number was asked for or what may be seen of its issue matches."""
    row = tx.execute(select(cases).where(cases.c.id == number)).one_or_none()
    if row is None:
        return None
    one = seen(tx, row, permit(standing_of(tx, row, now), Purpose.STAFF))
    matches = number == sought.number or all(word in fold(one.issue) for word in sought.words)
    return one if matches else None


def line(tx: Connection, said: Said, sought: Sought, now: datetime) -> FoundLine | None:
    """A line with its case; None where no case admits it."""
    for row in _cases_of(tx, said, now):
        allowed = permit(standing_of(tx, row, now), Purpose.STAFF)
        if allowed.admit([said]):
            return FoundLine(
                case=row.id,
                name=seen(tx, row, allowed).name,
                channel=said.channel,
                sender=said.sender,
                told_at=said.told_at,
                excerpt=excerpt(said.text, sought.words),
                reading=Reading(handle=said.handle, rows=[f"said:{said.handle}:{said.told_at.isoformat()}"]),
            )
    return None


def _cases_of(tx: Connection, said: Said, now: datetime) -> list[Row[Any]]:
    """The case that a line is on record with, then the one of its customer that was opened last before it, if any."""
    theirs = handles_of(people.customer_at(tx, node_of(said.handle), now))
    own = cases.c.id == said.case if said.case else cases.c.id == 0
    before = either((cases.c.opened_at <= said.told_at, 0), else_=1)
    chosen = select(cases).where(or_(own, cases.c.handle_id.in_(theirs)))
    in_order = chosen.order_by(either((own, 0), else_=1), before, cases.c.opened_at.desc())
    return list(tx.execute(in_order.limit(2)).all())
