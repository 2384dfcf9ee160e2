"""What colleagues see: a case with all that its customer's permit for staff admits."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, literal_column, select

from core.backends.ledger import actions, enclosing, people, recall, schema
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import (
    action_runs,
    cases,
    facts,
    grants,
    handles,
    messages,
    notes,
    outbox,
    presence,
    raw_messages,
    tasks,
    turns,
)
from core.casefile import CaseFile, Contact, Destination, Entry, Felt, Reading, Related
from core.desk import NoSuchCase, Undelivered, Unread
from core.files import Delivered, Enclosed
from core.messages import Attachment, Raw
from core.recollection import recollect
from core.record import Fact
from identity.codes import GRANT_LIFE
from identity.gate import DIRECTORY, Grant, Permit, Purpose, Standing, permit
from identity.proof import Proof

_LINES = 60
_FACTS = 200
_RELATED = 10
_MOODS = 40
_REPEATED_WITHIN = timedelta(days=7)
_PARKED = 100
_BEGINNING = 2_000  # characters of an unread delivery


# ── whose case it is ──
def row_of(tx: Connection, case: int, *, locked: bool = False) -> Row[Any]:
    """The row of a case; `locked` until the transaction ends. Raises NoSuchCase."""
    of_it = select(cases).where(cases.c.id == case)
    row = tx.execute(of_it.with_for_update() if locked else of_it).one_or_none()
    if row is None:
        raise NoSuchCase(f"there is no case {case}")
    return row


def standing_of(tx: Connection, row: Row[Any], now: datetime) -> Standing:
    """Who a case's latest message came from: its customer, or somebody with a code that its customer showed."""
    nodes = people.customer_of(tx, row.handle_id, now)
    grant = _grant(tx, row, now)
    last = row.last_handle_id
    if grant is not None:
        return Standing(handle=last, proof=last_proof(tx, last), nodes=people.customer_of(tx, last, now), grant=grant)
    own = last if node_of(last) in nodes else row.handle_id
    return Standing(handle=own, proof=last_proof(tx, own), nodes=nodes)


def _grant(tx: Connection, row: Row[Any], now: datetime) -> Grant | None:
    """The code under which a case was last talked about, if the case is of the customer who showed it."""
    where = grants.c.handle_id == row.last_handle_id, grants.c.conversation == row.last_conversation
    given = tx.execute(select(grants).where(*where)).one_or_none()
    if given is None:
        return None
    nodes = people.customer_of(tx, given.shown_by, now)
    if node_of(row.handle_id) not in nodes:
        return None
    return Grant(shown_by=given.shown_by, nodes=nodes, proof=Proof(given.proof), since=given.since)


def last_proof(tx: Connection, handle: int) -> Proof:
    """The proof of the newest message over a handle."""
    newest = select(messages.c.proof).where(messages.c.handle_id == handle).order_by(messages.c.id.desc()).limit(1)
    return Proof(tx.execute(newest).scalar() or Proof.CLAIMED)


def newest_heard(tx: Connection, case: int, now: datetime) -> int:
    """The number of what a case's customer wrote last, on any channel; 0 before they did."""
    return newest_on(tx, permit(standing_of(tx, row_of(tx, case), now), Purpose.STAFF).handles)


_NEWEST_ON = select(func.max(messages.c.id)).where(messages.c.handle_id == bindparam("handle"))


def newest_on(tx: Connection, ids: Collection[int]) -> int:
    """The number of the newest message over any of these handles; 0 for none."""
    return max((tx.execute(_NEWEST_ON, {"handle": handle}).scalar() or 0 for handle in ids), default=0)


# ── one case ──
def case_file(tx: Connection, case: int, reachable: Collection[str], now: datetime) -> CaseFile:
    """A case with all that staff may see of its customer."""
    row = row_of(tx, case)
    standing = standing_of(tx, row, now)
    allowed = permit(standing, Purpose.STAFF)
    known, said = _facts(tx, allowed, case), _said(tx, allowed)
    profile = recall.profile(tx, allowed.person) if allowed.person else None
    read = [f"case:{case}", *(f"fact:{f.id}" for f in known)]
    read += [f"said:{e.handle}:{e.told_at.isoformat()}" for e in said]
    return CaseFile(
        case=recall.case_of(row),
        facts=known,
        felt=_felt(tx, allowed, facts.c.case_id == case),
        felt_ever=_felt(tx, allowed),
        repeats=_repeats(tx, allowed, row),
        said=said,
        contacts=_contacts(tx, allowed),
        related=_related(tx, allowed, case),
        runs=actions.of_case(tx, allowed, case),
        profile=profile,
        proof=standing.strength,
        by_code=standing.grant is not None,
        destination=destination(tx, row, standing, reachable, now),
        reading=Reading(handle=allowed.own, rows=read + ([f"directory:{profile.external_id}"] if profile else [])),
        about=recollect(allowed, recall.rows(tx, allowed)).summary,
    )


def delivered(tx: Connection, case: int, message: int, now: datetime) -> Delivered | None:
    """How a message arrived, if staff may see it with this case and it is still kept."""
    allowed = permit(standing_of(tx, row_of(tx, case), now), Purpose.STAFF)
    columns = messages, raw_messages.c.body.label("raw"), raw_messages.c.headers
    of_theirs = messages.c.id == message, messages.c.handle_id.in_(allowed.handles)
    row = tx.execute(select(*columns).join(raw_messages).where(*of_theirs)).one_or_none()
    if row is None or not allowed.admit([_heard(row)]):
        return None
    raw = Raw(body=row.raw, received_at=row.received_at, headers=row.headers)
    return Delivered(channel=row.channel, raw=raw, reading=Reading(handle=allowed.own, rows=[f"file:{message}"]))


def sent_file(tx: Connection, case: int, reply: int, number: int, now: datetime) -> Enclosed | None:
    """A file that went with a reply, if staff may see it with this case and it is still kept."""
    allowed = permit(standing_of(tx, row_of(tx, case), now), Purpose.STAFF)
    theirs = outbox.c.id == reply, outbox.c.handle_id.in_(allowed.handles)
    row = tx.execute(select(outbox).where(*theirs)).one_or_none()
    file = enclosing.file(tx, reply, number) if row and allowed.admit([_told(row)]) else None
    return Enclosed(file=file, reading=Reading(handle=allowed.own, rows=[f"sent-file:{reply}"])) if file else None


def case_state(tx: Connection, case: int) -> str:
    """A text that changes when its customer writes, when something is done in a case, and when somebody looks at it."""
    row = row_of(tx, case)
    heard = newest_on(tx, {row.handle_id, row.last_handle_id})
    sent = select(outbox.c.id, outbox.c.state).where(outbox.c.case_id == case).order_by(outbox.c.id)
    noted = select(func.max(notes.c.id)).where(notes.c.case_id == case)
    there = select(presence.c.agent).where(presence.c.case_id == case).order_by(presence.c.agent)
    asked = (
        select(action_runs.c.id, action_runs.c.state).where(action_runs.c.case_id == case).order_by(action_runs.c.id)
    )
    to_do = select(tasks.c.id, tasks.c.done_at).where(tasks.c.case_id == case).order_by(tasks.c.id)
    lists = [[tuple(line) for line in tx.execute(query)] for query in (sent, noted, there, asked, to_do)]
    return _digest([row.status, row.assignee, row.updated_at, row.snoozed_until, heard, lists])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def _facts(tx: Connection, allowed: Permit, case: int) -> list[Fact]:
    """What is known of a case and of its customer, newest first."""
    current = facts.c.handle_id.in_(allowed.handles), facts.c.superseded_at.is_(None)
    found: list[Fact] = []
    for whose in (facts.c.case_id == case, facts.c.case_id.is_(None)):
        query = select(facts).where(*current, whose).order_by(facts.c.told_at.desc(), facts.c.id.desc()).limit(_FACTS)
        found += allowed.admit([recall.fact_of(row) for row in tx.execute(query)])
    return sorted(found, key=lambda fact: (fact.told_at, fact.id), reverse=True)[:_FACTS]


def _felt(tx: Connection, allowed: Permit, *where: ColumnElement[bool]) -> list[Felt]:
    """The newest moods, oldest first. Each handle is asked by itself: the index tells the newest of one."""
    found: list[Fact] = []
    for handle in allowed.handles - {DIRECTORY}:
        # The slot stands as it does in the index, or it is not used.
        theirs = select(facts).where(facts.c.handle_id == handle, facts.c.slot == literal_column("'mood'"), *where)
        rows = tx.execute(theirs.order_by(facts.c.told_at.desc(), facts.c.id.desc()).limit(_MOODS))
        found += allowed.admit([recall.fact_of(row) for row in rows])
    newest = sorted(found, key=lambda fact: (fact.told_at, fact.id))[-_MOODS:]
    return [Felt(mood=fact.value, at=fact.told_at) for fact in newest]


def _repeats(tx: Connection, allowed: Permit, row: Row[Any]) -> int:
    """How often somebody came back about the same: to this case, or with an earlier one of the same kind."""
    back = turns.c.case_id == row.id, turns.c.came_back, turns.c.settled_at > row.updated_at - _REPEATED_WITHIN
    again = tx.execute(select(func.count()).select_from(turns).where(*back)).scalar_one()
    earlier = (
        cases.c.id != row.id,
        cases.c.opened_at <= row.opened_at,
        cases.c.updated_at > row.opened_at - _REPEATED_WITHIN,
    )
    others = select(cases.c.id).where(cases.c.handle_id.in_(allowed.handles), *earlier)
    kinds = _kinds(tx, allowed, [row.id, *tx.execute(others).scalars()])
    return int(again) + sum(
        kind == kinds.get(row.id, "other") != "other" for case, kind in kinds.items() if case != row.id
    )


def _kinds(tx: Connection, allowed: Permit, ids: Sequence[int]) -> dict[int, str]:
    told = facts.c.slot == "category", facts.c.superseded_at.is_(None), facts.c.handle_id.in_(allowed.handles)
    query = select(facts).where(facts.c.case_id.in_(ids), *told).order_by(facts.c.told_at, facts.c.id)
    return {fact.case: fact.value for fact in allowed.admit(map(recall.fact_of, tx.execute(query))) if fact.case}


def _said(tx: Connection, allowed: Permit) -> list[Entry]:
    """The newest lines of a customer on any channel, oldest first."""
    newest: list[Entry] = []
    for handle in allowed.handles - {DIRECTORY}:
        newest += [_heard(row) for row in tx.execute(_HEARD_ON, {"handle": handle})]
        newest += [_told(row) for row in tx.execute(_TOLD_ON, {"handle": handle})]
    return sorted(allowed.admit(newest), key=lambda entry: entry.told_at)[-_LINES:]


# Each handle is asked by itself: the index tells the newest of one.
_HEARD_ON = select(messages).where(messages.c.handle_id == bindparam("handle"))
_HEARD_ON = _HEARD_ON.order_by(messages.c.told_at.desc()).limit(_LINES)
_TOLD_ON = select(outbox).where(outbox.c.handle_id == bindparam("handle"))
_TOLD_ON = _TOLD_ON.order_by(outbox.c.created_at.desc()).limit(_LINES)


def _heard(row: Row[Any]) -> Entry:
    return Entry(
        handle=row.handle_id,
        told_at=row.told_at,
        channel=row.channel,
        sender="customer",
        text=row.text,
        drawn_from=frozenset((row.handle_id,)),
        files=[Attachment(**a) for a in row.body["attachments"]],
        message=row.id,
    )


def _told(row: Row[Any]) -> Entry:
    return Entry(
        handle=row.handle_id,
        told_at=row.created_at,
        channel=row.channel,
        sender=row.sender,
        text=row.text,
        drawn_from=frozenset(row.drawn_from),
        files=enclosing.files_of(row.reply),
        outgoing=row.id,
        case=row.case_id,
        state=row.state,
        error=row.error,
    )


def _contacts(tx: Connection, allowed: Permit) -> list[Contact]:
    """A customer's handles, the one written from first."""
    rows = tx.execute(select(handles).where(handles.c.id.in_(allowed.handles)).order_by(handles.c.id)).all()
    found = [
        Contact(
            handle=row.id,
            channel=row.channel,
            address=_shown(row),
            hint=row.hint,
            display_name=row.display_name,
            proven=row.proven_at is not None,
        )
        for row in rows
    ]
    return sorted(found, key=lambda contact: contact.handle != allowed.own)


def _shown(row: Row[Any]) -> str:
    return "" if row.address.startswith("~") else str(row.address)


def _related(tx: Connection, allowed: Permit, case: int) -> list[Related]:
    others = select(cases).where(cases.c.handle_id.in_(allowed.handles), cases.c.id != case)
    newest = tx.execute(others.order_by(cases.c.updated_at.desc()).limit(_RELATED))
    found = allowed.admit([recall.case_of(row) for row in newest])
    told = recall.summaries(tx, found)
    return [Related(case=c.id, open=c.status != "resolved", summary=told[c.id]) for c in found]


# ── where a reply goes ──
def destination(
    tx: Connection, row: Row[Any], standing: Standing, reachable: Collection[str], now: datetime
) -> Destination | None:
    """Where the case was last talked about, else the proven handle that was last heard from; None where neither can
    be written to any more, or may have changed owner."""
    for handle, conversation in _candidates(tx, row, standing, now):
        if handle.channel in reachable and people.still_theirs(tx, handle, now):
            return _reached(tx, handle, conversation)
    return None


def _candidates(
    tx: Connection, row: Row[Any], standing: Standing, now: datetime
) -> Iterator[tuple[Row[Any], str | None]]:
    customer = standing.grant.nodes if standing.grant else standing.nodes
    last = node_of(row.last_handle_id)
    under_code = standing.grant is not None and now - standing.grant.since < GRANT_LIFE
    if last == node_of(row.handle_id) or last in customer or under_code:
        yield tx.execute(select(handles).where(handles.c.id == row.last_handle_id)).one(), row.last_conversation
    ids = [int(node.removeprefix("h:")) for node in customer if node.startswith("h:")]
    strong = select(handles).where(handles.c.id.in_(ids), handles.c.proven_at.is_not(None))
    for handle in tx.execute(strong.order_by(handles.c.heard_at.desc())).all():
        yield handle, None


def _reached(tx: Connection, handle: Row[Any], conversation: str | None) -> Destination:
    """By the route of the newest message there: a handle may have several conversations, each with its own."""
    there = select(messages).where(messages.c.handle_id == handle.id)
    if conversation is not None:  # what was said under a code there hangs on who showed it
        there = select(messages).where(messages.c.channel == handle.channel, messages.c.conversation == conversation)
    newest = tx.execute(there.order_by(messages.c.id.desc()).limit(1)).one_or_none()
    return Destination(
        handle=handle.id,
        channel=handle.channel,
        conversation=newest.conversation if newest else conversation or "",
        route=newest.body["route"] if newest else handle.route,
        address=_shown(handle) or handle.hint,
        language=handle.language or "en",
    )


# ── what went wrong ──
def unread(tx: Connection) -> list[Unread]:
    """The newest deliveries that could not be read."""
    return [
        Unread(
            id=row.id,
            channel=row.channel,
            reason=row.reason,
            received_at=row.received_at,
            size=len(row.body),
            beginning=row.body[:_BEGINNING].decode("utf-8", "replace"),
        )
        for row in tx.execute(select(schema.parked).order_by(schema.parked.c.id.desc()).limit(_PARKED))
    ]


def undelivered(tx: Connection) -> list[Undelivered]:
    """The newest replies that could not be delivered."""
    query = select(outbox).where(outbox.c.state == "parked").order_by(outbox.c.id.desc()).limit(_PARKED)
    return [
        Undelivered(
            id=row.id,
            handle=row.handle_id,
            case=row.case_id,
            channel=row.channel,
            text=row.text,
            error=row.error,
            created_at=row.created_at,
        )
        for row in tx.execute(query)
    ]
