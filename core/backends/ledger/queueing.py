"""The queue: a page of it by numbers, and each case of one by staff's permit."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy import case as either

from core.backends.ledger import people, recall
from core.backends.ledger.casefiles import standing_of
from core.backends.ledger.dialects import listed
from core.backends.ledger.schema import cases, directory, facts, handles
from core.casefile import called
from core.queueing import AHEAD, LATELY, NOBODY, PAGE, Filters, Queued, QueuePage, Tab
from core.record import VIP_VALUE, Profile
from identity.gate import Permit, Purpose, handles_of, permit

MOST_VIPS = 2_000  # of the directory, those worth most: so many can be told from the others by the queue's order
AT_ONCE = 250  # VIPs that one short read looks for

UNRESOLVED = cases.c.status.in_(("open", "handed_off"))
_SINCE = func.coalesce(cases.c.handed_off_at, cases.c.opened_at)
_AHEAD = int(AHEAD.total_seconds() * 1_000_000)  # as moments are kept


# ── which cases ──
def vips(tx: Connection) -> Sequence[str]:
    """The nodes of the most valuable customers in the directory."""
    most = select(directory.c.external_id).where(directory.c.value > VIP_VALUE)
    found = tx.execute(most.order_by(directory.c.value.desc(), directory.c.external_id).limit(MOST_VIPS)).scalars()
    return [f"d:{external_id}" for external_id in found]


def within_reach(tx: Connection, nodes: Sequence[str]) -> Collection[int]:
    """The handles that any evidence leads to from some people: theirs are among them."""
    return handles_of(frozenset(people.names_within_reach(tx, nodes)))


def listed_cases(tx: Connection, filters: Filters, me: str, vip: Sequence[int], now: datetime) -> Sequence[Row[Any]]:
    """One page by numbers, and by all that a change of it shows in. `vip` are handles that may be a VIP's."""
    shown = _listed(filters, me, now).limit(PAGE).offset((filters.page - 1) * PAGE)
    return tx.execute(shown, {"vip": list(vip)}).all()


def holders(tx: Connection) -> Sequence[str]:
    """Who has cases that are not resolved."""
    names = tx.execute(select(cases.c.assignee).where(UNRESOLVED).distinct().order_by(cases.c.assignee)).scalars()
    return [name for name in names if name]


def page_of(rows: Sequence[Row[Any]], counted: Mapping[Tab, int], names: Sequence[str]) -> QueuePage:
    """A page of these rows."""
    parts = [tuple(row) for row in rows], dict(counted)
    state = hashlib.sha256(repr(parts).encode()).hexdigest()[:20]
    return QueuePage(cases=[row.id for row in rows], counts=counted, holders=names, state=state)


def _listed(filters: Filters, me: str, now: datetime) -> Select[Any]:
    of_a_row = ("id", "status", "assignee", "updated_at", "snoozed_until")
    wanted = _in_tab(filters.tab, me, now), *_narrowed(filters)
    return select(*(cases.c[name] for name in of_a_row)).where(*wanted).order_by(*_order(filters.tab))


def counts(tx: Connection, filters: Filters, me: str, vip: Sequence[int], now: datetime) -> dict[Tab, int]:
    """How many cases each tab shows under the same filters."""
    open_tabs = [tab for tab in Tab if tab is not Tab.RESOLVED]
    sums = [func.sum(either((_in_tab(tab, me, now), 1), else_=0)).label(tab) for tab in open_tabs]
    row = tx.execute(select(*sums).where(UNRESOLVED, *_narrowed(filters)), {"vip": list(vip)}).one()
    lately = select(func.count()).select_from(cases).where(_in_tab(Tab.RESOLVED, me, now), *_narrowed(filters))
    resolved = tx.execute(lately, {"vip": list(vip)}).scalar_one()
    return {tab: int(getattr(row, tab) or 0) for tab in open_tabs} | {Tab.RESOLVED: int(resolved)}


def _in_tab(tab: Tab, me: str, now: datetime) -> ColumnElement[bool]:
    snoozed = and_(cases.c.snoozed_until.is_not(None), cases.c.snoozed_until > now)
    awake_now = and_(UNRESOLVED, awake(now))
    handed_off = cases.c.status == "handed_off"
    match tab:
        case Tab.ESCALATED:
            return and_(awake_now, handed_off)
        case Tab.WAITING:
            return and_(awake_now, handed_off, cases.c.assignee == "")
        case Tab.ACTIVE:
            return and_(awake_now, or_(cases.c.status == "open", cases.c.assignee != ""))
        case Tab.MINE:
            return and_(awake_now, handed_off, cases.c.assignee == me) if me else false()
        case Tab.SNOOZED:
            return and_(UNRESOLVED, snoozed)
        case Tab.RESOLVED:
            since = now - LATELY
            return and_(cases.c.status == "resolved", cases.c.updated_at > since, cases.c.resolved_at > since)
        case Tab.ALL:
            return awake_now


def awake(now: datetime) -> ColumnElement[bool]:
    """A case is not put off until later."""
    return or_(cases.c.snoozed_until.is_(None), cases.c.snoozed_until <= now)


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if filters.channel:
        chosen.append(cases.c.last_channel == filters.channel)
    if filters.holder:
        chosen.append(cases.c.assignee == ("" if filters.holder == NOBODY else filters.holder))
    if filters.mood:
        chosen.append(_newest("mood") == filters.mood)
    if filters.category:
        chosen.append(_newest("category") == filters.category)
    return [*chosen, _MAY_BE_VIP] if filters.vip else chosen


def _newest(slot: str) -> ScalarSelect[str]:
    """The newest value of a slot of a case."""
    told = facts.c.case_id == cases.c.id, facts.c.slot == slot, facts.c.superseded_at.is_(None)
    newest = select(facts.c.value).where(*told).order_by(facts.c.told_at.desc(), facts.c.id.desc())
    return newest.limit(1).correlate(cases).scalar_subquery()


_MAY_BE_VIP = cases.c.handle_id.in_(listed("vip"))


def _order(tab: Tab) -> Sequence[ColumnElement[Any]]:
    if tab is Tab.SNOOZED:
        return [cases.c.snoozed_until, cases.c.id]
    if tab is Tab.RESOLVED:
        return [cases.c.resolved_at.desc(), cases.c.id.desc()]
    ahead = either((_MAY_BE_VIP, _AHEAD), else_=0) + either((_newest("mood") == "angry", _AHEAD), else_=0)
    waited = type_coerce(_SINCE, BigInteger) - ahead
    with_the_bot = either((cases.c.status == "handed_off", 0), else_=1)
    taken = either((cases.c.assignee == "", 0), else_=1)
    return [with_the_bot, taken, waited, cases.c.id]


# ── one case ──
_ROW = select(cases).where(cases.c.id == bindparam("number"))
_NAMES = select(handles.c.id, handles.c.display_name).where(handles.c.id.in_(listed("handles"))).order_by(handles.c.id)
_TOLD = (
    select(*(facts.c[name] for name in recall.OF_A_FACT))
    .where(
        facts.c.case_id == bindparam("number"),
        facts.c.slot.in_([literal_column(f"'{slot}'") for slot in ("issue", "mood", "category")]),
        facts.c.superseded_at.is_(None),
        facts.c.handle_id.in_(listed("handles")),
    )
    .order_by(facts.c.told_at, facts.c.id)
)


def queued(tx: Connection, number: int, now: datetime) -> Queued | None:
    """A case as the queue shows it; None where it is gone."""
    row = tx.execute(_ROW, {"number": number}).one_or_none()
    if row is None:
        return None
    allowed = permit(standing_of(tx, row, now), Purpose.STAFF)
    return seen(tx, row, allowed)


def seen(tx: Connection, row: Row[Any], allowed: Permit) -> Queued:
    """A case as a permit admits it."""
    profile = recall.profile(tx, allowed.person) if allowed.person else None
    known = _known(tx, allowed, row.id)
    return Queued(
        case=recall.case_of(row),
        name=name_of(tx, allowed, profile, row.handle_id),
        vouched=profile is not None,
        issue=known.get("issue", ""),
        mood=known.get("mood", ""),
        category=known.get("category", ""),
        vip=profile is not None and profile.vip,
        since=row.handed_off_at or row.opened_at,
    )


def name_of(tx: Connection, allowed: Permit, profile: Profile | None, handle: int) -> str:
    """What staff call a customer; of several names that they gave, the one where they wrote last."""
    if profile and profile.name.strip():
        return called(profile, "", handle)
    rows = tx.execute(_NAMES, {"handles": sorted(allowed.handles)}).all()
    rows = sorted(rows, key=lambda row: row.id != allowed.own)
    return called(None, next((row.display_name for row in rows if row.display_name.strip()), ""), handle)


def _known(tx: Connection, allowed: Permit, number: int) -> dict[str, str]:
    """What the queue tells of a case."""
    told = tx.execute(_TOLD, {"number": number, "handles": sorted(allowed.handles)})
    return {fact.slot: fact.value for fact in allowed.admit([recall.fact_of(row) for row in told])}
