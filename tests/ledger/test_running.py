"""Processes tell each other that they run and how they do, and what waits is counted: in both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.health import Health
from core.ledger import Settled, Turn, Wait
from core.messages import Raw
from core.running import HEARD_WITHIN, Process, Pulse, over_all
from tests.shop import START, Shop
from tests.twins.postgres import new_database


class Heard(SqlLedger):
    """A ledger that says when a process has written down that it runs."""

    beats: "asyncio.Queue[Process]"
    left: "asyncio.Queue[str]"

    async def beat(self, process: Process) -> None:
        await super().beat(process)
        self.beats.put_nowait(process)

    async def leave(self, process: str) -> None:
        await super().leave(process)
        self.left.put_nowait(process)


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Heard]:
    url = f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else await new_database()
    ledger = Heard(open_database(url))
    ledger.beats, ledger.left = asyncio.Queue(), asyncio.Queue()
    await ledger.migrate()
    yield ledger
    await ledger.close()


def process(id: str = "p1", **changes: object) -> Process:  # noqa: A002 - as the row has it
    plain = Process(id=id, kind="worker", host="box", pid=7, started_at=START, seen_at=START, health={})
    return replace(plain, **changes)  # type: ignore[arg-type]


async def test_a_process_is_there_while_it_runs_and_says_at_once_what_ails(ledger: Heard) -> None:
    health = Health(lambda: START)
    keeping = asyncio.create_task(Pulse(process(), ledger, health, lambda: START).keep())
    await ledger.beats.get()
    health.note("sending sms", "busy (503)")
    while not (told := await asyncio.wait_for(ledger.beats.get(), 8)).health:
        pass
    (line,) = await ledger.running()
    assert line == told
    assert line.ails == ["sending sms: busy (503)"]
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert await ledger.running() == []


async def test_who_is_started_again_takes_the_place_of_one_that_died_there(ledger: Heard) -> None:
    for died in (process("here", pid=8), process("lives", pid=9), process("of another kind", kind="web", pid=8)):
        await ledger.beat(died)
    await ledger.beat(process("elsewhere", host="crate", pid=8))
    ledger.beats = asyncio.Queue()
    again = Pulse(process("again"), ledger, Health(lambda: START), lambda: START, lambda pid: pid == 9)
    keeping = asyncio.create_task(again.keep())
    await ledger.beats.get()
    assert await ledger.left.get() == "here"
    assert {one.id for one in await ledger.running()} == {"again", "lives", "of another kind", "elsewhere"}
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_what_it_left_undone_is_seen_to_before_its_line_goes(ledger: Heard) -> None:
    await ledger.beat(process("here", pid=8))
    tries: asyncio.Queue[str] = asyncio.Queue()

    async def fails(died: Process) -> None:
        tries.put_nowait(died.id)
        raise ConnectionError

    again = Pulse(process("again"), ledger, Health(lambda: START), lambda: START, lambda _pid: False, succeed=fails)
    keeping = asyncio.create_task(again.keep())
    assert await tries.get() == "here"
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert [one.id for one in await ledger.running()] == ["here"], "the next one tries again"


async def test_what_a_process_held_that_has_ended_is_free_at_once(ledger: Heard, tmp_path: Path) -> None:
    """And nothing that another one holds. Of a reply that it was sending nobody knows whether it went."""
    died, lives = (SqlLedger(ledger._database, holder=name) for name in ("died", "lives"))
    shop = await Shop.open(tmp_path, ledger=ledger)
    for number in ("+15550101", "+15550102"):
        await shop.accept(shop.message("sms", number, "My kettle is broken."))
    shop.later(seconds=3)
    sent = [await shop.engine.take_turn(f"sms:{number}") for number in ("+15550101", "+15550102")]
    rows = [one.outbox[0].id for one in sent if isinstance(one, Settled)]
    for one, row, number in zip((died, lives), rows, ("+15550103", "+15550104"), strict=True):
        assert await one.claim(row, now=shop.now)
        await shop.accept(shop.message("sms", number, "My kettle is broken."))
        assert isinstance(await opened(one, number, shop), Turn)
    await ledger.free("died")
    assert [(row.id, row.maybe_twice) for row in await ledger.left_over(now=shop.now)] == [(rows[0], True)]
    assert isinstance(await opened(ledger, "+15550103", shop), Turn)
    assert isinstance(await opened(ledger, "+15550104", shop), Wait)


async def opened(ledger: SqlLedger, number: str, shop: Shop) -> Turn | Wait | None:
    return await ledger.open_turn(f"sms:{number}", token=ledger.holder, now=shop.now, burst=timedelta(0), live=False)


async def test_who_ends_without_a_word_is_not_heard_of_and_forgotten_after_a_day(ledger: Heard) -> None:
    await ledger.beat(process("died"))
    late = START + HEARD_WITHIN + timedelta(seconds=1)
    await ledger.beat(process("lives", seen_at=late))
    died, lives = sorted(await ledger.running(), key=lambda one: one.id)
    assert (died.is_heard_of(late), lives.is_heard_of(late)) == (False, True)
    assert died.is_heard_of(START + HEARD_WITHIN)
    await ledger.beat(process("lives", seen_at=late + timedelta(days=2)))
    assert [one.id for one in await ledger.running()] == ["lives"]


async def test_how_something_does_is_told_over_all_processes_that_are_heard_of(ledger: Heard) -> None:
    here, there = Health(lambda: START), Health(lambda: START)
    there.note("listening discord", "broke off")
    there.rests("sending sms", START + timedelta(minutes=5))
    await ledger.beat(process("p2", health=there.written()))
    others = await ledger.running()
    assert over_all(others, "listening discord", here.of("listening discord"), START).ails == "broke off"
    assert over_all(others, "sending sms", here.of("sending sms"), START).rests_until == START + timedelta(minutes=5)
    late = START + HEARD_WITHIN + timedelta(seconds=1)
    assert over_all(others, "listening discord", here.of("listening discord"), late).ails == ""


async def test_what_waits_is_counted(ledger: Heard, tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path, ledger=ledger)
    await shop.hears("email", "ann@shop.test", "I want to speak to a human about my bill.")
    first = shop.now
    for who in ("+15550101", "+15550101", "+15550102"):
        await shop.ledger.accept(shop.message("sms", who, "Hello?"), Raw(body=b"", received_at=shop.now))
    await ledger.park("sms", Raw(body=b"?", received_at=shop.now), "not readable")
    shop.later(minutes=1)
    turn = await ledger.open_turn("sms:+15550102", token="t", now=shop.now, burst=timedelta(0), live=False)
    assert isinstance(turn, Turn)
    waits = await ledger.backlog(now=shop.now)
    assert (waits.messages, waits.lines, waits.messages_since) == (3, 2, first)
    assert (waits.cases, waits.unread, waits.leases) == (1, 1, 1)
    assert waits.outbox == {}
    assert waits.bytes > 0


async def test_replies_on_their_way_and_those_given_up_are_counted_by_channel(ledger: Heard, tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path, ledger=ledger)
    for number in ("+15550101", "+15550102"):
        await shop.accept(shop.message("sms", number, "My kettle is broken."))
    shop.later(seconds=3)
    first, second = [await shop.engine.take_turn(f"sms:{number}") for number in ("+15550101", "+15550102")]
    assert first
    assert second
    await ledger.sending_failed(second.outbox[0].id, error="gone", due_at=None)  # type: ignore[union-attr]
    waits = await ledger.backlog(now=shop.now)
    assert (waits.outbox, waits.parked) == ({"sms": 1}, {"sms": 1})
    assert waits.outbox_since == {"sms": shop.now}
