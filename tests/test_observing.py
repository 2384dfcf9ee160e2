"""Every message has a code of its own, from when it arrives; under it is told whatever is done for it, and how that
ended."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.requests import Request

from bots.metrics import COUNTERS, GAUGES, TIMES, Metrics
from bots.monitoring import may_read
from bots.observing import Observing
from core.backends.ledger.sqlite import SqliteDatabase
from core.backends.ledger.watched import WatchedLedger
from core.backends.rules.writer import RulesWriter
from core.errors import Fenced, TryAgain, Undeliverable, WriterFailed
from core.ledger import Outgoing, Settled
from core.messages import InboundMessage
from core.observing import Observer, Step, Trace, here
from core.writing import Answer, Brief
from tests.shop import Shop


@dataclass
class Told(Observer):
    """Keeps what it is told."""

    steps: list[tuple[str, str, str]] = field(default_factory=list)
    counted: list[tuple[str, ...]] = field(default_factory=list)

    def end(self, step: Step) -> None:
        self.steps.append((step.name, step.trace.id, step.outcome))

    def count(self, what: str, *labels: str, times: int = 1) -> None:
        self.counted += [(what, *labels)] * times

    def turns(self) -> list[tuple[str, str]]:
        return [(code, outcome) for name, code, outcome in self.steps if name == "turn"]


async def opened(folder: Path, told: Observer, **more: object) -> Shop:
    ledger = WatchedLedger(SqliteDatabase(folder / "watched.db"), told)
    await ledger.migrate()
    return await Shop.open(folder, ledger=ledger, **more)  # type: ignore[arg-type]


async def sent_after(shop: Shop, *messages: InboundMessage) -> Outgoing:
    for message in messages:
        await shop.accept(message)
    shop.later(seconds=3)
    settled = await shop.engine.take_turn(f"{messages[0].channel}:{messages[0].handle.address}")
    assert isinstance(settled, Settled)
    return settled.outbox[0]


async def test_a_reply_has_the_code_of_what_it_answers_and_knows_since_when(tmp_path: Path) -> None:
    told = Told()
    shop = await opened(tmp_path, told)
    arrived = shop.now
    reply = await sent_after(shop, shop.message("sms", "+15550101", "My kettle is broken."))
    (accepted,) = [code for name, code, _ in told.steps if name == "accept"]
    assert reply.trace == accepted
    assert reply.heard_at == arrived
    assert told.turns() == [(accepted, "answered")]
    await shop.close()


async def test_a_burst_is_answered_under_the_code_of_its_first_message(tmp_path: Path) -> None:
    told = Told()
    shop = await opened(tmp_path, told)
    both = [shop.message("sms", "+15550101", text) for text in ("My kettle", "is broken.")]
    reply = await sent_after(shop, *both)
    first, second = [code for name, code, _ in told.steps if name == "accept"]
    assert reply.trace == first != second
    await shop.close()


async def test_how_a_turn_ended_is_told(tmp_path: Path) -> None:
    class Fails:
        async def answer(self, brief: Brief) -> Answer:
            raise WriterFailed("no")

    told = Told()
    shop = await opened(tmp_path, told, writer=Fails())
    await shop.accept(shop.message("sms", "+15550101", "My kettle is broken."))
    shop.later(seconds=3)
    with pytest.raises(WriterFailed):
        await shop.engine.take_turn("sms:+15550101")
    await shop.engine.give_to_a_human("sms:+15550101")
    assert [outcome for _, outcome in told.turns()] == ["failed", "handed off"]
    assert len({code for code, _ in told.turns()}) == 1
    await shop.close()


async def test_a_turn_that_another_one_took_over_did_not_fail(tmp_path: Path) -> None:
    class Slow:
        async def answer(self, brief: Brief) -> Answer:
            await shop.ledger.open_turn("sms:+15550101", token="t", now=shop.now, burst=timedelta(0), live=True)
            return await RulesWriter().answer(brief)

    told = Told()
    shop = await opened(tmp_path, told, writer=Slow())
    await shop.accept(shop.message("sms", "+15550101", "My kettle is broken."))
    shop.later(seconds=3)
    with pytest.raises(Fenced):
        await shop.engine.take_turn("sms:+15550101")
    assert [outcome for _, outcome in told.turns()] == ["taken over"]
    await shop.close()


async def test_a_redelivery_is_told_from_a_new_message(tmp_path: Path) -> None:
    told = Told()
    shop = await opened(tmp_path, told)
    message = shop.message("sms", "+15550101", "My kettle is broken.")
    for _ in range(2):
        await shop.accept(message)
    assert [one for one in told.counted if one[0] == "messages"] == [
        ("messages", "sms", "new"),
        ("messages", "sms", "duplicate"),
    ]
    await shop.close()


async def test_a_code_is_borne_by_what_is_begun_for_its_message_and_by_nothing_else() -> None:
    observer = Observer()
    assert here() is None
    with observer.arrival("sms") as arriving, observer.arrival("sms") as same:
        assert same is arriving
        with observer.step("memory") as step:
            assert step.trace.id == arriving.trace.id
    assert here() is None
    with observer.arrival("sms") as another:
        assert another.trace.id != arriving.trace.id


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Fenced("x"), "taken over"),
        (TryAgain("x"), "put off"),
        (Undeliverable("x"), "refused"),
        (asyncio.CancelledError(), "cut off"),
        (KeyError("x"), "failed"),
    ],
)
def test_a_step_that_ends_by_an_error_says_which_in_a_word(error: BaseException, outcome: str) -> None:
    told = Told()
    with pytest.raises(type(error)), told.step("send", "sms"):
        raise error
    assert [step[2] for step in told.steps] == [outcome]


# ── metrics ──
def test_a_label_is_one_of_a_few_whatever_is_told() -> None:
    metrics = Metrics(["sms"])
    metrics.count("messages", "Quentin Canary", "new")
    metrics.lasted("turn", 0.1, "+15550199")
    text = metrics.text().decode()
    assert "Canary" not in text
    assert "15550199" not in text
    assert 'throughline_messages_total{channel="other",outcome="new"} 1.0' in text


def test_every_step_that_is_timed_has_the_labels_that_it_is_given() -> None:
    observer = Observing(Metrics(["sms"]))
    for name in {*TIMES, "nothing that is counted"} - {"transactions", "delivery"}:
        observer.end(Step(name, Trace("c0de", "sms"), began=0.0))
    text = observer.metrics.text().decode()
    for name, (metric, *_) in TIMES.items():
        assert name in {"transactions", "delivery"} or f"throughline_{metric}_count" in text
    assert GAUGES
    assert COUNTERS


def request(peer: str, **headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/metrics", "headers": raw, "client": (peer, 4)})


def test_another_machine_reads_metrics_by_the_token_only() -> None:
    local = {"host": "127.0.0.1:8000"}
    assert may_read(request("127.0.0.1", **local), "")
    assert may_read(request("::1", host="[::1]:8000"), "")
    assert not may_read(request("10.0.0.5", **local), "")
    assert not may_read(request("10.0.0.5", **local), "s3cret")
    assert not may_read(request("127.0.0.1", **local), "s3cret")
    assert may_read(request("10.0.0.5", authorization="Bearer s3cret"), "s3cret")
