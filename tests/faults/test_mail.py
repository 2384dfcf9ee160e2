"""The mail relay fails at every step of SMTP: the reply goes out once it is well again. Only where the relay may
have had all of it can that be a second time: flagged, under the same Message-ID. What it refuses for good is
parked.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.email import Email
from tests.channels.mailroom import ROUTE, email_channel
from tests.faults.house import Bot, bot_with
from tests.faults.relay import BREAKS_OFF, HANGS, STEPS, ScriptedRelay
from tests.twins.dns import DnsTwin

SENDING = "sending email"


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    async with ScriptedRelay().open() as opened:
        yield opened


@pytest.fixture
async def bot(relay: ScriptedRelay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    for patience in ("_PATIENCE", "_PATIENCE_AT_THE_END"):
        monkeypatch.setattr(f"channels._mail.relay.{patience}", 0.3)
    channel = email_channel(
        tmp_path, smtp_relay_host="127.0.0.1", smtp_relay_port=relay.port, smtp_relay_starttls=False
    )
    async with bot_with(channel, tmp_path) as made:
        yield made


async def ann_writes(bot: Bot) -> None:
    await bot.hears("ann@shop.test", "My kettle W4829137 leaks.", route=ROUTE)


@pytest.mark.parametrize("says", ["421 4.3.2 Closing", "450 4.2.1 Busy", BREAKS_OFF, HANGS])
@pytest.mark.parametrize("step", STEPS)
async def test_a_reply_outlives_a_relay_that_is_away(bot: Bot, relay: ScriptedRelay, step: str, says: str) -> None:
    relay.says[step] = says
    await ann_writes(bot)
    await bot.until(lambda: bot.ails(SENDING))
    assert "The mail relay 127.0.0.1" in await bot.page_without("None was put off")

    relay.says.clear()
    await bot.all_is_sent()
    [(state, flagged)] = await bot.states()
    unsure = step in {"DATA", "DOT"} and says in {BREAKS_OFF, HANGS}
    assert (state, flagged) == ("sent", unsure)
    assert len(set(relay.taken)) == 1
    assert unsure or len(relay.taken) == 1
    assert not bot.ails(SENDING)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_what_a_relay_refuses_for_good_is_parked_and_seen(bot: Bot, relay: ScriptedRelay, step: str) -> None:
    relay.says[step] = "550 5.1.1 No such mailbox"
    await ann_writes(bot)
    await bot.all_is_sent()
    assert await bot.states() == [("parked", False)]
    page = await bot.page()
    assert "1 replies could not be delivered" in page
    assert "550" in page


async def test_a_relay_that_nobody_listens_on_is_waited_for(tmp_path: Path) -> None:
    relay = ScriptedRelay()
    async with relay.open():
        pass
    channel = email_channel(
        tmp_path, smtp_relay_host="127.0.0.1", smtp_relay_port=relay.port, smtp_relay_starttls=False
    )
    async with bot_with(channel, tmp_path) as bot:
        await ann_writes(bot)
        await bot.until(lambda: bot.ails(SENDING))
        async with relay.open():
            await bot.all_is_sent()
    assert len(relay.taken) == 1


async def test_dns_that_does_not_answer_is_seen_and_the_mail_is_answered_as_claimed(tmp_path: Path) -> None:
    async with DnsTwin().open() as dns:
        dns.zone["_dmarc.shop.test", "TXT"] = ["v=DMARC1; p=none"]
        dns.troubles["_dmarc.shop.test"] = "servfail"
        channel = email_channel(tmp_path, mail_dns=dns.address, mail_trusted_relays="")
        assert isinstance(channel, Email)
        told: list[str] = []
        channel._checks._told = told.append
        for _ in range(2):
            await channel._checks.weigh(b"From: ann@shop.test\r\n\r\nHello\r\n", "shop.test", None)
            dns.troubles.clear()
        assert told == ["DNS did not tell about a mail's sender: NoNameservers", ""]
