"""Proves that a mail is read whatever its charset, its transfer and its parts: the words as they were typed, the files
by their names; and that hostile MIME is read or parked."""

import base64
import quopri
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels._mail.reading import read_mail
from channels.email import Email
from core.errors import Malformed
from core.messages import InboundMessage, Raw
from tests.site import NOW, make_channel

HEAD = b"From: Ann <ann@shop.test>\r\nSubject: Re: Kettle\r\nMessage-ID: <x@shop.test>\r\n"
KETTLE = "The kettle leaks."
PLAIN = ("Content-Type: text/plain; charset=utf-8", KETTLE)
RICH = ("Content-Type: text/html; charset=utf-8", "<p>The kettle <b>leaks</b>.</p>")

Piece = tuple[str, str]


@pytest.fixture
def email(tmp_path: Path) -> Email:
    channel = make_channel("email", tmp_path)
    assert isinstance(channel, Email)
    return channel


def heard(email: Email, head: str, body: bytes) -> InboundMessage:
    envelope = {"mail-from": "ann@shop.test", "rcpt-to": "support@acme.test"}
    raw = HEAD + head.encode() + b"\r\n\r\n" + body
    message = email.parse(Raw(body=raw, received_at=NOW, headers=envelope, peer="127.0.0.1"))
    assert message
    return message


def parts(subtype: str, *pieces: Piece, boundary: str = "b") -> Piece:
    """The header and the body of a multipart."""
    body = "".join(f"--{boundary}\r\n{head}\r\n\r\n{text}\r\n" for head, text in pieces)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"', f"{body}--{boundary}--\r\n"


UMLAUTS, CYRILLIC, CHINESE = "Grüße, 40 € sind zu viel.", "Чайник всё ещё течёт.", "水壶还在漏水。"
JAPANESE, KOREAN = "やかんがまだ漏れます。", "주전자가 샙니다."


CARD = "Ann Lee\nThe Corner Shop\nTel: +1 555 0100"
SIGNED = f"""<p>The kettle leaks.</p><div id="Signature"><p>{CARD.replace(chr(10), "</p><p>")}</p></div>"""


@pytest.mark.parametrize(("plain", "kept"), [(CARD, ""), (f"{CARD}0", f"\n\n{CARD}0"), ("Ann Lee", "\n\nAnn Lee")])
def test_a_signature_that_only_the_rich_version_marks_is_cut_if_it_is_all_there(
    email: Email, plain: str, kept: str
) -> None:
    parts = f"--b\r\n{PLAIN[0]}\r\n\r\n{KETTLE}\n\n{plain}\r\n--b\r\n{RICH[0]}\r\n\r\n{SIGNED}\r\n--b--"
    assert heard(email, "Content-Type: multipart/alternative; boundary=b", parts.encode()).text == KETTLE + kept


@pytest.mark.parametrize(
    ("declared", "written", "text"),
    [
        ("utf-8", "utf-8", UMLAUTS),
        ("windows-1252", "cp1252", UMLAUTS),
        ("iso-8859-1", "cp1252", UMLAUTS),
        ("iso-8859-15", "iso-8859-15", UMLAUTS),
        ("us-ascii", "utf-8", UMLAUTS),
        ("utf-8", "cp1252", UMLAUTS),
        ("windows-1252", "utf-8", UMLAUTS),
        ("utf-7", "utf-7", UMLAUTS),
        ("koi8-r", "koi8-r", CYRILLIC),
        ("windows-1251", "cp1251", CYRILLIC),
        ("gb2312", "gbk", CHINESE),
        ("gb2312", "gb18030", "水壺還在漏水鎔"),
        ("big5", "big5", "水壺還在漏水"),
        ("iso-2022-jp", "iso-2022-jp", JAPANESE),
        ("shift_jis", "cp932", "①" + JAPANESE),
        ("ks_c_5601-1987", "cp949", KOREAN),
    ],
)
def test_a_mail_is_read_in_the_charset_that_it_is_really_in(
    email: Email, declared: str, written: str, text: str
) -> None:
    assert heard(email, f"Content-Type: text/plain; charset={declared}", text.encode(written)).text == text


def test_a_page_may_name_its_charset_itself(email: Email) -> None:
    page = f"<html><head><meta charset='koi8-r'></head><body>{CYRILLIC}</body></html>"
    assert heard(email, "Content-Type: text/html", page.encode("koi8-r")).text == CYRILLIC


def test_a_mail_that_was_cut_off_inside_a_letter_keeps_the_others(email: Email) -> None:
    cut = CYRILLIC.encode()[:-2]
    assert heard(email, "Content-Type: text/plain; charset=utf-8", cut).text.startswith(CYRILLIC[:-2])


def test_transfer_encodings_are_undone(email: Email) -> None:
    long = UMLAUTS + " word" * 60
    printable, letters = quopri.encodestring(long.encode()), base64.encodebytes(long.encode())
    for name, body in (("quoted-printable", printable), ("base64", letters)):
        assert heard(email, f"Content-Transfer-Encoding: {name}", body).text == long


@pytest.mark.parametrize(
    ("parameters", "body", "text"),
    [
        ("", "The kettle \nstill leaks. \nReally.\n-- \nAnn", "The kettle still leaks. Really."),
        ("", "No. \n\nOn Mon, Mar 2, 2026 at 9:00 Acme \n<s@a.test> wrote: \n> Which \n> one?", "No."),
        ("; delsp=yes", "やかん \nが漏れます。", "やかんが漏れます。"),
        ("", " From here it leaks.\n\n > is a sign.", "From here it leaks.\n\n    > is a sign."),
    ],
    ids=["paragraphs", "quotes", "without spaces", "stuffed"],
)
def test_broken_lines_are_put_together(email: Email, parameters: str, body: str, text: str) -> None:
    head = f"Content-Type: text/plain; charset=utf-8; format=flowed{parameters}"
    assert heard(email, head, body.encode()).text == text


@pytest.mark.parametrize(
    "plain",
    [
        " \r\n",
        "Your mail program does not support HTML mail; view it in a browser.",
        "Diese Nachricht kann nur im HTML-Format angezeigt werden.",
    ],
)
def test_a_plain_version_that_says_nothing_gives_way(email: Email, plain: str) -> None:
    head, body = parts("alternative", ("Content-Type: text/plain", plain), RICH)
    assert heard(email, head, body.encode()).text == KETTLE


BOTH = parts("alternative", PLAIN, RICH, boundary="i")
ARMOURED = f"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

{KETTLE}
-----BEGIN PGP SIGNATURE-----

iQEz
-----END PGP SIGNATURE-----
"""
PDF = 'Content-Type: application/pdf; name="x.pdf"\r\nContent-Disposition: attachment'


@pytest.mark.parametrize(
    ("mail", "files"),
    [
        (parts("mixed", PLAIN, (f'{PDF}; filename="in voice.pdf"', "x")), ["in voice.pdf"]),
        (parts("mixed", PLAIN, (f"{PDF};\r\n filename*0*=utf-8''R%C3%A4;\r\n filename*1*=ch.pdf", "x")), ["Räch.pdf"]),
        (parts("mixed", PLAIN, (f'{PDF}; filename="=?utf-8?q?R=C3=A4ch.pdf?="', "x")), ["Räch.pdf"]),
        (parts("related", BOTH, ("Content-Type: image/png; name=a.png", "x")), ["a.png"]),
        (parts("mixed", PLAIN, ("Content-Type: application/ms-tnef; name=winmail.dat", "x")), ["winmail.dat"]),
        (parts("alternative", PLAIN, ("Content-Type: text/calendar", "BEGIN:VCALENDAR")), ["invitation.ics"]),
        (parts("mixed", PLAIN, ("Content-Type: message/rfc822", "From: x@y.test\r\n\r\nhello")), ["message.eml"]),
        (parts("signed", PLAIN, ("Content-Type: application/pgp-signature; name=s.asc", "x")), []),
        (parts("signed", PLAIN, ("Content-Type: application/pkcs7-signature; name=smime.p7s", "x")), []),
        (parts("mixed", ("Content-Type: text/plain; name=body.txt", KETTLE)), ["body.txt"]),
        (("Content-Type: multipart/mixed; boundary=never", KETTLE), []),
        (("Content-Type: text/plain", ARMOURED), []),
    ],
)  # fmt: skip
def test_the_words_are_found_and_the_files_named(email: Email, mail: Piece, files: list[str]) -> None:
    message = heard(email, mail[0], mail[1].encode())
    assert message.text == KETTLE
    assert [file.name for file in message.attachments] == files


def test_words_around_a_picture_are_all_kept(email: Email) -> None:
    picture = ("Content-Type: image/jpeg\r\nContent-Disposition: inline; filename=IMG_1.jpeg", "x")
    head, body = parts("mixed", PLAIN, picture, ("Content-Type: text/plain", "And the lid.\r\n\r\nSent from my iPhone"))
    message = heard(email, head, body.encode())
    assert message.text.split("\n\n") == [KETTLE, "And the lid."]


def nested(depth: int) -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return opened + b"\nThe kettle leaks.\n"


@pytest.mark.parametrize(
    "hostile",
    [
        nested(1500),
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000,
        b"X: y\n" * 20_000 + b"\nx",
        b"To: " + b'"' * 20_000 + b"\n\nx",
    ],
    ids=["nesting", "parts", "headers", "a header"],
)
def test_mail_beyond_the_limits_is_parked(hostile: bytes) -> None:
    with pytest.raises(Malformed):
        read_mail(HEAD.replace(b"\r\n", b"\n") + hostile)


PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\n",
    b"--b\n",
    b"--b--\n",
    b"\n",
    b"\n\n",
    b"Content-Type: text/html\n",
]
PIECES += [
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Type: text/plain; format=flowed; charset=utf-7\n",
    b"\0",
    b"\xff",
]
PIECES += [
    b"<div style='display:none'>",
    b"</div>",
    b"<blockquote>",
    b"<pre>",
    b"&#x1e;",
    b"> x\n",
    b"+AGE-",
    b"=?utf-8?b?/?=",
]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join) | st.binary(max_size=300))
def test_any_bytes_are_read_or_parked(body: bytes) -> None:
    with suppress(Malformed):  # and no other error
        read_mail(b"From: ann@shop.test\n" + body)
