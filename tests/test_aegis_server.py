"""A bot whose memory is an Aegis server: what older cases tell is remembered over all channels; a server that is down,
hangs, fails or is busy costs nobody a reply, is on the status page, and learns later what it missed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from bots.memory import Rebuilding
from core import briefing
from core.backends.aegis_calls import Away
from core.backends.aegis_server import AegisServerMemory
from core.backends.backlog import Backlog
from core.backends.embedding import WordLlamaEmbedder
from core.backends.rules.writer import RulesWriter
from core.erasing import Forgetting, NoSuchCustomer
from core.health import Health
from core.memory import CannotErase
from core.watched import MEMORY, WatchedMemory
from core.writing import Answer, Brief
from tests.shop import Shop
from tests.twins.aegis_server import KEY, AegisServerTwin, aegis_server

PLANTED = "Quennelwhistle"
JOHN = ("cus_1", "John Miller", "email:john@shop.test", "phone:+15550142")
BROKEN = f"My {PLANTED} kettle arrived broken, order W4829137."
ASKS = "Which kettle did I have trouble with before?"

wordllama = cache(WordLlamaEmbedder)


class Reader:
    """The rules, and what they were given to read."""

    def __init__(self) -> None:
        self.briefs: list[Brief] = []
        self._rules = RulesWriter()

    async def answer(self, brief: Brief) -> Answer:
        self.briefs.append(brief)
        return await self._rules.answer(brief)


class Remembering:
    """A shop with an Aegis server."""

    def __init__(self, shop: Shop, twin: AegisServerTwin, reader: Reader) -> None:
        self.shop, self.twin, self.reader = shop, twin, reader
        self.health = Health(lambda: shop.now)
        self.well = asyncio.Event()
        self.server = AegisServerMemory(twin.url, KEY, database_url=twin.database_url, embedder=wordllama)
        self.backlog = Backlog(
            self.server, self._hears_of_backlog, shop.ledger.erased_among, first=timedelta(milliseconds=10)
        )
        shop.engine = replace(shop.engine, memory=WatchedMemory(self.backlog, self.health.note))

    def _hears_of_backlog(self, what: str, why: str) -> None:
        self.health.note(what, why)
        if not why:
            self.well.set()

    async def has_a_past(self) -> None:
        """John had a broken kettle; the case is closed, and long ago."""
        await self.shop.knows(*JOHN)
        await self.shop.hears("email", "john@shop.test", BROKEN)
        await self.shop.hears("email", "john@shop.test", "It is solved now, thank you!")
        self.shop.later(days=200)

    def forgetting(self, server: AegisServerMemory) -> Forgetting:
        async def no_letters(_addresses: object) -> int:
            return 0

        return Forgetting(ledger=self.shop.ledger, memory=server, letters=no_letters)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Remembering]:
    async with aegis_server() as twin:
        reader = Reader()
        shop = await Shop.open(tmp_path, writer=reader)
        remembering = Remembering(shop, twin, reader)
        yield remembering
        await remembering.backlog.close()
        await shop.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine under test may be slow."""
    monkeypatch.setattr(briefing, "_MEMORY_PATIENCE", 30.0)


@pytest.mark.usefixtures("patient")
async def test_john_is_remembered_over_channels(bot: Remembering) -> None:
    await bot.has_a_past()
    assert PLANTED in await bot.twin.kept()
    await bot.shop.hears("sms", "+15550142", ASKS)
    assert any("kettle" in line.lower() for line in bot.reader.briefs[-1].remembered), bot.reader.briefs[-1]
    await bot.shop.hears("email", "stranger@post.test", ASKS)
    assert not bot.reader.briefs[-1].remembered


@pytest.mark.parametrize("trouble", ["fails", "hangs", "is nonsense", "refuses", "is busy"])
async def test_its_troubles_cost_nobody_a_reply_and_are_on_the_status_page(bot: Remembering, trouble: str) -> None:
    await bot.has_a_past()
    held = await bot.server.size()
    bot.twin.a_minute = 0 if trouble == "is busy" else 1_000
    bot.twin.trouble = "" if trouble == "is busy" else trouble
    said = await bot.shop.hears_without_learning("sms", "+15550142", "I was charged $99 twice.")
    assert "99" in said
    assert bot.health.of(MEMORY).ails
    assert bot.health.of(MEMORY).mishaps
    assert await bot.server.size() == held


async def test_what_it_missed_it_learns_when_it_is_back(bot: Remembering) -> None:
    await bot.has_a_past()
    bot.twin.trouble = "fails"
    said = await bot.shop.hears("sms", "+15550142", f"My {PLANTED} toaster sparks.")
    assert said
    assert bot.backlog.waiting
    assert any("rows wait: memory: " in mishap.why for mishap in bot.health.of(MEMORY).mishaps)
    assert "toaster" not in await bot.twin.kept()
    bot.twin.trouble = ""
    await bot.well.wait()
    assert "toaster" in await bot.twin.kept()


@pytest.mark.usefixtures("patient")
async def test_a_rebuild_fills_it_from_the_ledger(bot: Remembering, capsys: pytest.CaptureFixture[str]) -> None:
    await bot.has_a_past()
    await bot.shop.hears("sms", "+15550142", "I was charged $99 twice.")
    before = await bot.server.size()
    await bot.server.clear()
    await Rebuilding(bot.shop.ledger, bot.server).rebuild()
    assert await bot.server.size() == before == await bot.shop.ledger.rows_for_memory(100)
    assert capsys.readouterr().out.endswith("facts and 0 patterns remembered\n")
    await bot.shop.hears("sms", "+15550142", ASKS)
    assert bot.reader.briefs[-1].remembered


async def test_a_rebuild_waits_for_a_busy_server_and_gives_up_one_that_is_away(
    bot: Remembering, capsys: pytest.CaptureFixture[str]
) -> None:
    await bot.has_a_past()
    bot.twin.trouble = "fails"
    with pytest.raises(Away, match=r"failed \(500\)"):
        await Rebuilding(bot.shop.ledger, bot.server, 0.0001).rebuild()
    bot.twin.trouble, bot.twin.a_minute = "", 0
    rebuilding = asyncio.create_task(Rebuilding(bot.shop.ledger, bot.server).rebuild())
    while "takes no more requests for 1 s (429)" not in (said := capsys.readouterr().out):  # noqa: ASYNC110
        await asyncio.sleep(0)
    bot.twin.a_minute = 1_000
    await rebuilding
    assert "Traceback" not in said
    assert await bot.server.size() == await bot.shop.ledger.rows_for_memory(100)


async def test_whoever_is_forgotten_is_gone_from_the_server_too(bot: Remembering) -> None:
    await bot.has_a_past()
    await bot.forgetting(bot.server).forget("cus_1", receipt="r1", now=lambda: bot.shop.now)
    kept = await bot.twin.kept()
    for trace in (PLANTED, "kettle", "W4829137", "handle:"):
        assert trace not in kept


async def test_without_its_database_nobody_is_forgotten_and_nothing_is_lost(bot: Remembering) -> None:
    await bot.has_a_past()
    blind = AegisServerMemory(bot.twin.url, KEY, embedder=wordllama)
    with pytest.raises(CannotErase, match="set AEGIS_DATABASE_URL"):
        await bot.forgetting(blind).forget("cus_1", receipt="r1", now=lambda: bot.shop.now)
    assert await bot.shop.ledger.addresses("cus_1", now=bot.shop.now)
    await bot.forgetting(bot.server).forget("cus_1", receipt="r2", now=lambda: bot.shop.now)
    with pytest.raises(NoSuchCustomer):
        await bot.shop.ledger.addresses("cus_1", now=bot.shop.now)
    await blind.close()
