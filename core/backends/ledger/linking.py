"""Codes, grants and lasting links on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from core.backends.ledger import people
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import codes, grants, handles, leases, links, pending_links, wrong_codes
from core.errors import Fenced
from core.ledger import (
    IssueCode,
    LinkDesk,
    LinkStep,
    LiveCode,
    MakeLink,
    PendingLink,
    Reach,
    RedeemCode,
    Settlement,
    Turn,
    UndoableLink,
    UndoLink,
    WrongCode,
)
from identity.codes import CONFIRM_WITHIN, GRANT_LIFE, LIFE, UNDO_WITHIN, CodeState
from identity.gate import Grant
from identity.proof import Proof

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def grant_of(tx: Connection, handle: int, conversation: str, now: datetime) -> Grant | None:
    """What a code that was entered in a conversation gives it, while it lasts."""
    where = grants.c.handle_id == handle, grants.c.conversation == conversation
    row = tx.execute(select(grants).where(*where, grants.c.since > now - GRANT_LIFE)).one_or_none()
    if row is None:
        return None
    nodes = people.customer_of(tx, row.shown_by)
    return Grant(shown_by=row.shown_by, nodes=nodes, proof=Proof(row.proof), since=row.since)


def desk(tx: Connection, turn: Turn, digest: str, now: datetime) -> LinkDesk:
    """What is on record about the codes of a turn's handle, and about the code that was entered."""
    handle = turn.standing.handle
    code = _code(tx, digest) if digest else None
    day_ago, hour_ago = now - _DAY, now - _HOUR
    return LinkDesk(
        code=code,
        shown_nodes=people.customer_of(tx, code.handle) if code else frozenset(),
        shown_on=_channel(tx, code.handle) if code else "",
        pending=_pending(tx, turn, now),
        undoable=_undoable(tx, handle, now),
        issued_today=_count(tx, codes, codes.c.handle_id == handle, codes.c.issued_at > day_ago),
        wrong_by_sender=_count(tx, wrong_codes, wrong_codes.c.line == turn.line, wrong_codes.c.at > day_ago),
        wrong_last_hour=_count(tx, wrong_codes, wrong_codes.c.at > hour_ago),
        live_codes=_count(tx, codes, codes.c.used_at.is_(None), codes.c.issued_at > now - LIFE),
    )


def _count(tx: Connection, table: Any, *where: Any) -> int:
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def _channel(tx: Connection, handle: int) -> str:
    return str(tx.execute(select(handles.c.channel).where(handles.c.id == handle)).scalar_one())


def _code(tx: Connection, digest: str) -> LiveCode | None:
    newest_first = select(codes).where(codes.c.digest == digest).order_by(codes.c.id.desc()).limit(1)
    row = tx.execute(newest_first).one_or_none()
    if row is None:
        return None
    state = CodeState(issued_at=row.issued_at, used=row.used_at is not None)
    return LiveCode(id=row.id, handle=row.handle_id, proof=Proof(row.proof), state=state, linked=frozenset(row.linked))


def _pending(tx: Connection, turn: Turn, now: datetime) -> PendingLink | None:
    p = pending_links.c
    where = p.handle_id == turn.standing.handle, p.closed_at.is_(None), p.asked_at > now - CONFIRM_WITHIN
    here = p.conversation == turn.first.conversation
    row = tx.execute(select(pending_links).where(*where, here).order_by(p.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    shown_on = _channel(tx, row.shown_by)
    return PendingLink(id=row.id, shown_by=row.shown_by, pair_digest=row.pair_digest, shown_on=shown_on)


def _undoable(tx: Connection, handle: int, now: datetime) -> UndoableLink | None:
    node = node_of(handle)
    row = tx.execute(
        select(links)
        .where(or_(links.c.a == node, links.c.b == node), links.c.kind == "code")
        .where(links.c.retired_at.is_(None), links.c.made_at > now - UNDO_WITHIN)
        .order_by(links.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    other = row.b if row.a == node else row.a
    return UndoableLink(id=row.id, other_channel=_channel(tx, int(other.removeprefix("h:"))))


def reaches(tx: Connection, ids: Sequence[int]) -> Sequence[Reach]:
    """Where those of these handles that proved themselves were last written from."""
    strong = handles.c.id.in_(ids), handles.c.proven_at.is_not(None)
    rows = tx.execute(select(handles).where(*strong).order_by(handles.c.id))
    return [Reach(handle=row.id, channel=row.channel, route=row.route, language=row.language) for row in rows]


def apply(tx: Connection, s: Settlement) -> None:
    """Writes what a turn did about codes and links."""
    for step in s.links:
        _apply(tx, s, step)


def _apply(tx: Connection, s: Settlement, step: LinkStep) -> None:
    match step:
        case IssueCode():
            _issue(tx, s, step)
        case RedeemCode():
            _redeem(tx, s, step)
        case WrongCode():
            _count_wrong(tx, s)
        case MakeLink():
            _link(tx, s, step)
        case UndoLink():
            tx.execute(update(links).where(links.c.id == step.link_id).values(retired_at=s.now))


def _issue(tx: Connection, s: Settlement, step: IssueCode) -> None:
    standing = s.turn.standing
    tx.execute(
        insert(codes).values(
            digest=step.digest,
            handle_id=standing.handle,
            proof=int(standing.proof),
            linked=sorted(standing.nodes),
            issued_at=s.now,
        )
    )


def _redeem(tx: Connection, s: Settlement, step: RedeemCode) -> None:
    unused = codes.c.id == step.code_id, codes.c.used_at.is_(None)
    if tx.execute(update(codes).where(*unused).values(used_at=s.now)).rowcount == 0:
        raise Fenced(f"code {step.code_id} was used a moment ago elsewhere")
    handle, conversation = s.turn.standing.handle, s.turn.first.conversation
    values = {
        "code_id": step.code_id,
        "shown_by": step.grant.shown_by,
        "proof": int(step.grant.proof),
        "since": step.grant.since,
    }
    row = upsert(grants).values(handle_id=handle, conversation=conversation, **values)
    tx.execute(row.on_conflict_do_update(index_elements=["handle_id", "conversation"], set_=values))
    if step.pair_digest:
        tx.execute(
            insert(pending_links).values(
                handle_id=handle,
                conversation=conversation,
                shown_by=step.grant.shown_by,
                pair_digest=step.pair_digest,
                asked_at=s.now,
            )
        )


def _count_wrong(tx: Connection, s: Settlement) -> None:
    tx.execute(insert(wrong_codes).values(line=s.turn.line, channel=s.turn.first.channel, at=s.now))


def _link(tx: Connection, s: Settlement, step: MakeLink) -> None:
    name = min(people.customer_of(tx, step.a))
    busy = leases.c.customer == name, leases.c.token != s.turn.token, leases.c.expires_at > s.now
    if tx.execute(select(leases.c.token).where(*busy)).one_or_none() is not None:
        raise Fenced(f"the other side of link {step.pending_id} is being answered just now")
    open_now = pending_links.c.id == step.pending_id, pending_links.c.closed_at.is_(None)
    tx.execute(update(pending_links).where(*open_now).values(closed_at=s.now))
    tx.execute(
        insert(links).values(a=node_of(step.a), b=node_of(step.b), kind="code", made_by="customer", made_at=s.now)
    )
