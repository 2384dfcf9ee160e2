"""Replies on their way out: kept until the provider took them."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, exists, or_, select, update

from core.backends.ledger import enclosing
from core.backends.ledger.dialects import upserting
from core.backends.ledger.prepared import Prepared, added, at_once, change
from core.backends.ledger.schema import handles, outbox, wires
from core.channel import Report
from core.ledger import Notice, Outgoing, Settlement
from core.messages import Choice, Interruption, Reply
from core.observing import new_correlation

BLOT = "••••••"
CLAIM = timedelta(seconds=15)  # unless it is held on to
_OF_A_REPLY = [field.name for field in dataclasses.fields(Reply)]
_LOOKED_AT = 8  # replies of a conversation, newest first, among which one that was interrupted is looked for


def answer(tx: Connection, reply: Reply, s: Settlement, case: int | None) -> Outgoing:
    """Puts a turn's reply into the outbox."""
    first = s.turn.first
    whose = {"handle_id": s.keeper, "case_id": case, "channel": first.channel, "conversation": first.conversation}
    return put(tx, reply, whose | _answering(s), s.now, drawn_from=s.drawn_from)


def notify(tx: Connection, notice: Notice, s: Settlement) -> Outgoing:
    """Puts a notice to another handle into the outbox."""
    to = notice.to
    whose = {"handle_id": to.handle, "case_id": None, "channel": to.channel, "conversation": to.conversation}
    return put(tx, notice.reply, whose | _answering(s), s.now)


def _answering(s: Settlement) -> dict[str, Any]:
    """What a reply goes back to, and since when."""
    return {"trace": s.trace or s.turn.first.trace or new_correlation(), "heard_at": s.turn.first.received_at}


def put(
    tx: Connection, reply: Reply, whose: dict[str, Any], now: datetime, *, drawn_from: frozenset[int] = frozenset()
) -> Outgoing:
    """Puts a reply into the outbox."""
    put_in = added(
        tx,
        outbox,
        **{"trace": new_correlation()} | whose,
        destination=f"{whose['channel']}:{whose['conversation'] or whose['handle_id']}",
        text=reply.text.replace(reply.secret, BLOT) if reply.secret else reply.text,
        reply=_kept(reply),
        asks=",".join(reply.asks),
        drawn_from=sorted(drawn_from | {whose["handle_id"]}),
        sender=reply.sender,
        state="waiting",
        created_at=now,
        maybe_twice=False,
        parts_sent=0,
        attempts=0,
        error="",
    )
    enclosing.keep(tx, put_in.id, reply)
    return outgoing_of(put_in)


def left_over(tx: Connection, now: datetime, destination: str = "") -> Sequence[Outgoing]:
    """Replies that wait and that nobody is sending, to one destination or to all, in order."""
    there = [outbox.c.destination == destination] if destination else []
    waiting = select(outbox).where(outbox.c.state == "waiting", _unclaimed(now), *there)
    return [outgoing_of(row) for row in tx.execute(waiting.order_by(outbox.c.id))]


def neglected(tx: Connection, before: datetime, now: datetime) -> Sequence[str]:
    """The destinations of replies that were written before then, are due, and that nobody is sending."""
    due = or_(outbox.c.due_at.is_(None), outbox.c.due_at <= now)
    waits = outbox.c.state == "waiting", outbox.c.created_at < before, _unclaimed(now), due
    return tx.execute(select(outbox.c.destination).where(*waits).distinct()).scalars().all()


def _unclaimed(now: datetime) -> ColumnElement[bool]:
    return or_(outbox.c.claimed_by == "", outbox.c.claimed_until <= now)


_ELDER = outbox.alias()
_CLAIMED = Prepared(
    update(outbox)
    .where(
        outbox.c.id == bindparam("outgoing"),
        outbox.c.state == "waiting",
        or_(outbox.c.claimed_by.in_(("", bindparam("holder"))), outbox.c.claimed_until <= bindparam("now")),
        ~exists().where(
            _ELDER.c.destination == outbox.c.destination,
            _ELDER.c.state == "waiting",
            _ELDER.c.id < bindparam("outgoing"),
        ),
    )
    .values(
        maybe_twice=or_(outbox.c.maybe_twice, outbox.c.claimed_by.not_in(("", bindparam("holder")))),
        claimed_by=bindparam("holder"),
        claimed_until=bindparam("until"),
    )
    .returning(*outbox.c)
)


def claim(tx: Connection, outgoing: int, holder: str, now: datetime) -> Outgoing | None:
    """Takes a reply in hand to send it. Whoever let go of it while sending may have sent it: flagged."""
    row = _CLAIMED.first(tx, outgoing=outgoing, holder=holder, now=now, until=now + CLAIM)
    return None if row is None else outgoing_of(row)


def hold(tx: Connection, holder: str, now: datetime) -> None:
    """Keeps the claims of a process."""
    held = outbox.c.state == "waiting", outbox.c.claimed_by == holder
    tx.execute(update(outbox).where(*held).values(claimed_until=now + CLAIM))


def drop_claims(tx: Connection, *whose: ColumnElement[bool]) -> None:
    """Every process that claimed something is gone, or those `whose` it is, and may have sent it."""
    claimed = outbox.c.state == "waiting", outbox.c.claimed_by != "", *whose
    tx.execute(update(outbox).where(*claimed).values(maybe_twice=True, claimed_by="", claimed_until=None))


def outgoing_of(row: Row[Any]) -> Outgoing:
    """The reply of a row, to be sent."""
    return Outgoing(
        id=row.id,
        channel=row.channel,
        destination=row.destination,
        reply=_reply(row.reply),
        parts_sent=row.parts_sent,
        attempts=row.attempts,
        due_at=row.due_at,
        maybe_twice=row.maybe_twice,
        trace=row.trace or "",
        heard_at=row.heard_at,
        written_at=row.created_at,
    )


def _kept(reply: Reply) -> dict[str, Any]:
    """A reply as JSON; of its files, what they are called."""
    plain = {name: getattr(reply, name) for name in _OF_A_REPLY}
    choices = [{"label": choice.label, "says": choice.says} for choice in reply.choices]
    return plain | {"route": dict(reply.route), "choices": choices, "files": enclosing.named(reply.files)}


def _reply(kept: dict[str, Any]) -> Reply:
    choices = tuple(Choice(**choice) for choice in kept.get("choices", ()))
    return Reply(**kept | {"asks": tuple(kept["asks"]), "choices": choices, "files": enclosing.files_of(kept)})


_WENT = Prepared(upserting(wires).on_conflict_do_nothing(), columns=("outgoing", "part", "provider_id"))
_SENT = Prepared(
    update(outbox)
    .where(outbox.c.id == bindparam("outgoing"), outbox.c.state == "waiting")
    .values(state="sent", sent_at=bindparam("now"), error="", claimed_by="")
)


def part_sent(tx: Connection, outgoing: int, *, parts: int, done: bool, provider_id: str, now: datetime) -> None:
    """Notes how far a reply has gone; of one that was erased meanwhile, nothing. One whose earlier part was reported to
    have failed stays undelivered."""
    if not change(tx, outbox, outgoing, parts_sent=parts):
        return
    with at_once(tx):
        _WENT.run(tx, outgoing=outgoing, part=parts, provider_id=provider_id)
        if done:
            _SENT.run(tx, outgoing=outgoing, now=now)


def reconciled(tx: Connection, outgoing: int, found: Sequence[str]) -> str:
    """Takes a reply out of doubt: what of a provider's is that reply, as far as it is on record as no other. Where
    nothing is, the doubt remains: a slow provider may show it later."""
    here = select(outbox.c.channel).where(outbox.c.id == outgoing).scalar_subquery()
    theirs = outbox.c.channel == here, wires.c.provider_id.in_(found)
    known = set(tx.execute(select(wires.c.provider_id).join(outbox).where(*theirs)).scalars())
    taken = next((one for one in found if one not in known), "")
    if taken:
        tx.execute(update(outbox).where(outbox.c.id == outgoing).values(maybe_twice=False))
    return taken


def let_go(tx: Connection, outgoing: int, holder: str) -> None:
    """Gives a claim back before anything was sent."""
    claimed = outbox.c.id == outgoing, outbox.c.claimed_by == holder
    tx.execute(update(outbox).where(*claimed).values(claimed_by="", claimed_until=None))


def sending_failed(
    tx: Connection, outgoing: int, error: str, due_at: datetime | None, *, maybe_sent: bool = False
) -> None:
    """Notes a failed attempt."""
    values: dict[str, Any] = {"attempts": outbox.c.attempts + 1, "error": error, "due_at": due_at, "claimed_by": ""}
    values |= {"maybe_twice": True} if maybe_sent else {}
    state = "waiting" if due_at else "parked"
    tx.execute(update(outbox).where(outbox.c.id == outgoing).values(state=state, **values))


def opted_out(tx: Connection, outgoing: int, now: datetime) -> None:
    """Notes that whoever a reply was for wants no more."""
    whose = select(outbox.c.handle_id).where(outbox.c.id == outgoing).scalar_subquery()
    tx.execute(update(handles).where(handles.c.id == whose).values(opted_out_at=now))


def reported(tx: Connection, channel: str, report: Report, now: datetime) -> bool:
    """Notes what a provider says of a reply that it took; of one that is not ours, nothing."""
    ours = outbox.c.channel == channel, wires.c.provider_id == report.provider_id
    row = tx.execute(select(outbox.c.id, outbox.c.handle_id).join(wires).where(*ours)).first()
    if row is None:
        return False
    if report.failure:
        tx.execute(update(outbox).where(outbox.c.id == row.id).values(state="parked", error=report.failure))
    if report.opted_out:
        tx.execute(update(handles).where(handles.c.id == row.handle_id).values(opted_out_at=now))
    return True


def heard(tx: Connection, one: Interruption) -> None:
    """Cuts a reply on record to what was heard of it."""
    here = outbox.c.channel == one.channel, outbox.c.conversation == one.conversation
    newest = select(outbox).where(*here).order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(_LOOKED_AT)
    row = next((row for row in tx.execute(newest) if row.reply["id"] == one.reply), None)
    if row is None or len(one.heard) >= len(row.reply["text"]):
        return
    text, secret = f"{one.heard}…", row.reply["secret"]
    values = {"text": text.replace(secret, BLOT) if secret else text, "reply": row.reply | {"text": text}}
    tx.execute(update(outbox).where(outbox.c.id == row.id).values(**values))
