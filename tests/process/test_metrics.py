"""Metrics of a real process: they count what happened, name no customer, and are not for everybody."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.process.running import Bot, free_port, running
from tests.process.test_run import CHARGED, twilio, twilio_settings
from tests.twins.mail import MailRelay
from tests.twins.openai import KEY, MODEL, openai_twin
from tests.twins.postgres import new_database
from tests.twins.twilio import Trouble, Twilio

__all__ = ["twilio"]

NUMBER, NAME = "+15550188", "Quentina"
_LONG = 30  # seconds

Samples = dict[tuple[str, ...], float]


async def read(url: str, **headers: str) -> Samples:
    """Every sample, by its name and the values of its labels."""
    async with aiohttp.ClientSession() as scraper, scraper.get(f"{url}/metrics", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def until(url: str, *wanted: tuple[str, ...]) -> Samples:
    """The samples, once each of these has counted something."""
    async with asyncio.timeout(_LONG):
        while True:
            found = await read(url)
            if all(found.get(name) for name in wanted):
                return found
            await asyncio.sleep(0.05)  # it is asked as a monitoring system asks


async def status_of(bot: Bot, **headers: str) -> int:
    async with aiohttp.ClientSession() as scraper, scraper.get(f"{bot.url}/metrics", headers=headers) as answer:
        return answer.status


async def test_what_happens_is_counted_and_timed(tmp_path: Path, twilio: Twilio) -> None:
    async with openai_twin() as model:
        llm = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.url, "OPENAI_MODEL": MODEL}
        async with running(tmp_path, **llm, **twilio_settings(twilio)) as bot:
            twilio.deliver_to = bot.url
            delivery, _ = await twilio.texts(NUMBER, CHARGED, ProfileName=NAME)
            await twilio.outbox.get()
            await twilio.deliver(delivery)
            found = await until(bot.url, ("throughline_sends_total", "sms", "sent"))
    for counted in (
        ("throughline_messages_total", "sms", "new"),
        ("throughline_messages_total", "sms", "duplicate"),
        ("throughline_turns_total", "sms", "answered"),
        ("throughline_turn_seconds_count", "sms"),
        ("throughline_delivery_seconds_count", "sms"),
        ("throughline_send_seconds_count", "sms"),
        ("throughline_model_calls_total", "well"),
        ("throughline_recall_seconds_count",),
        ("throughline_settle_seconds_count",),
        ("throughline_writer_seconds_count",),
        ("throughline_ledger_up",),
    ):
        assert found[counted] == 1, counted
    for some in (
        ("throughline_accept_seconds_count", "sms"),
        ("throughline_transactions_total", "durable", "well"),
        ("throughline_transaction_seconds_count", "read"),
        ("throughline_ledger_bytes",),
        ("throughline_disk_free_bytes",),
        ("throughline_processes", "run", "heard of"),
        ("throughline_listening", "email"),
        ("process_resident_memory_bytes",),
    ):
        assert found[some] > 0, some
    assert 0 < found["throughline_delivery_seconds_sum", "sms"] < _LONG
    assert not [name for name in found if any(word in part for word in ("5550188", NAME, "charged") for part in name)]


async def test_what_goes_wrong_and_what_waits_is_counted_too(tmp_path: Path, twilio: Twilio) -> None:
    refuses = MailRelay(answers={"RCPT": "550 5.1.1 nobody of that name"})
    async with refuses.open() as relay:
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        async with running(tmp_path, **mail, **twilio_settings(twilio)) as bot:
            twilio.deliver_to = bot.url
            forged = {"From": NUMBER, "Body": CHARGED}
            async with aiohttp.ClientSession(bot.url) as outside, outside.post("/twilio/sms", data=forged) as answer:
                assert answer.status == 403
                assert answer.headers["x-request-id"]
            twilio.troubles += [Trouble(status=503, body="{}")]
            await twilio.texts(NUMBER, "I want to speak to a human about my bill.")
            await bot.mails("ann@shop.test", CHARGED)
            found = await until(
                bot.url,
                ("throughline_sends_total", "email", "parked"),
                ("throughline_sends_total", "sms", "put off"),
                ("throughline_cases_waiting",),
                ("throughline_outbox_parked", "email"),
                ("throughline_messages_total", "sms", "refused"),
                ("throughline_turns_total", "sms", "handed off"),
            )
    assert found["throughline_messages_total", "sms", "refused"] == 1
    assert found["throughline_turns_total", "sms", "handed off"] == 1
    assert found["throughline_outbox_parked", "email"] == 1
    assert found["throughline_outbox_parked", "sms"] == 0


async def test_this_machine_alone_reads_them_unless_there_is_a_token(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        assert await status_of(bot) == 200
        assert await status_of(bot, host="support.acme.test") == 403, "through a proxy that names the outside"
        for proxied in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
            assert await status_of(bot, **{proxied: "127.0.0.1"}) == 403


async def test_with_a_token_nobody_reads_them_without(tmp_path: Path) -> None:
    async with running(tmp_path, METRICS_TOKEN="m3trics") as bot:
        for refused in ({}, {"authorization": "Bearer m3tric"}, {"authorization": "Basic m3trics"}):
            assert await status_of(bot, **refused) == 401
        assert await status_of(bot, authorization="Bearer m3trics", host="support.acme.test") == 200


@pytest.mark.parametrize("command", [("worker",), ("listen", "email")])
async def test_a_process_without_a_web_server_has_them_on_a_port_of_this_machine(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    port = str(free_port())
    async with running(tmp_path, *command, DATABASE_URL=await new_database(), METRICS_PORT=port):
        here = f"http://127.0.0.1:{port}"
        found = await until(here, ("throughline_processes", " ".join(command), "heard of"))
        assert found["throughline_ledger_up",] == 1
        async with aiohttp.ClientSession(here) as scraper:
            for path in ("/healthz", "/readyz"):
                async with scraper.get(path) as answer:
                    assert answer.status == 200
