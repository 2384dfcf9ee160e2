"""What made-up people said and were told, and the case that it is about; see core/play.py."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, or_, select

from core.backends.ledger import enclosing
from core.backends.ledger.schema import cases, handles, messages, outbox
from core.messages import Choice
from core.play import Said
from core.stage import CONVERSATION, MARK
from identity.proof import Proof

_LINES = 100


def lines(tx: Connection, person: str) -> Sequence[Said]:
    """The newest lines, oldest first."""
    both = [*map(_heard, _newest(tx, messages, person)), *map(_told, _newest(tx, outbox, person))]
    return sorted(both, key=lambda said: said.at)[-_LINES:]


def _newest(tx: Connection, table: Table, person: str) -> Sequence[Row[Any]]:
    theirs = table.c.conversation.startswith(f"{CONVERSATION}{person}:", autoescape=True)
    return tx.execute(select(table).where(theirs).order_by(table.c.id.desc()).limit(_LINES)).all()[::-1]


def _heard(row: Row[Any]) -> Said:
    return Said(
        channel=row.channel,
        sender="customer",
        text=row.text,
        language="en",
        at=row.received_at,
        proof=None if row.proof is None else Proof(row.proof),
        opening=row.body["opening"],
        waits=row.state in {"waiting", "unchecked"},
    )


def _told(row: Row[Any]) -> Said:
    return Said(
        channel=row.channel,
        sender=row.sender,
        text=row.reply["text"],
        language=row.reply["language"],
        at=row.created_at,
        waits=row.state == "waiting",
        choices=[Choice(**choice) for choice in row.reply["choices"]],
        files=[file.name for file in enclosing.files_of(row.reply)],
    )


def case(tx: Connection, person: str) -> int | None:
    """The case that was last talked about from one of their handles."""
    ids = select(handles.c.id).where(_theirs(person))
    about = or_(cases.c.handle_id.in_(ids), cases.c.last_handle_id.in_(ids))
    newest = select(cases.c.id).where(about).order_by(cases.c.updated_at.desc(), cases.c.id.desc()).limit(1)
    return tx.execute(newest).scalar()


def keys(tx: Connection, person: str) -> Sequence[str]:
    """The keys of all handles that they spoke from."""
    found: Iterable[str] = tx.execute(select(handles.c.key).where(_theirs(person)).distinct()).scalars()
    return sorted(found)


def _theirs(person: str) -> Any:
    return handles.c.route[MARK].as_string() == person
