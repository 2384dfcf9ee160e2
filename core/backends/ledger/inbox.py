"""Messages as they came in, and what of them still waits for an answer."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, literal_column, select, update

from core.backends.ledger import enclosing
from core.backends.ledger.dialects import listed, upserting
from core.backends.ledger.prepared import Prepared, add
from core.backends.ledger.schema import messages, outbox, parked, raw_messages, unchecked
from core.channel import Checked, Line, Place
from core.ledger import Unchecked, line_of
from core.messages import Attachment, Choice, InboundMessage, Raw, Route, Voucher
from core.stage import CONVERSATION
from identity.handles import Handle
from identity.proof import Proof

_LINES_SHOWN = 100
_MOST_PLACES, _KNOWN = 1_000, 100  # conversations, and messages of each
_MOST_HEARD = 50_000


_MESSAGE = ("channel", "external_id", "line", "conversation", "vouched", "text", "body", "received_at", "told_at")
_KEPT = Prepared(
    upserting(messages).on_conflict_do_nothing().returning(messages.c.id), columns=(*_MESSAGE, "state", "trace")
)


def accept(tx: Connection, message: InboundMessage, raw: Raw) -> bool:
    """Records a message; False if it is on record already, or takes back what it would replace."""
    if message.replaces:
        _replace(tx, message)
    if message.takes_back:
        return False
    made = _KEPT.scalar(
        tx,
        channel=message.channel,
        external_id=message.external_id,
        line=line_of(message),
        conversation=message.conversation,
        vouched=int(message.proof),
        text=message.text,
        body=_body(message),
        received_at=message.received_at,
        told_at=message.told_at,
        state="unchecked" if message.unchecked else "waiting",
        trace=message.trace or None,
    )
    if made is None:
        return False
    add(tx, raw_messages, message_id=made, body=raw.body, headers=dict(raw.headers))
    if message.unchecked:
        tx.execute(insert(unchecked).values(message_id=made, peer=raw.peer))
    return True


def _replace(tx: Connection, message: InboundMessage) -> None:
    """What still waits is not answered any more; what was answered stays as it was said."""
    same = messages.c.channel == message.channel, messages.c.external_id == message.replaces
    waits = messages.c.line == line_of(message), messages.c.state.in_(("waiting", "unchecked"))
    tx.execute(update(messages).where(*same, *waits).values(state="replaced"))


def park(tx: Connection, channel: str, raw: Raw, reason: str) -> None:
    """Keeps a delivery that could not be read."""
    tx.execute(
        insert(parked).values(
            channel=channel, body=raw.body, headers=dict(raw.headers), reason=reason, received_at=raw.received_at
        )
    )


def to_check(tx: Connection, before: datetime | None = None) -> Sequence[Unchecked]:
    """The messages, received before then, that wait for a check, in the order in which they came."""
    query = select(messages).where(messages.c.state == "unchecked", *_received(before)).order_by(messages.c.id)
    return [Unchecked.of(read(row)) for row in tx.execute(query)]


def _received(before: datetime | None) -> list[ColumnElement[bool]]:
    return [messages.c.received_at < before] if before else []


def kept(tx: Connection, one: Unchecked) -> tuple[InboundMessage, Raw] | None:
    """A message that waits for a check, and how it arrived."""
    columns = messages, raw_messages.c.body.label("raw"), raw_messages.c.headers, unchecked.c.peer
    row = tx.execute(select(*columns).where(*_named(one)).join(raw_messages).join(unchecked)).one_or_none()
    if row is None:
        return None
    return read(row), Raw(body=row.raw, received_at=row.received_at, headers=row.headers, peer=row.peer)


def checked(tx: Connection, one: Unchecked, found: Checked | None) -> str | None:
    """Gives a message what a check found, and the line that it waits on from now."""
    row = tx.execute(select(messages).where(*_named(one), messages.c.state == "unchecked")).one_or_none()
    if row is None:
        return None
    message = read(row)
    if found is not None:
        message = dataclasses.replace(message, proof=found.proof, vouchers=found.vouchers)
    line = line_of(message)
    known = {"vouched": int(message.proof), "line": line, "state": "waiting", "body": _body(message)}
    tx.execute(update(messages).where(messages.c.id == row.id).values(**known))
    tx.execute(delete(unchecked).where(unchecked.c.message_id == row.id))
    return line


def _named(one: Unchecked) -> tuple[ColumnElement[bool], ...]:
    return messages.c.channel == one.channel, messages.c.external_id == one.external_id


def open_lines(tx: Connection, before: datetime | None = None) -> Sequence[str]:
    """The lines with messages, received before then, that wait, oldest first."""
    waits = messages.c.state == "waiting", *_received(before)
    rows = tx.execute(select(messages.c.line).where(*waits).order_by(messages.c.id))
    return list(dict.fromkeys(rows.scalars()))


_WAITING = Prepared(
    select(messages)
    .where(messages.c.line == bindparam("line"), messages.c.state == literal_column("'waiting'"))
    .order_by(messages.c.id)
)


def waiting(tx: Connection, line: str) -> Sequence[Row[Any]]:
    """The messages of a line that wait, in the order in which they came."""
    return _WAITING.all(tx, line=line)


_MORE = Prepared(
    select(messages.c.id)
    .where(messages.c.line == bindparam("line"), messages.c.state == literal_column("'waiting'"))
    .limit(1)
)


def more_waits(tx: Connection, line: str) -> bool:
    """Whether a message of a line waits."""
    return _MORE.scalar(tx, line=line) is not None


_THESE = update(messages).where(messages.c.id.in_(listed("ids")))
_IDENTIFIED = Prepared(_THESE.values({name: bindparam(name) for name in ("handle_id", "proof")}))
_ANSWERED = Prepared(_THESE.values({name: bindparam(name) for name in ("state", "handle_id", "case_id")}))


def identified(tx: Connection, ids: Sequence[int], handle: int, proof: Proof) -> None:
    """Notes which handle these messages came from, and the proof that they were found to have."""
    _IDENTIFIED.run(tx, ids=list(ids), handle_id=handle, proof=int(proof))


def answered(tx: Connection, ids: Sequence[int], keeper: int, case: int | None) -> None:
    """These messages wait no more; what they told hangs on the keeper, and is about a case, or none."""
    _ANSWERED.run(tx, ids=list(ids), state="answered", handle_id=keeper, case_id=case)


def read(row: Row[Any]) -> InboundMessage:
    """The message of a row."""
    body = row.body
    sent_at = body["sent_at"]
    return InboundMessage(
        external_id=row.external_id,
        handle=Handle(channel=row.channel, address=body["address"], key=body["key"]),
        proof=Proof(row.vouched),
        text=row.text,
        conversation=row.conversation,
        route=body["route"],
        received_at=row.received_at,
        sent_at=datetime.fromisoformat(sent_at) if sent_at else None,
        attachments=tuple(Attachment(**a) for a in body["attachments"]),
        vouchers=None if body["vouchers"] is None else tuple(Voucher(**v) for v in body["vouchers"]),
        display_name=body["display_name"],
        digits=body["digits"],
        public=body["public"],
        opening=body["opening"],
        wish=body.get("wish"),
        unchecked=row.state == "unchecked",
        trace=row.trace or "",
    )


def _body(message: InboundMessage) -> dict[str, Any]:
    return {
        "address": message.handle.address,
        "key": message.handle.key,
        "route": dict(message.route),
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        # The content of a file stays in the raw message.
        "attachments": [
            dataclasses.asdict(dataclasses.replace(a, content=b"")) | {"content": ""} for a in message.attachments
        ],
        "vouchers": None if message.vouchers is None else [dataclasses.asdict(v) for v in message.vouchers],
        "display_name": message.display_name,
        "digits": message.digits,
        "public": message.public,
        "opening": message.opening,
        "wish": message.wish,
    }


def transcript(tx: Connection, channel: str, conversation: str) -> Sequence[Line]:
    """The newest lines of one conversation, oldest first."""
    said = select(messages.c.external_id, messages.c.text, messages.c.received_at).where(
        messages.c.channel == channel, messages.c.conversation == conversation
    )
    heard = [
        Line(id=row.external_id, text=row.text, sender="customer", at=row.received_at)
        for row in tx.execute(said.order_by(messages.c.id.desc()).limit(_LINES_SHOWN))
    ]
    sent = select(outbox).where(outbox.c.channel == channel, outbox.c.conversation == conversation)
    told = [_told(row) for row in tx.execute(sent.order_by(outbox.c.id.desc()).limit(_LINES_SHOWN))]
    return sorted(heard + told, key=lambda line: line.at)[-_LINES_SHOWN:]


def _told(row: Row[Any]) -> Line:
    return Line(
        id=row.reply["id"],
        text=row.reply["text"],
        sender=row.sender,
        at=row.created_at,
        choices=tuple(Choice(**choice) for choice in row.reply.get("choices", ())),
        files=enclosing.files_of(row.reply),
    )


def places(tx: Connection, channel: str, since: datetime) -> Sequence[Place]:
    """The conversations of a channel that were heard since then, with their newest messages, but for those on the
    stage; bounded."""
    newest = select(messages.c.conversation, messages.c.external_id, messages.c.body["route"].label("route"))
    real = messages.c.conversation.not_like(f"{CONVERSATION}%")
    heard = newest.where(messages.c.channel == channel, messages.c.told_at >= since, real)
    known: dict[str, list[str]] = {}
    routes: dict[str, Route] = {}
    for row in tx.execute(heard.order_by(messages.c.told_at.desc(), messages.c.id.desc()).limit(_MOST_HEARD)):
        if row.conversation not in known and len(known) == _MOST_PLACES:
            continue
        routes.setdefault(row.conversation, row.route)
        known.setdefault(row.conversation, []).append(row.external_id)
    return [Place(conversation=name, route=routes[name], known=ids[:_KNOWN]) for name, ids in known.items()]
