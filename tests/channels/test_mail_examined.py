"""What `doctor` says of mail: the relay over real SMTP, our port, whom we trust, and what stands in a real DNS."""

import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from channels._mail.examining import Post, examined
from channels._mail.lookup import Lookup
from channels._mail.published import published, signing_key
from channels.email import Email
from core.channel import Examined, Finding
from tests.site import make_channel
from tests.twins.dns import DnsTwin
from tests.twins.mail import MailRelay

DOMAIN = "acme.test"
RELAY = "192.0.2.25"
SPF = f"v=spf1 ip4:{RELAY} -all"
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@pytest_asyncio.fixture
async def dns() -> AsyncIterator[DnsTwin]:
    async with DnsTwin(zone={(f"relay.{DOMAIN}", "A"): [RELAY], ("spf.mail.test", "TXT"): [SPF]}).open() as twin:
        yield twin


async def seen(dns: DnsTwin, folder: Path, **settings: Any) -> Sequence[Finding]:
    """What an email channel with these settings finds."""
    given: dict[str, Any] = {
        "smtp_listen_port": 0,
        "support_address": f"support@{DOMAIN}",
        "mail_authserv_id": "",
        "mail_trusted_relays": "",
        "mail_dns": dns.address,
    }
    channel = make_channel("email", folder, **given | settings)
    assert isinstance(channel, Email)
    assert isinstance(channel, Examined)
    return await channel.examine()


def about(what: str, findings: Sequence[Finding]) -> Finding:
    [found] = [finding for finding in findings if what in finding.what]
    return found


def relaying(relay: MailRelay, **settings: Any) -> dict[str, Any]:
    at = {"smtp_relay_host": "127.0.0.1", "smtp_relay_port": relay.port, "smtp_relay_starttls": False}
    return at | settings


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.acme.test")])
    today = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = tmp_path / "relay.pem"
    path.write_bytes(pem(key) + signed.public_bytes(serialization.Encoding.PEM))
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def pem(key: Private) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


# The relay.


async def test_signed_in_over_tls_all_is_well_and_no_mail_is_sent(
    dns: DnsTwin, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with MailRelay(user="bot", password="right", tls=tls_of(certificate)).open() as relay:
        secure = relaying(relay, smtp_relay_starttls=True, smtp_relay_user="bot", smtp_relay_password="right")
        found = about("the relay", await seen(dns, tmp_path, **secure))
        assert found == Finding(f"the relay 127.0.0.1:{relay.port} greets us with TLS, and lets us sign in.")
        refused = about("the relay", await seen(dns, tmp_path, **secure | {"smtp_relay_password": "wr0ng-one"}))
        assert refused.fatal
        assert refused.what.startswith("SMTP_RELAY_USER, SMTP_RELAY_PASSWORD:")
        assert "wr0ng-one" not in refused.what + refused.advice
    assert not relay.caught


async def test_a_certificate_that_nobody_vouches_for_is_named(dns: DnsTwin, tmp_path: Path, certificate: Path) -> None:
    async with MailRelay(tls=tls_of(certificate)).open() as relay:
        found = about("the relay", await seen(dns, tmp_path, **relaying(relay, smtp_relay_starttls=True)))
    assert found.fatal
    assert "self-signed certificate" in found.what
    assert "certificate" in found.advice


async def test_what_a_relay_does_not_offer_is_named(dns: DnsTwin, tmp_path: Path, certificate: Path) -> None:
    async with MailRelay().open() as relay:
        plain = about("the relay", await seen(dns, tmp_path, **relaying(relay, smtp_relay_starttls=True)))
        assert plain.fatal
        assert "offers no TLS" in plain.what
        assert about("the relay", await seen(dns, tmp_path, **relaying(relay))).advice == ""
    async with MailRelay(user="bot", password="right", tls=tls_of(certificate)).open() as relay:
        hidden = about("SMTP_RELAY_USER", await seen(dns, tmp_path, **relaying(relay, smtp_relay_user="bot")))
        assert hidden.fatal
        assert hidden.advice == "Set SMTP_RELAY_STARTTLS=true."
    gone = about("the relay", await seen(dns, tmp_path, **relaying(relay)))
    assert gone.fatal
    assert "SMTP_RELAY_PORT" in gone.advice


async def test_without_a_relay_it_says_where_mail_goes(dns: DnsTwin, tmp_path: Path) -> None:
    assert about("SMTP_RELAY_HOST is empty", await seen(dns, tmp_path)).advice
    at_home = await seen(dns, tmp_path, support_address="support@localhost")
    assert not any(finding.advice for finding in at_home)
    assert "for trying out" in about("SUPPORT_ADDRESS", at_home).what


# Whom we trust.


@pytest.mark.parametrize(
    ("trusted", "said", "well"),
    [
        (("", ""), "every mail is checked", True),
        (("mx.acme.test", "192.0.2.1, 10.0.0.0/8"), "Verdicts of mx.acme.test count", True),
        (("mx.acme.test", ""), "MAIL_TRUSTED_RELAYS is empty", False),
        (("", "192.0.2.1"), "MAIL_AUTHSERV_ID is empty", False),
        (("mx.acme.test", "0.0.0.0/0"), "whole networks", False),
        (("mx.acme.test; dmarc=pass", "192.0.2.1"), "no name of a server", False),
    ],
)
async def test_trust_is_plausible(
    dns: DnsTwin, tmp_path: Path, trusted: tuple[str, str], said: str, well: bool
) -> None:
    name, relays = trusted
    found = about(said, await seen(dns, tmp_path, mail_authserv_id=name, mail_trusted_relays=relays))
    assert (not found.advice) is well


# The domain's records.


RECORDS: list[tuple[str, str, list[str], str, bool]] = [
    ("MX", DOMAIN, ["20 b.acme.test.", "10 a.acme.test."], "a.acme.test, b.acme.test", True),
    ("MX", DOMAIN, [], "none", False),
    ("MX", DOMAIN, ["0 ."], "takes no mail", False),
    ("SPF", DOMAIN, [], "none", False),
    ("SPF", DOMAIN, ["v=spf1 ip4:192.0.2.0/24 -all"], "is in it", True),
    ("SPF", DOMAIN, ["v=spf1 include:spf.mail.test -all"], "is in it", True),
    ("SPF", DOMAIN, ["v=spf1 ip4:198.51.100.1 -all"], "is not in it", False),
    ("SPF", DOMAIN, ["v=spf1 +all"], "lets everybody send", False),
    ("SPF", DOMAIN, ["v=spf1 -all", "v=spf1 ~all"], "2 records", False),
    ("SPF", DOMAIN, ["v=spf10 -all"], "none", False),
    ("DMARC", "_dmarc.acme.test", [], "none", False),
    ("DMARC", "_dmarc.acme.test", ["v=DMARC1; p=reject"], "p=reject", True),
    ("DMARC", "_dmarc.acme.test", ["v=DMARC1; p=none"], "forgers are let through", False),
    ("DMARC", "_dmarc.acme.test", ["v=DMARC1; p=perhaps"], "is no policy", False),
    ("DMARC", "_dmarc.acme.test", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "2 records", False),
]


@pytest.mark.parametrize("host", [RELAY, "relay.acme.test"])
@pytest.mark.parametrize("case", RECORDS, ids=lambda case: f"{case[0]} {case[3]}")
async def test_records_are_shown_and_missed(
    dns: DnsTwin, host: str, case: tuple[str, str, list[str], str, bool]
) -> None:
    kind, name, records, said, well = case
    dns.zone[(name, "MX" if kind == "MX" else "TXT")] = records
    found = about(f"{kind} of {DOMAIN}", await published(DOMAIN, relay=host, key=None, lookup=lookup(dns)))
    assert said in found.what
    assert (not found.advice) is well
    assert not found.fatal


async def test_of_a_relay_at_home_nobody_knows_what_address_it_sends_from(dns: DnsTwin) -> None:
    dns.zone[(DOMAIN, "TXT")] = ["v=spf1 ip4:198.51.100.1 -all"]
    found = about("SPF", await published(DOMAIN, relay="10.0.0.5", key=None, lookup=lookup(dns)))
    assert found.what.endswith("see that it names the address from which your mail leaves.")
    assert not found.advice


def lookup(dns: DnsTwin) -> Lookup:
    return Lookup((("127.0.0.1", dns.port),))


def signing(dns: DnsTwin, key_file: Path) -> Post:
    return Post(
        domain=DOMAIN,
        listening=("127.0.0.1", 0),
        sending=None,
        authserv_id="",
        relays=(),
        selector="s1",
        key_file=str(key_file),
        lookup=lookup(dns),
    )


async def test_the_policy_of_the_organisation_holds_for_its_subdomains(dns: DnsTwin, tmp_path: Path) -> None:
    dns.zone[("_dmarc.acme.test", "TXT")] = ["v=DMARC1; p=quarantine"]
    found = await seen(dns, tmp_path, support_address="help@mail.acme.test")
    assert about("DMARC of acme.test: v=DMARC1; p=quarantine", found).advice == ""


async def test_a_dns_that_fails_is_a_warning(dns: DnsTwin, tmp_path: Path) -> None:
    dns.troubles = dict.fromkeys((DOMAIN, f"_dmarc.{DOMAIN}"), "servfail")
    found = await seen(dns, tmp_path)
    for kind in ("MX", "SPF", "DMARC"):
        record = about(f"{kind} of {DOMAIN}: DNS does not tell", found)
        assert "MAIL_DNS" in record.advice
        assert not record.fatal


# The key that signs.


def keys() -> list[Private]:
    return [rsa.generate_private_key(public_exponent=65_537, key_size=2_048), ed25519.Ed25519PrivateKey.generate()]


@pytest.mark.parametrize("key", keys(), ids=["rsa", "ed25519"])
async def test_the_published_key_is_ours(dns: DnsTwin, tmp_path: Path, key: Private) -> None:
    path = tmp_path / "dkim.pem"
    path.write_bytes(pem(key))
    ours = signing(dns, path)

    none = about("DKIM: ", await examined(ours))
    assert "no TXT records" in none.what
    written = none.advice.partition('"')[2].rstrip('"')
    dns.zone[(f"s1._domainkey.{DOMAIN}", "TXT")] = [written]
    assert about("DKIM: ", await examined(ours)) == Finding(f"DKIM: s1._domainkey.{DOMAIN} has our key.")
    dns.zone[(f"s1._domainkey.{DOMAIN}", "TXT")] = [f"{written}; t=y"]
    assert "t=y" in about("DKIM: ", await examined(ours)).advice
    dns.zone[(f"s1._domainkey.{DOMAIN}", "TXT")] = [signing_key("s1", pem(keys()[0])).record]
    other = about("DKIM: ", await examined(ours))
    assert other.fatal
    assert "another key" in other.what


async def test_a_key_that_cannot_sign_is_named(dns: DnsTwin, tmp_path: Path) -> None:
    path = tmp_path / "dkim.pem"
    ours, short = signing(dns, path), 1_024
    assert "cannot be read" in about("DKIM_KEY_FILE", await examined(ours)).what
    for content, said in (
        (b"no key", "no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither an RSA nor an Ed25519"),
        (pem(rsa.generate_private_key(public_exponent=65_537, key_size=short)), "1024 bits"),
    ):
        path.write_bytes(content)
        found = about("DKIM_KEY_FILE", await examined(ours))
        assert found.fatal
        assert said in found.what
