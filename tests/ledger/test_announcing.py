"""What one process tells all others at once: they hear it, and whatever goes wrong on the way, they hear on, and look
at what they may have missed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import psycopg
import pytest
import pytest_asyncio

from core.backends import announcing
from core.backends.announcing import Announcements
from core.errors import LedgerAway
from tests.twins.postgres import new_database

PATIENCE = 30.0  # seconds after which it never comes

T = TypeVar("T")


@pytest_asyncio.fixture
async def url(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(announcing, "_PAUSE", 0.01)
    return await new_database()


class Reader:
    """What a process heard, and how often it looked at what it may have missed. `troubles` are met in that work."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.looked: asyncio.Queue[None] = asyncio.Queue()
        self.troubles: list[Exception] = []

    async def hear(self, name: str, what: str) -> None:
        self._meets_trouble()
        self.heard.put_nowait((name, what))

    async def look(self) -> None:
        self._meets_trouble()
        self.looked.put_nowait(None)

    def _meets_trouble(self) -> None:
        if self.troubles:
            raise self.troubles.pop()


async def next_of(queue: "asyncio.Queue[T]") -> T:
    return await asyncio.wait_for(queue.get(), PATIENCE)


@asynccontextmanager
async def reading(url: str, reader: Reader) -> AsyncIterator[Announcements]:
    """A process that hears; what it may have missed before is over."""
    process = Announcements(url)
    hearing = asyncio.create_task(process.hear(reader.hear, reader.look))
    try:
        await next_of(reader.looked)
        yield process
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await process.close()


async def ended(url: str, *, doing: str) -> None:
    """The server ends the connections whose last words these are; returns once they are gone."""
    asked = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()"
    )
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        assert (await other.execute(asked, [f"{doing}%"])).rowcount == 1


async def test_every_other_process_hears_what_one_tells(url: str) -> None:
    reader, teller = Reader(), Announcements(url)
    async with reading(url, reader) as process:
        await process.tell("web", "what it told itself")
        await teller.tell("web", "c1")
        assert await next_of(reader.heard) == ("web", "c1")
        await teller.tell("web", "too long " * 1_000)
        await teller.tell("slack", "c2: more")
        assert await next_of(reader.heard) == ("slack", "c2: more")
    await teller.close()


@pytest.mark.parametrize("trouble", [LedgerAway("the database is away: full"), ZeroDivisionError("a bug of ours")])
async def test_who_could_not_do_what_it_heard_looks_again_and_hears_on(url: str, trouble: Exception) -> None:
    reader, teller = Reader(), Announcements(url)
    async with reading(url, reader):
        reader.troubles = [trouble, trouble]  # in hearing, and in looking at what was missed
        await teller.tell("web", "c1")
        await next_of(reader.looked)
        await teller.tell("web", "c2")
        assert await next_of(reader.heard) == ("web", "c2")
    assert reader.troubles == []
    await teller.close()


async def test_who_loses_its_connection_looks_again_and_hears_on(url: str) -> None:
    reader, teller = Reader(), Announcements(url)
    async with reading(url, reader):
        await ended(url, doing="LISTEN")
        await next_of(reader.looked)
        await teller.tell("web", "c1")
        assert await next_of(reader.heard) == ("web", "c1")
    await teller.close()


async def test_telling_fails_nobody_and_goes_on(url: str, caplog: pytest.LogCaptureFixture) -> None:
    reader, teller = Reader(), Announcements(url)
    async with reading(url, reader):
        await teller.tell("web", "c1")
        await next_of(reader.heard)
        await ended(url, doing="SELECT pg_notify")
        await teller.tell("web", "c2")
        assert "other processes were not told at once: AdminShutdown" in caplog.text
        await teller.tell("web", "c3")
        assert await next_of(reader.heard) == ("web", "c3")
    await teller.close()
    nowhere = Announcements("postgresql://nobody@127.0.0.1:1/none")
    await nowhere.tell("web", "c4")
