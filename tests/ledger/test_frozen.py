"""A process that stands still in the middle of a write (SIGSTOP, a machine that sleeps) holds nobody up for ever: the
database ends its transaction after ten seconds, others go on, and so does it itself once it is woken up."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from tests.ledger.frozen import MESSAGE, RAW, message_of
from tests.twins.postgres import new_database

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
HELD_UP = 60.0  # seconds after which it would be for ever


@pytest_asyncio.fixture
async def url() -> str:
    return await new_database()


@pytest_asyncio.fixture
async def ledger(url: str) -> AsyncIterator[SqlLedger]:
    ledger = SqlLedger(open_database(url))
    await ledger.migrate()
    yield ledger
    await ledger.close()


@contextmanager
def started(url: str, when: str, how: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is going to stop; it is ended with the block, whatever became of it."""
    command = [sys.executable, "-m", "tests.ledger.frozen", url, when, how]
    with subprocess.Popen(command, cwd=CHECKOUT, text=True, stdout=-1, stderr=-1) as child:  # noqa: S603 - our own
        try:
            yield child
        finally:
            child.kill()


async def stands_still(child: "subprocess.Popen[str]") -> None:
    _, status = await asyncio.to_thread(os.waitpid, child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), child.communicate()


@pytest.mark.parametrize("how", ["beside", "alone"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_stands_still_in_a_transaction_loses_it_and_begins_anew(
    ledger: SqlLedger, url: str, when: str, how: str
) -> None:
    with started(url, when, how) as child:
        await stands_still(child)
        async with asyncio.timeout(HELD_UP):
            if how == "beside":
                assert await ledger.accept(message_of("+15550200"), RAW)
                assert await held(url)  # while the other one still is in its transaction
            assert await ledger.accept(MESSAGE, RAW)
            await ledger.probe()  # alone among all writers
        child.send_signal(signal.SIGCONT)
        out, err = await asyncio.to_thread(child.communicate)
    assert (child.returncode, out, err) == (0, "on record already", "")
    assert not await ledger.accept(MESSAGE, RAW)


async def held(url: str) -> bool:
    """Whether anybody is idle in a transaction."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
        )
        return await found.fetchone() != (0,)
