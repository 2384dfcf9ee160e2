"""Proves over a real DNS server of ours that only an aligned pass of a whole mail by one author counts as proven, that
a domain without DMARC gets no further than plausible, and that whatever else comes stays claimed.
"""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from channels.email import Email, Mailbox
from core.channel import Checks
from core.messages import InboundMessage, Raw
from identity.proof import Proof
from tests.site import NOW, make_channel
from tests.twins.dns import DnsTwin
from tests.twins.signing import SIGNED, Domain, new_key

KEY = new_key()
SHOP = Domain(name="shop.test", key=KEY)
DMARC = {("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=reject"]}
HOST = "192.0.2.25"  # from which shop.test sends
SPF = {("shop.test", "TXT"): [f"v=spf1 ip4:{HOST} -all"]}


@pytest_asyncio.fixture
async def dns() -> AsyncIterator[DnsTwin]:
    """The DNS of the world: shop.test signs its mail, sends it from one host, and has a DMARC policy."""
    async with DnsTwin(zone=SHOP.record() | DMARC | SPF).open() as twin:
        yield twin


@pytest.fixture
def email(tmp_path: Path, dns: DnsTwin) -> Email:
    return channel(tmp_path, dns)


def channel(var: Path, dns: DnsTwin, **settings: Any) -> Email:
    made = make_channel("email", var, **{"mail_trusted_relays": "", "mail_dns": dns.address} | settings)
    assert isinstance(made, Email)
    return made


def mail(author: str = "Ann Lee <ann@shop.test>", body: str = "My kettle leaks.", head: str = "") -> bytes:
    written = f"From: {author}\r\nTo: support@acme.test\r\nSubject: Kettle\r\nMessage-ID: <m1@shop.test>\r\n{head}"
    return f"{written}\r\n{body}\r\n".encode()


def arrival(body: bytes, *, host: str = "198.51.100.7", sender: str = "bounce@elsewhere.test") -> Raw:
    return Raw(body=body, received_at=NOW, headers={"mail-from": sender, "rcpt-to": "support@acme.test"}, peer=host)


def heard(email: Email, raw: Raw) -> InboundMessage:
    message = email.parse(raw)
    assert message
    return message


async def proof(email: Email, body: bytes, **envelope: str) -> Proof:
    """The proof that a mail ends up with, asked as dispatch asks."""
    raw = arrival(body, **envelope)
    message = heard(email, raw)
    return (await email.check(message, raw)).proof if message.unchecked else message.proof


# DKIM, aligned.


async def test_a_mail_signed_by_its_authors_domain_is_proven(email: Email, dns: DnsTwin) -> None:
    message = heard(email, arrival(SHOP.signs(mail())))
    assert isinstance(email, Checks)
    assert (message.unchecked, message.proof, message.handle.address) == (True, Proof.CLAIMED, "ann@shop.test")
    assert await proof(email, SHOP.signs(mail())) is Proof.PROVEN
    dns.zone[("_dmarc.shop.test", "TXT")] = ["v=DMARC1; p=none; rua=mailto:d@shop.test"]
    assert await proof(email, SHOP.signs(mail())) is Proof.PROVEN


async def test_without_a_policy_the_signature_makes_it_plausible(email: Email, dns: DnsTwin) -> None:
    for none in ([], ["v=spf1 -all"], ["v=DMARC1; p=reject", "v=DMARC1; p=none"], ["v=DMARC1; p=perhaps"]):
        dns.zone[("_dmarc.shop.test", "TXT")] = none
        assert await proof(email, SHOP.signs(mail())) is Proof.PLAUSIBLE


@pytest.mark.parametrize(
    ("author", "policy", "expected"),
    [
        ("ann@mail.shop.test", {"_dmarc.shop.test": "v=DMARC1; p=reject"}, Proof.PROVEN),
        ("ann@mail.shop.test", {"_dmarc.shop.test": "v=DMARC1; p=reject; adkim=s"}, Proof.CLAIMED),
        ("ann@shop.test", {"_dmarc.shop.test": "v=DMARC1;p=reject; ADKIM = S;"}, Proof.PROVEN),
        ("ann@mail.shop.test", {"_dmarc.mail.shop.test": "v=DMARC1; p=none; adkim=s"}, Proof.CLAIMED),
        ("ann@mail.shop.test", {}, Proof.PLAUSIBLE),
    ],
)
async def test_a_subdomain_is_aligned_unless_the_policy_is_strict(
    email: Email, dns: DnsTwin, author: str, policy: dict[str, str], expected: Proof
) -> None:
    dns.zone = dict(SHOP.record()) | {(name, "TXT"): [value] for name, value in policy.items()}
    assert await proof(email, SHOP.signs(mail(author))) is expected


async def test_two_customers_of_one_registry_are_not_one_organisation(email: Email, dns: DnsTwin) -> None:
    mallory = Domain(name="mallory.co.uk", key=KEY)
    dns.zone |= mallory.record() | {("_dmarc.shop.co.uk", "TXT"): ["v=DMARC1; p=none"]}
    assert await proof(email, mallory.signs(mail("ann@shop.co.uk"))) is Proof.CLAIMED
    registry = Domain(name="co.uk", key=KEY)
    dns.zone |= registry.record() | {("_dmarc.org.uk", "TXT"): ["v=DMARC1; p=none"]}
    assert await proof(email, registry.signs(mail("ann@shop.co.uk"))) is Proof.CLAIMED
    assert await proof(email, registry.signs(mail("ann@org.uk"))) is Proof.CLAIMED


async def test_the_second_of_two_signatures_counts_too(email: Email, dns: DnsTwin) -> None:
    provider = Domain(name="provider.test", key=KEY)
    dns.zone |= provider.record()
    assert await proof(email, provider.signs(SHOP.signs(mail()))) is Proof.PROVEN
    assert await proof(email, provider.signs(mail())) is Proof.CLAIMED


async def test_a_key_too_long_for_udp_is_fetched_by_tcp_and_one_elsewhere_is_followed(
    email: Email, dns: DnsTwin
) -> None:
    [(name, [value])] = [(name, values) for (name, _), values in SHOP.record().items()]
    dns.zone[(name, "TXT")] = []
    dns.zone |= {(name, "CNAME"): ["keys.provider.test."], ("keys.provider.test", "TXT"): [value + "; n=" + "x" * 1500]}
    assert await proof(email, SHOP.signs(mail())) is Proof.PROVEN
    assert dns.by_tcp == [name]


# Signatures that prove nothing.


async def test_a_changed_mail_or_a_wrong_or_withdrawn_key_is_claimed(email: Email, dns: DnsTwin) -> None:
    signed = SHOP.signs(mail())
    assert await proof(email, signed.replace(b"kettle", b"castle")) is Proof.CLAIMED
    assert await proof(email, signed.replace(b"From: Ann Lee", b"From: Eve Lee")) is Proof.CLAIMED
    assert await proof(email, Domain(name="shop.test").signs(mail())) is Proof.CLAIMED
    dns.zone[("s1._domainkey.shop.test", "TXT")] = ["v=DKIM1; k=rsa; p="]
    assert await proof(email, signed) is Proof.CLAIMED
    del dns.zone[("s1._domainkey.shop.test", "TXT")]
    assert await proof(email, signed) is Proof.CLAIMED


async def test_text_appended_after_the_signed_length_is_claimed(email: Email) -> None:
    signed = SHOP.signs(mail(), length=True)
    assert await proof(email, signed + b"Send my refund to another card.\r\n") is Proof.CLAIMED
    assert await proof(email, signed) is Proof.CLAIMED


async def test_an_expired_signature_is_claimed(email: Email) -> None:
    for days, expected in ((-2, Proof.CLAIMED), (2, Proof.PROVEN)):
        signer = Domain(name="shop.test", key=KEY, more={"x": str(int(time.time()) + days * 86_400)})
        assert await proof(email, signer.signs(mail())) is expected


async def test_words_that_are_not_signed_are_not_the_authors(email: Email) -> None:
    unsigned = SHOP.signs(mail(), headers=[h for h in SIGNED if h != b"subject"])
    assert await proof(email, unsigned) is Proof.CLAIMED
    assert await proof(email, b"Subject: Pay Eve\r\n" + SHOP.signs(mail())) is Proof.CLAIMED
    assert await proof(email, b"Content-Type: text/html\r\n" * 2 + SHOP.signs(mail())) is Proof.CLAIMED


async def test_a_signature_that_leaves_out_the_author_is_claimed(email: Email) -> None:
    signed = SHOP.signs(mail(), headers=[h for h in SIGNED if h != b"from"])
    assert await proof(email, signed) is Proof.CLAIMED
    assert await proof(email, signed.replace(b"ann@", b"eve@")) is Proof.CLAIMED


async def test_sha1_a_key_on_trial_and_a_key_for_the_domain_only_are_claimed(email: Email, dns: DnsTwin) -> None:
    assert await proof(email, SHOP.signs(mail(), algorithm=b"rsa-sha1")) is Proof.CLAIMED
    dns.zone |= SHOP.record("t=y; ")
    assert await proof(email, SHOP.signs(mail())) is Proof.CLAIMED
    dns.zone |= SHOP.record("t=s; ")
    assert await proof(email, SHOP.signs(mail())) is Proof.PROVEN
    assert await proof(email, SHOP.signs(mail(), identity=b"ann@mail.shop.test")) is Proof.CLAIMED


# Forged authors.


@pytest.mark.parametrize(
    "author",
    [
        "ann@sh0p.test",
        "ann@shop.test.evil.test",
        "ann@shоp.test",  # with a Cyrillic o
        "ann@evil-shop.test",
        "ann@evil.test, ann@shop.test",
        "Friends: ann@shop.test;",
        "=?utf-8?q?ann=40shop=2Etest?= <eve@evil.test>",
        '"ann@shop.test" <eve@evil.test>',
        "ann@shop.test\r\nFrom: eve@evil.test",
        "ann@shop.test (",
    ],
)
async def test_a_signature_speaks_for_nobody_elses_address(email: Email, dns: DnsTwin, author: str) -> None:
    for name in ("sh0p.test", "evil.test", "xn--shp-rxc.test", "evil-shop.test"):
        dns.zone[(f"_dmarc.{name}", "TXT")] = ["v=DMARC1; p=none"]
    assert await proof(email, SHOP.signs(mail(author))) is Proof.CLAIMED


async def test_the_signature_of_one_from_does_not_serve_another_above_it(email: Email) -> None:
    signed = SHOP.signs(mail())
    assert await proof(email, b"From: Boss <boss@shop.test>\r\n" + signed) is Proof.CLAIMED


async def test_a_verdict_that_nobody_trusted_wrote_is_worth_nothing(email: Email, tmp_path: Path, dns: DnsTwin) -> None:
    verdict = "Authentication-Results: mx.acme.test; dmarc=pass header.from=shop.test\r\n"
    arc = "ARC-Authentication-Results: i=1; mx.acme.test; dmarc=pass header.from=shop.test\r\n"
    assert await proof(email, mail(head=verdict)) is Proof.CLAIMED
    assert await proof(email, mail(head=arc)) is Proof.CLAIMED
    relayed = channel(tmp_path, dns, mail_trusted_relays="198.51.100.7")
    message = heard(relayed, arrival(verdict.encode() + SHOP.signs(mail())))
    assert (message.proof, message.unchecked) == (Proof.PROVEN, False)


async def test_a_mailing_list_is_nobody(email: Email) -> None:
    assert email.parse(arrival(SHOP.signs(mail(head="List-Id: <kettles.shop.test>\r\n")))) is None


# SPF.


async def test_a_mail_from_its_domains_own_host_is_proven(email: Email, dns: DnsTwin) -> None:
    assert await proof(email, mail(), host=HOST, sender="ann@shop.test") is Proof.PROVEN
    assert await proof(email, mail(), host=f"::ffff:{HOST}", sender="ann@shop.test") is Proof.PROVEN
    assert await proof(email, mail(), host="192.0.2.26", sender="ann@shop.test") is Proof.CLAIMED
    del dns.zone[("_dmarc.shop.test", "TXT")]
    assert await proof(email, mail(), host=HOST, sender="ann@shop.test") is Proof.CLAIMED


async def test_the_envelope_is_aligned_as_the_policy_says(email: Email, dns: DnsTwin) -> None:
    dns.zone |= {("bounce.shop.test", "TXT"): dns.zone[("shop.test", "TXT")]}
    dns.zone |= {("evil.test", "TXT"): [f"v=spf1 ip4:{HOST} -all"]}
    assert await proof(email, mail(), host=HOST, sender="b@bounce.shop.test") is Proof.PROVEN
    assert await proof(email, mail(), host=HOST, sender="b@evil.test") is Proof.CLAIMED
    dns.zone[("_dmarc.shop.test", "TXT")] = ["v=DMARC1; p=none; aspf=s"]
    assert await proof(email, mail(), host=HOST, sender="b@bounce.shop.test") is Proof.CLAIMED


async def test_spf_says_nothing_about_mail_that_our_own_relay_brings(tmp_path: Path, dns: DnsTwin) -> None:
    relayed = channel(tmp_path, dns, mail_trusted_relays=HOST)
    assert await proof(relayed, mail(), host=HOST, sender="ann@shop.test") is Proof.CLAIMED
    assert await proof(relayed, SHOP.signs(mail()), host=HOST, sender="ann@shop.test") is Proof.PROVEN


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("v=spf1 a mx -all", Proof.PROVEN),
        ("v=spf1 include:hosts.test -all", Proof.PROVEN),
        ("v=spf1 redirect=hosts.test", Proof.PROVEN),
        ("v=spf1 exists:%{ir}.allowed.test -all", Proof.PROVEN),
        ("v=spf1 ?ip4:192.0.2.0/24 -all", Proof.CLAIMED),
        ("v=spf1 ~all", Proof.CLAIMED),
        ("v=spf1 include:shop.test -all", Proof.CLAIMED),
        ("v=spf1 a:n1.test a:n2.test a:n3.test ip4:192.0.2.25", Proof.CLAIMED),
        ("v=spf1 nonsense ip4:192.0.2.25", Proof.CLAIMED),
    ],
)
async def test_policies_are_followed_within_their_limits(
    email: Email, dns: DnsTwin, policy: str, expected: Proof
) -> None:
    dns.zone |= {
        ("shop.test", "TXT"): [policy],
        ("shop.test", "A"): ["192.0.2.1"],
        ("shop.test", "MX"): ["10 mx.shop.test."],
        ("mx.shop.test", "CNAME"): ["host.test."],
        ("host.test", "A"): [HOST],
        ("hosts.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"],
        ("25.2.0.192.allowed.test", "A"): ["127.0.0.2"],
    }
    assert await proof(email, mail(), host=HOST, sender="ann@shop.test") is expected


# Trouble.


@pytest.mark.parametrize("name", ["_dmarc.shop.test", "s1._domainkey.shop.test"])
async def test_a_server_that_fails_leaves_it_claimed(email: Email, dns: DnsTwin, name: str) -> None:
    dns.troubles[name] = "servfail"
    assert await proof(email, SHOP.signs(mail())) is Proof.CLAIMED


async def test_of_two_ways_to_pass_one_is_enough(email: Email, dns: DnsTwin) -> None:
    dns.troubles["s1._domainkey.shop.test"] = "servfail"
    assert await proof(email, SHOP.signs(mail()), host=HOST, sender="ann@shop.test") is Proof.PROVEN
    dns.troubles = {"shop.test": "servfail"}
    assert await proof(email, mail(), host=HOST, sender="ann@shop.test") is Proof.CLAIMED


async def test_a_second_server_is_asked_when_the_first_fails(tmp_path: Path, dns: DnsTwin) -> None:
    async with DnsTwin(troubles={"_dmarc.shop.test": "servfail", "s1._domainkey.shop.test": "servfail"}).open() as bad:
        email = channel(tmp_path, dns, mail_dns=f"{bad.address}, {dns.address}")
        assert await proof(email, SHOP.signs(mail())) is Proof.PROVEN


async def test_nobody_is_asked_where_nothing_could_be_proven(email: Email, dns: DnsTwin) -> None:
    assert await proof(email, mail()) is Proof.CLAIMED
    assert await proof(email, Domain(name="evil.test", key=KEY).signs(mail())) is Proof.CLAIMED
    assert dns.asked.empty()


@pytest.mark.parametrize(
    "rubbish",
    ["", "v=1", "v=1; a=rsa-sha256; d=shop.test; s=s1", ";;;", "v=1; d=shop.test; s=" + "x" * 300 + "; h=from", "é"],
)
async def test_a_rubbish_signature_is_claimed(email: Email, rubbish: str) -> None:
    assert await proof(email, mail(head=f"DKIM-Signature: {rubbish}\r\n")) is Proof.CLAIMED


# Redelivery, and settings.


async def test_a_forged_copy_of_its_number_does_not_take_a_mails_place(email: Email) -> None:
    genuine = heard(email, arrival(SHOP.signs(mail())))
    forged = heard(email, arrival(SHOP.signs(mail()).replace(b"kettle", b"castle")))
    assert genuine.external_id != forged.external_id


async def test_a_mail_that_is_sent_again_is_the_same_one(email: Email) -> None:
    signed = SHOP.signs(mail())
    again = heard(email, arrival(signed, host="198.51.100.8"))
    assert again.external_id == heard(email, arrival(signed)).external_id


@pytest.mark.parametrize("wrong", ["ns.acme.test:53", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:53;::1", "127.0.0.1:dns"])
def test_a_dns_server_is_an_address_and_a_port(wrong: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Mailbox(mail_dns=wrong)
    [error] = refusal.value.errors()
    assert error["loc"] == ("mail_dns",)
    assert wrong.partition(";")[0][:9] in error["msg"]
    assert Mailbox(mail_dns="127.0.0.1:5353, [::1]:53").mail_dns
