"""The directory, forgetting, exporting, retention: see core/erasing.py, core/exporting.py, core/retention.py."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from core.backends.ledger import (
    erasing,
    exporting,
    importing,
    people,
    readings,
    receipts,
    retention,
    tombstones,
)
from core.backends.ledger.facets.base import OnDatabase
from core.erasing import Kept, Receipt, Tombstone
from core.exporting import Export
from core.memory import Note
from core.merging import Side
from core.privacy import ReadingFilter, ReadingOnRecord
from core.record import DirectoryRow


class ForPrivacy(OnDatabase):
    """The directory, forgetting, exporting, retention: see core/erasing.py, core/exporting.py, core/retention.py."""

    async def import_directory(self, rows: Sequence[DirectoryRow], *, now: datetime, restore: bool = False) -> int:
        """Adds or updates people of the company's directory, but for erased ones unless they are to be restored; how
        many are in it."""
        return await self._database.write(lambda tx: self._import(tx, rows, now, restore), durable=True)

    def _import(self, tx: Connection, rows: Sequence[DirectoryRow], now: datetime, restore: bool) -> int:
        if restore:
            rows = tombstones.restored(tx, rows, self._secret, now)
        admitted = tombstones.admitted(tx, rows, self._secret)
        people.import_directory(tx, admitted, now)
        return len(admitted)

    async def addresses(self, name: str, *, now: datetime) -> Collection[str]:
        return (await self._database.read(lambda tx: erasing.customer(tx, name, now))).addresses

    async def to_be_erased(self, name: str, *, now: datetime) -> Mapping[str, int]:
        return await self._database.read(lambda tx: erasing.to_be_erased(tx, name, now))

    async def erase(self, name: str, *, receipt: str, now: datetime) -> Receipt:
        return await self._database.write(lambda tx: erasing.erase(tx, name, receipt, self._secret, now), durable=True)

    async def tombstones(self, since: datetime | None = None) -> Sequence[Tombstone]:
        return await self._database.read(lambda tx: tombstones.on_record(tx, since))

    async def erase_again(
        self, kept: Sequence[Tombstone], *, receipt: str, now: datetime
    ) -> tuple[Receipt, Collection[str]] | None:
        return await self._database.write(
            lambda tx: erasing.erase_again(tx, kept, receipt, self._secret, now), durable=True
        )

    async def erased_among(self, handles: Collection[int]) -> Collection[int]:
        """Which of these handles were erased, by any process."""
        return await self._database.read(lambda tx: receipts.erased_among(tx, handles))

    async def unfinished(self) -> Sequence[Receipt]:
        return await self._database.read(receipts.unfinished)

    async def finish(self, receipt: str, *, letters: int = 0, now: datetime) -> None:
        await self._database.write(lambda tx: receipts.finish(tx, receipt, letters, now), durable=True)

    async def receipts(self) -> Sequence[Kept]:
        return await self._database.read(receipts.kept)

    async def receipt(self, receipt: str) -> Kept | None:
        return await self._database.read(lambda tx: receipts.one(tx, receipt))

    # ── who a name is, and who read of them: see core/privacy.py ──
    async def known_as(self, name: str, *, now: datetime) -> Side:
        return await self._database.read(lambda tx: readings.known_as(tx, name, now))

    async def name_of_case(self, case: int, *, now: datetime) -> str:
        return await self._database.read(lambda tx: readings.name_of_case(tx, case, now))

    async def readings(
        self, wanted: ReadingFilter, *, now: datetime, page: int = 1, most: int = 50
    ) -> Sequence[ReadingOnRecord]:
        return await self._database.read(lambda tx: readings.readings(tx, wanted, now, page, most))

    async def readers(self, wanted: ReadingFilter, *, now: datetime) -> Sequence[str]:
        return await self._database.read(lambda tx: readings.readers(tx, wanted, now))

    async def scour(self) -> bool:
        return await self._database.scour()

    async def export(self, name: str, *, reader: str, now: datetime) -> Export:
        return await self._database.write(lambda tx: exporting.export(tx, name, reader, now))

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
