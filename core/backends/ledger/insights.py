"""The rows that insights are counted from: a few statements for a whole span, each a short read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, func, literal_column, or_, select, type_coerce

from core.backends.ledger.dialects import listed
from core.backends.ledger.schema import case_steps, cases, facts, handles, messages, outbox, turns
from core.figures import Span
from core.world import BOT, Asked, CaseRow, Contact, Heard, Said, Step, Told
from core.writing import ISSUE_SLOTS, PERSON_SLOTS

_BEFORE = timedelta(days=7)  # what came so shortly before a span bears on it
_A_DAY = 86_400_000_000  # as moments are kept
_CASES = listed("cases")
_OF_TOLD = [facts.c[name] for name in ("handle_id", "case_id", "slot", "value", "proof", "told_at", "superseded_at")]


def case_ids(tx: Connection, span: Span) -> list[int]:
    """The cases of a span, those of some days before it, and those in which something happened since."""
    since = span.begins - _BEFORE
    moved = select(case_steps.c.case_id).where(case_steps.c.at >= span.begins)
    bears = or_(
        cases.c.updated_at >= since, cases.c.opened_at >= since, cases.c.rated_at >= since, cases.c.id.in_(moved)
    )
    return list(tx.execute(select(cases.c.id).where(cases.c.opened_at < span.ends, bears)).scalars())


def case_rows(
    tx: Connection, ids: Sequence[int], kinds: Mapping[int, str], heard_at: Mapping[int, datetime]
) -> dict[int, CaseRow]:
    """Cases, with what they are about and when they were first heard of."""
    of_case = ("id", "handle_id", "status", "opened_at", "updated_at", "satisfaction", "rated_at")
    shown = select(*(cases.c[name] for name in of_case), handles.c.channel)
    theirs = shown.join(handles, handles.c.id == cases.c.handle_id).where(cases.c.id.in_(_CASES))
    return {
        row.id: CaseRow(
            id=row.id,
            handle=row.handle_id,
            channel=row.channel,
            category=kinds.get(row.id, "other"),
            status=row.status,
            opened_at=row.opened_at,
            updated_at=row.updated_at,
            heard_at=heard_at.get(row.id),
            satisfaction=row.satisfaction,
            rated_at=row.rated_at,
        )
        for row in tx.execute(theirs.order_by(cases.c.id), {"cases": ids})
    }


def categories(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    """What cases are about."""
    current = facts.c.case_id.in_(_CASES), facts.c.slot == "category", facts.c.superseded_at.is_(None)
    told = select(facts.c.case_id, facts.c.value).where(*current).order_by(facts.c.id)
    return {case: value for case, value in tx.execute(told, {"cases": ids}) if case is not None}


def moods(tx: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """The moods that were heard in cases, in their order."""
    heard = facts.c.case_id.in_(_CASES), facts.c.slot == "mood"
    found: defaultdict[int, list[str]] = defaultdict(list)
    told = select(facts.c.case_id, facts.c.value).where(*heard).order_by(facts.c.id)
    for case, value in tx.execute(told, {"cases": ids}):
        if case is not None:
            found[case].append(value)
    return found


def heard_at(tx: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """When the first message of cases came in."""
    first = select(messages.c.case_id, func.min(messages.c.received_at)).where(messages.c.case_id.in_(_CASES))
    rows = tx.execute(first.group_by(messages.c.case_id), {"cases": ids})
    return {case: at for case, at in rows if case is not None}


def steps(tx: Connection, ids: Sequence[int]) -> dict[int, list[Step]]:
    """What cases went through."""
    found: defaultdict[int, list[Step]] = defaultdict(list)
    names = ("case_id", "at", "status", "assignee", "changed_by")
    gone_through = select(*(case_steps.c[name] for name in names)).where(case_steps.c.case_id.in_(_CASES))
    for row in tx.execute(gone_through.order_by(case_steps.c.id), {"cases": ids}):
        found[row.case_id].append(Step(*row))
    return found


def contacts(tx: Connection, span: Span) -> list[Contact]:
    """The turns since some days before a span, of cases that were come back to since then."""
    since = turns.c.settled_at >= span.begins - _BEFORE
    back = select(turns.c.case_id).where(since, turns.c.came_back)
    shown = select(turns.c.settled_at, handles.c.channel, turns.c.case_id, turns.c.came_back).join(handles)
    rows = tx.execute(shown.where(since, turns.c.case_id.in_(back)).order_by(turns.c.settled_at, turns.c.id))
    return [Contact(*row) for row in rows]


def heard(tx: Connection, span: Span) -> list[Heard]:
    """How many turns each case, or none, had on each day of a span and each channel."""
    at = type_coerce(turns.c.settled_at, BigInteger)
    theirs = turns.c.case_id, handles.c.channel, (at // _A_DAY).label("day")
    within = turns.c.settled_at >= span.begins, turns.c.settled_at < span.ends
    counted = select(func.min(turns.c.settled_at), handles.c.channel, turns.c.case_id, func.count()).join(handles)
    return [Heard(*row) for row in tx.execute(counted.where(*within).group_by(*theirs))]


def said(tx: Connection, ids: Sequence[int]) -> dict[int, list[Said]]:
    """Of the bot's replies in each case the first and the last, of colleagues' all."""
    of_cases = outbox.c.case_id.in_(_CASES)
    first, last = func.min(outbox.c.created_at), func.max(outbox.c.created_at)
    by_bot = select(outbox.c.case_id, first, last, func.min(outbox.c.sent_at)).where(of_cases, outbox.c.sender == BOT)
    found: defaultdict[int, list[Said]] = defaultdict(list)
    for case, begun, ended, sent_at in tx.execute(by_bot.group_by(outbox.c.case_id), {"cases": ids}):
        if case is not None:
            found[case] += [Said(case, begun, BOT, sent_at), Said(case, ended, BOT, sent_at)]
    names = ("case_id", "created_at", "sender", "sent_at")
    by_others = select(*(outbox.c[name] for name in names)).where(of_cases, outbox.c.sender == "agent")
    for row in tx.execute(by_others, {"cases": ids}):
        found[row.case_id].append(Said(*row))
    for replies in found.values():
        replies.sort(key=lambda one: one.at)
    return found


def asked(tx: Connection, span: Span) -> list[Asked]:
    """The replies since some days before a span that ask for slots."""
    asking = outbox.c.created_at >= span.begins - _BEFORE, outbox.c.asks != literal_column("''")
    names = ("created_at", "channel", "handle_id", "case_id", "asks", "text")
    shown = select(*(outbox.c[name] for name in names)).where(*asking)
    return [
        Asked(at, channel, handle, case, asks.split(","), text)
        for at, channel, handle, case, asks, text in tx.execute(shown.order_by(outbox.c.created_at))
    ]


def told_in_cases(tx: Connection, asking: Iterable[Asked]) -> list[Told]:
    """What was told of that which was asked for in cases, whenever it was."""
    wanted = {(one.case, slot) for one in asking if one.case is not None for slot in one.slots if slot in ISSUE_SLOTS}
    slots, ids = sorted({slot for _, slot in wanted}), sorted({case for case, _ in wanted})
    shown = select(*_OF_TOLD).where(facts.c.case_id.in_(_CASES), facts.c.slot.in_(slots))
    return [Told(*row) for row in tx.execute(shown, {"cases": ids}) if (row.case_id, row.slot) in wanted]


def told_of_people(tx: Connection) -> list[Told]:
    """All that people told of themselves and that we ask for."""
    of_people = facts.c.case_id.is_(None), facts.c.slot.in_(PERSON_SLOTS)
    return [Told(*row) for row in tx.execute(select(*_OF_TOLD).where(*of_people))]
