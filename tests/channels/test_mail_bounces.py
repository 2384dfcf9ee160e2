"""Proves that a delivery report of any common sender names our mail, whom it did not reach, and why; that no other mail
is taken for one; that neither these nor other machines' mail is ever answered; and that no report can be too much."""

from pathlib import Path

import pytest

from channels._mail.bounces import Bounce, bounce
from channels._mail.headers import read_headers
from channels._mail.loops import is_automatic
from channels.email import Email
from core.messages import Raw
from tests.site import NOW, SAMPLES, make_channel

REPORTS = SAMPLES / "email" / "bounces"
OURS = "<aaaabbbbccccdddd2222333344445555@acme.test>"

REFUSED = "SMTP error from remote mail server after RCPT TO:<ann@shop.test>"

FAILED = {
    "postfix": ("5.1.1", "550 5.1.1 <ann@shop.test>: Recipient address rejected: User unknown"),
    "gmail": ("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist."),
    "exchange": (
        "5.1.10",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@shop.test not found by SMTP address lookup",
    ),
    "sendmail": ("5.2.2", "552 5.2.2 Over quota"),
    "ses": (
        "4.4.7",
        "554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS for shop.test>",
    ),
    "qmail": (
        "5.1.1",
        "192.0.2.7 does not like recipient. Remote host said: 550 5.1.1 No such user here Giving up on 192.0.2.7.",
    ),
    "exim": ("5.0.0", f"host mx.shop.test [192.0.2.7] {REFUSED}: 550 No such person at this address"),
    "yahoo": ("5.0.0", "554: 554 delivery error: dd This user doesn't have a yahoo.test account (ann@shop.test) [0]"),
}


def report(name: str) -> bytes:
    return (REPORTS / f"{name}.eml").read_bytes()


@pytest.fixture
def email(tmp_path: Path) -> Email:
    channel = make_channel("email", tmp_path)
    assert isinstance(channel, Email)
    return channel


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("sender", FAILED)
def test_a_report_says_which_mail_failed_for_whom_and_why(sender: str, line_end: bytes) -> None:
    status, reason = FAILED[sender]
    assert bounce(report(sender).replace(b"\n", line_end)) == Bounce(
        message_ids=(OURS,), recipient="ann@shop.test", status=status, permanent=True, reason=reason
    )


def test_a_delay_is_not_final() -> None:
    told = bounce(report("postfix_delayed"))
    assert told
    assert (told.message_ids, told.status, told.permanent) == ((OURS,), "4.4.1", False)
    assert told.reason == "connect to mx.shop.test[192.0.2.7]:25: Connection timed out"


@pytest.mark.parametrize("name", ["delivered", "read_receipt"])
def test_good_news_is_no_bounce(name: str) -> None:
    assert bounce(report(name)) is None


@pytest.mark.parametrize("name", ["plain", "out_of_office", "gmail_reply", "too_deep", "our_own", "mailing_list"])
def test_other_mail_is_no_bounce(name: str) -> None:
    assert bounce((SAMPLES / "email" / f"{name}.eml").read_bytes()) is None


def test_a_customer_who_complains_of_a_bounce_is_not_one() -> None:
    assert bounce(b"From: Ann <ann@shop.test>\n\nMy mail could not be delivered:\n<bob@shop.test>: 550 no\n") is None


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\0" * 100_000,
        b"From: mailer-daemon@x.test\n\nundeliverable " + b"<a@b." * 200_000,
        b"From: mailer-daemon@x.test\n\nundeliverable\n" + b"Message-ID:\n" * 90_000,
        b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * 50_000,
        b"Content-Type: message/delivery-status\n\nAction: failed\nDiagnostic-Code: " + b";" * 100_000,
        b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: " + b"5.1." * 1000,
    ],
    ids=range(7),
)
def test_a_hostile_report_is_read_or_not(hostile: bytes) -> None:
    told = bounce(hostile)
    assert told is None or len(told.reason) <= 300


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*.eml")), ids=lambda path: path.stem)
def test_no_report_is_answered(email: Email, path: Path) -> None:
    for sender in ("", "ann@shop.test"):  # some send their reports in somebody's name
        raw = Raw(
            body=path.read_bytes(), received_at=NOW, headers={"mail-from": sender, "rcpt-to": "support@acme.test"}
        )
        assert email.parse(raw) is None


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; type=vacation",
        "X-Autoreply: yes",
        "X-Autorespond: away",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "List-Id: Offers <offers.shop.test>",
        "In-Reply-To: <x@acme.test>\nSubject: Automatic reply: Kettle",
        "In-Reply-To: <x@acme.test>\nSubject: Abwesenheitsnotiz: Kettle",
        "In-Reply-To: <x@acme.test>\nSubject: =?utf-8?q?R=C3=A9ponse_automatique_:_Kettle?=",
        "References: <x@acme.test>\nSubject: Respuesta automática: Kettle",
    ],
)
def test_a_machine_is_not_answered(header: str) -> None:
    assert is_automatic(read_headers(header.encode()), "text/plain", "ann@shop.test", "ann@shop.test")


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: DR, RN",
        "Precedence: normal",
        "Subject: Out of office: when are you back?",
        "In-Reply-To: <x@acme.test>\nSubject: Re: Automatic reply: Kettle",
    ],
)
def test_a_person_is_answered(header: str) -> None:
    assert not is_automatic(read_headers(header.encode()), "text/plain", "ann@shop.test", "ann@shop.test")
