"""Proves in the parser who may count as proven, that nobody takes another's place, and that hostile mail is read or
parked."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels._mail.proof import passes_dmarc
from channels.email import Email, Mailbox
from core.errors import Malformed
from identity.proof import Proof
from tests.channels.mailroom import (
    VERDICT,
    delivery,
    email_channel,
    heard,
    mail,
)


@pytest.fixture
def email(tmp_path: Path) -> Email:
    return email_channel(tmp_path)


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


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"support_address": "support"}, "is no plain address"),
        ({"support_address": "a+b@acme.test"}, "is no plain address"),
        ({"support_address": "a" * 32 + "@acme.test"}, "is no plain address"),
        ({"mail_trusted_relays": "10.0.0.0/8, mx.acme.test"}, "mx.acme.test"),
        ({"smtp_listen_port": 99999}, "65535"),
        ({"dkim_selector": "mail 2026"}, "is no name of a DNS record"),
        ({"dkim_selector": "s; p=none"}, "is no name of a DNS record"),
    ],
)
def test_a_wrong_setting_says_so(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Mailbox(**wrong)
