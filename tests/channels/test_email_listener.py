"""Proves on real sockets that mail is kept before it is acknowledged, and that nothing is relayed."""

import asyncio
import ssl
from pathlib import Path

import aiosmtplib
import pytest

from channels._mail.server import TakesTurns
from channels.email import Email
from core.channel import Listener
from core.errors import Malformed, Misconfigured
from tests.channels.mailroom import (
    Keeper,
    certificate_of,
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


async def test_our_domain_may_be_written_in_its_own_alphabet(tmp_path: Path, keeper: Keeper) -> None:
    channel = email_channel(tmp_path, support_address="support@bücher.test")
    async with listening(channel, keeper) as client:
        await client.ehlo()
        await client.mail("ann@shop.test", options=["SMTPUTF8"])
        for written in ("support@bücher.test", "support@xn--bcher-kva.test", "Support+x@BÜCHER.test"):
            await client.rcpt(written, encoding="utf-8")
        await client.data(mail())
    assert len(keeper.raws) == 1


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


# TLS.


def with_tls(folder: Path, host: str = "127.0.0.1") -> tuple[Email, Path]:
    pem = certificate_of(host, folder / "mx.pem")
    return email_channel(folder, smtp_tls_cert=str(pem), smtp_tls_key=str(pem)), pem


async def test_mail_comes_in_by_tls_where_there_is_a_certificate(tmp_path: Path, keeper: Keeper) -> None:
    channel, pem = with_tls(tmp_path)
    async with listening(channel, keeper) as client:
        await client.ehlo()
        assert client.supports_extension("starttls")
        await client.starttls(tls_context=ssl.create_default_context(cafile=pem))
        await client.ehlo()
        assert not client.supports_extension("starttls")
        assert not client.supports_extension("auth")  # nobody signs in here
        await client.sendmail("ann@shop.test", ["support@acme.test"], mail())
    assert [raw.body for raw in keeper.raws] == [mail()]
    assert keeper.raws[0].peer == "127.0.0.1"


async def test_mail_comes_in_without_tls_too(tmp_path: Path, keeper: Keeper) -> None:
    channel, _pem = with_tls(tmp_path)
    async with listening(channel, keeper) as client:
        await client.sendmail("ann@shop.test", ["support@acme.test"], mail())
    assert len(keeper.raws) == 1


async def test_no_tls_is_offered_without_a_certificate(email: Email, keeper: Keeper) -> None:
    async with listening(email, keeper) as client:
        await client.ehlo()
        assert not client.supports_extension("starttls")
        assert client.supports_extension("smtputf8")
        assert client.supports_extension("8bitmime")
        assert client.esmtp_extensions["size"] == str(email.limits.inbound_bytes)


async def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(tmp_path: Path, keeper: Keeper) -> None:
    channel, pem = with_tls(tmp_path)
    async with listening(channel, keeper):
        port = await channel.started()
        first = await certificate_at(port)
        certificate_of("127.0.0.1", pem)
        second = await certificate_at(port)
        pem.write_text("half a file")
        assert first != second == await certificate_at(port)


async def certificate_at(port: int) -> bytes:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=True, tls_context=trusting) as client:
        shown: bytes = client.get_transport_info("ssl_object").getpeercert(binary_form=True)
        return shown


async def test_who_leaves_in_the_middle_of_a_handshake_is_forgotten(
    tmp_path: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    channel, _pem = with_tls(tmp_path)
    async with listening(channel, keeper) as client:  # and whoever is still here is waited for at the end
        for farewell in (b"", b"\x16\x03\x01", b"EHLO x\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(b"EHLO x\r\nSTARTTLS\r\n")
            await reader.readuntil(b"220 Ready to start TLS\r\n")
            writer.write(farewell)
            writer.close()
            await writer.wait_closed()
        _reader, lingering = await asyncio.open_connection("127.0.0.1", client.port)
        lingering.write(b"EHLO x\r\nSTARTTLS\r\n")
        await client.noop()
    lingering.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_is_said_before_the_handshake_is_not_heard_after_it(tmp_path: Path, keeper: Keeper) -> None:
    channel, pem = with_tls(tmp_path)
    async with listening(channel, keeper):
        reader, writer = await asyncio.open_connection("127.0.0.1", await channel.started())
        await reader.readline()
        writer.write(b"EHLO x\r\n")
        await reader.readuntil(b"250 HELP\r\n")
        writer.write(b"STARTTLS\r\nMAIL FROM:<eve@evil.test>\r\n")
        await reader.readline()
        await writer.start_tls(ssl.create_default_context(cafile=pem), server_hostname="127.0.0.1")
        writer.write(b"EHLO x\r\nRCPT TO:<support@acme.test>\r\n")
        await reader.readuntil(b"250 HELP\r\n")
        assert (await reader.readline()).startswith(b"503")  # MAIL comes first
        writer.close()


@pytest.mark.parametrize(
    ("chain", "key", "says"),
    [
        ("mx.pem", "", r"^SMTP_TLS_KEY: is empty"),
        ("", "mx.pem", r"^SMTP_TLS_CERT: is empty"),
        ("nowhere.pem", "mx.pem", r"^SMTP_TLS_CERT: nowhere.pem cannot be read"),
        ("mx.pem", "other.pem", r"^SMTP_TLS_CERT, SMTP_TLS_KEY: mx.pem and other.pem"),
        ("rubbish.pem", "mx.pem", r"^SMTP_TLS_CERT, SMTP_TLS_KEY: rubbish.pem"),
    ],
)
def test_a_certificate_that_does_not_serve_names_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: str, key: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mx.pem", "other.pem"):
        certificate_of("127.0.0.1", Path(name))
    Path("rubbish.pem").write_text("rubbish")
    with pytest.raises(Misconfigured, match=says):
        email_channel(tmp_path, smtp_tls_cert=chain, smtp_tls_key=key)


# Too many, and too slow.


@pytest.mark.parametrize("limit", ["_MOST_OF_ONE_HOST", "_MOST_VISITS"])
async def test_too_many_are_asked_to_come_again(
    email: Email, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(f"channels._mail.server.{limit}", 2)
    async with listening(email, keeper) as client:
        second = aiosmtplib.SMTP(hostname="127.0.0.1", port=client.port, start_tls=False)
        await second.connect()
        with pytest.raises(aiosmtplib.SMTPConnectResponseError) as refusal:
            await aiosmtplib.SMTP(hostname="127.0.0.1", port=client.port, start_tls=False).connect()
        assert refusal.value.code == 421
        await second.quit()
        await client.sendmail("ann@shop.test", ["support@acme.test"], mail())
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=client.port, start_tls=False) as third:
            await third.sendmail("ann@shop.test", ["support@acme.test"], mail(number=2))
    assert len(keeper.raws) == 2


async def test_who_only_keeps_a_connection_busy_is_sent_away(email: Email, keeper: Keeper) -> None:
    async with listening(email, keeper):
        idler = aiosmtplib.SMTP(hostname="127.0.0.1", port=await email.started(), start_tls=False)
        await idler.connect()
        with pytest.raises(aiosmtplib.SMTPResponseException) as farewell:
            await asyncio.gather(*(idler.noop() for _ in range(200)))
        assert farewell.value.code == 421


@pytest.mark.parametrize(
    "said", [b"", b"EHLO", b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<support@acme.test>\r\nDATA\r\nx"]
)
async def test_who_says_nothing_more_is_hung_up_on(
    email: Email, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("channels._mail.server._PATIENCE", 0.05)
    async with listening(email, keeper):
        reader, writer = await asyncio.open_connection("127.0.0.1", await email.started())
        writer.write(said)
        await reader.read()  # until it ends
        writer.close()
    assert not keeper.raws


async def test_others_have_their_turn_while_a_mail_of_many_lines_is_taken() -> None:
    reader = TakesTurns()
    reader.feed_data(b"-- \r\n" * 5000)
    turns = [asyncio.create_task(asyncio.sleep(0)) for _ in range(3)]
    for _ in range(5000):
        assert await reader.readuntil(b"\r\n") == b"-- \r\n"
    assert all(turn.done() for turn in turns)
