"""A ledger that was lived in moves from SQLite into PostgreSQL: every row arrives, the conversation goes on where it
was, and whoever was forgotten or parted before stays so. What cannot be moved leaves both sides as they were."""

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Connection, func, select

from core.backends.ledger.alone import Busy
from core.backends.ledger.database import open_database
from core.backends.ledger.moving import NotMoved, Step, move
from core.backends.ledger.schema import metadata
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.erasing import Forgetting
from core.merging import Order
from core.messages import InboundMessage, Raw
from identity.handles import Handle
from identity.proof import Proof
from tests.shop import Shop
from tests.twins.postgres import new_database

SECRET = b"of this shop, and of no other one"
HELD = {"leases", "processes"}


@pytest_asyncio.fixture
async def lived_in(tmp_path: Path) -> Shop:
    """A shop on SQLite with cases, links, files, an erasure, a merge undone, and a message that nobody has read."""
    ledger = SqlLedger(SqliteDatabase(tmp_path / "shop.db"), secret=SECRET)
    await ledger.migrate()
    shop = await Shop.open(tmp_path, ledger=ledger)
    await shop.knows("cus_john", "John Doe", "web:cus_john", "phone:+15550142", "email:john@shop.test", plan="Pro")
    await shop.knows("cus_gone", "Gwen Gone", "email:gwen@shop.test")
    for number in range(30):
        await shop.hears("sms", f"+1555020{number:02}", f"My parcel number {number} never arrived — wo ist es? 包裹")
    await shop.hears("slack", "T1/U1", "The app crashes.")
    await shop.hears("discord", "77", "The app crashes here too.")
    await merge(shop, "slack:T1/U1", "discord:77")
    await unmerge(shop, "slack:T1/U1", "discord:77")
    await shop.hears("email", "gwen@shop.test", "I was charged twice, order W1112223.")
    await forget(shop, "cus_gone")
    await shop.hears("email", "john@shop.test", "I was charged $99 instead of $49, order W4829137.")
    await shop.ledger.park("email", Raw(body=b"\x00\xff unreadable \n", received_at=shop.now), "cannot be read")
    shop.later(minutes=5)
    await shop.accept(shop.message("email", "john@shop.test", "I checked the invoice, by the way."))
    return shop


async def no_letters(_addresses: Collection[str]) -> int:
    return 0


async def merge(shop: Shop, a: str, b: str) -> None:
    await shop.ledger.merge(Order(a=a, b=b, by="bea", second="carl", at=shop.now))


async def unmerge(shop: Shop, a: str, b: str) -> None:
    await shop.ledger.unmerge(Order(a=a, b=b, by="bea", second="carl", at=shop.now))


async def forget(shop: Shop, name: str) -> None:
    forgetting = Forgetting(ledger=shop.ledger, memory=shop.engine.memory, letters=no_letters)
    await forgetting.forget(name, receipt=f"of {abs(hash(name))}", now=lambda: shop.now)


async def rows(ledger: SqlLedger) -> dict[str, list[str]]:
    """Every row of every table, as the code sees it."""

    def read(tx: Connection) -> dict[str, list[str]]:
        return {
            table.name: sorted(json.dumps([*row], default=repr) for row in tx.execute(select(table)))
            for table in metadata.sorted_tables
            if table.name not in HELD
        }

    return await ledger._database.read(read)


async def tables(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        counted = await connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        found = await counted.fetchone()
        assert found
        return int(found[0])


async def moved(shop: Shop, folder: Path) -> tuple[Shop, list[Step]]:
    """The shop, opened again on PostgreSQL by the same clock."""
    url = await new_database()
    await shop.ledger.close()
    steps = list(move(folder / "shop.db", url))
    ledger = SqlLedger(open_database(url), secret=SECRET)
    await ledger.migrate()
    after = await Shop.open(folder, ledger=ledger)
    after.now, after._ids = shop.now, shop._ids
    return after, steps


async def test_every_row_arrives(lived_in: Shop, tmp_path: Path) -> None:
    before = await rows(lived_in.ledger)
    after, steps = await moved(lived_in, tmp_path)
    assert await rows(after.ledger) == before
    filled = {name for name, found in before.items() if found}
    assert {"messages", "raw_messages", "cases", "facts", "tombstones", "receipts", "parked", "decisions"} <= filled
    told = {step.table: step.rows for step in steps if step.digest}
    assert told == {name: len(found) for name, found in before.items()}
    await after.close()
    again = SqlLedger(SqliteDatabase(tmp_path / "shop.db"), secret=SECRET)
    assert await rows(again) == before
    await again.close()


async def test_the_conversation_goes_on_where_it_was(lived_in: Shop, tmp_path: Path) -> None:
    after, _ = await moved(lived_in, tmp_path)
    waiting = await after.ledger.open_lines()
    assert [line for line in waiting if "john@shop.test" in line]
    await after.answers(waiting[0])
    after.later(minutes=5)
    said = await after.hears("voice", "+15550142", "", opening=True)
    assert "Hi John, you just" in said
    assert "$99" in said
    assert "checked the invoice" in said
    await after.hears("sms", "+15550299", "A new customer comes, and gets a number of their own.")
    await after.close()


async def test_who_was_forgotten_or_parted_stays_so(lived_in: Shop, tmp_path: Path) -> None:
    asked = lived_in.now - timedelta(minutes=1)
    after, _ = await moved(lived_in, tmp_path)
    handle = Handle(channel="email", address="gwen@shop.test", key="email:gwen@shop.test")
    old = InboundMessage(
        external_id="late", handle=handle, proof=Proof.PROVEN, text="Charged twice!", conversation="with gwen",
        route={}, received_at=asked - timedelta(hours=1),
    )  # fmt: skip
    assert not await after.accept(old)
    await after.knows("cus_gone", "Gwen Gone", "email:gwen@shop.test")
    assert "Gwen" not in json.dumps(await rows(after.ledger))
    assert "discord:77" not in str(await after.ledger.known_as("slack:T1/U1", now=after.now))
    await forget(after, "cus_john")
    assert "john" not in json.dumps(await rows(after.ledger)).lower()
    await merge(after, "slack:T1/U1", "discord:77")
    await unmerge(after, "slack:T1/U1", "discord:77")
    await after.close()


async def test_a_letter_that_postgresql_does_not_know_is_replaced(lived_in: Shop, tmp_path: Path) -> None:
    await lived_in.accept(lived_in.message("sms", "+15550298", "My kettle\0 leaks."))
    after, _ = await moved(lived_in, tmp_path)
    assert await after.answers("sms:+15550298")
    await after.close()


async def test_new_rows_get_numbers_of_their_own(lived_in: Shop, tmp_path: Path) -> None:
    after, _ = await moved(lived_in, tmp_path)

    def compare(tx: Connection) -> list[str]:
        counted = [table for table in metadata.sorted_tables if "id" in table.c and table.name not in HELD]
        counted = [table for table in counted if table.c.id.autoincrement is True]
        assert len(counted) > 10
        return [
            table.name
            for table in counted
            if (highest := tx.execute(select(func.max(table.c.id))).scalar())
            and tx.execute(select(func.nextval(f"{table.name}_id_seq"))).scalar_one() <= highest
        ]

    assert await after.ledger._database.write(compare) == []
    await after.close()


async def test_a_target_that_is_not_empty_is_left_alone(lived_in: Shop, tmp_path: Path) -> None:
    after, _ = await moved(lived_in, tmp_path)
    before = await rows(after.ledger)
    url = str(after.ledger._database._reader.url.render_as_string(hide_password=False))  # type: ignore[attr-defined]
    with pytest.raises(NotMoved, match="not empty"):
        list(move(tmp_path / "shop.db", url.replace("+psycopg", "")))
    assert await rows(after.ledger) == before
    await after.close()


async def test_a_ledger_that_a_process_has_open_is_not_moved(lived_in: Shop, tmp_path: Path) -> None:
    url = await new_database()
    with pytest.raises(Busy, match="stop the bot first"):
        list(move(tmp_path / "shop.db", url))
    assert await tables(url) == 0
    assert await lived_in.hears("sms", "+15550297", "My parcel never arrived.")
    await lived_in.close()


async def test_nobody_opens_the_ledger_while_it_is_moved(lived_in: Shop, tmp_path: Path) -> None:
    await lived_in.ledger.close()
    steps = move(tmp_path / "shop.db", await new_database())
    next(steps)
    with (
        closing(sqlite3.connect(tmp_path / "shop.db", timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("SELECT count(*) FROM messages").fetchone()
    steps.close()


async def test_what_is_cut_off_leaves_the_target_empty_and_can_be_done_again(lived_in: Shop, tmp_path: Path) -> None:
    await lived_in.ledger.close()
    url = await new_database()
    steps = move(tmp_path / "shop.db", url)
    assert next(step.rows for step in steps if step.table == "messages")
    steps.close()
    assert await tables(url) == 0
    assert [step for step in move(tmp_path / "shop.db", url) if step.table == "messages"]


async def test_an_older_shape_says_what_to_do(lived_in: Shop, tmp_path: Path) -> None:
    await lived_in.ledger.close()
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        file.execute("UPDATE alembic_version SET version_num = '0009'")
        file.commit()
    with pytest.raises(NotMoved, match=r"shape 0009.*ledger upgrade"):
        list(move(tmp_path / "shop.db", await new_database()))


@pytest.mark.parametrize("content", [b"", b"no ledger at all" * 100])
async def test_a_file_that_is_no_ledger_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(Exception, match="no ledger"):
        list(move(tmp_path / "x.db", await new_database()))
