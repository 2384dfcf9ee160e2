"""What is kept of erasures: how many rows went, and when nothing was left."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from core.backends.ledger.schema import handles, receipts
from core.erasing import Kept, Receipt

_LISTED = 100


def unfinished(tx: Connection) -> list[Receipt]:
    """Erasures that were cut off before memory and files were clean."""
    rows = tx.execute(select(receipts).where(receipts.c.finished_at.is_(None)))
    return [_receipt(row) for row in rows]


def finish(tx: Connection, receipt: str, letters: int, now: datetime) -> None:
    """Notes that nothing is left, and how many letters went beside the rows."""
    this = receipts.c.id == receipt
    erased = _counts(tx.execute(select(receipts.c.erased).where(this)).scalar() or {})
    counts = erased | ({"letters": letters} if letters else {})
    tx.execute(update(receipts).where(this).values(finished_at=now, erased=counts))


def kept(tx: Connection) -> Sequence[Kept]:
    """The newest receipts, newest first."""
    return [_kept(row) for row in tx.execute(select(receipts).order_by(receipts.c.at.desc()).limit(_LISTED))]


def one(tx: Connection, receipt: str) -> Kept | None:
    """A receipt by its id."""
    row = tx.execute(select(receipts).where(receipts.c.id == receipt)).one_or_none()
    return None if row is None else _kept(row)


def erased_among(tx: Connection, some: Collection[int]) -> set[int]:
    """Which of these handles were erased."""
    rows = tx.execute(select(handles.c.id).where(handles.c.id.in_(some), handles.c.address.startswith("~erased ")))
    return set(rows.scalars())


def _kept(row: Row[Any]) -> Kept:
    return Kept(receipt=_receipt(row), finished_at=row.finished_at)


def _receipt(row: Row[Any]) -> Receipt:
    return Receipt(id=row.id, at=row.at, handles=row.handles, erased=_counts(row.erased))


def _counts(found: Mapping[str, int]) -> dict[str, int]:
    return {str(table): int(count) for table, count in found.items()}
