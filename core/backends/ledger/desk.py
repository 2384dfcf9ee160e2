"""What colleagues do with a case: they take it, answer, resolve and correct it, and what they read is noted."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from core.backends.ledger import outbox as out
from core.backends.ledger import playbook, ratings, recall, schema, steps
from core.backends.ledger.casefiles import destination, last_proof, newest_heard, row_of, standing_of
from core.backends.ledger.schema import cases, corrections, facts, leases, outbox
from core.casefile import Reading
from core.desk import (
    AgentReply,
    Correction,
    Refused,
    Resolution,
    Resolved,
    WroteMeanwhile,
)
from core.ledger import Outgoing
from core.messages import Reply
from core.playbook import Learnt
from core.promises import promises
from core.rating import DISPLEASED
from identity.gate import Purpose
from identity.proof import Proof

_CORRECTIONS = 1_000
_FREE = {"assignee": "", "taken_at": None, "snoozed_until": None}


def take(tx: Connection, case: int, agent: str, now: datetime) -> None:
    """Gives a case to a colleague. A turn that the bot is at loses its lease, runs again, and leaves it to them."""
    give(tx, held(tx, case, agent), agent, agent, now)


def give(tx: Connection, row: Row[Any], to: str, by: str, now: datetime) -> None:
    """Makes a case a colleague's, whoever had it; what it was put off for is over if somebody else had it."""
    standing = standing_of(tx, row, now)
    tx.execute(leases.delete().where(leases.c.customer.in_({standing.customer, min(standing.nodes)})))
    was_theirs = row.assignee == to
    values = {
        "assignee": to,
        "taken_at": row.taken_at if was_theirs else now,
        "snoozed_until": row.snoozed_until if was_theirs else None,
        "status": "handed_off",
        "handed_off_at": row.handed_off_at or now,
        "reason": row.reason if row.status == "handed_off" else f"Taken over by {by}.",
    }
    tx.execute(update(cases).where(cases.c.id == row.id).values(**values))
    steps.note(tx, row.id, by, now)


def hand_back(tx: Connection, case: int, agent: str, now: datetime) -> None:
    """Gives a case back to the bot, which does not hand it off again for what was before."""
    held(tx, case, agent)
    tx.execute(update(cases).where(cases.c.id == case).values(**_FREE, status="open", contacts=1, handed_off_at=None))
    steps.note(tx, case, agent, now)


def reply(tx: Connection, order: AgentReply, reachable: Collection[str]) -> list[Outgoing]:
    """Takes the case and puts a reply into the outbox, once."""
    if _is_sent(tx, order):
        return []
    take(tx, order.case, order.agent, order.at)
    _refuse_unread(tx, order)
    row = row_of(tx, order.case)
    standing = standing_of(tx, row, order.at)
    to = destination(tx, row, standing, reachable, order.at)
    if to is None:
        raise Refused("Nothing was sent: there is no channel on which this customer can be answered.")
    handle = int(row.handle_id if standing.grant else to.handle)
    said = Reply(id=order.id, route=to.route, text=order.text, language=to.language, sender="agent", files=order.files)
    whose = {
        "handle_id": handle,
        "case_id": order.case,
        "channel": to.channel,
        "conversation": to.conversation,
        "agent": order.agent,
    }
    tx.execute(update(cases).where(cases.c.id == order.case).values(updated_at=order.at))
    _note_promises(tx, order, handle)
    return [out.put(tx, said, whose, order.at)]


def _refuse_unread(tx: Connection, order: AgentReply) -> None:
    """A reply is not sent over the customer's words that its author has not seen."""
    if order.seen is not None and newest_heard(tx, order.case, order.at) > order.seen:
        raise WroteMeanwhile(
            "Nothing was sent yet: the customer has written meanwhile. Read it; to send your reply all the same, Send."
        )


def _note_promises(tx: Connection, order: AgentReply, handle: int) -> None:
    """What a colleague promises is kept with the case, for whoever takes over."""
    told = {"handle_id": handle, "case_id": order.case, "proof": 0, "told_at": order.at}
    for promise in promises(order.text):
        tx.execute(insert(facts).values(slot="promised", value=promise, **told))


def _is_sent(tx: Connection, order: AgentReply) -> bool:
    by_agents = select(outbox.c.reply).where(outbox.c.case_id == order.case, outbox.c.sender == "agent")
    return any(sent["id"] == order.id for sent in tx.execute(by_agents).scalars())


def resolve(tx: Connection, done: Resolution, reachable: Collection[str]) -> Resolved:
    """Closes a case, writes down what is to be learnt of it, and asks for a rating."""
    take(tx, done.case, done.agent, done.at)
    ended = {"status": "resolved", "resolution": done.text, "resolved_at": done.at, "updated_at": done.at}
    ended["snoozed_until"] = None
    rated = {"satisfaction": done.satisfaction, "rated_at": done.at} if done.satisfaction else {}
    tx.execute(update(cases).where(cases.c.id == done.case).values(**ended, **rated))
    steps.note(tx, done.case, done.agent, done.at)
    note, told = recall.case_note(tx, done.case), recall.fact_notes(tx, done.case)
    learnt = replace(_learn(tx, done), notes=[note], superseded=told)
    return Resolved(learnt=learnt, outbox=_ask(tx, done, reachable))


def _learn(tx: Connection, done: Resolution) -> Learnt:
    """What a colleague wrote helped, unless the customer says otherwise; then it is not learnt."""
    score, now = done.satisfaction, done.at
    votes = ratings.judged(tx, done.case, score, now) if score else []
    pleased = score is None or score > DISPLEASED
    if done.draft is None or (done.same_as is None and not pleased):
        return Learnt(votes=votes)
    if done.same_as is not None:
        return Learnt(votes=[*votes, playbook.vote(tx, done.same_as, done.case, helpful=pleased, now=now)])
    return playbook.learn(tx, done.case, done.draft, same_as=None, confirmed_by=done.agent, now=now)


def _ask(tx: Connection, done: Resolution, reachable: Collection[str]) -> list[Outgoing]:
    """Asks how satisfied somebody is, once for a case, and only who proved to be there."""
    row = row_of(tx, done.case)
    standing = standing_of(tx, row, done.at)
    to = destination(tx, row, standing, reachable, done.at)
    if done.question is None or to is None or row.rating_asked_at is not None or row.satisfaction is not None:
        return []
    if last_proof(tx, to.handle) < Proof.PLAUSIBLE:
        return []
    whose = {
        "handle_id": row.handle_id if standing.grant else to.handle,
        "case_id": done.case,
        "channel": to.channel,
        "conversation": to.conversation,
    }
    ratings.asked(tx, done.case, to, done.at)
    return [out.put(tx, replace(done.question, route=to.route), whose, done.at)]


def correct(tx: Connection, done: Correction) -> None:
    """Supersedes a case's category and keeps what is to be learnt; without words nothing is."""
    row = held(tx, done.case, done.agent)
    here = facts.c.case_id == done.case, facts.c.slot == "category", facts.c.superseded_at.is_(None)
    proof = tx.execute(select(func.max(facts.c.proof)).where(*here)).scalar()
    tx.execute(update(facts).where(*here).values(superseded_at=done.at))
    told = {"handle_id": row.handle_id, "case_id": row.id, "slot": "category", "value": done.category}
    proof = proof if proof is not None else last_proof(tx, row.handle_id)
    tx.execute(insert(facts).values(**told, proof=int(proof), told_at=done.at))
    tx.execute(update(cases).where(cases.c.id == row.id).values(updated_at=done.at))
    tx.execute(corrections.delete().where(corrections.c.case_id == row.id))
    if done.text:
        kept = {"case_id": row.id, "category": done.category, "text": done.text}
        tx.execute(insert(corrections).values(**kept, corrected_by=done.agent, at=done.at))


def corrected(tx: Connection) -> list[tuple[str, str]]:
    """The newest corrections: what was said, and what it is about."""
    newest = select(corrections.c.text, corrections.c.category).order_by(corrections.c.id.desc()).limit(_CORRECTIONS)
    return [(row.text, row.category) for row in tx.execute(newest)]


def held(tx: Connection, case: int, agent: str) -> Row[Any]:
    """The row of a case that this colleague may touch; nobody else touches it until this transaction ends."""
    row = row_of(tx, case, locked=True)
    if row.status == "resolved":
        raise Refused(f"Case {case} is resolved already.")
    if row.assignee not in ("", agent):
        raise Refused(f"{row.assignee} has taken this case; nothing was sent or changed.")
    return row


def note_reading(tx: Connection, reader: str, readings: Sequence[Reading], now: datetime) -> None:
    """Writes into the access log who read what."""
    if readings:
        rows = [{"handle_id": reading.handle, "rows": list(reading.rows)} for reading in readings]
        tx.execute(insert(schema.access_log).values(at=now, purpose=Purpose.STAFF, reader=reader), rows)
