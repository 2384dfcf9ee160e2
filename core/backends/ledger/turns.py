"""Turns: opened under a lease of the customer, settled in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from core import consent
from core.backends.ledger import actions, budgets, inbox, linking, people, playbook, ratings, recall, steps
from core.backends.ledger import outbox as out
from core.backends.ledger.dialects import upsert
from core.backends.ledger.people import ErasedAt, never_erased
from core.backends.ledger.schema import access_log, cases, conversations, facts, handles, leases, turns
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
        lately=budgets.lately(tx, standing.keeper, now),
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


def _conversation(tx: Connection, handle: int, conversation: str) -> Row[Any] | None:
    where = conversations.c.handle_id == handle, conversations.c.conversation == conversation
    return tx.execute(select(conversations).where(*where)).one_or_none()


def _lease(tx: Connection, customer: str, token: str, holder: str, now: datetime, *, take_over: bool) -> bool:
    values = {"token": token, "holder": holder, "expires_at": now + _LEASE}
    row = upsert(tx, leases).values(customer=customer, **values)
    free = None if take_over else or_(leases.c.expires_at <= now, leases.c.token == token)
    return tx.execute(row.on_conflict_do_update(index_elements=["customer"], set_=values, where=free)).rowcount > 0


def release(tx: Connection, turn: Turn) -> None:
    """Gives the lease back."""
    tx.execute(leases.delete().where(leases.c.customer == turn.standing.customer, leases.c.token == turn.token))


def begin_alone(tx: Connection) -> None:
    """Nobody else is there: every lease is free, and so is every reply that somebody was sending."""
    tx.execute(leases.delete())
    out.drop_claims(tx)


def hold(tx: Connection, holder: str, now: datetime) -> None:
    """Keeps the leases and the claims of a process from lapsing."""
    tx.execute(update(leases).where(leases.c.holder == holder).values(expires_at=now + _LEASE))
    out.hold(tx, holder, now)


def settle(tx: Connection, s: Settlement) -> Settled:
    """Writes the outcome of a turn. Raises Fenced when its lease went to another."""
    turn = s.turn
    held = leases.c.customer == turn.standing.customer, leases.c.token == turn.token
    if tx.execute(select(leases.c.token).where(*held)).one_or_none() is None:
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
    actions.settle(tx, s.runs, case, s.now)
    if case is not None:
        notes, superseded = _consolidated(tx, s, case, notes, superseded)
    sent = [out.answer(tx, reply, s, case) for reply in s.replies]
    sent += [out.notify(tx, notice, s) for notice in s.notices]
    inbox.answered(tx, [h.id for h in turn.heard], s.keeper, case)
    _note_conversation(tx, s)
    tx.execute(
        insert(turns).values(
            handle_id=s.keeper,
            case_id=case,
            writer=s.writer,
            flags=list(s.flags),
            settled_at=s.now,
            pattern_id=s.pattern,
            article=s.article,
            came_back=came_back,
        )
    )
    for permit, rows in s.permits:
        tx.execute(
            insert(access_log).values(
                at=s.now, purpose=permit.purpose, reader="bot", handle_id=permit.own, rows=list(rows)
            )
        )
    release(tx, turn)
    return Settled(outbox=sent, case=case, notes=notes, superseded=superseded, votes=votes, praised=praised)


def _came_back(tx: Connection, s: Settlement) -> bool:
    """Whether somebody comes anew, or elsewhere, about a case; a telephone that rings tells nothing of one."""
    if s.case is None or not s.turn.said_something or s.links:  # nor does a code
        return False
    last = tx.execute(select(cases.c.last_conversation).where(cases.c.id == s.case)).scalar()
    return s.turn.new_conversation or last != s.turn.first.conversation


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
        return int(tx.execute(insert(cases).values(**new).returning(cases.c.id)).scalar_one())
    if touched:
        contacts = 1 if s.opens_again else cases.c.contacts + int(came_back)
        tx.execute(update(cases).where(cases.c.id == s.case).values(contacts=contacts, **touched))
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
        row = tx.execute(insert(facts).values(**values).returning(facts)).one()
        notes.append(recall.note_of(row))
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


def _supersede(tx: Connection, new: dict[str, Any], now: datetime) -> list[Note] | None:
    """Retires this handle's older values of a slot; None when the new one is known, or older itself."""
    same = facts.c.handle_id == new["handle_id"], facts.c.case_id == new["case_id"], facts.c.slot == new["slot"]
    current = tx.execute(select(facts).where(*same, facts.c.superseded_at.is_(None))).all()
    if any(row.value == new["value"] for row in current):
        return None
    if new["slot"] in _MANY_VALUED:
        return []
    if any(row.told_at > new["told_at"] for row in current):
        return None
    ids = [row.id for row in current]
    tx.execute(update(facts).where(facts.c.id.in_(ids)).values(superseded_at=now))
    return [recall.note_of(row) for row in current]


def _note_conversation(tx: Connection, s: Settlement) -> None:
    turn = s.turn
    asked = [slot for reply in s.replies for slot in reply.asks]
    rates = ratings.still_awaited(s)
    values = {"language": s.language or turn.language, "asked": asked, "last_at": s.now, "rates": rates}
    if rates is not None and rates != turn.rates:
        ratings.note_asked(tx, rates, s.now)
    row = upsert(tx, conversations).values(
        handle_id=turn.standing.handle, conversation=turn.first.conversation, **values
    )
    tx.execute(row.on_conflict_do_update(index_elements=["handle_id", "conversation"], set_=values))
    spoken: dict[str, Any] = {"language": values["language"]}
    if s.opted_out is not None:
        spoken["opted_out_at"] = s.now if s.opted_out else None
    if s.replies:
        spoken["answered_at"] = s.now
    tx.execute(update(handles).where(handles.c.id == turn.standing.handle).values(**spoken))
