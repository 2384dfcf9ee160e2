"""The correlation id in the console: each line of a timeline has its own, a search finds it, and it goes with its row.
The status page tells of every process."""

from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from bots.console.status import HERE
from core.backends.ledger.schema import messages, outbox
from core.backends.ledger.sqlite import SqliteDatabase
from core.backends.ledger.watched import WatchedLedger
from core.erasing import Forgetting
from core.health import Health
from core.observing import UNOBSERVED
from core.running import Process
from tests.console.office import Office, opened, text_of
from tests.shop import Shop

CASE = "/console/cases/1"


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A shop whose messages have codes, and its console."""
    ledger = WatchedLedger(SqliteDatabase(tmp_path / "watched.db"), UNOBSERVED, secret=b"the shop's")
    await ledger.migrate()
    shop = await Shop.open(tmp_path, ledger=ledger)
    async with opened(shop) as office:
        yield office
    await shop.close()


async def codes(office: Office) -> list[str]:
    """Of what was heard and of what was answered."""
    both = [select(table.c.trace).order_by(table.c.id) for table in (messages, outbox)]
    return await office.shop.ledger._database.read(lambda tx: [c for one in both for c in tx.execute(one).scalars()])


async def asks(office: Office) -> str:
    """Ann asks for a human; the code under which she is answered."""
    await office.shop.hears("email", "ann@shop.test", "I was charged twice. I want to speak to a human.")
    heard, answered = await codes(office)
    assert heard == answered
    return heard


async def test_a_line_of_the_timeline_shows_the_code_to_ask_the_log_for(office: Office) -> None:
    code = await asks(office)
    page = (await (await office.colleague("ada")).get(CASE)).text
    assert page.count(f'<code class="correlation" title="Ask the log for it">{code}</code>') == 2


async def test_a_search_for_the_code_or_its_beginning_finds_what_was_said(office: Office) -> None:
    code = await asks(office)
    ada = await office.colleague("ada")
    for typed in (code, code[:8], code.upper()):
        assert "charged twice" in text_of((await ada.get("/console/search", params={"q": typed})).text)
    for other in (code[:7], f"{code[:8]}x", "%" * 8, "0" * 16):
        assert "charged twice" not in text_of((await ada.get("/console/search", params={"q": other})).text)


async def test_it_is_forgotten_with_its_customer(office: Office, tmp_path: Path) -> None:
    code = await asks(office)

    async def letters(_addresses: Collection[str]) -> int:
        return 0

    forgetting = Forgetting(ledger=office.shop.ledger, memory=office.shop.memory, letters=letters)
    await forgetting.forget("email:ann@shop.test", receipt="r1", now=lambda: office.shop.now)
    assert await codes(office) == []
    assert code.encode() not in (tmp_path / "watched.db").read_bytes()


# ── processes ──
async def two_processes(office: Office) -> None:
    """One that runs and ails, and one that died."""
    health, now = Health(lambda: office.shop.now), office.shop.now
    health.note("listening discord", "broke off (ConnectionError)")
    ears = Process(
        id="a", kind="listen discord", host="box-1", pid=7, started_at=now, seen_at=now, health=health.written()
    )
    died = now - timedelta(minutes=5)
    await office.shop.ledger.beat(ears)
    await office.shop.ledger.beat(
        Process(id="b", kind="worker", host="box-2", pid=8, started_at=died, seen_at=died, health={})
    )


async def test_every_process_is_on_the_status_page_and_who_died_is_not_heard_of(office: Office) -> None:
    await two_processes(office)
    page = text_of((await (await office.colleague("ada")).get(HERE)).text)
    assert "listen discord box-1, process 7" in page
    assert "yes listening discord: broke off (ConnectionError)" in page
    assert "worker box-2, process 8" in page
    assert "not heard of since" in page


async def test_the_api_tells_the_same(office: Office) -> None:
    await two_processes(office)
    told = (await (await office.colleague("ada")).get("/console/api/status")).json()
    died, ears = told["processes"]
    assert (died["kind"], died["heard_of"], ears["kind"], ears["heard_of"]) == ("worker", False, "listen discord", True)
    assert ears["health"]["listening discord"]["ails"] == "broke off (ConnectionError)"
    assert ears["health"]["listening discord"]["mishaps"] == 1
