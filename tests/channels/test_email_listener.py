"""Proves on real sockets that mail is kept before it is acknowledged, and that nothing is relayed."""

import asyncio
from pathlib import Path

import aiosmtplib
import pytest

from channels.email import Email
from core.channel import Listener
from core.errors import Malformed, Misconfigured
from tests.channels.mailroom import (
    Keeper,
    email_channel,
    listening,
    mail,
)


@pytest.fixture
def email(tmp_path: Path) -> Email:
    return email_channel(tmp_path)


@pytest.fixture
async def keeper() -> Keeper:
    made = Keeper()
    made.may_return.set()
    return made


def test_it_is_a_listener_without_pages_where_the_outside_sees_us(email: Email) -> None:
    assert isinstance(email, Listener)
    assert not email.pages


async def test_mail_is_acknowledged_only_after_it_is_kept(email: Email) -> None:
    keeper = Keeper()
    async with listening(email, keeper) as client:
        sending = asyncio.create_task(client.sendmail("ann@shop.test", ["Support@ACME.test"], mail()))
        await keeper.entered.wait()
        assert not sending.done()
        keeper.may_return.set()
        refused, answer = await sending
    assert not refused
    assert answer.startswith("2.0.0")
    [raw] = keeper.raws
    assert raw.body == mail()
    assert raw.headers == {"mail-from": "ann@shop.test", "rcpt-to": "Support@ACME.test"}
    assert raw.peer == "127.0.0.1"


async def test_the_sender_tries_again_when_mail_cannot_be_kept(email: Email, keeper: Keeper) -> None:
    keeper.broken = True
    async with listening(email, keeper) as client:
        await client.mail("ann@shop.test")
        await client.rcpt("support@acme.test")
        with pytest.raises(aiosmtplib.SMTPDataError) as refusal:
            await client.data(mail())
        assert refusal.value.code == 451
        keeper.broken = False
        await client.mail("ann@shop.test")
        await client.rcpt("support@acme.test")
        await client.data(mail())
    assert len(keeper.raws) == 1


@pytest.mark.parametrize(
    "stranger",
    ["bob@other.test", "sales@acme.test", "support@acme.test.evil.test", "support@evil.test", "supporter@acme.test"],
)
async def test_nothing_is_relayed(email: Email, keeper: Keeper, stranger: str) -> None:
    async with listening(email, keeper) as client:
        await client.mail("ann@shop.test")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refusal:
            await client.rcpt(stranger)
    assert refusal.value.code == 550


async def test_twenty_recipients_are_enough(email: Email, keeper: Keeper) -> None:
    async with listening(email, keeper) as client:
        await client.mail("ann@shop.test")
        for number in range(20):
            await client.rcpt(f"support+{number}@acme.test")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refusal:
            await client.rcpt("support@acme.test")
    assert refusal.value.code == 452


async def test_a_mail_over_the_limit_is_refused_by_its_announced_and_by_its_real_size(
    email: Email, keeper: Keeper
) -> None:
    too_large = mail("x" * 70 + "\r\n" * 10) + b"y" * 998 + b"\r\n"
    too_large += (b"z" * 998 + b"\r\n") * (email.limits.inbound_bytes // 1000)
    async with listening(email, keeper) as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as announced:
            await client.mail("ann@shop.test", options=[f"SIZE={email.limits.inbound_bytes + 1}"])
        await client.mail("ann@shop.test")
        await client.rcpt("support@acme.test")
        with pytest.raises(aiosmtplib.SMTPDataError) as real:
            await client.data(too_large)
    assert (announced.value.code, real.value.code) == (552, 552)
    assert not keeper.raws


async def test_outlooks_endless_lines_and_other_alphabets_come_through(email: Email, keeper: Keeper) -> None:
    body = mail("é" * 100_000, author="änn@shop.test")
    async with listening(email, keeper) as client:
        await client.sendmail("änn@shop.test", ["support@acme.test"], body, mail_options=["SMTPUTF8"])
    assert keeper.raws[0].body == body
    assert email.parse(keeper.raws[0])


async def test_a_bounce_and_an_unreadable_mail_are_taken_too(email: Email, keeper: Keeper) -> None:
    async with listening(email, keeper) as client:
        await client.ehlo()
        for body in (mail(), b"Subject: nobody\r\n\r\nx\r\n"):
            await client.execute_command(b"MAIL FROM:<>")
            await client.rcpt("support@acme.test")
            await client.data(body)
    bounce, unreadable = keeper.raws
    assert bounce.headers["mail-from"] == ""
    assert email.parse(bounce) is None
    with pytest.raises(Malformed):
        email.parse(unreadable)


async def test_a_line_that_never_ends_is_hung_up_on(email: Email, keeper: Keeper) -> None:
    async with listening(email, keeper) as client:
        _reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<support@acme.test>\r\nDATA\r\n")
        with pytest.raises(ConnectionError):
            await talk_without_end(writer)
        writer.close()


async def talk_without_end(writer: asyncio.StreamWriter) -> None:
    for _ in range(200):
        writer.write(b"x" * 1_000_000)
        await writer.drain()


async def test_a_port_in_use_names_its_setting(tmp_path: Path, email: Email, keeper: Keeper) -> None:
    async with listening(email, keeper):
        second = email_channel(tmp_path, smtp_listen_port=await email.started())
        with pytest.raises(Misconfigured, match=r"^SMTP_LISTEN_PORT: .* in use"):
            await second.listen(keeper)
    elsewhere = email_channel(tmp_path, smtp_listen_host="192.0.2.1")
    with pytest.raises(Misconfigured, match=r"^SMTP_LISTEN_HOST"):
        await elsewhere.listen(keeper)
