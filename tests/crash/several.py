"""Two workers on one PostgreSQL that are killed in turn, while many customers write: nobody is answered twice at the
same time, nothing is lost, nothing doubled without a flag, and the order stays."""

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import aiohttp
from sqlalchemy import select

from core.backends.ledger.database import open_database
from core.backends.ledger.schema import messages, outbox
from tests.crash.audit import key
from tests.crash.house import Broken, Fuse, House, Stamp, Template, again
from tests.crash.nursery import Nursery
from tests.crash.scenes import now
from tests.crash.words import CHARGED, DATE, HUMAN
from tests.process.running import environment, free_port
from tests.twins.twilio import Twilio

PATIENCE = 300.0
TEXTS = (CHARGED, "The order is W4829137.", DATE, HUMAN)
POINTS = (
    "ledger.open_turn within", "ledger.open_turn after", "writer.answer before", "writer.answer after",
    "ledger.settle within", "ledger.settle after", "delivery.post after", "ledger.claim after", "sms.send before",
    "sms.send after", "ledger.part_sent within", "ledger.part_sent after",
)  # fmt: skip


@dataclass(kw_only=True)
class Several:
    """What came of it."""

    kills: int = 0
    turns: int = 0
    overlaps: int = 0
    lost: int = 0
    duplicates: int = 0
    flagged: int = 0
    problems: list[str] = field(default_factory=list)


async def several(nursery: Nursery, start: Template, *, customers: int, points: Sequence[str] = POINTS) -> Several:
    """The two workers die by turns at these points, each at the second passage."""
    with tempfile.TemporaryDirectory(prefix="crash") as name:
        folder = Path(name)
        address = await start.copy(folder)
        (folder / "armed").touch()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(start.drop, address)
            twilio = await stack.enter_async_context(Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken",
                                                            number="+15550100"))  # fmt: skip
            twilio.now = now
            settings = {
                "DATABASE_URL": address, "CHANNELS": "sms", "TWILIO_ACCOUNT_SID": twilio.account_sid,
                "TWILIO_AUTH_TOKEN": twilio.auth_token, "TWILIO_FROM_NUMBER": twilio.number,
                "TWILIO_API_BASE": twilio.base,
            }  # fmt: skip
            houses = [_house(nursery, folder, settings, number, points) for number in range(3)]
            keeping = [asyncio.create_task(house.keep()) for house in houses]
            try:
                async with asyncio.timeout(PATIENCE):
                    return await _played(houses, twilio, address, customers)
            except (TimeoutError, Broken) as error:
                return Several(lost=1, problems=[f"{type(error).__name__}: {error}\n{houses[0].log()}"])
            finally:
                for house in houses:
                    await house.end()
                await asyncio.gather(*keeping)


def _house(nursery: Nursery, folder: Path, settings: Mapping[str, str], number: int, points: Sequence[str]) -> House:
    """The first one serves the web, the others work."""
    return House(
        nursery=nursery, folder=folder, address=settings["DATABASE_URL"],
        settings=environment(folder, {**settings, "WEB_PORT": str(free_port())}),
        fuses=[Fuse(point, 2) for point in points[number - 1 :: 2]] if number else [],
        trace=folder / f"trace{number}", traces_all=bool(number),
        command=["worker" if number else "web"],
    )  # fmt: skip


async def _played(houses: Sequence[House], twilio: Twilio, address: str, customers: int) -> Several:
    web = houses[0]
    twilio.deliver_to = web.url
    numbers = [f"+1555{3_000_000 + number}" for number in range(customers)]
    for text in TEXTS:  # a webhook waits for its answer: what a customer says is heard in order
        await asyncio.gather(*(_texts(twilio, number, text) for number in numbers))
    for house in houses:
        await house.quiet()
    done = await _weighed(address, twilio, customers * len(TEXTS))
    done.kills = sum(house.kills for house in houses)
    stamps = sorted((stamp for house in houses[1:] for stamp in house.stamps()), key=lambda one: one.at)
    spans = list(turns(stamps))
    done.turns, done.overlaps = len(spans), sum(_overlapping(spans))
    if done.overlaps:
        done.problems.append(f"{done.overlaps} turns of a customer at the same time as another one of theirs")
    return done


async def _texts(twilio: Twilio, number: str, text: str) -> None:
    sid = f"SM{abs(hash((number, text))):032x}"[:34]
    told = {"MessageSid": sid, "SmsSid": sid, "AccountSid": twilio.account_sid, "From": number, "To": twilio.number,
            "Body": text, "NumMedia": "0", "SmsStatus": "received"}  # fmt: skip
    delivery = twilio.sign("/twilio/sms", told)
    await again(lambda: twilio.deliver(delivery), aiohttp.ClientError)


@dataclass(frozen=True)
class Span:
    """A turn, from the transaction that opened it to the one that settled it, or to the death of its process."""

    line: str
    begun: float
    ended: float


def turns(stamps: Sequence[Stamp]) -> Iterator[Span]:
    """The turns of which a writer was asked, by when the writer was and when the outcome was about to be committed."""
    death = {stamp.process: stamp.at for stamp in stamps}
    begun: dict[tuple[int, str], float] = {}
    for stamp in stamps:
        which = stamp.process, stamp.line
        if stamp.point == "writer.answer before":
            begun[which] = stamp.at
        elif stamp.point == "ledger.settle within" and which in begun:
            yield Span(stamp.line, begun.pop(which), stamp.at)
    for (process, line), at in begun.items():
        yield Span(line, at, death[process])


def _overlapping(spans: Sequence[Span]) -> Iterator[int]:
    theirs: Mapping[str, list[Span]] = defaultdict(list)
    for span in spans:
        theirs[span.line].append(span)
    for of_one in theirs.values():
        of_one.sort(key=lambda span: span.begun)
        yield sum(later.begun < earlier.ended for earlier, later in pairwise(of_one))


async def _weighed(address: str, twilio: Twilio, said: int) -> Several:
    database = open_database(address)
    try:
        rows = await database.read(lambda tx: tx.execute(select(outbox).order_by(outbox.c.id)).all())
        states = Counter(await database.read(lambda tx: tx.execute(select(messages.c.state)).scalars().all()))
    finally:
        await database.close()
    done = Several(lost=said - states["answered"])
    written: Mapping[str, list[tuple[str, bool]]] = defaultdict(list)
    for row in rows:
        written[row.reply["route"]["to"]].append((key(row.reply["text"]), row.maybe_twice))
    got: Mapping[str, list[str]] = defaultdict(list)
    for one in twilio.sent:
        got[one.to].append(key(one.body))
    for to in {*written, *got}:
        _weigh(to, written[to], got[to], done)
    return done


def _weigh(to: str, written: Sequence[tuple[str, bool]], got: Sequence[str], done: Several) -> None:
    expected = Counter(words for words, _ in written)
    flagged = Counter(words for words, is_flagged in written if is_flagged)
    more = Counter(got) - expected
    done.flagged += sum((more & flagged).values())
    done.duplicates += sum((more - flagged).values())
    done.lost += sum((expected - Counter(got)).values())
    if list(dict.fromkeys(got)) != list(dict.fromkeys(words for words, _ in written)):
        done.problems.append(f"{to} was answered in another order than the record's")
    if more - flagged or expected - Counter(got):
        done.problems.append(f"{to}: written {[words[:40] for words, _ in written]}, got {[one[:40] for one in got]}")
