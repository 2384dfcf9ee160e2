"""What the tests of mail have in common: mails, a channel, somebody who keeps what comes, and a certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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

from channels.email import Email
from core.messages import InboundMessage, Raw
from tests.site import NOW, make_channel
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


def relaying(var: Path, relay: MailRelay, **settings: Any) -> Email:
    given = {"smtp_relay_host": "127.0.0.1", "smtp_relay_port": relay.port, "smtp_relay_starttls": False} | settings
    return email_channel(var, **given)


def version(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


def certificate_of(host: str, path: Path) -> Path:
    """A certificate of this address by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.acme.test")])
    today = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
