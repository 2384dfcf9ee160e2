"""Proves that our letters form threads which are joined by what we sealed only, and carry nothing but what we say."""

from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from channels.email import Email, Mailbox
from core.messages import InboundMessage, Reply
from tests.channels.mailroom import (
    ROUTE,
    delivery,
    email_channel,
    heard,
    mail,
    version,
)
from tests.site import site


@pytest.fixture
def email(tmp_path: Path) -> Email:
    return email_channel(tmp_path)


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
