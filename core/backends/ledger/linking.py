"""Codes, grants and lasting links on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from core.backends.ledger import budgets, people
from core.backends.ledger.dialects import upsert
from core.backends.ledger.people import node_of
from core.backends.ledger.prepared import Prepared
from core.backends.ledger.schema import codes, conversations, grants, handles, leases, links, pending_links, wrong_codes
from core.errors import Fenced
from core.ledger import Reach, Settlement, Turn
from core.links import (
    IssueCode,
    LinkDesk,
    LinkStep,
    LiveCode,
    MakeLink,
    PendingLink,
    RedeemCode,
    UndoableLink,
    UndoLink,
    WrongCode,
)
from identity import partition
from identity.codes import CONFIRM_WITHIN, GRANT_LIFE, LIFE, SHORT, UNDO_WITHIN, CodeState
from identity.gate import Grant
from identity.proof import Proof

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


_GRANTED = Prepared(
    select(grants).where(
        grants.c.handle_id == bindparam("handle"),
        grants.c.conversation == bindparam("conversation"),
        grants.c.since > bindparam("earliest"),
    )
)


def grant_of(tx: Connection, handle: int, conversation: str, now: datetime) -> Grant | None:
    """What a code that was entered in a conversation gives it, while it lasts."""
    row = _GRANTED.first(tx, handle=handle, conversation=conversation, earliest=now - GRANT_LIFE)
    if row is None:
        return None
    nodes = people.customer_of(tx, row.shown_by, now)
    return Grant(shown_by=row.shown_by, nodes=nodes, proof=Proof(row.proof), since=row.since)


def desk(tx: Connection, turn: Turn, digest: str, now: datetime) -> LinkDesk:
    """What is on record about the codes of a turn's handle, and about the code that was entered."""
    handle = turn.standing.handle
    code = _code(tx, digest) if digest else None
    day_ago, hour_ago = now - _DAY, now - _HOUR
    shown = _shown(tx, turn, code, now) if code else {}
    return LinkDesk(
        code=code,
        **shown,
        pending=_pending(tx, turn, now),
        undoable=_undoable(tx, turn, now),
        issued_today=_count(tx, codes, codes.c.handle_id == handle, codes.c.issued_at > day_ago),
        wrong_by_sender=_count(tx, wrong_codes, wrong_codes.c.line == turn.line, wrong_codes.c.at > day_ago),
        wrong_last_hour=_count(tx, wrong_codes, wrong_codes.c.at > hour_ago),
        live_codes=_count(tx, codes, codes.c.used_at.is_(None), codes.c.issued_at > now - LIFE),
    )


def _shown(tx: Connection, turn: Turn, code: LiveCode, now: datetime) -> dict[str, Any]:
    """Who showed a code: their customer now, and whether that one and this one could be one for good."""
    row = tx.execute(select(handles).where(handles.c.id == code.handle)).one()
    theirs = people.evidence_around(tx, [node_of(code.handle)], now)
    nodes = partition.customer(node_of(code.handle), theirs)
    both = people.evidence_around(tx, [*nodes, *turn.standing.nodes], now)
    one_person = len(partition.people(nodes | turn.standing.nodes, both)) <= 1
    shared = turn.standing.shared or row.key in partition.shared_keys(theirs)
    told_apart = any(pair <= nodes | turn.standing.nodes for pair in both.apart)
    return {
        "shown_nodes": nodes,
        "shown_on": row.channel,
        "shown_language": row.language,
        "may_last": one_person and not shared and not told_apart,
    }


def _count(tx: Connection, table: Any, *where: Any) -> int:
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def _channel(tx: Connection, handle: int) -> str:
    return str(tx.execute(select(handles.c.channel).where(handles.c.id == handle)).scalar_one())


def _code(tx: Connection, digest: str) -> LiveCode | None:
    """A code that was shown by who still has the handle on which it was."""
    theirs = select(codes).join(handles, handles.c.id == codes.c.handle_id).where(handles.c.closed_at.is_(None))
    newest_first = theirs.where(codes.c.digest == digest).order_by(codes.c.id.desc()).limit(1)
    row = tx.execute(newest_first).one_or_none()
    if row is None:
        return None
    state = CodeState(issued_at=row.issued_at, used=row.used_at is not None)
    return LiveCode(
        id=row.id,
        handle=row.handle_id,
        proof=Proof(row.proof),
        state=state,
        linked=frozenset(row.linked),
        six_digits=row.digits == SHORT,
    )


def _pending(tx: Connection, turn: Turn, now: datetime) -> PendingLink | None:
    p = pending_links.c
    where = p.handle_id == turn.standing.handle, p.closed_at.is_(None), p.asked_at > now - CONFIRM_WITHIN
    here = p.conversation == turn.first.conversation
    row = tx.execute(select(pending_links).where(*where, here).order_by(p.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    shown_on = _channel(tx, row.shown_by)
    return PendingLink(id=row.id, shown_by=row.shown_by, pair_digest=row.pair_digest, shown_on=shown_on)


def _undoable(tx: Connection, turn: Turn, now: datetime) -> UndoableLink | None:
    """The newest link by code of this customer; a handle that did not prove itself may only undo its own."""
    standing = turn.standing
    own = node_of(standing.handle)
    nodes = standing.nodes if standing.proof >= Proof.PROVEN else frozenset((own,))
    row = tx.execute(
        select(links)
        .where(or_(links.c.a.in_(nodes), links.c.b.in_(nodes)), links.c.kind == "code")
        .where(links.c.retired_at.is_(None), links.c.made_at > now - UNDO_WITHIN)
        .order_by(links.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    other = row.b if row.a == own else row.a
    return UndoableLink(id=row.id, other_channel=_channel(tx, int(other.removeprefix("h:"))))


def reaches(tx: Connection, ids: Sequence[int], now: datetime) -> Sequence[Reach]:
    """Where those of these handles that proved themselves, and did not opt out, were last written from."""
    strong = handles.c.id.in_(ids), handles.c.proven_at.is_not(None), handles.c.opted_out_at.is_(None)
    rows = tx.execute(select(handles).where(*strong).order_by(handles.c.id)).all()
    return [
        Reach(
            handle=row.id,
            channel=row.channel,
            conversation=_newest_conversation(tx, row.id),
            route=row.route,
            language=row.language,
            sent_lately=budgets.sent_lately(tx, row.id, now),
        )
        for row in rows
        if people.still_theirs(tx, row, now)
    ]


def _newest_conversation(tx: Connection, handle: int) -> str:
    c = conversations.c
    newest = select(c.conversation).where(c.handle_id == handle).order_by(c.last_at.desc()).limit(1)
    return tx.execute(newest).scalar() or ""


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
            _undo(tx, s, step)


def _issue(tx: Connection, s: Settlement, step: IssueCode) -> None:
    standing = s.turn.standing
    tx.execute(
        insert(codes).values(
            digest=step.digest,
            digits=step.digits,
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
    row = upsert(tx, grants).values(handle_id=handle, conversation=conversation, **values)
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
    both = {min(people.customer_of(tx, node, s.now)) for node in (step.a, step.b)}
    busy = leases.c.customer.in_(both), leases.c.token != s.turn.token, leases.c.expires_at > s.now
    if tx.execute(select(leases.c.token).where(*busy)).first() is not None:
        raise Fenced(f"a side of link {step.pending_id} is being answered just now")
    open_now = pending_links.c.id == step.pending_id, pending_links.c.closed_at.is_(None)
    tx.execute(update(pending_links).where(*open_now).values(closed_at=s.now))
    tx.execute(
        insert(links).values(a=node_of(step.a), b=node_of(step.b), kind="code", made_by="customer", made_at=s.now)
    )


def _undo(tx: Connection, s: Settlement, step: UndoLink) -> None:
    """Retires a link, and ends at once what the code still gave."""
    ended = {"retired_at": s.now, "retired_by": "customer"}
    row = tx.execute(update(links).where(links.c.id == step.link_id).values(**ended).returning(links)).one()
    pair = [int(node.removeprefix("h:")) for node in (row.a, row.b)]
    tx.execute(grants.delete().where(grants.c.handle_id.in_(pair), grants.c.shown_by.in_(pair)))
    between = pending_links.c.handle_id.in_(pair), pending_links.c.shown_by.in_(pair)
    tx.execute(update(pending_links).where(*between, pending_links.c.closed_at.is_(None)).values(closed_at=s.now))
