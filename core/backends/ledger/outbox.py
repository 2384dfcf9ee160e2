"""Replies on their way out: kept until the provider took them."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.backends.ledger.schema import outbox
from core.ledger import Notice, Outgoing, Settlement
from core.messages import Reply

BLOT = "••••••"


def answer(tx: Connection, reply: Reply, s: Settlement, case: int | None) -> Outgoing:
    """Puts a turn's reply into the outbox."""
    first = s.turn.first
    whose = {"handle_id": s.keeper, "case_id": case, "channel": first.channel, "conversation": first.conversation}
    return put(tx, reply, whose, s.now, drawn_from=s.drawn_from)


def notify(tx: Connection, notice: Notice, now: datetime) -> Outgoing:
    """Puts a notice to another handle into the outbox."""
    to = notice.to
    whose = {"handle_id": to.handle, "case_id": None, "channel": to.channel, "conversation": to.conversation}
    return put(tx, notice.reply, whose, now)


def put(
    tx: Connection, reply: Reply, whose: dict[str, Any], now: datetime, *, drawn_from: frozenset[int] = frozenset()
) -> Outgoing:
    """Puts a reply into the outbox."""
    row = insert(outbox).values(
        **whose,
        destination=f"{whose['channel']}:{whose['conversation'] or whose['handle_id']}",
        text=reply.text.replace(reply.secret, BLOT) if reply.secret else reply.text,
        reply=dataclasses.asdict(reply) | {"route": dict(reply.route)},
        drawn_from=sorted(drawn_from | {whose["handle_id"]}),
        sender=reply.sender,
        state="waiting",
        created_at=now,
        maybe_twice=False,
        parts_sent=0,
        attempts=0,
        provider_id="",
        error="",
    )
    return _outgoing(tx.execute(row.returning(outbox)).one())


def left_over(tx: Connection) -> Sequence[Outgoing]:
    """Replies that an earlier process left waiting. It may have sent them and died before noting it: flagged."""
    waiting = outbox.c.state == "waiting"
    tx.execute(update(outbox).where(waiting).values(maybe_twice=True))
    return [_outgoing(row) for row in tx.execute(select(outbox).where(waiting).order_by(outbox.c.id))]


def _outgoing(row: Row[Any]) -> Outgoing:
    return Outgoing(
        id=row.id,
        channel=row.channel,
        destination=row.destination,
        reply=Reply(**row.reply | {"asks": tuple(row.reply["asks"])}),
        parts_sent=row.parts_sent,
        attempts=row.attempts,
        due_at=row.due_at,
        maybe_twice=row.maybe_twice,
    )


def is_waiting(tx: Connection, outgoing: int) -> bool:
    """Whether a reply is still to be sent."""
    waiting = outbox.c.id == outgoing, outbox.c.state == "waiting"
    return tx.execute(select(outbox.c.id).where(*waiting)).first() is not None


def part_sent(tx: Connection, outgoing: int, *, parts: int, done: bool, provider_id: str, now: datetime) -> None:
    """Notes how far a reply has gone."""
    values: dict[str, Any] = {"parts_sent": parts, "provider_id": provider_id}
    if done:
        values |= {"state": "sent", "sent_at": now, "error": ""}
    tx.execute(update(outbox).where(outbox.c.id == outgoing).values(**values))


def sending_failed(tx: Connection, outgoing: int, error: str, due_at: datetime | None) -> None:
    """Notes a failed attempt."""
    values = {"attempts": outbox.c.attempts + 1, "error": error, "due_at": due_at}
    state = "waiting" if due_at else "parked"
    tx.execute(update(outbox).where(outbox.c.id == outgoing).values(state=state, **values))
