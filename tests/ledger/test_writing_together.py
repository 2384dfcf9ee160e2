"""SQLite: what waits for the writer together is committed together; each transaction stands or falls by itself."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from core.backends.ledger.sqlite import SqliteDatabase


class Busy:
    """A writer that is at something until it is let go on, and what it said to SQLite since it was held up."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.said: list[str] = []
        self._database = database
        self._go_on = threading.Event()

    async def held_up(self) -> "asyncio.Task[None]":
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def waits(tx: Connection) -> None:
            _driver(tx).set_trace_callback(self.said.append)
            loop.call_soon_threadsafe(begun.set)
            self._go_on.wait(20)

        task = asyncio.create_task(self._database.write(waits))
        await begun.wait()
        return task

    async def goes_on_with(self, *tasks: "asyncio.Task[Any]") -> list[Any]:
        """Once all of them wait: what each returned or raised."""
        await asyncio.sleep(0)
        self._go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def commits(self) -> int:
        return self.said.count("COMMIT")


def _driver(tx: Connection) -> Any:
    return cast(Any, tx.connection.dbapi_connection)


def puts(word: str, fails: Exception | None = None) -> Any:
    def put(tx: Connection) -> str:
        tx.exec_driver_sql("INSERT INTO words VALUES (?)", (word,))
        if fails:
            raise fails
        return word

    return put


def words(tx: Connection) -> list[str]:
    return list(tx.exec_driver_sql("SELECT word FROM words ORDER BY rowid").scalars())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "words.db")
    await database.write(lambda tx: tx.exec_driver_sql("CREATE TABLE words (word TEXT NOT NULL)"))
    yield database
    await database.close()


async def test_they_are_one_commit_in_the_order_in_which_they_came(database: SqliteDatabase) -> None:
    busy = Busy(database)
    first = await busy.held_up()
    told = await busy.goes_on_with(first, *(_writing(database, puts(word)) for word in "abc"))
    assert told == [None, "a", "b", "c"]
    assert await database.read(words) == ["a", "b", "c"]
    assert busy.commits == 2, "that of the one that held the writer up, and one of the three"


async def test_one_that_fails_takes_no_other_with_it(database: SqliteDatabase) -> None:
    busy = Busy(database)
    first = await busy.held_up()
    wrong = ValueError("b is wrong")
    writing = [_writing(database, put) for put in (puts("a"), puts("b", wrong), puts("c"))]
    assert await busy.goes_on_with(first, *writing) == [None, "a", wrong, "c"]
    assert await database.read(words) == ["a", "c"]


async def test_one_whose_caller_gave_up_before_it_was_begun_is_not_written(database: SqliteDatabase) -> None:
    busy = Busy(database)
    first = await busy.held_up()
    kept, given_up = _writing(database, puts("a")), _writing(database, puts("b"))
    await asyncio.sleep(0)
    given_up.cancel()
    _, told, cancelled = await busy.goes_on_with(first, kept, given_up)
    assert told == "a"
    assert isinstance(cancelled, asyncio.CancelledError)
    assert await database.read(words) == ["a"]


async def test_those_beyond_one_commit_are_not_forgotten(database: SqliteDatabase) -> None:
    busy = Busy(database)
    first = await busy.held_up()
    many = [f"word {n}" for n in range(40)]
    await busy.goes_on_with(first, *(_writing(database, puts(word)) for word in many))
    assert await database.read(words) == many


def _writing(database: SqliteDatabase, put: Any) -> "asyncio.Task[Any]":
    return asyncio.create_task(database.write(put, durable=True))
