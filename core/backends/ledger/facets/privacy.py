"""The directory, forgetting, exporting, retention: see core/erasing.py, core/exporting.py, core/retention.py."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from core.backends.ledger import (
    erasing,
    exporting,
    importing,
    people,
    retention,
)
from core.backends.ledger.facets.base import OnDatabase
from core.erasing import Receipt
from core.exporting import Export
from core.ledger import DirectoryRow
from core.memory import Note


class ForPrivacy(OnDatabase):
    """The directory, forgetting, exporting, retention: see core/erasing.py, core/exporting.py, core/retention.py."""

    async def import_directory(self, rows: Sequence[DirectoryRow], *, now: datetime, restore: bool = False) -> int:
        """Adds or updates people of the company's directory, but for erased ones unless they are to be restored; how
        many are in it."""
        return await self._database.write(lambda tx: self._import(tx, rows, now, restore), durable=True)

    def _import(self, tx: Connection, rows: Sequence[DirectoryRow], now: datetime, restore: bool) -> int:
        if restore:
            rows = erasing.restored(tx, rows, self._secret, now)
        admitted = erasing.admitted(tx, rows, self._secret)
        people.import_directory(tx, admitted, now)
        return len(admitted)

    async def addresses(self, external_id: str, *, now: datetime) -> Collection[str]:
        return (await self._database.read(lambda tx: erasing.customer(tx, external_id, now))).addresses

    async def erase(self, external_id: str, *, receipt: str, now: datetime) -> Receipt:
        return await self._database.write(
            lambda tx: erasing.erase(tx, external_id, receipt, self._secret, now), durable=True
        )

    async def unfinished(self) -> Sequence[Receipt]:
        return await self._database.read(erasing.unfinished)

    async def finish(self, receipt: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: erasing.finish(tx, receipt, now), durable=True)

    async def scour(self) -> bool:
        return await self._database.scour()

    async def export(self, external_id: str, *, reader: str, now: datetime) -> Export:
        return await self._database.write(lambda tx: exporting.export(tx, external_id, reader, now))

    async def take_in(self, export: Export, *, now: datetime, restore: bool) -> int:
        """Takes an export in again; how many facts were new. Raises Malformed, then nothing was changed."""
        return await self._database.write(lambda tx: self._take_in(tx, export, now, restore), durable=True)

    def _take_in(self, tx: Connection, export: Export, now: datetime, restore: bool) -> int:
        taken = self._import(tx, [importing.person(export)], now, restore)
        return importing.take_in(tx, export) if taken else 0

    async def erase_raw(self, before: datetime, limit: int) -> int:
        return await self._database.write(lambda tx: retention.erase_raw(tx, before, limit))

    async def erase_messages(self, before: datetime, limit: int) -> int:
        return await self._database.write(lambda tx: retention.erase_messages(tx, before, limit))

    async def erase_facts(self, before: datetime, limit: int) -> Sequence[Note]:
        return await self._database.write(lambda tx: retention.erase_facts(tx, before, limit))

    async def erase_readings(self, before: datetime, limit: int) -> int:
        return await self._database.write(lambda tx: retention.erase_readings(tx, before, limit))
