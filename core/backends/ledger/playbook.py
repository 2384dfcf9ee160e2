"""Patterns: what worked for an issue, redacted, to be offered for the next one like it."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from core.backends.ledger.schema import patterns as table
from core.memory import Lesson, PatternHit
from core.writing import Pattern


def patterns(tx: Connection, hits: Sequence[PatternHit]) -> list[Pattern]:
    """The patterns that memory points at, in its order."""
    rows = {row.id: row for row in tx.execute(select(table).where(table.c.id.in_([hit.row for hit in hits])))}
    return [
        Pattern(
            category=rows[hit.row].category,
            issue=rows[hit.row].issue,
            resolution=rows[hit.row].resolution,
            effectiveness=hit.effectiveness,
            used=rows[hit.row].used,
        )
        for hit in hits
        if hit.row in rows
    ]


def lessons(tx: Connection) -> list[Lesson]:
    """Every pattern on record."""
    return [
        Lesson(row=row.id, category=row.category, issue=row.issue, resolution=row.resolution)
        for row in tx.execute(select(table).order_by(table.c.id))
    ]
