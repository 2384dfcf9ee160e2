"""What became of a text: Twilio tells at /twilio/status, staff read a clear line, and STOP is honoured everywhere."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from channels.sms import Sms
from core.messages import Reply
from tests.channels.texting import ANN, Desk, desk, texting, twilio_twin
from tests.shop import Shop
from tests.twins.twilio import PUBLIC, Host, Twilio, serving


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
async def sms(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Sms]:
    async with texting(twilio, tmp_path) as channel:
        yield channel


@pytest.fixture
async def bot(shop: Shop, twilio: Twilio, sms: Sms) -> AsyncIterator[Desk]:
    async with desk(shop, twilio, sms) as opened:
        yield opened


async def test_twilio_is_asked_to_tell_what_becomes_of_each_text(twilio: Twilio, bot: Desk) -> None:
    await twilio.texts(ANN, "I was charged twice")
    assert (await bot.answer()).reports_to == f"{PUBLIC}/twilio/status"


async def test_without_a_public_address_twilio_is_not_asked_to_call(twilio: Twilio, tmp_path: Path) -> None:
    async with texting(twilio, tmp_path, base_url="http://127.0.0.1:8000") as sms:
        await sms.send(sms.render(reply())[0])
    assert (await twilio.outbox.get()).reports_to == ""


LINES = {
    30003: "it did not arrive: the telephone cannot be reached: switched off, or without a network (error 30003)",
    30005: "it did not arrive: the number is unknown, or no longer in service (error 30005)",
    30034: "it did not arrive: our number is not registered for A2P 10DLC; register it in the Twilio console under "
    "Messaging, Regulatory Compliance (error 30034)",
    39999: "it did not arrive: see twilio.com/docs/errors/39999 (error 39999)",
    0: "it did not arrive; Twilio gives no reason",
}


@pytest.mark.parametrize("status", ["failed", "undelivered"])
@pytest.mark.parametrize("code", LINES)
async def test_a_text_that_did_not_arrive_is_shown_to_staff_with_the_reason(
    status: str, code: int, twilio: Twilio, bot: Desk
) -> None:
    await twilio.texts(ANN, "I was charged twice")
    sent = await bot.answer()
    await bot.all_is_sent()
    _, answer = await twilio.reports(sent.sid, status, code)
    assert (answer.status, answer.media_type) == (200, "text/xml")
    assert [one.error for one in await bot.shop.ledger.undelivered()] == [LINES[code]]
    assert await bot.shop.ledger.reaches([1], now=bot.shop.now)


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "delivered", "read", "accepted"])
async def test_a_text_on_its_way_is_no_news(status: str, twilio: Twilio, bot: Desk) -> None:
    await twilio.texts(ANN, "I was charged twice")
    sent = await bot.answer()
    await bot.all_is_sent()
    _, answer = await twilio.reports(sent.sid, status)
    assert answer.status == 200
    assert await bot.shop.ledger.undelivered() == []


async def test_a_report_of_a_stop_withdraws_consent(twilio: Twilio, bot: Desk) -> None:
    await twilio.texts(ANN, "I was charged twice")
    sent = await bot.answer()
    await bot.all_is_sent()
    assert await bot.shop.ledger.reaches([1], now=bot.shop.now)
    await twilio.reports(sent.sid, "failed", 21610)
    assert not await bot.shop.ledger.reaches([1], now=bot.shop.now)


async def test_a_refusal_for_a_stop_withdraws_consent_and_nothing_more_is_sent(twilio: Twilio, bot: Desk) -> None:
    twilio.opted_out.add(ANN)
    await twilio.texts(ANN, "I was charged twice")
    await bot.all_is_answered()
    (one,) = await bot.shop.ledger.undelivered()
    assert "opted out with STOP" in one.error
    assert not await bot.shop.ledger.reaches([1], now=bot.shop.now)
    twilio.opted_out.clear()  # as if the network let it through
    await twilio.texts(ANN, "Hello?")
    await bot.all_is_answered()
    assert twilio.sent == []


async def test_only_what_twilio_signed_is_believed(twilio: Twilio, bot: Desk) -> None:
    await twilio.texts(ANN, "I was charged twice")
    sent = await bot.answer()
    await bot.all_is_sent()
    delivery, _ = await twilio.reports(sent.sid, "sent")
    forgeries = (
        replace(delivery, body=delivery.body.replace("=sent", "=failed")),
        replace(delivery, headers={}),
        replace(delivery, path="/twilio/sms"),
    )
    for forgery in forgeries:
        assert (await twilio.deliver(forgery)).status == 403
    assert await bot.shop.ledger.undelivered() == []


@pytest.mark.parametrize("code", ["", "x", "-1", "٣٠٠٠٣", "9" * 5_000])
async def test_a_strange_code_is_no_code(code: str, twilio: Twilio, sms: Sms) -> None:
    host = Host(sms)
    async with serving(host.app) as twilio.deliver_to:
        _, answer = await twilio.reports("SM1", "failed", ErrorCode=code)
    assert answer.status == 200
    assert [one.failure for one in host.reports] == ["it did not arrive; Twilio gives no reason"]


async def test_a_report_that_names_no_text_is_malformed(twilio: Twilio, bot: Desk) -> None:
    _, answer = await twilio.reports("", "failed", 30003)
    assert answer.status == 400


@pytest.mark.parametrize(("word", "wish"), [("STOP", "STOP"), ("ALTO", "STOP"), ("JOIN", "START"), ("AYUDA", "HELP")])
async def test_what_twilio_has_answered_itself_is_noted_in_silence(
    word: str, wish: str, twilio: Twilio, bot: Desk
) -> None:
    """Advanced Opt-Out, with words of the account's own."""
    await twilio.texts(ANN, "I was charged twice")
    await bot.answer()
    await bot.all_is_sent()
    await twilio.texts(ANN, word, OptOutType=wish)
    await bot.all_is_answered()
    assert len(twilio.sent) == 1
    assert bool(await bot.shop.ledger.reaches([1], now=bot.shop.now)) == (wish != "STOP")


async def test_a_start_after_a_stop_lets_us_write_again(twilio: Twilio, bot: Desk) -> None:
    await twilio.texts(ANN, "STOP")
    await bot.all_is_answered()
    await twilio.texts(ANN, "START", OptOutType="START")
    await bot.all_is_answered()
    assert twilio.sent == []
    await twilio.texts(ANN, "I was charged twice")
    assert "order number" in (await bot.answer()).body


def reply() -> Reply:
    return Reply(id="rep_1", route={"to": ANN, "from": "+15550190"}, text="Hello")
