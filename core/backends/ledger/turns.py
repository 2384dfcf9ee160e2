"""Turns: opened under a lease of the customer, settled in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from core import consent
from core.backends.ledger import actions, budgets, inbox, linking, people, playbook, ratings, recall, steps
from core.backends.ledger import outbox as out
from core.backends.ledger.dialects import upserting
from core.backends.ledger.people import ErasedAt, never_erased
from core.backends.ledger.prepared import Prepared, add, added, at_once, change
from core.backends.ledger.schema import access_log, cases, conversations, facts, handles, leases, outbox, turns
from core.errors import Fenced
from core.ledger import Heard, Settled, Settlement, Turn, Wait
from core.memory import Note
from core.messages import InboundMessage
from identity.gate import Standing
from identity.proof import Proof

_LEASE = timedelta(seconds=15)  # unless it is held on to
_BUSY_FOR = timedelta(milliseconds=200)
_SAME_CONVERSATION = timedelta(hours=24)
_MANY_VALUED = frozenset({"tried"})


def open_turn(
    tx: Connection,
    line: str,
    *,
    token: str,
    holder: str,
    now: datetime,
    burst: timedelta,
    live: bool,
    erased_at: ErasedAt = never_erased,
) -> Turn | Wait | None:
    """The next turn of a line: who is writing, and everything that they said in one go."""
    waiting = inbox.waiting(tx, line)
    if not waiting:
        return None
    together = _said_together([(row, inbox.read(row)) for row in waiting])
    together.sort(key=lambda heard: (heard[1].told_at, heard[0].id))
    last = max((message for _, message in together), key=lambda message: message.received_at)
    still_arriving = last.received_at + burst
    if not live and burst and still_arriving > now and not _urgent(last):
        return Wait(until=still_arriving)
    handle, standing = identify(tx, together, now, erased_at)
    if not _lease(tx, standing.customer, token, holder, now, take_over=live):
        return Wait(until=now + _BUSY_FOR)
    talk = _conversation(tx, handle.id, last.conversation)
    is_new = talk is None or now - talk.last_at > _SAME_CONVERSATION
    return Turn(
        token=token,
        line=line,
        standing=standing,
        heard=[Heard(id=row.id, message=message, proof=standing.proof) for row, message in together],
        new_conversation=is_new,
        last_said_at=handle.answered_at,
        language=(talk.language if talk else "") or handle.language,
        asked=[] if is_new or talk is None else talk.asked,
        opted_out=handle.opted_out_at is not None,
        **budgets.counts(tx, standing.keeper, now),
        lately=budgets.lately(tx, standing.keeper, now, live=live),
        named_today=people.named_lately(tx, handle, now) if handle.hint and talk is None else 0,
        rates=ratings.awaited(tx, talk, standing, now),
    )


def _said_together(waiting: Sequence[tuple[Row[Any], InboundMessage]]) -> list[tuple[Row[Any], InboundMessage]]:
    """The first message and those after it that belong with it: same conversation, same proof, same audience."""
    first = waiting[0][1]
    together: list[tuple[Row[Any], InboundMessage]] = []
    for row, message in waiting:
        if (message.conversation, message.proof, message.public) != (first.conversation, first.proof, first.public):
            break
        if together and (_urgent(message) or _urgent(first)):
            break
        together.append((row, message))
    return together


def _urgent(message: InboundMessage) -> bool:
    """Keyed digits, a ringing phone and a word like STOP are answered by themselves, at once."""
    wished = message.wish or consent.wish(message.text, keywords=True)
    return message.opening or bool(message.digits) or wished is not None


def identify(
    tx: Connection,
    together: Sequence[tuple[Row[Any], InboundMessage]],
    now: datetime,
    erased_at: ErasedAt = never_erased,
) -> tuple[Row[Any], Standing]:
    """The handle that messages came over, and who is writing, as far as the record tells; noted on record."""
    first_row, first = together[0]
    handle, first_time = people.handle_of(tx, first, erased_at)
    if first.proof >= Proof.PROVEN:
        asked = [message for _, message in together if message.vouchers is not None]
        people.vouch(tx, handle, asked[-1] if asked else first)
    proof, nodes, shared = people.proof_of(tx, handle, first, now, first_time=first_time)
    if first_row.proof is not None:  # found before a crash; asking again would count the message as its own proof
        proof = Proof(first_row.proof)
    for _, message in together:
        people.heard_from(tx, handle, message, proof)
    if proof >= Proof.PROVEN and handle.proven_at is None:
        nodes = people.customer_of(tx, handle.id, now)
    inbox.identified(tx, [row.id for row, _ in together], handle.id, proof)
    grant = linking.grant_of(tx, handle.id, first.conversation, now)
    return handle, Standing(handle=handle.id, proof=proof, nodes=nodes, shared=shared, grant=grant)


_TALK = Prepared(
    select(conversations).where(
        conversations.c.handle_id == bindparam("handle"), conversations.c.conversation == bindparam("here")
    )
)
_ALL_OF_A_LEASE = ("customer", "token", "holder", "expires_at")


def _leasing(*, take_over: bool) -> Prepared:
    row = upserting(leases)
    values = {name: row.excluded[name] for name in _ALL_OF_A_LEASE[1:]}
    lapsed = leases.c.expires_at <= bindparam("now", type_=leases.c.expires_at.type)
    free = None if take_over else or_(lapsed, leases.c.token == row.excluded.token)
    return Prepared(
        row.on_conflict_do_update(index_elements=["customer"], set_=values, where=free), columns=_ALL_OF_A_LEASE
    )


_LEASING = {take_over: _leasing(take_over=take_over) for take_over in (False, True)}
_THIS_LEASE = leases.c.customer == bindparam("customer"), leases.c.token == bindparam("token")
_HELD = Prepared(select(leases.c.token).where(*_THIS_LEASE).with_for_update())
_RELEASED = Prepared(leases.delete().where(*_THIS_LEASE))


def _conversation(tx: Connection, handle: int, conversation: str) -> Row[Any] | None:
    row: Row[Any] | None = _TALK.first(tx, handle=handle, here=conversation)
    return row


def _lease(tx: Connection, customer: str, token: str, holder: str, now: datetime, *, take_over: bool) -> bool:
    values = {"customer": customer, "token": token, "holder": holder, "expires_at": now + _LEASE}
    return _LEASING[take_over].run(tx, **values, **({} if take_over else {"now": now})) > 0


def release(tx: Connection, turn: Turn) -> None:
    """Gives the lease back."""
    _RELEASED.run(tx, customer=turn.standing.customer, token=turn.token)


def begin_alone(tx: Connection) -> None:
    """Nobody else is there: every lease is free, and so is every reply that somebody was sending."""
    tx.execute(leases.delete())
    out.drop_claims(tx)


def free(tx: Connection, holder: str) -> None:
    """What a process held that has ended is free."""
    tx.execute(leases.delete().where(leases.c.holder == holder))
    out.drop_claims(tx, outbox.c.claimed_by == holder)


def hold(tx: Connection, holder: str, now: datetime) -> None:
    """Keeps the leases and the claims of a process from lapsing."""
    tx.execute(update(leases).where(leases.c.holder == holder).values(expires_at=now + _LEASE))
    out.hold(tx, holder, now)


def settle(tx: Connection, s: Settlement) -> Settled:
    """Writes the outcome of a turn. Raises Fenced when its lease went to another."""
    turn = s.turn
    if _HELD.first(tx, customer=turn.standing.customer, token=turn.token) is None:
        raise Fenced(f"turn {turn.token} lost its lease; its messages will be answered by another turn")
    linking.apply(tx, s)
    came_back = _came_back(tx, s)
    votes, praised = ratings.settle(tx, s)
    if s.case is not None and (s.unhelped or s.opens_again):
        votes += playbook.failed(tx, s.case, s.now)
    case = _settle_case(tx, s, came_back=came_back)
    if case is not None and s.status:
        steps.note(tx, case, steps.BOT if s.status == "handed_off" else steps.CUSTOMER, s.now)
    notes, superseded = _write_facts(tx, s, case)
    notes += actions.settle(tx, s.runs, case, s.now)
    if case is not None:
        notes, superseded = _consolidated(tx, s, case, notes, superseded)
    sent = [out.answer(tx, reply, s, case) for reply in s.replies]
    sent += [out.notify(tx, notice, s) for notice in s.notices]
    with at_once(tx):
        inbox.answered(tx, [h.id for h in turn.heard], s.keeper, case)
        _note_conversation(tx, s)
        add(
            tx,
            turns,
            handle_id=s.keeper,
            case_id=case,
            writer=s.writer,
            flags=list(s.flags),
            settled_at=s.now,
            pattern_id=s.pattern,
            article=s.article,
            came_back=came_back,
        )
        for permit, rows in s.permits:
            add(tx, access_log, at=s.now, purpose=permit.purpose, reader="bot", handle_id=permit.own, rows=list(rows))
        release(tx, turn)
    more = inbox.more_waits(tx, turn.line)
    return Settled(
        outbox=sent, case=case, notes=notes, superseded=superseded, votes=votes, praised=praised, more_waits=more
    )


_LAST_TALKED = Prepared(select(cases.c.last_conversation).where(cases.c.id == bindparam("case")))


def _came_back(tx: Connection, s: Settlement) -> bool:
    """Whether somebody comes anew, or elsewhere, about a case; a telephone that rings tells nothing of one."""
    if s.case is None or not s.turn.said_something or s.links:  # nor does a code
        return False
    last = _LAST_TALKED.scalar(tx, case=s.case)
    return s.turn.new_conversation or last != s.turn.first.conversation


_COUNTED = Prepared(update(cases).where(cases.c.id == bindparam("case")).values(contacts=cases.c.contacts + 1))


def _settle_case(tx: Connection, s: Settlement, *, came_back: bool) -> int | None:
    if s.case is None and not s.opens_case:
        return None
    turn = s.turn
    here = {
        "updated_at": s.now,
        "last_handle_id": turn.standing.handle,
        "last_channel": turn.first.channel,
        "last_conversation": turn.first.conversation,
        "snoozed_until": None,  # whoever writes wakes it
    }
    # A telephone that rings, and a code, say nothing about a case.
    touched: dict[str, Any] = here if turn.said_something or s.opens_case else {}
    if s.opens_again:
        touched |= {
            "assignee": "",
            "taken_at": None,
            "handed_off_at": None,
            "resolved_at": None,
            "resolution": "",
            "reason": "",
        }
    if s.status:
        touched["status"] = s.status
    if s.status == "handed_off":
        touched |= {"handed_off_at": s.now, "reason": s.reason}
    if s.status == "resolved":
        touched["resolved_at"] = s.now
    if s.case is None:
        new = {"handle_id": s.keeper, "status": "open", "opened_at": s.now, "contacts": 1} | touched
        return int(added(tx, cases, **new).id)
    if s.opens_again:
        touched["contacts"] = 1
    elif came_back:
        _COUNTED.run(tx, case=s.case)
    if touched:
        change(tx, cases, s.case, **touched)
    return s.case


def _write_facts(tx: Connection, s: Settlement, case: int | None) -> tuple[list[Note], list[Note]]:
    notes: list[Note] = []
    superseded: list[Note] = []
    for new in s.facts:
        of_case = case if new.of_case else None
        if new.of_case and of_case is None:
            continue
        values = {
            "handle_id": s.keeper,
            "case_id": of_case,
            "slot": new.slot,
            "value": new.value,
            "proof": int(s.turn.standing.proof),
            "told_at": s.turn.told_at,
            "message_id": s.turn.heard[-1].id,
        }
        older = _supersede(tx, values, s.now)
        if older is None:
            continue
        superseded += older
        notes.append(recall.note_of(added(tx, facts, **values)))
    return notes, superseded


def _consolidated(
    tx: Connection, s: Settlement, case: int, notes: list[Note], superseded: list[Note]
) -> tuple[list[Note], list[Note]]:
    """Memory keeps one summary of a closed case in place of its facts, and its facts again once it is opened again."""
    if s.status == "resolved":
        told = recall.fact_notes(tx, case)
        return [note for note in notes if note not in told] + [recall.case_note(tx, case)], superseded + told
    if s.opens_again:
        again = [note for note in recall.fact_notes(tx, case) if note not in notes]
        return notes + again, [*superseded, recall.case_note(tx, case)]
    return notes, superseded


def _current(*, of_case: bool) -> Prepared:
    case = facts.c.case_id == bindparam("case") if of_case else facts.c.case_id.is_(None)
    same = facts.c.handle_id == bindparam("handle"), case, facts.c.slot == bindparam("slot")
    return Prepared(select(facts).where(*same, facts.c.superseded_at.is_(None)))


_CURRENT = {of_case: _current(of_case=of_case) for of_case in (False, True)}


def _supersede(tx: Connection, new: dict[str, Any], now: datetime) -> list[Note] | None:
    """Retires this handle's older values of a slot; None when the new one is known, or older itself."""
    case = {} if new["case_id"] is None else {"case": new["case_id"]}
    current = _CURRENT[bool(case)].all(tx, handle=new["handle_id"], slot=new["slot"], **case)
    if any(row.value == new["value"] for row in current):
        return None
    if new["slot"] in _MANY_VALUED:
        return []
    if any(row.told_at > new["told_at"] for row in current):
        return None
    for row in current:
        change(tx, facts, row.id, superseded_at=now)
    return [recall.note_of(row) for row in current]


def _talked() -> Prepared:
    row, known = upserting(conversations), ["handle_id", "conversation"]
    values = {name: row.excluded[name] for name in ("language", "asked", "last_at", "rates")}
    return Prepared(row.on_conflict_do_update(index_elements=known, set_=values), columns=[*known, *values])


_TALKED = _talked()


def _note_conversation(tx: Connection, s: Settlement) -> None:
    turn = s.turn
    asked = [slot for reply in s.replies for slot in reply.asks]
    rates = ratings.still_awaited(s)
    values = {"language": s.language or turn.language, "asked": asked, "last_at": s.now, "rates": rates}
    if rates is not None and rates != turn.rates:
        ratings.note_asked(tx, rates, s.now)
    _TALKED.run(tx, handle_id=turn.standing.handle, conversation=turn.first.conversation, **values)
    spoken: dict[str, Any] = {"language": values["language"]}
    if s.opted_out is not None:
        spoken["opted_out_at"] = s.now if s.opted_out else None
    if s.replies:
        spoken["answered_at"] = s.now
    change(tx, handles, turn.standing.handle, **spoken)
