"""The files that go with replies: what they are called stands with the reply, what is in them in rows of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, tuple_

from core.backends.ledger.schema import outbox, outbox_files
from core.channel import SentFile
from core.errors import Undeliverable
from core.messages import Attachment, Reply

_KEYS = outbox_files.c.outgoing, outbox_files.c.number


def named(files: Sequence[Attachment]) -> list[dict[str, Any]]:
    """What files are called, as JSON."""
    return [{"name": file.name, "media_type": file.media_type, "size": file.size} for file in files]


def files_of(kept: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """The files of a reply that is kept as JSON, without their content."""
    return tuple(Attachment(**file) for file in kept.get("files", ()))


def keep(tx: Connection, outgoing: int, reply: Reply) -> None:
    """Keeps what is in a reply's files."""
    of_reply = {"outgoing": outgoing, "reply": reply.id}
    rows = [of_reply | {"number": number, "content": file.content} for number, file in enumerate(reply.files)]
    if rows:
        tx.execute(insert(outbox_files), rows)


def contents(tx: Connection, outgoing: int) -> dict[int, bytes]:
    """What is in a reply's files, by their numbers, as far as it is kept."""
    here = select(outbox_files.c.number, outbox_files.c.content).where(outbox_files.c.outgoing == outgoing)
    return {row.number: row.content for row in tx.execute(here)}


def enclosed(tx: Connection, outgoing: int, reply: Reply) -> Reply:
    """A reply with the content of its files. Raises Undeliverable where that is kept no more."""
    found = contents(tx, outgoing)
    if len(found) < len(reply.files):
        raise Undeliverable("the files that go with it are kept no more")
    return replace(reply, files=tuple(replace(file, content=found[n]) for n, file in enumerate(reply.files)))


def file(tx: Connection, outgoing: int, number: int) -> Attachment | None:
    """A file of a reply in the outbox, if it is kept."""
    one = outbox_files.c.outgoing == outgoing, outbox_files.c.number == number
    row = tx.execute(select(outbox.c.reply, outbox_files.c.content).join(outbox_files).where(*one)).one_or_none()
    return replace(files_of(row.reply)[number], content=row.content) if row else None


def sent(tx: Connection, channel: str, reply: str, number: int) -> SentFile | None:
    """A file of a channel's reply, by the reply's own id."""
    one = outbox_files.c.reply == reply, outbox_files.c.number == number, outbox.c.channel == channel
    row = tx.execute(select(outbox.c.id, outbox.c.conversation).join(outbox_files).where(*one)).first()
    found = file(tx, row.id, number) if row else None
    return SentFile(conversation=row.conversation, file=found) if row and found else None


def erase(tx: Connection, before: datetime, limit: int) -> int:
    """Erases what is in files of replies that were written before and are not on their way; how many."""
    old = outbox.c.created_at < before, outbox.c.state != "waiting"
    oldest = select(*_KEYS).join(outbox).where(*old).order_by(*_KEYS).limit(limit)
    rows = [tuple(row) for row in tx.execute(oldest)]
    if not rows:
        return 0
    return tx.execute(outbox_files.delete().where(tuple_(*_KEYS).in_(rows))).rowcount
