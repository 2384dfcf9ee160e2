"""Open pages are told what is new: each what concerns it, nothing twice, and nothing to whom it does not concern."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from core.backends.ledger.database import open_database
from core.backends.ledger.schema import access_log, cases
from core.lookout import MOST_PAGES
from tests.console.office import Office, lookout
from tests.shop import Shop

HUMAN = "I was charged $99 twice. I want to speak to a human."
Event = tuple[str, dict[str, Any]]


class Stream:
    """What an open page is told."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> Event:
        """The next event; whatever is no event is passed over."""
        kind = ""
        async with asyncio.timeout(10):
            async for line in self._lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return kind, json.loads(line.removeprefix("data: "))
        return "end", {}

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        while True:
            found, told = await self.next()
            if found == kind:
                return told
            assert found != "end"


@asynccontextmanager
async def page(browser: httpx.AsyncClient, case: int | None = None) -> AsyncIterator[Stream]:
    path = "/console/live" + (f"?case={case}" if case else "")
    async with browser.stream("GET", path, headers={"accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


async def escalates(office: Office, who: str = "T1/U1", **more: object) -> None:
    await office.shop.hears("slack", who, HUMAN, **more)


# ── what a page is told ──
async def test_every_page_is_told_how_many_wait_and_again_when_that_changes(office: Office) -> None:
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    async with page(eve) as hers, page(bob) as his:
        assert await hers.until("queue") == {"waiting": 0, "mine": 0}
        await escalates(office)
        assert await hers.until("queue") == {"waiting": 1, "mine": 0}
        await eve.post("/console/cases/1/take")
        assert await hers.until("queue") == {"waiting": 0, "mine": 1}
        told = [await his.until("queue") for _ in range(2)]
        while told[-1]["waiting"] or len(told) < 3:
            told.append(await his.until("queue"))
        assert told[-1] == {"waiting": 0, "mine": 0}


async def test_a_page_hears_of_its_own_case_when_something_is_said_or_done_in_it(office: Office) -> None:
    await escalates(office)
    await escalates(office, "T1/U2")
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    async with page(eve, case=1) as hers:
        first = await hers.until("case")
        assert first["case"] == 1
        await bob.post("/console/cases/2/take")
        await bob.post("/console/cases/1/take")
        second = await hers.until("case")
        assert (second["case"], second["state"] != first["state"]) == (1, True)
        await office.shop.hears("slack", "T1/U1", "Hello? Is anybody there?")
        assert (await hers.until("case"))["case"] == 1


async def test_who_has_a_case_is_told_when_its_customer_writes_and_nobody_else(office: Office) -> None:
    await escalates(office)
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    await eve.post("/console/cases/1/take")
    async with page(eve) as hers, page(bob) as his:
        await hers.until("queue")
        await his.until("queue")
        await office.shop.hears("slack", "T1/U1", "Hello? Is anybody there?")
        assert await hers.until("message") == {"case": 1}
        await escalates(office, "T1/U2")
        kinds = [(await his.next())[0] for _ in range(2)]
        while "handoff" not in kinds:
            kinds.append((await his.next())[0])
        assert "message" not in kinds


# ── handoffs ──
async def test_a_handoff_is_told_to_each_page_once_and_once_more_when_nobody_took_it(office: Office) -> None:
    await office.shop.knows("cus_1", "Ann Keller", "slack:T1/U1")
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    async with page(eve) as hers, page(bob) as his:
        await escalates(office)
        first = await hers.until("handoff")
        assert await his.until("handoff") == first
        assert {name: first[name] for name in ("case", "name", "category", "again")} == {
            "case": 1,
            "name": "Ann",
            "category": "charge",
            "again": False,
        }
        office.shop.later(minutes=15, seconds=30)
        again = await hers.until("handoff")
        assert (again["case"], again["again"], again["id"] != first["id"]) == (1, True, True)
        office.shop.later(minutes=30)
        await escalates(office, "T1/U2")
        assert (await hers.until("handoff"))["case"] == 2
    assert [row for row in await readings(office) if row[0] == "eve"].count(("eve", ("case:1",))) == 2


async def readings(office: Office) -> list[tuple[str, tuple[str, ...]]]:
    query = select(access_log.c.reader, access_log.c.rows).order_by(access_log.c.id)
    rows = await office.shop.ledger._database.read(lambda tx: tx.execute(query).all())
    return [(row.reader, tuple(row.rows)) for row in rows]


async def test_a_page_that_was_just_opened_hears_of_the_last_minute_alone_under_the_same_name(office: Office) -> None:
    await escalates(office)
    office.shop.later(minutes=2)
    await escalates(office, "T1/U2")
    eve = await office.colleague("eve")
    async with page(eve) as hers:
        first = await hers.until("handoff")
        assert first["case"] == 2
    async with page(eve) as hers:
        assert await hers.until("handoff") == first, "the browser knows it by its id"


@pytest.mark.parametrize("name", ["Call +1 900 555 for a prize", "Eve Your-Boss"])
async def test_a_notice_names_nobody_who_named_themselves_and_nothing_that_was_said(office: Office, name: str) -> None:
    eve = await office.colleague("eve")
    async with page(eve) as hers:
        await escalates(office, display_name=name)
        told = await hers.until("handoff")
    assert told["name"] == "A customer"
    assert set(told) == {"id", "case", "name", "category", "again"}


async def test_a_case_that_was_taken_or_put_off_is_not_told_again(office: Office) -> None:
    for who in ("T1/U1", "T1/U2"):
        await escalates(office, who)
    eve = await office.colleague("eve")
    await eve.post("/console/cases/1/take")
    until = office.shop.now + timedelta(hours=2)
    await office.shop.ledger._database.write(
        lambda tx: tx.execute(update(cases).where(cases.c.id == 2).values(snoozed_until=until))
    )
    office.shop.later(minutes=15, seconds=30)
    async with page(eve) as hers:
        await escalates(office, "T1/U3")
        assert (await hers.until("handoff"))["case"] == 3


# ── who is told ──
async def test_without_a_session_there_is_no_stream(office: Office) -> None:
    answer = await office.browser().get("/console/live", follow_redirects=False)
    assert answer.status_code == 401


async def test_a_stream_ends_with_its_session_and_before_it_would_tell_of_a_customer(office: Office) -> None:
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    async with page(eve) as hers, page(bob) as his:
        await hers.until("queue")
        await his.until("queue")
        await office.copy(eve).post("/console/logout")
        await escalates(office)
        kinds = []
        while (event := await hers.next())[0] != "end":
            kinds.append(event[0])
        assert kinds[-1] == "signed-out"
        assert "handoff" not in kinds
        await his.until("handoff")


async def test_a_stream_keeps_nobody_signed_in(office: Office) -> None:
    eve = await office.colleague("eve")
    async with page(eve) as hers:
        await hers.until("queue")
        office.shop.later(hours=2)
        await escalates(office)
        while (event := await hers.next())[0] != "end":
            last = event[0]
        assert last == "signed-out"


async def test_a_colleague_has_so_many_streams_and_no_more_and_a_closed_page_makes_room(office: Office) -> None:
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    async with asyncio.TaskGroup() as tasks:
        closed = asyncio.Event()
        opened = asyncio.Semaphore(0)
        for _ in range(MOST_PAGES):
            tasks.create_task(stays(office.copy(eve), opened, closed))
        for _ in range(MOST_PAGES):
            await opened.acquire()
        refused = await eve.get("/console/live")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        async with page(bob) as his:
            await his.until("queue")
        closed.set()
    status = 429
    while status == 429:
        async with eve.stream("GET", "/console/live") as answer:
            status = answer.status_code
    assert status == 200


async def stays(browser: httpx.AsyncClient, opened: asyncio.Semaphore, closed: asyncio.Event) -> None:
    async with page(browser) as stream:
        await stream.until("queue")
        opened.release()
        await closed.wait()


# ── the lookout ──
async def test_what_another_process_wrote_is_told_too(office: Office, tmp_path: Path) -> None:
    eve = await office.colleague("eve")
    elsewhere = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    async with page(eve) as hers:
        await escalates(office)
        assert (await hers.until("queue"))["waiting"] in (0, 1)
        taken = update(cases).where(cases.c.id == 1).values(assignee="bob")
        await elsewhere.write(lambda tx: tx.execute(taken))
        while (await hers.until("queue"))["waiting"]:
            pass
    await elsewhere.close()


async def test_the_lookout_looks_only_while_a_page_is_open_and_goes_on_after_trouble(shop: Shop) -> None:
    out = lookout(shop)
    assert out._looking is None
    with out.page("eve", None) as one:
        assert [news.kind for news in await one.news(10)] == ["queue"]
        whole, out.ledger = out.ledger, None  # type: ignore[assignment]
        await asyncio.sleep(0.05)
        out.ledger = whole
        await shop.hears("slack", "T1/U1", HUMAN)
        kinds: list[str] = []
        while "queue" not in kinds:
            kinds += [news.kind for news in await one.news(10)]
    assert out._looking is None


async def test_nothing_new_is_told_as_nothing(shop: Shop) -> None:
    with lookout(shop).page("eve", None) as one:
        assert await one.news(10)
        assert await one.news(0.1) == []
