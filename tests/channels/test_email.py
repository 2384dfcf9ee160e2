"""Proves on real sockets that mail is kept before it is acknowledged, that nothing is relayed, that replies reach a
strict relay or a folder, and that a thread is joined by our own token only; and in the parser, who may count as proven.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from channels._mail.proof import passes_dmarc
from channels.email import Email, Mailbox
from core.channel import Listener, Pages
from core.errors import Malformed, Misconfigured, TryAgain, Undeliverable, Unverified
from core.messages import InboundMessage, Raw, Reply
from identity.proof import Proof
from tests.site import NOW, make_channel, site
from tests.twins.mail import MailRelay

VERDICT = "Authentication-Results: mx.acme.test; dmarc=pass (p=none) header.from=shop.test\r\n"
ROUTE = {
    "to": "ann@shop.test",
    "subject": "Kettle",
    "in_reply_to": "<a1@shop.test>",
    "references": "<a0@shop.test> <a1@shop.test>",
    "token": "abcdefghij234567",
}


def mail(body: str = "My kettle leaks.", *, author: str = "ann@shop.test", head: str = "", number: int = 1) -> bytes:
    written = f"From: {author}\r\nMessage-ID: <m{number}@shop.test>\r\n{head}\r\n{body}\r\n"
    return written.encode()


def delivery(body: bytes, *, rcpt: str = "support@acme.test", peer: str = "127.0.0.1") -> Raw:
    return Raw(body=body, received_at=NOW, headers={"mail-from": "ann@shop.test", "rcpt-to": rcpt}, peer=peer)


def email_channel(var: Path, **settings: Any) -> Email:
    channel = make_channel("email", var, **settings)
    assert isinstance(channel, Email)
    return channel


def heard(channel: Email, body: bytes, **raw: str) -> InboundMessage:
    message = channel.parse(delivery(body, **raw))
    assert message
    return message


@dataclass
class Keeper:
    """Stands for the engine: keeps what is delivered, when it is let."""

    raws: list[Raw] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    may_return: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False

    async def __call__(self, raw: Raw) -> bool:
        self.entered.set()
        if self.broken:
            raise OSError("the disk is full")
        await self.may_return.wait()
        self.raws.append(raw)
        return True


@pytest.fixture
def email(tmp_path: Path) -> Email:
    return email_channel(tmp_path)


@asynccontextmanager
async def listening(channel: Email, keeper: Keeper) -> AsyncIterator[aiosmtplib.SMTP]:
    task = asyncio.create_task(channel.listen(keeper))
    port = await channel.started()
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
    try:
        async with client:
            yield client
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
async def keeper() -> Keeper:
    made = Keeper()
    made.may_return.set()
    return made


def test_it_is_a_listener_without_pages_where_the_outside_sees_us(email: Email) -> None:
    assert isinstance(email, Listener)
    assert not email.pages


# Mail comes in.


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


# Whose mail it is.


def test_two_mails_of_one_id_never_take_each_others_place(email: Email) -> None:
    proven = heard(email, mail(head=VERDICT))
    assert proven.proof is Proof.PROVEN
    forged = heard(email, mail(head=VERDICT), peer="192.0.2.9")
    others = heard(email, mail(author="eve@evil.test"))
    assert len({m.external_id for m in (proven, forged, others)}) == 3
    assert len({m.conversation for m in (proven, forged, others)}) == 3
    assert heard(email, mail(head=VERDICT)).external_id == proven.external_id


def test_reply_to_and_cc_neither_identify_nor_get_an_answer(email: Email) -> None:
    message = heard(email, mail(head="Reply-To: eve@evil.test\r\nCc: bob@evil.test\r\nSender: eve@evil.test\r\n"))
    assert message.handle.key == "email:ann@shop.test"
    assert "evil" not in str(message.route)


@pytest.mark.parametrize(
    ("verdict", "counts"),
    [
        ("mx.acme.test; dmarc=pass header.from=shop.test", True),
        ("MX.acme.test 1; DMARC = PASS (ok; dmarc=fail) header.from=Shop.TEST", True),
        ('mx.acme.test; dmarc/1=pass reason="aligned" policy.dmarc=none header.from=shop.test', True),
        ("mx.acme.test (a (nested\\)) comment); dkim=fail header.b=a/b=; dmarc=pass header.from=shop.test", True),
        ("mx.acme.test; none", False),
        ("", False),
        ("dmarc=pass header.from=shop.test", False),
        ("(mx.acme.test); dmarc=pass header.from=shop.test", False),
        ('"mx.acme.test"; dmarc=pass header.from=shop.test', False),
        ("mx.acme.test.evil.test; dmarc=pass header.from=shop.test", False),
        ("mx.acme.test evil; dmarc=pass header.from=shop.test", False),
        ("mx.acme.test; dmarc=pass", False),
        ("mx.acme.test; dmarc=fail header.from=shop.test", False),
        ("mx.acme.test; dmarc=none header.from=shop.test", False),
        ("mx.acme.test; dmarc=passed header.from=shop.test", False),
        ('mx.acme.test; dmarc="pass" header.from=shop.test', False),
        ("mx.acme.test; dmarc=pass header.from=evil.test", False),
        ("mx.acme.test; dmarc=pass header.from=sub.shop.test", False),
        ("mx.acme.test; dmarc=pass (header.from=shop.test)", False),
        ('mx.acme.test; dmarc=pass reason="header.from=shop.test"', False),
        ('mx.acme.test; dmarc=pass header.from="shop.test"', False),
        ("mx.acme.test; dmarc=pass header.from=shop.test header.from=evil.test", False),
        ("mx.acme.test; dmarc=pass header.from=shop.test; dmarc=pass header.from=shop.test", False),
        ("mx.acme.test; dmarc=fail header.from=shop.test; dmarc=pass header.from=shop.test", False),
        ("mx.acme.test; spf=pass dmarc=pass header.from=shop.test", False),
        ("mx.acme.test; spf=pass (open; dmarc=pass header.from=shop.test", False),
        ('mx.acme.test; x="; dmarc=pass header.from=shop.test', False),
        ("mx.acme.test; x=) dmarc=pass header.from=shop.test", False),
    ],
)
def test_a_verdict_is_read_without_trust(verdict: str, counts: bool) -> None:
    assert passes_dmarc(verdict, "mx.acme.test", "shop.test") is counts


def test_without_a_server_of_our_own_nothing_is_proven(tmp_path: Path) -> None:
    for missing in ({"mail_authserv_id": ""}, {"mail_trusted_relays": ""}):
        assert heard(email_channel(tmp_path, **missing), mail(head=VERDICT)).proof is Proof.CLAIMED


@pytest.mark.parametrize(
    "doubtful", ["ann@shop.test <ann@shop.test>", "<ann@shop.test>, ", "ann@shop.test (", "Ann: <ann@shop.test>;"]
)
def test_a_doubtful_author_is_claimed(email: Email, doubtful: str) -> None:
    message = heard(email, mail(author=doubtful, head=VERDICT))
    assert (message.handle.address, message.proof) == ("ann@shop.test", Proof.CLAIMED)


@pytest.mark.parametrize("charset", ["x-nobody", "unicode_escape", "punycode", "idna", "zlib", "us-ascii", "\x00"])
def test_a_charset_that_nobody_writes_in_loses_no_words(email: Email, charset: str) -> None:
    written = "caf\\u00e9-au-lait é"
    assert heard(email, mail(written, head=f"Content-Type: text/plain; charset={charset}\r\n")).text == written


def test_the_topmost_verdict_counts_and_a_mapped_address_is_the_relays(email: Email) -> None:
    below = "Authentication-Results: mx.acme.test; dmarc=fail header.from=shop.test\r\n"
    assert heard(email, mail(head=VERDICT + below), peer="::ffff:10.1.2.3").proof is Proof.PROVEN
    assert heard(email, mail(head=below + VERDICT)).proof is Proof.CLAIMED


@pytest.mark.parametrize(
    "hostile",
    [
        b"From: " + b'"' * 8000 + b"\n\nx",
        b"From: " + b"(" * 8000 + b"\n\nx",
        b"From: ann@shop.test\nSubject: " + b"=?" * 4000 + b"\n\nx",
        b"From: ann@shop.test\nContent-Type: text/plain; " + b';"' * 4000 + b"\n\nx",
        b"From: ann@shop.test\nContent-Type: text/plain; charset=idna\n\n" + b"x" * 2_000_000,
        b"From: ann@shop.test\nContent-Type: text/plain; charset=punycode\n\n" + b"x" * 2_000_000,
        b"From: ann@shop.test\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 5000,
        b"From: ann@shop.test\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * 5000,
        b"From: ann@shop.test\nContent-Type: text/html\n\n" + b"<a " * 300_000,
        b"From: ann@shop.test\nContent-Type: text/html\n\n&#" + b"9" * 300_000 + b";",
        b"From: ann@shop.test\nContent-Transfer-Encoding: base64\n\n" + b"A" * 1_000_001,
        b"From: ann@shop.test\nDate: " + b"9" * 5000 + b"\n\nx",
        b"From: ann@" + "ß".encode() * 4000 + b"\n\nx",
        b"From: ann@shop.test\n\n" + b"x\n" * 12_000_000,
        b"\n" * 100_000,
        b"\0" * 100_000,
        b"",
    ],
)
def test_hostile_mail_is_read_or_parked(email: Email, hostile: bytes) -> None:
    with suppress(Malformed):  # and no other error
        email.parse(delivery(hostile))


def test_a_date_is_believed_only_if_it_lies_behind_us(email: Email) -> None:
    said = "Date: Mon, 2 Mar 2026 09:58:00 +0100\r\n"
    assert heard(email, mail(head=said)).sent_at == datetime(2026, 3, 2, 8, 58, tzinfo=UTC)
    for wrong in ("Date: Mon, 2 Mar 2027 09:58:00 +0100\r\n", "Date: nonsense\r\n", ""):
        assert heard(email, mail(head=wrong)).sent_at is None


# Threads, and our letters.


def version(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


def reply_to(message: InboundMessage, text: str = "Which kettle is it?") -> Reply:
    return Reply(id="rep_1", route=message.route, text=text)


def test_an_answer_to_our_letter_comes_back_into_its_conversation(email: Email) -> None:
    first = heard(email, mail())
    [letter] = email.render(reply_to(first))
    ours = message_from_bytes(letter.content, policy=policy.default)
    address = ours["From"].addresses[0].addr_spec
    assert ours["Reply-To"] == ours["From"]
    answer = heard(email, mail("The red one.", number=2), rcpt=f"support@acme.test,{address.upper()}")
    assert answer.conversation == first.conversation
    assert answer.external_id != first.external_id
    stranger = Email(Mailbox(support_address="support@acme.test"), replace(site(Path()), secret=b"another secret"))
    assert heard(stranger, mail(number=2), rcpt=address).conversation != first.conversation


@pytest.mark.parametrize("tag", ["", "abcdefghij234567", "a" * 32, "é" * 32, "x" * 500, "{own}b"])
def test_a_forged_token_opens_a_conversation_of_its_own(email: Email, tag: str) -> None:
    first = heard(email, mail())
    forged = heard(email, mail(number=2), rcpt=f"support+{tag.format(own=first.conversation)}@acme.test")
    assert forged.conversation not in {first.conversation, tag[:16]}


def test_our_own_letter_is_not_heard(email: Email) -> None:
    [letter] = email.render(Reply(id="rep_1", route=ROUTE, text="Hello"))
    looped = b"From: ann@shop.test\r\nMessage-ID: " + letter.message_id.encode() + b"\r\n\r\nHello\r\n"
    assert email.parse(delivery(looped)) is None


def test_a_letter_names_its_thread_and_nothing_can_be_smuggled_into_it(email: Email) -> None:
    route = ROUTE | {"subject": "Re: AW: Kettle\r\nBcc: eve@evil.test ÄÖ " + "x" * 300, "to": "ann@shop.test\r\nX: y"}
    [letter] = email.render(
        Reply(id="rep_1", route=route, text="<i> **Hello** <b>\n\n- one\n- [two](https://acme.test/?a=1&b)")
    )
    message = message_from_bytes(letter.content, policy=policy.default)
    assert message["Subject"].startswith("Re: Kettle Bcc: eve@evil.test ÄÖ")
    assert "Bcc" not in message
    assert "X" not in message
    assert message["In-Reply-To"] == "<a1@shop.test>"
    assert message["References"].split() == ["<a0@shop.test>", "<a1@shop.test>"]
    assert message["Auto-Submitted"] == "auto-replied"
    html = version(message, "html")
    assert "<p>&lt;i&gt; <strong>Hello</strong> &lt;b&gt;</p>" in html
    assert '<li><a href="https://acme.test/?a=1&amp;b" rel="noopener">two</a></li>' in html
    assert version(message, "plain").startswith("<i> Hello <b>\n\n- one\n- two (https://acme.test/?a=1&b)")


def test_a_persons_letter_is_not_called_automatic_and_an_empty_subject_gets_the_brand(email: Email) -> None:
    [letter] = email.render(Reply(id="rep_1", route={"to": "ann@shop.test"}, text="Hi", sender="agent"))
    message = message_from_bytes(letter.content, policy=policy.default)
    assert "Auto-Submitted" not in message
    assert message["Subject"] == "Re: Acme"
    assert message["From"].addresses[0].addr_spec == "support@acme.test"


# Letters go out.


def relaying(var: Path, relay: MailRelay, **settings: Any) -> Email:
    given = {"smtp_relay_host": "127.0.0.1", "smtp_relay_port": relay.port, "smtp_relay_starttls": False} | settings
    return email_channel(var, **given)


async def test_a_strict_relay_takes_a_letter(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Grüße\n.\n" + "long " * 500))
        sent = [await channel.send(letter), await channel.send(letter)]
    assert sent == [letter.message_id] * 2
    assert [c.message["Message-ID"] for c in relay.caught] == sent
    caught = relay.caught[0]
    assert caught.recipients == ["ann@shop.test"]
    assert caught.sender == "support@acme.test"
    assert caught.message["Date"].datetime == NOW
    assert version(caught.message, "plain").startswith("Grüße\n.\nlong")


async def test_an_address_in_another_alphabet_is_written_to(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE | {"to": "änn@shop.test"}, text="Hi"))
        await channel.send(letter)
    assert relay.caught[0].recipients == ["änn@shop.test"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"RCPT": "450 4.2.1 Mailbox busy"}, TryAgain),
        ({"RCPT": "550 5.1.1 No such user"}, Undeliverable),
        ({"RCPT": "530 5.7.0 Authentication required"}, TryAgain),
        ({"DATA": "451 4.3.0 Try later"}, TryAgain),
        ({"DATA": "554 5.7.1 Refused as spam"}, Undeliverable),
        ({"DATA": ""}, TryAgain),
        ({"RCPT": ""}, TryAgain),
    ],
)
async def test_a_relays_refusal_says_what_happens_next(
    tmp_path: Path, answers: dict[str, str], outcome: type[Exception]
) -> None:
    async with MailRelay(answers=answers).open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
        with pytest.raises(outcome) as failure:
            await channel.send(letter)
    assert "127.0.0.1" in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_relay_that_is_away_is_tried_again(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
    [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
    with pytest.raises(TryAgain):
        await channel.send(letter)


async def test_a_silent_relay_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels._mail.outbox._PATIENCE", 0.05)
    visitors: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: visitors.append(writer), "127.0.0.1", 0)
    async with silent:
        channel = relaying(tmp_path, MailRelay(port=silent.sockets[0].getsockname()[1]))
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
        with pytest.raises(TryAgain):
            await channel.send(letter)
        visitors[0].close()
        await visitors[0].wait_closed()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.acme.test")])
    today = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "relay.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_it_signs_in_over_tls(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with MailRelay(user="bot", password="right", tls=tls_of(certificate)).open() as relay:
        signed_in = {"smtp_relay_starttls": True, "smtp_relay_user": "bot", "smtp_relay_password": "right"}
        channel = relaying(tmp_path, relay, **signed_in)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
        await channel.send(letter)
        wrong = relaying(tmp_path, relay, **signed_in | {"smtp_relay_password": "wrong"})
        with pytest.raises(TryAgain, match="SMTP_RELAY_USER, SMTP_RELAY_PASSWORD") as failure:
            await wrong.send(letter)
    assert "wrong" not in str(failure.value)
    [caught] = relay.caught
    assert caught.over_tls
    assert caught.user == "bot"


async def test_no_letter_goes_out_in_the_clear_where_tls_is_asked_for(tmp_path: Path, certificate: Path) -> None:
    for tls in (None, tls_of(certificate)):  # no TLS at all, and a certificate that nobody vouches for
        async with MailRelay(tls=tls).open() as relay:
            channel = relaying(tmp_path, relay, smtp_relay_starttls=True)
            [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
            with pytest.raises(TryAgain, match=r"TLS|certificate"):
                await channel.send(letter)
        assert not relay.caught


# Letters without a relay.


def newcomers(var: Path) -> Email:
    return Email(Mailbox(), replace(site(var), base_url="http://127.0.0.1:8000"))


async def test_without_a_relay_letters_are_kept_and_shown_to_the_newcomer(tmp_path: Path) -> None:
    channel = newcomers(tmp_path)
    assert isinstance(channel, Pages)
    assert channel.pages == ("/mail",)
    assert "Nothing yet" in await shown(channel)
    for number in range(2):
        route = ROUTE | {"subject": f"<i>Kettle {number}</i>"}
        [letter] = channel.render(Reply(id=f"rep_{number}", route=route, text="<script>alert()</script>"))
        assert await channel.send(letter) == letter.message_id
    files = sorted((tmp_path / "mail").iterdir())
    assert [f.suffix for f in files] == [".eml", ".eml"]
    assert message_from_bytes(files[0].read_bytes(), policy=policy.default)["To"] == "ann@shop.test"
    page = await shown(channel)
    assert "&lt;script&gt;alert()" in page
    assert "<script" not in page
    assert page.count("<h1>") == 1
    assert page.count("<article>") == 2


async def shown(channel: Email) -> str:
    ack = await channel.get(
        Raw(body=b"", received_at=NOW, path="/mail", peer="127.0.0.1", headers={"host": "localhost:8000"})
    )
    assert "default-src 'none'" in ack.headers["content-security-policy"]
    assert isinstance(ack.body, str)
    return ack.body


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.1", {"host": "localhost"}),
        ("127.0.0.1", {"host": "evil.test"}),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "192.0.2.1"}),
        ("", {"host": "localhost"}),
    ],
)
async def test_kept_letters_are_shown_to_nobody_else(tmp_path: Path, peer: str, headers: dict[str, str]) -> None:
    with pytest.raises(Unverified):
        await newcomers(tmp_path).get(Raw(body=b"", received_at=NOW, path="/mail", peer=peer, headers=headers))


async def test_no_kept_letter_is_shown_where_the_outside_sees_us(email: Email) -> None:
    with pytest.raises(Unverified):
        await email.get(Raw(body=b"", received_at=NOW, path="/mail", peer="127.0.0.1"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"support_address": "support"}, "is no plain address"),
        ({"support_address": "a+b@acme.test"}, "is no plain address"),
        ({"support_address": "a" * 32 + "@acme.test"}, "is no plain address"),
        ({"mail_trusted_relays": "10.0.0.0/8, mx.acme.test"}, "mx.acme.test"),
        ({"smtp_listen_port": 99999}, "65535"),
    ],
)
def test_a_wrong_setting_says_so(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Mailbox(**wrong)
