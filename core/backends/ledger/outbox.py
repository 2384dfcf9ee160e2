"""Replies on their way out: kept until the provider took them."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.backends.ledger.schema import outbox
from core.ledger import Notice, Outgoing, Turn
from core.messages import Reply


def answer(tx: Connection, reply: Reply, turn: Turn, case: int | None, now: datetime) -> int:
    """Puts a turn's reply into the outbox."""
    whose = {
        "handle_id": turn.standing.handle,
        "case_id": case,
        "channel": turn.first.channel,
        "conversation": turn.first.conversation,
    }
    return put(tx, reply, whose, now)


def notify(tx: Connection, notice: Notice, now: datetime) -> int:
    """Puts a notice to another handle into the outbox."""
    whose = {"handle_id": notice.to.handle, "case_id": None, "channel": notice.to.channel, "conversation": ""}
    return put(tx, notice.reply, whose, now)


def put(tx: Connection, reply: Reply, whose: dict[str, Any], now: datetime) -> int:
    """Puts a reply into the outbox."""
    destination = f"{whose['channel']}:{whose['conversation'] or whose['handle_id']}"
    row = insert(outbox).values(
        **whose,
        destination=destination,
        text=reply.text,
        reply=dataclasses.asdict(reply) | {"route": dict(reply.route)},
        sender=reply.sender,
        state="waiting",
        created_at=now,
        maybe_twice=False,
        parts_sent=0,
        attempts=0,
        provider_id="",
        error="",
    )
    return int(tx.execute(row.returning(outbox.c.id)).scalar_one())


def outgoing(tx: Connection, ids: Sequence[int] | None) -> Sequence[Outgoing]:
    """Replies that wait to be sent, oldest first."""
    query = select(outbox).where(outbox.c.state == "waiting").order_by(outbox.c.id)
    if ids is not None:
        query = query.where(outbox.c.id.in_(ids))
    return [_outgoing(row) for row in tx.execute(query)]


def left_over(tx: Connection) -> Sequence[Outgoing]:
    """Replies that an earlier process left waiting. It may have sent them and died before noting it: flagged."""
    tx.execute(update(outbox).where(outbox.c.state == "waiting").values(maybe_twice=True))
    return outgoing(tx, None)


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
