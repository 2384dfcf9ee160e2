"""Proves that a letter which comes back is marked for staff, by real SMTP and ledger, and that nobody can mark one that
they were not sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import aiosmtplib
import pytest
import pytest_asyncio

from channels.email import Email
from core.channel import Report, Reports
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.messages import Raw, Reply
from tests.channels.mailroom import ROUTE, VERDICT, email_channel, mail, relaying
from tests.shop import HOUSE, Shop
from tests.site import NOW, SAMPLES
from tests.twins.mail import MailRelay

REPORTS = SAMPLES / "email" / "bounces"
SAMPLE_ID = b"<aaaabbbbccccdddd2222333344445555@acme.test>"


def bounce(message_id: str, sample: str = "postfix") -> bytes:
    """A delivery report about a letter of ours."""
    return (REPORTS / f"{sample}.eml").read_bytes().replace(b"\r\n", b"\n").replace(SAMPLE_ID, message_id.encode())


@dataclass(kw_only=True)
class Office:
    """A shop whose letters go out by a relay, and come back by SMTP."""

    shop: Shop
    email: Email
    relay: MailRelay
    port: int

    async def takes(self, content: bytes, *, sender: str = "") -> None:
        """A mail comes in; returns when it is acknowledged, and that is when it is on record."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            await client.ehlo()
            await client.execute_command(b"MAIL", f"FROM:<{sender}>".encode())
            await client.rcpt("support@acme.test")
            await client.data(content)

    async def writes(self) -> str:
        """Ann asks, and is answered; gives the Message-ID of the letter once it is on record as sent."""
        await self.takes(mail(head=VERDICT), sender="ann@shop.test")
        message_id: str = (await self.relay.arrived.get()).message["Message-ID"]
        async with asyncio.timeout(10):
            while await self.shop.waiting():
                pass
        return message_id

    async def undelivered(self) -> list[str]:
        return [one.error for one in await self.shop.ledger.undelivered()]


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    shop = await Shop.open(tmp_path, house=replace(HOUSE, burst=timedelta(0)))
    async with MailRelay().open() as relay:
        email = relaying(tmp_path, relay)
        delivery = Delivery(shop.ledger, {"email": email}, lambda: shop.now)
        dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"email": email})
        listening = asyncio.create_task(email.listen(lambda raw: dispatch.deliver(email, raw)))
        try:
            yield Office(shop=shop, email=email, relay=relay, port=await email.started())
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await dispatch.close()
            await email.close()
            await shop.close()


async def test_a_letter_that_comes_back_is_marked_with_the_reason(office: Office) -> None:
    message_id = await office.writes()
    await office.takes(bounce(message_id, "postfix_delayed"))
    assert await office.undelivered() == []
    await office.takes(bounce(message_id))
    [failure] = await office.undelivered()
    assert failure.startswith("It came back: 5.1.1 there is no such mailbox: 550 5.1.1")
    assert not office.relay.caught[1:]  # nobody answers a report


async def test_a_report_of_a_letter_that_we_never_wrote_marks_nothing(office: Office) -> None:
    message_id = await office.writes()
    for guessed in (f"<{'a' * 32}@acme.test>", message_id[:17] + "a" * 16 + message_id[33:], "<m1@shop.test>"):
        await office.takes(bounce(guessed))
        assert office.email.report(Raw(body=bounce(guessed), received_at=NOW)) is None
    assert await office.undelivered() == []


async def test_an_out_of_office_note_about_a_letter_marks_nothing(office: Office) -> None:
    message_id = await office.writes()
    away = mail("I am away.", number=9, head=f"In-Reply-To: {message_id}\r\nAuto-Submitted: auto-replied\r\n")
    await office.takes(away)
    assert await office.undelivered() == []


@pytest.mark.parametrize("sample", ["postfix", "gmail", "exchange", "sendmail", "ses", "qmail", "exim", "yahoo"])
def test_whoever_reports_it_the_letter_is_found(tmp_path: Path, sample: str) -> None:
    email = email_channel(tmp_path)
    assert isinstance(email, Reports)
    [letter] = email.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
    raw = Raw(body=bounce(letter.message_id, sample), received_at=NOW, headers={"mail-from": ""})
    told = email.report(raw)
    assert isinstance(told, Report)
    assert (told.provider_id, told.opted_out) == (letter.message_id, False)
    assert told.failure.startswith("It came back: ")
    assert "\n" not in told.failure


def test_a_report_that_changed_the_case_of_our_name_finds_it_too(tmp_path: Path) -> None:
    email = email_channel(tmp_path)
    [letter] = email.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
    told = email.report(Raw(body=bounce(letter.message_id.upper()), received_at=NOW))
    assert told
    assert told.provider_id == letter.message_id
