"""A ledger of before meets the erasures since: exactly whom was forgotten is erased again, in SQLite and PostgreSQL."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, select

from core.backends.erasures import ErasuresFile
from core.backends.ledger.alone import Unusable, backup, restore
from core.backends.ledger.database import open_database
from core.backends.ledger.schema import metadata
from core.backends.ledger.sql import SqlLedger
from core.erasing import Forgetting, Receipt, Tombstone
from core.merging import Order
from core.messages import Raw
from core.record import DirectoryRow, Profile
from tests.shop import Shop
from tests.twins.postgres import new_database

SECRET = b"of this shop, and of no other one"
ANNS = ("ann", "annette", "15550177", "w4829137")


async def no_letters(_addresses: Collection[str]) -> int:
    return 0


async def opened(url: str, folder: Path) -> Shop:
    ledger = SqlLedger(open_database(url), secret=SECRET)
    await ledger.migrate()
    return await Shop.open(folder, ledger=ledger)


def forgetting(shop: Shop, folder: Path) -> Forgetting:
    outside = ErasuresFile(folder / "erasures")
    return Forgetting(ledger=shop.ledger, memory=shop.engine.memory, letters=no_letters, outside=outside)


async def catches_up(shop: Shop, folder: Path) -> Receipt | None:
    return await forgetting(shop, folder).catch_up(receipt="again", now=lambda: shop.now)


async def forgets(shop: Shop, folder: Path, name: str) -> None:
    await forgetting(shop, folder).forget(name, receipt=f"at {shop.now}", now=lambda: shop.now)


async def text_of(shop: Shop) -> str:
    """All that is on record."""

    def read(tx: Connection) -> str:
        return " ".join(repr(tuple(row)) for table in metadata.sorted_tables for row in tx.execute(select(table)))

    return (await shop.ledger._database.read(read)).lower()


async def new_ledger(kind: str, folder: Path) -> str:
    return f"sqlite:///{folder}/today.db" if kind == "sqlite" else await new_database()


async def copied(url: str, folder: Path) -> str:
    """A backup, put back beside."""
    if url.startswith("sqlite"):
        backup(folder / "today.db", folder / "monday.db")
        restore(folder / "monday.db", folder / "restored.db")
        return f"sqlite:///{folder}/restored.db"
    name = urlsplit(url).path.removeprefix("/")
    async with await psycopg.AsyncConnection.connect(url.replace(name, "postgres"), autocommit=True) as connection:
        names = sql.Identifier(f"{name}2"), sql.Identifier(name)
        await connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return url.replace(name, f"{name}2")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_exactly_who_was_forgotten_is_erased_again(kind: str, tmp_path: Path) -> None:
    url = await new_ledger(kind, tmp_path)
    shop = await opened(url, tmp_path)
    await shop.knows("cus_7", "Ann Keller", "phone:+15550177", "email:annette@shop.test")
    await shop.hears("sms", "+15550177", "I was charged twice, order W4829137.")
    await shop.hears("discord", "77", "My kettle leaks.")
    await shop.ledger.merge(Order(a="sms:+15550177", b="discord:77", at=shop.now, by="bea", second="carl"))
    await shop.accept(shop.message("email", "annette@shop.test", "Ann again, and nobody has read this."))
    await shop.ledger.park("email", Raw(body=b"From: annette@shop.test \xff", received_at=shop.now), "unreadable")
    await shop.close()
    restored_url = await copied(url, tmp_path)

    shop = await opened(url, tmp_path)
    shop.later(hours=1)
    await shop.ledger.unmerge(Order(a="sms:+15550177", b="discord:77", at=shop.now, by="bea", second="carl"))
    await forgets(shop, tmp_path, "cus_7")
    now = shop.now
    await shop.close()

    restored = await opened(restored_url, tmp_path)
    restored.later(hours=2)
    assert [trace for trace in ANNS if trace in await text_of(restored)] == list(ANNS)
    receipt = await catches_up(restored, tmp_path)
    assert receipt
    assert receipt.erased["parked"] == 1
    left = await text_of(restored)
    assert [trace for trace in ANNS if trace in left] == []
    assert "my kettle leaks" in left
    assert [kept for kept in await restored.ledger.receipts() if kept.finished_at is None] == []
    old = restored.message("sms", "+15550177", "Old words.", received_at=now - timedelta(minutes=1))
    assert not await restored.accept(old)
    new = restored.message("sms", "+15550177", "I am here again.", received_at=now + timedelta(minutes=1))
    assert await restored.accept(new)
    assert await catches_up(restored, tmp_path) is None
    assert "i am here again" in await text_of(restored)
    await restored.close()


async def test_whom_the_company_named_again_stays(tmp_path: Path) -> None:
    shop = await opened(await new_ledger("sqlite", tmp_path), tmp_path)
    await shop.knows("cus_7", "Ann Keller", "phone:+15550177")
    await forgets(shop, tmp_path, "cus_7")
    shop.later(hours=1)
    await shop.knows("cus_7", "Ann Keller", "phone:+15550177")
    assert "keller" not in await text_of(shop)
    row = (await shop.ledger.tombstones())[0]
    assert row.stands
    await shop.ledger.import_directory([directory_row()], now=shop.now, restore=True)
    assert "keller" in await text_of(shop)
    assert await catches_up(shop, tmp_path) is None
    assert "keller" in await text_of(shop)
    shop.later(hours=1)
    await forgets(shop, tmp_path, "cus_7")
    await shop.knows("cus_7", "Ann Keller", "phone:+15550177")
    assert "keller" not in await text_of(shop)
    await shop.close()


def directory_row() -> DirectoryRow:
    return DirectoryRow(profile=Profile(external_id="cus_7", name="Ann Keller"), keys=["phone:+15550177"])


AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_what_was_cut_off_in_the_file_spoils_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "erasures"
    one, other = Tombstone(digest="a" * 64, at=AT), Tombstone(digest="b" * 64, at=AT, restored_at=AT)
    await ErasuresFile(path).add([one])
    with path.open("a") as file:
        file.write("bbbbb")
    await ErasuresFile(path).add([one, other])
    assert set(await ErasuresFile(path).read()) == {one, other}
    assert path.read_text().count("a" * 64) == 1
    assert path.stat().st_mode & 0o777 == 0o600


async def test_many_processes_lose_no_line_of_each_other(tmp_path: Path) -> None:
    stones = [Tombstone(digest=f"{n:064x}", at=AT + timedelta(microseconds=n)) for n in range(400)]
    files = [ErasuresFile(tmp_path / "erasures") for _ in range(8)]
    await asyncio.gather(*(file.add(stones[n::8]) for n, file in enumerate(files)))
    assert set(await files[0].read()) == set(stones)


async def test_a_backup_that_is_none_changes_nothing(tmp_path: Path) -> None:
    shop = await opened(await new_ledger("sqlite", tmp_path), tmp_path)
    await shop.hears("sms", "+15550177", "My kettle leaks.")
    await shop.close()
    (tmp_path / "torn.db").write_bytes((tmp_path / "today.db").read_bytes()[:9_000])
    for name in ("torn.db", "nowhere.db"):
        with pytest.raises(Unusable):
            restore(tmp_path / name, tmp_path / "today.db")
    shop = await opened(f"sqlite:///{tmp_path}/today.db", tmp_path)
    assert "kettle" in await text_of(shop)
    await shop.close()
