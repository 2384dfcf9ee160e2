"""A customer's picture is shown small on the page of the case, and nothing else is: its bytes say what a file is."""

import struct
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from core import pictures
from core.ledger import line_of
from core.messages import Raw
from tests.console.office import Office, Outline, text_of
from tests.enclosures import PNG, png
from tests.site import make_channel

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF"
    + bytes(10)
    + b"\xff\xff\xc0\x00\x11\x08\x00\x10\x00\x20\x03"
    + bytes(12)
    + b"\xff\xd9"
)
GIF = b"GIF89a\x02\x00\x02\x00\x80\x00\x00" + bytes(20)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x10\x00\x10\x00" + bytes(20)
LOSSLESS = b"RIFF\x24\x00\x00\x00WEBPVP8L\x18\x00\x00\x00\x2f\x0f\xc0\x03\x00" + bytes(20)
EXTENDED = b"RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00" + bytes(4) + b"\x0f\x00\x00\x0f\x00\x00" + bytes(20)
PAGE = b"<!doctype html><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def bomb(width: int, height: int) -> bytes:
    """A small file that says that it is a large picture."""
    return PNG[:16] + struct.pack(">II", width, height) + PNG[24:]


async def ann_sends(office: Office, name: str, content: bytes, media_type: str) -> httpx.AsyncClient:
    mail = EmailMessage()
    mail["Authentication-Results"] = "mx.acme.test; dmarc=pass header.from=shop.test"
    mail["From"], mail["Message-ID"], mail["Subject"] = "Ann <ann@shop.test>", "<f1@shop.test>", "Kettle"
    mail.set_content("Please look at this, I want to speak to a human!")
    mail.add_attachment(content, *media_type.split("/"), filename=name)
    raw = Raw(body=bytes(mail), received_at=office.shop.now, peer="127.0.0.1",
              headers={"mail-from": "ann@shop.test", "rcpt-to": "support@acme.test"})  # fmt: skip
    message = make_channel("email", Path("var")).parse(raw)
    assert message
    assert message.attachments
    await office.shop.engine.accept(message, raw)
    await office.shop.answers(line_of(message))
    return await office.signed_in()


def images(page: str) -> list[str]:
    return [str(attrs["src"]) for tag, attrs in Outline(page).elements if tag == "img"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "png"), (JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp"), (LOSSLESS, "webp"), (EXTENDED, "webp")],
    ids=["png", "jpeg", "gif", "webp", "webp-lossless", "webp-extended"],
)
async def test_a_picture_is_shown_small_and_alone(office: Office, content: bytes, kind: str) -> None:
    browser = await ann_sends(office, "photo.dat", content, "application/octet-stream")
    page = await browser.get("/console/cases/1")
    assert "img-src 'self'" in page.headers["content-security-policy"]
    (source,) = images(page.text)
    assert source.startswith("/console/cases/1/files/")
    shown = await browser.get(source)
    assert (shown.status_code, shown.content) == (200, content)
    assert shown.headers["content-type"] == f"image/{kind}"
    assert shown.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("kettle.png", PAGE, "image/png"),
        ("kettle.svg", SVG, "image/svg+xml"),
        ("kettle.png", SVG, "image/png"),
        ("kettle.png", PNG[:20], "image/png"),
        ("kettle.png", bomb(65_535, 65_535), "image/png"),
        ("kettle.png", bomb(0, 5), "image/png"),
        ("kettle.jpg", b"\xff\xd8\xff" + b"\xff" * 300_000, "image/jpeg"),
        ("kettle.jpg", b"\xff\xd8\xff\xe0\x00\x00" * 50_000, "image/jpeg"),
        ("kettle.webp", WEBP[:22], "image/webp"),
        ("kettle.gif", b"GIF89a", "image/gif"),
    ],
    ids=range(10),
)
async def test_what_is_no_picture_is_not_shown_and_can_be_saved(
    office: Office, name: str, content: bytes, media_type: str
) -> None:
    browser = await ann_sends(office, name, content, media_type)
    page = (await browser.get("/console/cases/1")).text
    for source in images(page) or ["/console/cases/1/files/1/0/preview"]:
        refused = await browser.get(source)
        assert (refused.status_code, refused.content) == (404, b"")
    saved = await browser.get(Outline(page).links[name])
    assert saved.content == content
    assert saved.headers["content-type"] == "application/octet-stream"


async def test_a_picture_that_is_a_script_too_is_a_picture_to_every_browser(office: Office) -> None:
    polyglot = b"GIF89a/*\x10\x00" + b"*/=1;alert(1)//" + bytes(20) + PAGE
    browser = await ann_sends(office, "kettle.js", polyglot, "application/octet-stream")
    shown = await browser.get(images((await browser.get("/console/cases/1")).text)[0])
    assert shown.headers["content-type"] == "image/gif"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]


async def test_a_document_gets_no_preview(office: Office) -> None:
    browser = await ann_sends(office, "kettle.pdf", b"%PDF-1.4", "application/pdf")
    assert images((await browser.get("/console/cases/1")).text) == []


async def test_a_name_that_turns_the_line_around_is_shown_straight(office: Office) -> None:
    browser = await ann_sends(office, "photo\u202egpj.exe", PAGE, "image/png")
    page = (await browser.get("/console/cases/1")).text
    assert "\u202e" not in page.partition('class="file"')[2].partition("</p>")[0]
    assert "photogpj.exe" in text_of(page)


async def test_a_preview_is_noted_as_read_and_is_for_colleagues_only(office: Office) -> None:
    browser = await ann_sends(office, "photo.png", PNG, "image/png")
    source = images((await browser.get("/console/cases/1")).text)[0]
    await office.shop.hears("slack", "T1/U9", "I want to speak to a human")
    assert (await browser.get(source.replace("/cases/1/", "/cases/2/"))).status_code == 404
    async with httpx.AsyncClient(base_url=office.url) as stranger:
        assert (await stranger.get(source)).headers["location"].startswith("/console/login")


def test_a_hundred_megabytes_are_known_for_no_picture_at_once() -> None:
    assert pictures.media_type(b"\xff\xd8\xff" + bytes(100_000_000)) == ""
    assert pictures.media_type(png(7_000, 1)) == "image/png"
