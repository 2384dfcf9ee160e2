"""How soon Slack is told that a message is kept: it waits three seconds, and then delivers it again.

    python -m benchmarks.slack

Customers write 20 messages a second to a bot that answers them all meanwhile: the real engine, ledger and delivery, by
Socket Mode and by signed HTTP requests, on real sockets. Measured is the time from sending a message until its
acknowledgement is there. Slack itself is a server of ours in the same process, so its work counts too. The first
answer, for which word lists are loaded, comes before. The floor is a thread that does a fixed sum every 20 ms; by as
much as its 99th of 100 is above its best twentieth the machine was busy, and that is added to the goal.

Beside it stands the processor time a message, of the whole process but the floor: the turn, the channel, and Slack's
server.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.rows import Figure, keep
from bots import web
from channels.slack import Slack, SlackSettings
from core.delivery import Delivery
from core.dispatch import Dispatch
from tests.shop import Shop
from tests.site import site
from tests.twins.slack import SlackTwin

GOAL: Final = 1_000.0  # milliseconds, of 99 in 100
A_SECOND: Final = 20
MESSAGES: Final = 400
CUSTOMERS: Final = 120

Send = Callable[[dict[str, Any]], Awaitable[None]]  # returns when the message is acknowledged


@dataclass(frozen=True)
class Acknowledged:
    """Milliseconds until each message was acknowledged."""

    what: str
    times: Sequence[float]
    answers: int
    busy: float
    processor: float  # milliseconds of processor time a message

    @property
    def p99(self) -> float:
        """What 99 of 100 messages stay under."""
        return quantiles(self.times, n=100)[-1]

    @property
    def missed(self) -> bool:
        """Whether the goal is missed, or the bot did not answer meanwhile."""
        return self.p99 > GOAL + self.busy or self.answers < CUSTOMERS

    @property
    def figures(self) -> list[Figure]:
        """For the table over all benchmarks."""
        acknowledged = Figure(name=f"{self.what}: acknowledged, p99", value=self.p99, unit="ms", most=GOAL + self.busy)
        answers = Figure(name=f"{self.what}: answers", value=self.answers, least=CUSTOMERS)
        return [acknowledged, answers, Figure(name=f"{self.what}: processor time", value=self.processor, unit="ms")]

    def __str__(self) -> str:
        verdict = "missed" if self.missed else "met"
        figures = (
            f"{median(self.times):8.2f} {self.p99:8.2f} {max(self.times):8.2f} {self.answers:8} {self.processor:10.2f}"
        )
        return f"{self.what:<14} {figures}   p99 <= {GOAL:g} ms + {self.busy:.0f}   {verdict}"


class Floor:
    """How busy the machine is meanwhile, and what the rest of the process takes of it."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._own = self._began = self._own_before = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Floor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def busy(self) -> float:
        """Milliseconds by which things came later than on a machine with nothing else to do."""
        return quantiles(self._times, n=100)[-1] - quantiles(self._times, n=20)[0]

    def begin(self) -> None:
        """From here on processor time counts."""
        self._began, self._own_before = time.process_time(), self._own

    @property
    def processor(self) -> float:
        """Milliseconds of processor time a message since then, without this thread's own."""
        return (time.process_time() - self._began - (self._own - self._own_before)) * 1_000 / MESSAGES

    def _work(self) -> None:
        while not self._end.is_set():
            began = time.perf_counter()
            self._end.wait(0.02)
            sum(range(60_000))
            self._times.append((time.perf_counter() - began) * 1_000)
            self._own = time.thread_time()


async def write(twin: SlackTwin, send: Send, floor: Floor) -> list[float]:
    """Milliseconds until each of the messages was acknowledged; they come by the clock, not one after the other."""
    await send(twin.says("U0ANN", "Hello"))
    await twin.next_post()
    floor.begin()
    began = time.perf_counter()
    waiting = []
    for number in range(MESSAGES):
        await asyncio.sleep(max(began + number / A_SECOND - time.perf_counter(), 0))
        said = twin.says(f"U{number % CUSTOMERS}ANN", f"I was charged ${number + 10} twice, please look into it.")
        waiting.append(asyncio.create_task(_timed(send, said)))
    return list(await asyncio.gather(*waiting))


async def _timed(send: Send, said: dict[str, Any]) -> float:
    began = time.perf_counter()
    await send(said)
    return (time.perf_counter() - began) * 1_000


async def by_socket(slack: Slack, dispatch: Dispatch, twin: SlackTwin, floor: Floor) -> list[float]:
    """Through Socket Mode."""

    async def send(said: dict[str, Any]) -> None:
        await (await twin.emits(said)).acked.wait()

    listening = asyncio.create_task(slack.listen(lambda raw: dispatch.deliver(slack, raw)))
    await twin.connections.get()
    try:
        return await write(twin, send, floor)
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def by_http(slack: Slack, dispatch: Dispatch, twin: SlackTwin, floor: Floor) -> list[float]:
    """Through the web server."""
    listening = web.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}{slack.paths[0]}"
    app = web.application([slack], dispatch.hear, _ready, note=dispatch.note, base_url="https://acme.test", now=clock)

    async def send(said: dict[str, Any]) -> None:
        status, _ = await twin.calls(url, said, clock())
        assert status == 200  # noqa: PLR2004 - HTTP

    async with web.serving(app, listening):
        return await write(twin, send, floor)


async def _ready() -> dict[str, str]:
    return {}


def clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


async def measure(what: str, way: dict[str, str]) -> Acknowledged:
    """One way in."""
    with TemporaryDirectory() as folder:
        async with SlackTwin() as twin:
            twin.users |= {f"U{number}ANN": {} for number in range(CUSTOMERS)}
            shop = await Shop.open(Path(folder))
            given = {"slack_bot_token": twin.bot_token, "slack_api_url": twin.api_url} | way
            slack = Slack(SlackSettings.model_validate(given), replace(site(Path(folder)), now=clock))
            house = replace(shop.engine.house, all_turns_an_hour=10_000, all_sent_an_hour=10_000)
            engine = replace(shop.engine, now=clock, house=house)
            dispatch = Dispatch(engine, shop.ledger, Delivery(shop.ledger, {"slack": slack}, clock), {"slack": slack})
            with Floor() as floor:
                times = await (by_socket if slack.paths == () else by_http)(slack, dispatch, twin, floor)
                await dispatch.finish()
                processor = floor.processor
            await dispatch.close()
            await slack.close()
            await shop.close()
            return Acknowledged(what, times, len(twin.posted), floor.busy, processor)


async def run() -> list[Acknowledged]:
    """Every row of the table."""
    return [
        await measure("Socket Mode", {"slack_app_token": SlackTwin.app_token}),
        await measure("signed HTTP", {"slack_signing_secret": SlackTwin.signing_secret}),
    ]


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    found = asyncio.run(run())
    print(f"milliseconds until {MESSAGES} messages, {A_SECOND} a second, are acknowledged; processor time of each")
    print(f"{'':<14} {'p50':>8} {'p99':>8} {'worst':>8} {'answers':>8} {'processor':>10}   goal")
    for one in found:
        print(one)
    keep(figure for one in found for figure in one.figures)
    return int(any(one.missed for one in found))


if __name__ == "__main__":
    sys.exit(main())
