"""What the console's pages cost with a full desk: the queue, a case with a long history, the search, and live pages.

    python -m benchmarks.console

Measured is the processor time of a request and its whole answer, over HTTP on loopback, of a console that serves nobody
else; what the browser's side of it costs is in it too. The wall clock is told beside it: on a machine with nothing else
to do they are the same but for the disk. The first requests are left out.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from sqlalchemy import Connection, insert, select

from benchmarks import history
from benchmarks.rows import Figure, keep
from core.backends.ledger import people
from core.backends.ledger.schema import cases, facts, handles
from core.record import DirectoryRow, Profile
from tests.console.office import Office, opened
from tests.shop import Shop

OPEN = 5_000  # cases that are not resolved, each of another customer
LONG = 10_000  # messages of one customer
OTHERS = 90_000  # messages of others, to search through
RUNS = 20
WARM_UP = 3
QUEUE_GOAL, CASE_GOAL, SEARCH_GOAL, LOOK_GOAL = 200.0, 100.0, 1_500.0, 20.0  # milliseconds
_LONG_CUSTOMER, _OTHER_CUSTOMERS = 900_000, range(900_001, 900_010)
_MOODS = ("neutral", "frustrated", "neutral", "angry", "positive")
_CHANNELS = ("email", "sms", "slack")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Milliseconds of a work, run by run."""

    processor: Sequence[float]
    wall: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure, its goal in milliseconds, and whether it is missed; without a goal it is told only."""

    name: str
    spent: Spent
    goal: float | None = None

    @property
    def missed(self) -> bool:
        """Whether it took longer than it should."""
        return self.goal is not None and median(self.spent.processor) > self.goal

    @property
    def figure(self) -> Figure:
        """For the table over all benchmarks."""
        return Figure(name=self.name, value=median(self.spent.processor), unit="ms CPU", most=self.goal)

    def __str__(self) -> str:
        p95, wall = quantiles(self.spent.processor, n=20)[-1], median(self.spent.wall)
        shown = f"{median(self.spent.processor):7.1f} ms, p95 {p95:6.1f}, wall {wall:6.1f}"
        goal = f"<= {self.goal:g} ms" if self.goal is not None else "told only"
        verdict = "" if self.goal is None else "missed" if self.missed else "met"
        return f"{self.name:<50} {shown:<40} {goal:<10} {verdict}"


# ── a full desk ──
def fill(tx: Connection, now: Any) -> None:
    """Open cases, half of which wait for a person; a tenth of the customers are VIPs."""
    held = history.people(tx, range(1, OPEN + 1), now)
    tx.execute(insert(cases), [_case(number, handle, now) for number, (handle, _) in held.items()])
    tx.execute(insert(facts), [fact for number, (handle, _) in held.items() for fact in _facts(number, handle, now)])
    people.import_directory(tx, [_person(number) for number in held], now)
    long = history.people(tx, [_LONG_CUSTOMER, *_OTHER_CUSTOMERS], now)
    history.tell(tx, long[_LONG_CUSTOMER], LONG, now)
    for number in _OTHER_CUSTOMERS:
        history.tell(tx, long[number], OTHERS // len(_OTHER_CUSTOMERS), now)


def _person(number: int) -> DirectoryRow:
    (_, mailbox), (_, phone) = history.addresses(number)
    value = 20_000 if number % 10 == 0 else 100
    profile = Profile(external_id=f"cus_{number}", name=f"Ann Keller {number}", value=value, email=mailbox, phone=phone)
    return DirectoryRow(profile=profile, keys=(f"email:{mailbox}", f"phone:{phone}"))


def _case(number: int, handle: int, now: Any) -> dict[str, Any]:
    at, waits = now - timedelta(minutes=number), number % 2 == 1
    return {
        "id": number,
        "handle_id": handle,
        "status": "handed_off" if waits else "open",
        "opened_at": at,
        "updated_at": at,
        "last_handle_id": handle,
        "last_channel": _CHANNELS[number % 3],
        "last_conversation": f"with {handle}",
        "contacts": 1,
        "reason": "The customer asked for a person." if waits else "",
        "handed_off_at": at if waits else None,
        "assignee": "eve" if number % 10 == 1 else "",
    }


def _facts(number: int, handle: int, now: Any) -> Iterator[dict[str, Any]]:
    told = {"issue": f"My kettle number {number} does not work.", "category": "fault", "mood": _MOODS[number % 5]}
    for slot, value in told.items():
        at = now - timedelta(minutes=number)
        yield {"handle_id": handle, "case_id": number, "slot": slot, "value": value, "told_at": at, "proof": 2}


# ── measuring ──
async def timed(work: Callable[[], Awaitable[Any]]) -> Spent:
    """What a work takes."""
    processor: list[float] = []
    wall: list[float] = []
    for _ in range(WARM_UP + RUNS):
        began, ran = time.perf_counter(), time.process_time()
        await work()
        processor.append((time.process_time() - ran) * 1_000)
        wall.append((time.perf_counter() - began) * 1_000)
    return Spent(processor=processor[WARM_UP:], wall=wall[WARM_UP:])


def fetching(browser: httpx.AsyncClient, path: str, shows: str) -> Callable[[], Awaitable[None]]:
    """Gets a page, which has to show something: a refusal would be fast."""

    async def fetch() -> None:
        answer = await browser.get(path)
        if answer.status_code != httpx.codes.OK or shows not in answer.text:
            raise RuntimeError(f"{path} was answered {answer.status_code} without {shows!r}")

    return fetch


PAGES: Mapping[str, tuple[str, str, float]] = {
    f"queue of {OPEN:,} cases, all": ("/console?tab=all", "Ann Keller", QUEUE_GOAL),
    f"queue of {OPEN:,}, waiting, VIP and angry first": ("/console?tab=waiting", "Ann Keller", QUEUE_GOAL),
    f"queue of {OPEN:,}, filter: angry": ("/console?tab=all&mood=angry", "Ann Keller", QUEUE_GOAL),
    f"queue of {OPEN:,}, filter: VIP": ("/console?tab=all&vip=1", "Ann Keller", QUEUE_GOAL),
    f"queue of {OPEN:,}, filter: channel, mood, category": (
        "/console?tab=escalated&channel=sms&mood=neutral&category=fault",
        "Ann Keller",
        QUEUE_GOAL,
    ),
    f"queue of {OPEN:,}, the 90th page": ("/console?tab=all&page=90", "Ann Keller", QUEUE_GOAL),
    "search 100,000 messages: nothing found": ("/console/search?q=xyzzy+plugh", "Nothing was found", SEARCH_GOAL),
    "search 100,000 messages: found at once": ("/console/search?q=kettle", "What was said", SEARCH_GOAL),
}


async def measured(office: Office) -> list[Row]:
    """Every row of the table."""
    browser = await office.signed_in()
    rows = [Row(name="the floor: HTTP alone", spent=await timed(fetching(browser, "/console/static/icon.svg", "svg")))]
    for name, (path, shows, goal) in PAGES.items():
        rows.append(Row(name=name, spent=await timed(fetching(browser, path, shows)), goal=goal))
    case = fetching(browser, f"/console/cases/{await _long_case(office)}", "Timeline")
    rows.append(Row(name=f"a case with {LONG:,} messages", spent=await timed(case), goal=CASE_GOAL))
    look = await timed(lambda: office.shop.ledger.pulse(now=office.shop.now))
    rows.append(Row(name=f"one look at {OPEN:,} cases for all live pages", spent=look, goal=LOOK_GOAL))
    return rows


async def _long_case(office: Office) -> int:
    """The newest case of the customer with a long history."""

    def newest(tx: Connection) -> int:
        handle = handles.c.address == history.addresses(_LONG_CUSTOMER)[0][1]
        theirs = select(handles.c.id).where(handle)
        query = select(cases.c.id).where(cases.c.handle_id.in_(theirs)).order_by(cases.c.id.desc()).limit(1)
        return int(tx.execute(query).scalar_one())

    return await office.shop.ledger._database.read(newest)


async def run() -> list[Row]:
    """Fills a desk and measures it."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        shop = await Shop.open(Path(folder))
        stack.push_async_callback(shop.close)
        await shop.ledger._database.write(lambda tx: fill(tx, shop.now))
        office = await stack.enter_async_context(opened(shop))
        return await measured(office)


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    rows = asyncio.run(run())
    print(f"the console, processor time, medians of {RUNS} requests")
    for row in rows:
        print(row)
    keep(row.figure for row in rows)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
