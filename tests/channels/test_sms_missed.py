"""Texts that no webhook brought are found in Twilio's list, delivered once, in order, and nobody is answered twice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channels.sms import Sms
from core.channel import Listener
from core.messages import InboundMessage, Raw
from tests.channels.texting import ANN, BEN, desk, texting, twilio_twin
from tests.shop import Shop
from tests.site import NOW
from tests.twins.twilio import Host, Trouble, Twilio, serving
from tests.twins.twilio_archive import File

HOUR = timedelta(hours=1)
OTHER = "+15550191"  # another number of ours, of the same Messaging Service
SERVICE = "MG" + "7" * 32


class Eager(Sms):
    """SMS that looks again at once."""

    sweeps_every = 0.01


@dataclass
class Inbox:
    """What the channel delivered, and the channel's clock."""

    now: datetime = NOW
    heard: list[InboundMessage] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    sms: Sms | None = None

    async def deliver(self, raw: Raw) -> bool:
        if self.trouble:
            raise self.trouble.pop()
        assert self.sms
        message = self.sms.parse(raw)
        assert message
        self.heard.append(message)
        return True

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.heard]


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


async def swept(twilio: Twilio, var: Path, inbox: Inbox, *, lists: int = 1) -> None:
    """A process starts, looks until the end of the list, which has so many pages, and ends."""
    async with texting(twilio, var, kind=Eager, now=lambda: inbox.now) as sms:
        inbox.sms = sms
        assert isinstance(sms, Listener)
        twilio.archive.asked = asyncio.Queue()
        listening = asyncio.create_task(sms.listen(inbox.deliver))
        for _ in range(lists + 1):  # when it is asked for the next time, this time is over
            async with asyncio.timeout(10):
                await twilio.archive.asked.get()
        listening.cancel()
        await asyncio.wait([listening])


async def test_what_came_in_the_second_of_the_first_start_is_found_too(
    tmp_path: Path, twilio: Twilio, inbox: Inbox
) -> None:
    """Twilio tells seconds, and our clock less than that."""
    inbox.now = NOW + timedelta(milliseconds=300)
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(ANN, "cut off when the process died", at=NOW + timedelta(milliseconds=700))
    await swept(twilio, tmp_path, inbox)
    assert inbox.texts == ["cut off when the process died"]


async def test_what_came_before_the_first_start_is_nobodys_to_answer(
    twilio: Twilio, tmp_path: Path, inbox: Inbox
) -> None:
    twilio.archive.keeps(ANN, "Long ago", at=NOW - HOUR)
    twilio.archive.keeps(ANN, "Just before", at=NOW - timedelta(minutes=1))
    await swept(twilio, tmp_path, inbox)
    inbox.now += timedelta(minutes=5)
    await swept(twilio, tmp_path, inbox)
    assert inbox.texts == []


async def test_at_the_first_start_twilio_is_not_even_asked(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    async with texting(twilio, tmp_path, now=lambda: inbox.now) as sms:
        listening = asyncio.create_task(sms.listen(inbox.deliver))
        await asyncio.wait([listening], timeout=0.1)
        listening.cancel()
    assert twilio.archive.asked.empty()
    assert (tmp_path / "sms.json").exists()


async def test_what_came_while_we_were_away_is_delivered_in_order_and_as_its_webhook_would_have_been(
    twilio: Twilio, tmp_path: Path, inbox: Inbox
) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(BEN, "second €", at=NOW + 2 * HOUR)
    twilio.archive.keeps(ANN, " first & “best” ", at=NOW + HOUR)
    twilio.archive.keeps(twilio.number, "ours", at=NOW + HOUR, to=ANN, direction="outbound-api")
    twilio.archive.keeps(ANN, "an echo", at=NOW + HOUR, direction="outbound-reply")
    inbox.now += 3 * HOUR
    await swept(twilio, tmp_path, inbox)
    assert inbox.texts == ["first & “best”", "second €"]
    first = inbox.heard[0]
    assert first.external_id == twilio.archive.records[1].sid
    assert first.handle.key == f"phone:{ANN}"
    assert first.route == {"to": ANN, "from": twilio.number}
    assert first.told_at == NOW + HOUR


async def test_a_restart_does_not_find_it_again(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(ANN, "Hello", at=NOW + HOUR)
    inbox.now += 2 * HOUR
    for _ in range(2):
        await swept(twilio, tmp_path, inbox)
    assert inbox.texts == ["Hello"]


async def test_what_is_listed_again_and_again_is_delivered_once(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(ANN, "Hello", at=NOW + HOUR)
    inbox.now += HOUR + timedelta(minutes=5)
    await swept(twilio, tmp_path, inbox, lists=4)
    assert inbox.texts == ["Hello"]


async def test_nobody_is_answered_after_more_than_three_days(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(ANN, "Hello?", at=NOW + HOUR)
    twilio.archive.keeps(ANN, "Anybody?", at=NOW + 30 * HOUR)
    inbox.now += timedelta(days=4)
    await swept(twilio, tmp_path, inbox)
    assert inbox.texts == ["Anybody?"]


async def test_all_pages_are_read(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.largest_page = 3
    for minute in range(10):
        twilio.archive.keeps(ANN, f"{minute}", at=NOW + timedelta(minutes=minute, seconds=1))
    inbox.now += HOUR
    await swept(twilio, tmp_path, inbox, lists=4)
    assert inbox.texts == [str(minute) for minute in range(10)]


async def test_a_number_that_was_once_written_to_is_looked_after(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    """A Messaging Service has several numbers; those of the account that are not ours are left alone."""
    async with texting(twilio, tmp_path, now=lambda: inbox.now) as sms:
        host = Host(sms)
        async with serving(host.app) as twilio.deliver_to:
            await twilio.texts(ANN, "Hello", To=OTHER, MessagingServiceSid=SERVICE)
    twilio.archive.keeps(ANN, "Are you there?", at=NOW + HOUR, to=OTHER, service=SERVICE)
    twilio.archive.keeps(ANN, "To the sales bot", at=NOW + HOUR, to="+15550192")
    inbox.now += 2 * HOUR
    await swept(twilio, tmp_path, inbox, lists=2)
    assert inbox.texts == ["Are you there?"]
    assert inbox.heard[0].route == {"to": ANN, "from": OTHER, "service": SERVICE}


async def test_an_mms_brings_its_files(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    await swept(twilio, tmp_path, inbox)
    files = {"ME1": File(media_type="image/jpeg"), "ME2": File(media_type="text/vcard")}
    record = twilio.archive.keeps(ANN, "Look", at=NOW + HOUR, files=files)
    inbox.now += 2 * HOUR
    await swept(twilio, tmp_path, inbox)
    (message,) = inbox.heard
    assert [(a.name, a.media_type) for a in message.attachments] == [
        ("image-1.jpg", "image/jpeg"),
        ("file-2.vcf", "text/vcard"),
    ]
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/Messages/{record.sid}/Media/ME1"
    assert message.attachments[0].url == f"https://api.twilio.com{path}"


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(status=503),
        Trouble(status=429, headers={"Retry-After": "1"}),
        Trouble(status=401, body="{}"),
        Trouble(status=200, body="{"),
        Trouble(status=200, body="[]"),
        Trouble(status=200, body='{"messages": [{}]}'),
    ],
)
async def test_trouble_at_twilio_loses_nothing(
    trouble: Trouble, twilio: Twilio, tmp_path: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(ANN, "Hello", at=NOW + HOUR)
    inbox.now += 2 * HOUR
    twilio.troubles.append(trouble)
    with caplog.at_level(logging.WARNING):
        await swept(twilio, tmp_path, inbox)
    assert inbox.texts == ["Hello"]
    assert "whether messages were missed is not known" in caplog.text


async def test_what_could_not_be_kept_is_delivered_again(twilio: Twilio, tmp_path: Path, inbox: Inbox) -> None:
    await swept(twilio, tmp_path, inbox)
    twilio.archive.keeps(ANN, "one", at=NOW + HOUR)
    twilio.archive.keeps(ANN, "two", at=NOW + HOUR + timedelta(minutes=1))
    inbox.now += 2 * HOUR
    inbox.trouble.append(OSError("disk full"))
    async with texting(twilio, tmp_path, now=lambda: inbox.now) as sms:
        inbox.sms = sms
        with pytest.raises(OSError, match="disk full"):
            await sms.listen(inbox.deliver)
    inbox.now += HOUR
    await swept(twilio, tmp_path, inbox)
    assert inbox.texts == ["one", "two"]


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"until": "yesterday"}'])
async def test_a_broken_record_is_begun_anew(
    kept: str, twilio: Twilio, tmp_path: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sms.json").write_text(kept)
    twilio.archive.keeps(ANN, "Long ago", at=NOW - HOUR)
    await swept(twilio, tmp_path, inbox)
    assert inbox.texts == []
    assert "cannot be read" in caplog.text


async def test_a_page_that_leads_elsewhere_is_not_followed(
    twilio: Twilio, tmp_path: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    await swept(twilio, tmp_path, inbox)
    inbox.now += HOUR
    page = '{"messages": [], "next_page_uri": "@evil.test/2010-04-01/Accounts"}'
    twilio.troubles.append(Trouble(status=200, body=page))
    await swept(twilio, tmp_path, inbox)
    assert caplog.text == ""


async def test_webhook_and_list_together_are_answered_once(shop: Shop, twilio: Twilio, tmp_path: Path) -> None:
    """Through the whole bot: the webhook comes, a restart finds the same text in the list, and one that was missed."""
    async with texting(twilio, tmp_path, now=lambda: shop.now) as sms, desk(shop, twilio, sms) as bot:
        delivery, _ = await twilio.texts(ANN, "I was charged twice")
        assert "order number" in (await bot.answer()).body
        await bot.all_is_answered()
    sid = dict(part.split("=") for part in delivery.body.split("&"))["MessageSid"]
    twilio.archive.keeps(ANN, "I was charged twice", sid=sid, at=shop.now)
    twilio.archive.keeps(BEN, "My parcel has not arrived", at=shop.now + HOUR)
    shop.later(hours=2)
    async with texting(twilio, tmp_path, now=lambda: shop.now) as sms, desk(shop, twilio, sms) as bot:
        listening = asyncio.create_task(sms.listen(lambda raw: bot.dispatch.deliver(sms, raw)))
        assert (await bot.answer()).to == BEN
        await bot.all_is_answered()
        listening.cancel()
        await asyncio.wait([listening])
    assert [sent.to for sent in twilio.sent] == [ANN, BEN]
