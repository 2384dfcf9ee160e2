"""Taking an export in again: the person, their handles, cases and facts, as they were. What was said is not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from core.backends.ledger.schema import Instant, cases, facts, handles
from core.errors import Malformed
from core.exporting import Export, Record
from core.record import DirectoryRow
from identity.proof import Proof

_NOT_TAKEN = frozenset({"id", "rating_asked_at"})


def person(export: Export) -> DirectoryRow:
    """The row of the directory that an export holds. Raises Malformed."""
    if export.profile is None:
        raise Malformed("export: this customer is not in the directory, so there is nobody to take in")
    held = [e for e in export.evidence if e.get("source") == "directory" and not e.get("retired_at")]
    verified = [at for e in held if (at := _moment(e["at"]))]
    return DirectoryRow(
        profile=export.profile, keys=[str(e["key"]) for e in held], verified_at=max(verified, default=None)
    )


def take_in(tx: Connection, export: Export) -> int:
    """Puts handles, cases and facts on record that are not there yet; how many facts. Raises Malformed.

    What was told over an address that somebody opened since stays out.
    """
    try:
        found = {record["id"]: _handle(tx, record) for record in export.handles}
        at = {record: handle for record, handle in found.items() if handle is not None}
        opened = {record["id"]: _case(tx, record, at) for record in export.cases if record["handle_id"] in at}
        return sum(_fact(tx, record, at, opened) for record in export.facts if record["handle_id"] in at)
    except (KeyError, ValueError, TypeError) as error:
        raise Malformed(f"export: a row lacks what it needs ({type(error).__name__}: {error})") from None


def _handle(tx: Connection, record: Record) -> int | None:
    """The handle of a record; None where its address was opened by somebody else since, who may be another person."""
    row = _values(handles, record)
    there = handles.c.channel == row["channel"], handles.c.address == row["address"]
    others = tx.execute(select(handles).where(*there)).all()
    for other in others:
        if (other.epoch, other.opened_at) == (row["epoch"], row["opened_at"]):
            return int(other.id)
    if any((other.epoch < row["epoch"]) != (other.opened_at < row["opened_at"]) for other in others):
        return None
    return _added(tx, handles, row) if all(other.epoch != row["epoch"] for other in others) else None


def _case(tx: Connection, record: Record, at: Mapping[object, int]) -> int:
    row = _values(cases, record)
    row |= {"handle_id": at[record["handle_id"]], "last_handle_id": at.get(record["last_handle_id"])}
    row["last_handle_id"] = row["last_handle_id"] or row["handle_id"]
    same = cases.c.handle_id == row["handle_id"], cases.c.opened_at == row["opened_at"]
    known = tx.execute(select(cases.c.id).where(*same)).scalar()
    return int(known or _added(tx, cases, row))


def _fact(tx: Connection, record: Record, at: Mapping[object, int], opened: Mapping[object, int]) -> bool:
    row = _values(facts, record)
    row |= {"handle_id": at[record["handle_id"]], "case_id": opened.get(record["case_id"]), "message_id": None}
    row["proof"] = int(Proof[str(record["proof"]).upper()])
    same = [facts.c[name] == row[name] for name in ("handle_id", "slot", "value", "told_at")]
    if tx.execute(select(facts.c.id).where(*same)).first() is not None:
        return False
    _added(tx, facts, row)
    return True


def _added(tx: Connection, table: Table, row: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(table).values(**row).returning(table.c.id)).scalar_one())


def _values(table: Table, record: Record) -> dict[str, Any]:
    """A record's values as the table's columns have them."""
    columns = [column for column in table.c if column.name in record and column.name not in _NOT_TAKEN]
    return {c.name: _moment(record[c.name]) if isinstance(c.type, Instant) else record[c.name] for c in columns}


def _moment(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))
