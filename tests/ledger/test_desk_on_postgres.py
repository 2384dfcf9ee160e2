"""The queue, the search and the lookout say on PostgreSQL what they say on SQLite."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update

from core.backends.ledger.database import open_database
from core.backends.ledger.schema import cases
from core.backends.ledger.sql import SqlLedger
from core.queueing import Filters, Tab
from core.record import DirectoryRow, Profile
from core.searching import Sought, sought
from tests.shop import Shop
from tests.twins.postgres import new_database

HUMAN = "I was charged $99 twice. I want to speak to a human."


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop on either database, in which somebody valuable and somebody unknown wait."""
    ledger = SqlLedger(open_database(await new_database())) if request.param == "postgresql" else None
    if ledger:
        await ledger.migrate()
    shop = await Shop.open(tmp_path, ledger=ledger) if ledger else await Shop.open(tmp_path)
    profile = Profile(external_id="cus_1", name="Vera Müller", value=20_000, email="vera@shop.test")
    await shop.ledger.import_directory([DirectoryRow(profile=profile, keys=["email:vera@shop.test"])], now=shop.now)
    await shop.hears("discord", "42", f"Ωμέγα is broken. {HUMAN}", display_name="Rob")
    await shop.hears("email", "vera@shop.test", HUMAN)
    yield shop
    await shop.close()


async def page(shop: Shop, **filters: object) -> tuple[list[int], dict[Tab, int]]:
    found = await shop.ledger.queue_page(Filters(**filters), me="eve", now=shop.now)  # type: ignore[arg-type]
    return list(found.cases), dict(found.counts)


async def test_the_queue_is_sorted_filtered_and_counted(shop: Shop) -> None:
    assert (await page(shop))[0] == [2, 1], "who is worth most is ahead"
    assert (await page(shop, vip=True))[0] == [2]
    assert (await page(shop, category="charge", mood="neutral"))[1][Tab.WAITING] == len(
        (await page(shop, category="charge", mood="neutral", tab=Tab.WAITING))[0]
    )
    put_off = update(cases).where(cases.c.id == 1).values(snoozed_until=shop.now + timedelta(hours=1))
    await shop.ledger._database.write(lambda tx: tx.execute(put_off))
    await shop.ledger.take(2, "eve", now=shop.now)
    shown, counts = await page(shop, tab=Tab.MINE)
    assert shown == [2]
    assert counts == {
        Tab.ALL: 1,
        Tab.ESCALATED: 1,
        Tab.WAITING: 0,
        Tab.ACTIVE: 1,
        Tab.MINE: 1,
        Tab.SNOOZED: 1,
        Tab.RESOLVED: 0,
    }
    (vera,) = await shop.ledger.queued([2], now=shop.now)
    assert (vera.name, vera.vip, vera.vouched, vera.category) == ("Vera Müller", True, True, "charge")


@pytest.mark.parametrize("text", ["VERA MÜLLER", "müller", "vera@shop", "cus_1"])
async def test_a_customer_is_found(shop: Shop, text: str) -> None:
    found = await shop.ledger.search(_sought(text), now=shop.now)
    assert [one.newest.name for one in found.customers] == ["Vera Müller"]


@pytest.mark.parametrize(
    ("text", "names"), [("ΩΜΈΓΑ", {"Rob"}), ("charged TWICE", {"Rob", "Vera Müller"}), ("_", set())]
)
async def test_what_was_said_is_found(shop: Shop, text: str, names: set[str]) -> None:
    found = await shop.ledger.search(_sought(text), now=shop.now)
    assert {line.name for line in found.lines if line.sender == "customer"} == names


def _sought(text: str) -> Sought:
    wanted = sought(text)
    assert wanted
    return wanted


async def test_a_look_sees_what_changed(shop: Shop) -> None:
    before = await shop.ledger.pulse(now=shop.now)
    assert (before.waiting, before.held) == (2, {})
    await shop.ledger.take(2, "eve", now=shop.now)
    after = await shop.ledger.pulse(now=shop.now)
    assert (after.waiting, after.held, after.queue != before.queue) == (1, {"eve": 1}, True)
    await shop.hears("email", "vera@shop.test", "Hello?")
    assert (await shop.ledger.pulse(now=shop.now)).heard[2][1] > after.heard[2][1]
    never = shop.now - timedelta(days=2)
    due = await shop.ledger.handoffs(first=shop.now - timedelta(minutes=5), again=(never, never), now=shop.now)
    assert [(one.case, one.nth) for one in due] == [(1, 1)]
