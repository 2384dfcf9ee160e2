"""What a colleague is to answer, and for whom: the standing of who gets the answer, as it is now."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select

from core.backends.ledger import budgets, inbox, linking, people
from core.backends.ledger.casefiles import destination, last_proof, row_of, standing_of
from core.backends.ledger.schema import cases, conversations, drafts, handles, messages, outbox
from core.casefile import Destination
from core.drafting import Unanswered, Written
from core.ledger import Heard, Turn
from identity.codes import GRANT_LIFE
from identity.gate import Permit, Purpose, Standing, permit
from identity.proof import Proof

_MOST = 6  # messages that one draft answers


def unanswered(tx: Connection, case: int, reachable: Collection[str], now: datetime) -> Unanswered | None:
    """What waits for an answer; where all is answered, what was said last."""
    row = row_of(tx, case)
    to = destination(tx, row, standing_of(tx, row, now), reachable, now)
    if to is None:
        return None
    standing = recipient(tx, to, now)
    said = _said(tx, row, to, permit(standing, Purpose.ANSWER))
    if not said:
        return None
    turn = Turn(
        token="",
        line=f"{to.channel}:{to.conversation}",
        standing=standing,
        heard=[Heard(id=one.id, message=inbox.read(one), proof=standing.proof) for one in said],
        new_conversation=False,
        last_said_at=None,
        language=to.language,
        asked=_asked(tx, to),
        model_turns_lately=budgets.counts(tx, standing.keeper, now)["model_turns_lately"],
    )
    return Unanswered(turn=turn, channel=to.channel)


def recipient(tx: Connection, to: Destination, now: datetime) -> Standing:
    """Who gets an answer: no better proven than their newest message, for no longer than a proof lasts."""
    heard_at = tx.execute(select(handles.c.heard_at).where(handles.c.id == to.handle)).scalar_one()
    proof = last_proof(tx, to.handle)
    return Standing(
        handle=to.handle,
        proof=min(proof, Proof.PROVEN) if now - heard_at > GRANT_LIFE else proof,
        nodes=people.customer_of(tx, to.handle, now),
        grant=linking.grant_of(tx, to.handle, to.conversation, now),
    )


def _said(tx: Connection, row: Row[Any], to: Destination, allowed: Permit) -> list[Row[Any]]:
    """The customer's messages about a case since somebody answered them; at least the last one. Oldest first."""
    here = messages.c.channel == to.channel, messages.c.conversation == to.conversation
    about_it = or_(messages.c.case_id == row.id, messages.c.case_id.is_(None) & here[0] & here[1])
    theirs = messages.c.handle_id.in_(allowed.handles), messages.c.state == "answered", about_it
    newest = select(messages).where(*theirs).order_by(messages.c.id.desc()).limit(_MOST)
    found = [one for one in tx.execute(newest) if one.text]
    since = _answered_at(tx, row)
    waiting = [one for one in found if since is None or one.received_at > since]
    return (waiting or found[:1])[::-1]


def _answered_at(tx: Connection, row: Row[Any]) -> datetime | None:
    """When a case was last answered: by a colleague, or by the bot before it handed it over."""
    ours = outbox.c.case_id == row.id, outbox.c.state != "parked"
    by_agents = select(func.max(outbox.c.created_at)).where(*ours, outbox.c.sender == "agent")
    by_bot = select(func.max(outbox.c.created_at)).where(*ours, outbox.c.sender == "bot")
    before = by_bot if row.handed_off_at is None else by_bot.where(outbox.c.created_at < row.handed_off_at)
    return max(filter(None, (tx.execute(query).scalar() for query in (by_agents, before))), default=None)


def _asked(tx: Connection, to: Destination) -> list[str]:
    """The slots that we asked for last, there."""
    here = conversations.c.handle_id == to.handle, conversations.c.conversation == to.conversation
    return list(tx.execute(select(conversations.c.asked).where(*here)).scalar() or [])


def note(tx: Connection, one: Written, now: datetime) -> None:
    """Notes that a writer worked for a colleague; nothing, where the case is gone by now."""
    if tx.execute(select(cases.c.id).where(cases.c.id == one.case)).first() is not None:
        whose = {"case_id": one.case, "handle_id": one.handle}
        tx.execute(insert(drafts).values(**whose, writer=one.writer, asked_by=one.asked_by, at=now))


def where_to(tx: Connection, case: int, reachable: Collection[str], now: datetime) -> Destination | None:
    """Where a reply to a case goes."""
    row = row_of(tx, case)
    return destination(tx, row, standing_of(tx, row, now), reachable, now)
