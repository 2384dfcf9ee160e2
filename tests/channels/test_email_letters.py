"""Proves that our letters form threads which are joined by what we sealed only, and carry nothing but what we say."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses
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


def answering(head: str, *, author: str = "ann@shop.test") -> bytes:
    return mail("The red one.", number=2, author=author, head=head)


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_an_answer_to_the_plain_address_is_known_by_the_letter_that_it_names(email: Email, field: str) -> None:
    first = heard(email, mail())
    [letter] = email.render(reply_to(first))
    others = "<a0@shop.test> " if field == "References" else ""
    named = f"{field}: {others}{letter.message_id}\r\n"
    assert heard(email, answering(named)).conversation == first.conversation
    assert heard(email, answering(named, author="eve@evil.test")).conversation != first.conversation


def test_the_address_counts_before_the_headers(email: Email) -> None:
    kettle, toaster = heard(email, mail()), heard(email, mail("My toaster smokes.", number=3))
    [about_kettle], [about_toaster] = (email.render(reply_to(message)) for message in (kettle, toaster))
    address = message_from_bytes(about_kettle.content, policy=policy.default)["From"].addresses[0].addr_spec
    both = answering(f"In-Reply-To: {about_toaster.message_id}\r\n")
    assert heard(email, both, rcpt=address).conversation == kettle.conversation
    assert heard(email, both).conversation == toaster.conversation


def test_a_letter_of_ours_cannot_be_made_up(email: Email) -> None:
    first = heard(email, mail())
    [letter] = email.render(reply_to(first))
    seal, dot, rest = letter.message_id.partition(".")
    assert dot
    guessed = [
        f"<{'a' * 32}.{rest}",  # the thread is sealed, the letter is not
        f"{seal}.{first.conversation}{'a' * 16}@acme.test>",  # and the other way round
        f"<{rest}",
        f"{seal}@acme.test>",
    ]
    for named in guessed:
        assert heard(email, answering(f"In-Reply-To: {named}\r\n")).conversation != first.conversation


def test_the_message_id_is_the_same_whenever_a_reply_is_rendered(email: Email) -> None:
    message = heard(email, mail())
    ids = {email.render(reply_to(message))[0].message_id for _ in range(2)}
    assert len(ids) == 1
    again = Reply(id="rep_2", route=message.route, text="Which kettle is it?")
    assert email.render(again)[0].message_id not in ids


@pytest.mark.parametrize(
    ("head", "chain"),
    [
        ("", "<m2@shop.test>"),
        ("In-Reply-To: <a@shop.test>\r\n", "<a@shop.test> <m2@shop.test>"),
        ("In-Reply-To: <a@shop.test> <b@shop.test>\r\n", "<m2@shop.test>"),  # which of them is the parent?
        ("References: <a@b.test><c@b.test>\r\n\t<d@b.test>\r\n", "<a@b.test> <c@b.test> <d@b.test> <m2@shop.test>"),
        ("References: <a@b.test> nonsense\r\nIn-Reply-To: <z@b.test>\r\n", "<a@b.test> <m2@shop.test>"),
    ],
)
def test_an_answer_refers_to_its_parent_and_the_parents_thread(email: Email, head: str, chain: str) -> None:
    assert heard(email, answering(head)).route["references"] == chain


def test_of_a_long_thread_the_first_and_the_latest_are_named_each_on_a_line_of_its_own(email: Email) -> None:
    earlier = "\r\n ".join(f"<{number}.{'x' * 60}@shop.test>" for number in range(60))
    message = heard(email, answering(f"References: {earlier}\r\n"))
    [letter] = email.render(reply_to(message))
    written = message_from_bytes(letter.content, policy=policy.default)["References"].split()
    assert [one.partition(".")[0] for one in written] == ["<0", *(f"<{n}" for n in range(51, 60)), "<m2@shop"]
    assert max(len(line) for line in letter.content.split(b"\r\n")) < 100


@pytest.mark.parametrize(
    "written",
    ["Re: Kettle", "AW: Kettle", "SV: Re: Kettle", "RE: re: RES: Kettle", "Odp: Kettle", "回复：Kettle",
     "Re[2]: Kettle", "Antw: RIF: Vá: Kettle", "ΑΠ: Kettle", "=?utf-8?q?R=C3=A9f=C2=A0: Kettle?=", "Kettle"],
)  # fmt: skip
def test_no_answer_is_marked_as_one_twice(email: Email, written: str) -> None:
    message = heard(email, answering(f"Subject: {written}\r\n"))
    [letter] = email.render(reply_to(message))
    assert message_from_bytes(letter.content, policy=policy.default)["Subject"] == "Re: Kettle"


def test_what_is_no_mark_of_an_answer_stays(email: Email) -> None:
    for said in ("Fwd: Kettle", "Refund: Kettle", "Version 2: Kettle", "Area: Kettle"):
        assert heard(email, answering(f"Subject: {said}\r\n")).route["subject"] == said


@pytest.mark.parametrize(
    "brand", ["Äpfel & Söhne, Gärtnerei und Blumenhandlung zu Köln am Rhein", 'Acme "Kettles", Inc.', "茶壺"]
)
def test_the_brands_name_stands_before_the_address(tmp_path: Path, brand: str) -> None:
    channel = Email(Mailbox(support_address="support@acme.test"), replace(site(tmp_path), brand=brand))
    [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
    ours = message_from_bytes(letter.content)["From"]
    [(name, address)] = getaddresses([ours])
    assert (str(make_header(decode_header(name))), address.rpartition("@")[2]) == (brand, "acme.test")
    assert letter.content.isascii()
    assert max(len(word) for word in letter.content.split(b"Message-ID")[0].split()) <= 78


def test_a_brand_without_a_name_goes_by_the_bots(tmp_path: Path) -> None:
    channel = Email(Mailbox(support_address="support@acme.test"), replace(site(tmp_path), brand=""))
    [letter] = channel.render(Reply(id="rep_1", route={"to": "ann@shop.test"}, text="Hi"))
    message = message_from_bytes(letter.content, policy=policy.default)
    assert message["From"] == "Throughline <support@acme.test>"
    assert message["Subject"] == "Re: Throughline"


def test_other_machines_are_asked_to_keep_silent_but_not_about_failures(email: Email) -> None:
    bot, agent = (email.render(Reply(id="rep_1", route=ROUTE, text="Hi", sender=who))[0] for who in ("bot", "agent"))
    silenced = message_from_bytes(bot.content, policy=policy.default)["X-Auto-Response-Suppress"]
    assert {"OOF", "AutoReply"} <= set(silenced.split(", "))
    assert not {"All", "NDR"} & set(silenced.split(", "))
    assert b"X-Auto" not in agent.content
