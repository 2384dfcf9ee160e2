"""The same bot on PostgreSQL: the story is told as on SQLite, and what several processes do at once is done once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.errors import Fenced
from core.ledger import Turn, line_of
from core.messages import Raw
from tests.shop import Shop
from tests.twins.postgres import new_database


@pytest_asyncio.fixture
async def address() -> str:
    """A database in the newest shape."""
    url = await new_database()
    ledger = SqlLedger(open_database(url))
    await ledger.migrate()
    await ledger.close()
    return url


@pytest_asyncio.fixture
async def shop(address: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose ledger is in PostgreSQL."""
    shop = await Shop.open(tmp_path, ledger=SqlLedger(open_database(address), secret=b"of this shop"))
    yield shop
    await shop.close()


async def test_the_case_goes_from_channel_to_channel(shop: Shop) -> None:
    await shop.knows("cus_7", "Ann Keller", "email:ann@shop.test", "slack:T1/U7", "phone:+15550177", plan="Pro")
    await shop.hears("slack", "T1/U7", "I was charged $99 instead of $49, order W4829137. I checked the invoice.")
    shop.later(minutes=5)
    said = await shop.hears("voice", "+15550177", "", opening=True)
    assert "Hi Ann, you just wrote to us on Slack" in said
    assert "$99" in said
    assert "checked the invoice" in said
    stranger = await shop.hears("email", "someone@else.test", "Any news about my charge?")
    assert "Ann" not in stranger
    assert "$99" not in stranger


async def test_a_message_that_comes_twice_at_once_is_kept_once(shop: Shop, address: str) -> None:
    message = shop.message("slack", "T1/U1", "My parcel never arrived.")
    others = [SqlLedger(open_database(address)) for _ in range(6)]
    raw = Raw(body=b"", received_at=shop.now)
    kept = await asyncio.gather(*(one.accept(message, raw) for one in others))
    assert sorted(kept) == [False] * 5 + [True]
    for one in others:
        await one.close()


async def test_one_customer_is_answered_by_one_process_at_a_time(shop: Shop, address: str) -> None:
    message = shop.message("slack", "T1/U1", "My parcel never arrived.")
    await shop.accept(message)
    others = [SqlLedger(open_database(address)) for _ in range(6)]
    opened = await asyncio.gather(
        *(
            one.open_turn(line_of(message), token=f"t{n}", now=shop.now, burst=timedelta(0), live=False)
            for n, one in enumerate(others)
        )
    )
    assert sum(isinstance(one, Turn) for one in opened) == 1
    for one in others:
        await one.close()


async def test_two_that_write_at_once_are_both_answered_and_once(shop: Shop, tmp_path: Path, address: str) -> None:
    shops = [shop, await Shop.open(tmp_path, ledger=SqlLedger(open_database(address)))]
    for n in range(10):
        await shop.accept(shop.message("slack", f"T1/U{n}", f"My parcel number {n} never arrived."))
    lines = [f"slack:T1/U{n}" for n in range(10)]
    shop.later(seconds=5)
    shops[1].now = shop.now
    shops[1].engine = replace(shops[1].engine, new_id=lambda: uuid.uuid4().hex)  # another process, other ids

    async def answer(one: Shop, line: str) -> None:
        try:
            await one.answers(line)
        except Fenced:  # the other one has it
            return

    await asyncio.gather(*(answer(one, line) for one in shops for line in lines))
    sent = [row.destination for one in shops for row in one.sent]
    assert len(sent) == len(set(sent)) == 10
    await shops[1].close()


async def test_somebody_who_is_forgotten_leaves_nothing(shop: Shop) -> None:
    await shop.knows("cus_7", "Ann Keller", "email:ann@shop.test")
    await shop.hears("email", "ann@shop.test", "I was charged $99 twice, order W4829137.")
    receipt = await shop.ledger.erase("cus_7", receipt="r1", now=shop.now)
    assert receipt.erased["messages"] == 1
    assert await shop.ledger.scour()
    assert await shop.hears("email", "ann@shop.test", "Hello?") is not None


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(Exception, match="DATABASE_URL"):
        open_database("mysql://somewhere/db")


async def test_processes_that_start_together_make_the_tables_once() -> None:
    url = await new_database()
    ledgers = [SqlLedger(open_database(url)) for _ in range(3)]
    await asyncio.gather(*(one.migrate() for one in ledgers))
    assert not await ledgers[0].has_accounts()
    for one in ledgers:
        await one.close()
