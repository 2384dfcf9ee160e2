"""Files that colleagues send by mail: parts of the letter, whole, with their names, and read by us as by others."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from channels._mail.letter import Letter
from core.errors import Undeliverable
from core.messages import Attachment, Reply
from tests.channels.mailroom import ROUTE, delivery, email_channel, relaying, version
from tests.enclosures import FILES, PDF, PNG, file
from tests.twins.mail import MailRelay

AWKWARD = file('Rechnung "März" ' + "ü" * 60 + ".pdf", PDF, "application/pdf")


def letter_of(tmp_path: Path, *files: Attachment, text: str = "Here it is.") -> Letter:
    (letter,) = email_channel(tmp_path).render(Reply(id="rep_1", route=ROUTE, text=text, sender="agent", files=files))
    assert isinstance(letter, Letter)
    return letter


def message_of(letter: Letter) -> EmailMessage:
    message = message_from_bytes(letter.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_the_files_are_parts_of_the_letter_beside_both_versions_of_the_text(tmp_path: Path) -> None:
    message = message_of(letter_of(tmp_path, *FILES))
    assert message.get_content_type() == "multipart/mixed"
    assert version(message, "plain").strip() == "Here it is."
    assert "Here it is." in version(message, "html")
    found = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in message.iter_attachments()]
    assert found == [("Kettle Ö.png", "image/png", PNG), ("invoice 12.pdf", "application/pdf", PDF)]


def test_a_long_and_awkward_name_arrives_and_no_line_is_too_long(tmp_path: Path) -> None:
    letter = letter_of(tmp_path, AWKWARD)
    assert max(map(len, letter.content.split(b"\r\n"))) <= 200
    (part,) = message_of(letter).iter_attachments()
    assert part.get_filename() == AWKWARD.name


def test_a_letter_needs_no_text(tmp_path: Path) -> None:
    message = message_of(letter_of(tmp_path, *FILES, text=""))
    assert [part.get_filename() for part in message.iter_attachments()] == ["Kettle Ö.png", "invoice 12.pdf"]


def test_our_own_reader_finds_them(tmp_path: Path) -> None:
    content = letter_of(tmp_path, *FILES).content.replace(b"From: ", b"From: ann@shop.test\r\nX-From: ", 1)
    answer = content.replace(b"Message-ID: <", b"Message-ID: <not-", 1)
    message = email_channel(tmp_path).parse(delivery(answer))
    assert message
    assert [(one.name, one.content) for one in message.attachments] == [(one.name, one.content) for one in FILES]


async def test_a_relay_takes_them_and_refuses_what_is_too_large(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        (letter,) = channel.render(Reply(id="r", route=ROUTE, text="Hi", files=FILES))
        await channel.send(letter)
        assert [part.get_content() for part in relay.caught[0].message.iter_attachments()] == [PNG, PDF]
        large = file("large.bin", bytes(30_000_000), "application/octet-stream")
        (letter,) = channel.render(Reply(id="r", route=ROUTE, text="Hi", files=(large,)))
        with pytest.raises(Undeliverable, match="and the relay takes"):
            await channel.send(letter)
        await channel.close()
