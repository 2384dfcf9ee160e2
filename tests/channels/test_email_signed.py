"""Proves that our letters bear a DKIM signature which others find valid by DNS, and which covers what they must."""

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dkim.canonicalization import Relaxed  # type: ignore[import-untyped]

from channels._mail.checks import MailChecks
from channels._mail.lookup import Lookup, servers
from channels._mail.published import signing_key
from channels._mail.signing import Signer, private_key
from core.errors import Misconfigured
from core.messages import Reply
from identity.proof import Proof
from tests.channels.mailroom import ROUTE, email_channel, relaying
from tests.site import NOW
from tests.twins.dns import DnsTwin
from tests.twins.mail import MailRelay
from tests.twins.signing import new_key

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
RSA = new_key()


def pem_of(key: Private, shape: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, shape, NoEncryption())


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "dkim.pem"
    path.write_bytes(pem_of(RSA))
    return path


async def sent(folder: Path, key: Path, text: str = "Grüße  \n\n- one\n- two\n\n") -> bytes:
    """A letter as the relay gets it."""
    async with MailRelay().open() as relay:
        channel = relaying(folder, relay, dkim_selector="mail2026", dkim_key_file=str(key))
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text=text))
        await channel.send(letter)
        await channel.close()
    return relay.caught[0].raw


ZONE: dict[tuple[str, str], Sequence[str]] = {
    ("mail2026._domainkey.acme.test", "TXT"): [signing_key("mail2026", pem_of(RSA)).record],
    ("_dmarc.acme.test", "TXT"): ["v=DMARC1; p=reject; adkim=s"],
}


async def holds(mail: bytes) -> bool:
    """What dkimpy says of it."""
    async with DnsTwin(zone=ZONE).open() as dns:
        [key] = await Lookup(servers(dns.address)).texts("mail2026._domainkey.acme.test")
    return bool(dkim.verify(mail, dnsfunc=lambda *_, **__: key))


async def weighed(mail: bytes) -> Proof:
    """What a stranger who checks DKIM and DMARC makes of it."""
    async with DnsTwin(zone=ZONE).open() as dns:
        return await MailChecks(servers(dns.address)).weigh(mail, "acme.test", None)


@pytest.mark.parametrize("text", ["Hi", "Grüße  \n\n- one\n- two\n\n", "long " * 2000, ".\n.."])
async def test_a_stranger_finds_the_signature_valid(tmp_path: Path, key_file: Path, text: str) -> None:
    assert await weighed(await sent(tmp_path, key_file, text)) is Proof.PROVEN


async def test_what_relays_do_to_a_mail_does_not_break_it(tmp_path: Path, key_file: Path) -> None:
    mail = await sent(tmp_path, key_file)
    assert await weighed(b"Received: from a by b; c\r\n" + mail) is Proof.PROVEN
    assert await weighed(mail.replace(b"\r\n ", b"\r\n\t  ")) is Proof.PROVEN


@pytest.mark.parametrize(
    "forged",
    [
        (b"Gr=C3=BC=C3=9Fe", b"Rubbish"),
        (b"Subject: Re: Kettle", b"Subject: Re: Your prize"),
        (b"MIME-Version", b"From: Eve <eve@acme.test>\r\nMIME-Version"),
        (b"To: ann@shop.test", b"To: bob@shop.test"),
        (b"Date: ", b"Date: Tue, 3 Mar 2026 09:00:00 +0000\r\nX-Date: "),
        (b"Reply-To: ", b"Reply-To: eve@evil.test\r\nX-Reply-To: "),
        (b"<a1@shop.test>", b"<a2@shop.test>"),
        (b"Auto-Submitted: auto-replied", b"Auto-Submitted: no"),
    ],
)
async def test_what_is_changed_or_added_breaks_it(tmp_path: Path, key_file: Path, forged: tuple[bytes, bytes]) -> None:
    mail = await sent(tmp_path, key_file)
    assert forged[0] in mail
    assert await holds(mail)
    assert not await holds(mail.replace(*forged))


async def test_a_header_that_it_does_not_have_cannot_be_added(tmp_path: Path, key_file: Path) -> None:
    signer = Signer(domain="acme.test", selector="mail2026", key=RSA)
    bare = signer.sign(b"From: Acme <support@acme.test>\r\nSubject: Hi\r\n\r\nHi\r\n", NOW)
    assert await holds(bare)
    for added in (b"Reply-To: eve@evil.test", b"From: Eve <eve@evil.test>"):
        assert not await holds(added + b"\r\n" + bare)


def test_an_ed25519_key_signs_by_rfc_8463() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = Signer(domain="acme.test", selector="ed", key=key)
    signed = signer.sign(b"From: Acme <support@acme.test>\r\nSubject: Hi\r\n\r\nHi  there\r\n\r\n", NOW)
    value = message_from_bytes(signed)["DKIM-Signature"]
    tags = dict(part.strip().split("=", 1) for part in value.split(";"))
    assert (tags["a"], tags["d"], tags["s"], tags["c"]) == ("ed25519-sha256", "acme.test", "ed", "relaxed/relaxed")
    assert tags["h"].startswith("from:from:")  # dkimpy takes a second one for signed anyway; others do not
    assert datetime.fromtimestamp(int(tags["t"]), UTC) == NOW
    assert base64.b64decode(tags["bh"]) == hashlib.sha256(b"Hi there\r\n").digest()
    unsigned = re.sub(rb"b=[A-Za-z0-9+/=\s]+$", b"b=", value.encode())
    [(name, hashed)] = Relaxed.canonicalize_headers([(b"dkim-signature", unsigned)])
    covered = b"from:Acme <support@acme.test>\r\nsubject:Hi\r\n" + name + b":" + hashed.removesuffix(b"\r\n")
    signature = base64.b64decode("".join(tags["b"].split()))
    key.public_key().verify(signature, hashlib.sha256(covered).digest())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, hashlib.sha256(covered + b" ").digest())


def test_keys_come_in_the_shapes_that_openssl_writes() -> None:
    assert private_key(pem_of(RSA, PrivateFormat.TraditionalOpenSSL)).private_numbers() == RSA.private_numbers()  # type: ignore[union-attr]
    assert isinstance(private_key(pem_of(ed25519.Ed25519PrivateKey.generate())), ed25519.Ed25519PrivateKey)


@pytest.mark.parametrize(
    ("selector", "file", "says"),
    [
        ("mail2026", "", r"^DKIM_KEY_FILE: is empty though DKIM_SELECTOR is set"),
        ("", "dkim.pem", r"^DKIM_SELECTOR: is empty though DKIM_KEY_FILE is set"),
        ("mail2026", "nowhere.pem", r"^DKIM_KEY_FILE: nowhere.pem cannot be read"),
        ("mail2026", "rubbish.pem", r"^DKIM_KEY_FILE: rubbish.pem is no private key"),
        ("mail2026", "curve.pem", r"^DKIM_KEY_FILE: curve.pem is neither an RSA nor an Ed25519 key"),
        ("mail2026", "short.pem", r"^DKIM_KEY_FILE: short.pem has 1024 bits"),
    ],
)
def test_a_key_that_cannot_sign_names_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selector: str, file: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rubbish.pem").write_text("-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----\n")
    Path("curve.pem").write_bytes(pem_of(ec.generate_private_key(ec.SECP256R1())))
    Path("short.pem").write_bytes(pem_of(rsa.generate_private_key(public_exponent=65_537, key_size=1_024)))  # noqa: S505
    with pytest.raises(Misconfigured, match=says):
        email_channel(tmp_path, dkim_selector=selector, dkim_key_file=file)
