"""Customers who text the bot, and whether each of them was answered, once, in the order in which they wrote."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection, func, select

from core.backends.ledger.database import Database, open_database
from core.backends.ledger.schema import messages, outbox, wires
from core.errors import LedgerAway
from core.observing import correlation_of
from tests.twins.twilio import Twilio

SAID: Final = (
    "My toaster number {} does not heat.",
    "The order was W10{}00.",
    "It shows the error E-{}.",
    "I was charged ${} for it.",
    "Is there any news about order W10{}00?",
)
SILENT: Final = 60.0  # seconds after which an answer is not coming
_KEPT: Final = 200  # HTTP
_ACCOUNT, _TOKEN = "AC" + "1" * 32, "t0ken"
_A_LOOK: Final = 0.2  # seconds


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A message that was written: milliseconds until it was kept, and its correlation id."""

    ack: float
    code: str


@dataclass(kw_only=True)
class Town:
    """Everybody, and what each of them wrote, in order."""

    twilio: Twilio
    written: dict[str, list[Kept]] = field(default_factory=lambda: defaultdict(list))
    _answers: dict[str, "asyncio.Queue[None]"] = field(default_factory=lambda: defaultdict(asyncio.Queue))

    async def everybody_talks(self, customers: int, times: int, first: int = 0) -> None:
        """All at the same time, each the next message once the last one is answered; who gets no answer gives up."""
        await asyncio.gather(*(self._talks(address(number), times) for number in range(first, first + customers)))

    async def writes_by_the_clock(self, customers: int, times: int, a_second: float) -> None:
        """One after the other, whether answers are there or not. Returns once all is kept."""
        began, kept = time.perf_counter(), []
        for number in range(customers * times):
            await asyncio.sleep(max(began + number / a_second - time.perf_counter(), 0))
            kept.append(asyncio.create_task(self._writes(address(number % customers), number // customers)))
        await asyncio.gather(*kept)

    async def hear_answers(self) -> None:
        """Tells everybody of their answers, until cancelled."""
        while True:
            self._answers[(await self.twilio.outbox.get()).to].put_nowait(None)

    def forget(self) -> None:
        """What was written and answered so far does not count."""
        self.written.clear()
        self.twilio.sent.clear()

    @property
    def count(self) -> int:
        """How many messages were kept."""
        return sum(map(len, self.written.values()))

    @property
    def acks(self) -> list[float]:
        """Milliseconds until each message was kept."""
        return [one.ack for told in self.written.values() for one in told]

    async def _talks(self, customer: str, times: int) -> None:
        for number in range(times):
            await self._writes(customer, number)
            try:
                await asyncio.wait_for(self._answers[customer].get(), SILENT)
            except TimeoutError:
                return

    async def _writes(self, customer: str, number: int) -> None:
        began = time.perf_counter()
        _, answer = await self.twilio.texts(customer, SAID[number % len(SAID)].format(10 + number))
        assert answer.status == _KEPT, answer
        took = (time.perf_counter() - began) * 1_000
        self.written[customer].append(Kept(ack=took, code=answer.headers["x-request-id"]))


def provider() -> Twilio:
    """The provider that everybody's messages go through."""
    return Twilio(account_sid=_ACCOUNT, auth_token=_TOKEN, number="+15550100")


def address(number: int) -> str:
    """Somebody's telephone number."""
    return f"+1555{number:07d}"


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the ledger has: the state of each message by its correlation id, and of each answer's SID which message it
    answers. `waiting`: answers that are not sent."""

    states: Mapping[str, str]
    answers: Mapping[str, str]
    waiting: int

    @property
    def are_closed(self) -> bool:
        """Whether nothing is left to do."""
        return not self.waiting and "waiting" not in self.states.values()


async def closed_books(url: str) -> Books:
    """The books, once nothing is left to do. Raises TimeoutError."""
    database = open_database(url)
    try:
        async with asyncio.timeout(SILENT):
            while (has := await _books(database)) is None or not has.are_closed:  # noqa: ASYNC110 - others close them
                await asyncio.sleep(_A_LOOK)
            return has
    finally:
        await database.close()


async def _books(database: Database) -> Books | None:
    """None while the bot's processes hold every connection that the server gives."""
    try:
        return await database.read(_read)
    except LedgerAway:
        return None


def _read(tx: Connection) -> Books:
    sent = select(wires.c.provider_id, outbox.c.trace).join(outbox, outbox.c.id == wires.c.outgoing)
    waiting = select(func.count()).where(outbox.c.state == "waiting")
    return Books(
        states={correlation_of(kept): state for kept, state in tx.execute(select(messages.c.trace, messages.c.state))},
        answers={sid: correlation_of(kept) for sid, kept in tx.execute(sent)},
        waiting=tx.execute(waiting).scalar_one(),
    )


@dataclass(frozen=True, kw_only=True)
class Wrongs:
    """Messages without an answer, answers that came twice, and such as overtook another one of their customer."""

    lost: int = 0
    twice: int = 0
    overtaken: int = 0

    @property
    def all(self) -> int:
        """All of them."""
        return self.lost + self.twice + self.overtaken

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.twice} twice, {self.overtaken} out of order"


def wrongs(town: Town, has: Books, *, one_by_one: bool) -> Wrongs:
    """What the provider took, held against the ledger and against what was written. `one_by_one`: each message has an
    answer of its own; else some that waited may have been answered together, under the first one's id."""
    sent: dict[str, list[str]] = defaultdict(list)
    for answer in town.twilio.sent:
        sent[answer.to].append(has.answers.get(answer.sid, ""))
    found = [_wrongs(told, sent[who], has, one_by_one=one_by_one) for who, told in town.written.items()]
    return Wrongs(
        lost=sum(one.lost for one in found),
        twice=sum(one.twice for one in found),
        overtaken=sum(one.overtaken for one in found),
    )


def _wrongs(told: list[Kept], answers: list[str], has: Books, *, one_by_one: bool) -> Wrongs:
    """Of one customer. An answer that the ledger does not know is one that came twice."""
    order = {one.code: at for at, one in enumerate(told)}
    came = [order[code] for code in dict.fromkeys(answers) if code in order]
    unanswered = {one.code for one in told if has.states.get(one.code) != "answered"}
    if one_by_one:
        unanswered |= {*order} - {*answers}
    return Wrongs(
        lost=len(unanswered),
        twice=len(answers) - len(came),
        overtaken=sum(later < earlier for earlier, later in pairwise(came)),
    )
