"""What colleagues did: one line for each deed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Column, ColumnElement, Connection, insert, select

from core.accounts import AuditChoices, Audited, AuditFilter
from core.backends.ledger.schema import audit


def note(tx: Connection, who: str, what: str, about: str, now: datetime) -> None:
    """Writes one line."""
    tx.execute(insert(audit).values(at=now, who=who, what=what, about=about))


def audited(tx: Connection, wanted: AuditFilter, page: int, most: int) -> Sequence[Audited]:
    """A page of the lines that are wanted, newest first."""
    lines = select(audit).where(*_where(wanted)).order_by(audit.c.id.desc()).limit(most).offset((page - 1) * most)
    return [Audited(at=row.at, who=row.who, what=row.what, about=row.about) for row in tx.execute(lines)]


def choices(tx: Connection) -> AuditChoices:
    """Whom and what the lines name."""
    return AuditChoices(who=_named(tx, audit.c.who), what=_named(tx, audit.c.what))


def _named(tx: Connection, column: Column[str]) -> Sequence[str]:
    return tx.execute(select(column).distinct().order_by(column)).scalars().all()


def _where(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.who:
        yield audit.c.who == wanted.who
    if wanted.what:
        yield audit.c.what == wanted.what
    if wanted.day:
        begins = datetime.combine(wanted.day, time(), UTC)
        yield audit.c.at >= begins
        yield audit.c.at < begins + timedelta(days=1)
