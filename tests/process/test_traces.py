"""What is done for one message is one trace, from the webhook to the send: over processes, retries and restarts. A
collector that hangs or is away costs nobody a reply."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.process.running import running, start
from tests.process.test_run import CHARGED, twilio, twilio_settings
from tests.twins.otlp import Collector, Span
from tests.twins.postgres import new_database
from tests.twins.twilio import Trouble, Twilio

__all__ = ["twilio"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),  # up to three processes of ours, one after the other
]

NUMBER = "+15550166"
STEPS = ("accept", "turn", "recall", "writer", "settle", "send")
_LONG = 30  # seconds for what takes one


def traced(collector: Collector, twilio: Twilio) -> dict[str, str]:
    return twilio_settings(twilio) | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}


def of(spans: Sequence[Span], code: str) -> dict[str, Span]:
    """The spans of one trace, by their names; of several sends the last."""
    return {span.name: span for span in spans if span.trace == code}


def assert_whole(spans: dict[str, Span]) -> None:
    """Each step comes after the one that led to it."""
    assert spans["accept"].parent == ""
    assert spans["turn"].parent == spans["accept"].id
    assert {spans[name].parent for name in ("recall", "writer", "settle", "send")} == {spans["turn"].id}
    assert spans["turn"].attributes["throughline.outcome"] == "answered"
    assert spans["send"].attributes["throughline.channel"] == "sms"


async def test_from_the_webhook_to_the_send_it_is_one_trace_and_tells_nothing_of_its_customer(
    tmp_path: Path, twilio: Twilio
) -> None:
    async with Collector().open() as collector, running(tmp_path, **traced(collector, twilio)) as bot:
        twilio.deliver_to = bot.url
        _, answer = await twilio.texts(NUMBER, CHARGED)
        await twilio.outbox.get()
        spans = of(await asyncio.wait_for(collector.until(*STEPS), _LONG), answer.headers["x-request-id"])
        assert_whole(spans)
        told = b"".join(collector.bodies)
        assert [word for word in (b"charged", b"$99", b"5550166", NUMBER.encode()) if word in told] == []


async def test_a_send_after_a_restart_belongs_to_the_same_trace(tmp_path: Path, twilio: Twilio) -> None:
    async with Collector().open() as collector:
        settings = traced(collector, twilio)
        twilio.troubles.append(Trouble(hangs=True))
        async with running(tmp_path, **settings) as bot:
            twilio.deliver_to = bot.url
            _, answer = await twilio.texts(NUMBER, CHARGED)
            code = answer.headers["x-request-id"]
            turn = of(await asyncio.wait_for(collector.until("turn"), _LONG), code)["turn"]
            await bot.killed()
        async with running(tmp_path, **settings):
            await twilio.outbox.get()
            send = of(await asyncio.wait_for(collector.until("send"), _LONG), code)["send"]
        assert send.parent == turn.id


async def test_a_turn_in_another_process_belongs_to_the_same_trace(tmp_path: Path, twilio: Twilio) -> None:
    async with Collector().open() as collector:
        settings = traced(collector, twilio) | {"DATABASE_URL": await new_database()}
        async with running(tmp_path, "web", **settings) as web, running(tmp_path, "worker", **settings):
            twilio.deliver_to = web.url
            _, answer = await twilio.texts(NUMBER, CHARGED)
            await twilio.outbox.get()
            code = answer.headers["x-request-id"]
            spans = of(await asyncio.wait_for(collector.until(*STEPS), _LONG), code)
        assert_whole(spans)
        assert (spans["accept"].process, spans["turn"].process, spans["send"].process) == ("web", "worker", "worker")


@pytest.mark.parametrize("trouble", ["hangs", "refuses", "is away"])
async def test_a_collector_in_trouble_costs_nobody_a_reply(tmp_path: Path, twilio: Twilio, trouble: str) -> None:
    async with Collector(hangs=trouble == "hangs", refuses=503 if trouble == "refuses" else 0).open() as collector:
        settings = traced(collector, twilio)
        if trouble == "is away":
            settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
        async with running(tmp_path, **settings) as bot:
            twilio.deliver_to = bot.url
            for text in (CHARGED, "It was the bill of March."):
                await twilio.texts(NUMBER, text)
                await asyncio.wait_for(twilio.outbox.get(), _LONG)
            if trouble != "is away":
                await asyncio.wait_for(collector.asked.wait(), _LONG)
            bot.process.terminate()
            assert await asyncio.wait_for(bot.process.wait(), _LONG) == 0
        assert not [line for line in bot.log if "Traceback" in line or "opentelemetry" in line]


async def test_lines_of_the_log_carry_the_code_of_the_message_as_the_caller_was_told_it(
    tmp_path: Path, twilio: Twilio
) -> None:
    refusal = {"code": 21211, "message": f"Invalid 'To' Phone Number: {NUMBER}", "status": 400}
    twilio.troubles.append(Trouble(status=400, body=json.dumps(refusal)))
    bot = await start(tmp_path, {"LOG_FORMAT": "json", **twilio_settings(twilio)})
    try:
        async with asyncio.timeout(_LONG):
            await bot.until("ready:")
            twilio.deliver_to = bot.url
            _, answer = await twilio.texts(NUMBER, CHARGED)
            await bot.until("cannot be delivered")
    finally:
        bot.process.terminate()
        await bot.process.communicate()
    started = next(n for n, line in enumerate(bot.log) if line.startswith("{"))
    lines = [json.loads(line) for line in bot.log[started:]]
    (parked,) = [line for line in lines if "cannot be delivered" in line["event"]]
    assert parked["correlation_id"] == answer.headers["x-request-id"]
    assert (parked["level"], parked["logger"], parked["channel"]) == ("error", "core.delivery", "sms")
    assert all({"time", "level", "logger", "event"} <= line.keys() for line in lines)
    assert not any(NUMBER in line or "charged" in line for line in bot.log)
