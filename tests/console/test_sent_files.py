"""A colleague's files go with a reply, once, by the customer's channel; what cannot go is refused with everything that
was typed still there, and what a channel refuses is seen. They stand in the timeline, for whoever may see the case."""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from core.channel import Limits
from core.errors import Undeliverable
from core.ledger import Outgoing
from core.messages import Reply
from tests.console.office import Mailbox, Office, Outline, text_of
from tests.enclosures import PDF, PNG, png

HUMAN = "I want to speak to a human"
Upload = tuple[str, tuple[str, bytes, str]]


def upload(name: str, content: bytes = PDF, media_type: str = "application/pdf") -> Upload:
    return ("files", (name, content, media_type))


async def at_desk(office: Office, channel: str = "slack", who: str = "T1/U9") -> httpx.AsyncClient:
    await office.shop.hears(channel, who, HUMAN)
    return await office.signed_in()


async def sends(
    browser: httpx.AsyncClient, files: Sequence[Upload], text: str = "Here is your invoice.", **more: str
) -> httpx.Response:
    typed = {"reply": text, "id": "r-1"} | more
    return await browser.post("/console/cases/1/reply", data=typed, files=list(files))


def arrived(office: Office, channel: str = "slack") -> list[Reply]:
    mailbox = office.channels[channel]
    assert isinstance(mailbox, Mailbox)
    return mailbox.arrived


async def test_the_form_takes_files_and_says_how_large(office: Office) -> None:
    browser = await at_desk(office)
    page = (await browser.get("/console/cases/1")).text
    field = Outline(page).field("files")
    assert field["type"] == "file"
    assert "multiple" in field
    assert '<label for="files">Files</label>' in page
    assert "At most 5, of 10" in text_of(page)
    assert re.search(r"action=./console/cases/1/reply.[^>]*multipart/form-data", page)


async def test_files_go_with_a_reply_whole_and_once(office: Office) -> None:
    browser = await at_desk(office)
    answer = await sends(browser, [upload("invoice 12.pdf"), upload("Kettle Ö.png", PNG, "image/png")])
    assert answer.status_code == 200, text_of(answer.text)
    await sends(browser, [upload("invoice 12.pdf")])
    await office.delivered()
    (reply,) = arrived(office)
    assert reply.text == "Here is your invoice."
    assert [(one.name, one.media_type, one.content) for one in reply.files] == [
        ("invoice 12.pdf", "application/pdf", PDF),
        ("Kettle Ö.png", "image/png", PNG),
    ]


async def test_files_need_no_text_and_no_chosen_file_is_none(office: Office) -> None:
    browser = await at_desk(office)
    assert (await sends(browser, [upload("")], "")).status_code == 409
    assert (await sends(browser, [("files", ("", b"", "application/octet-stream"))], "Hello")).status_code == 200
    assert (await sends(browser, [upload("a.pdf")], "", id="r-2")).status_code == 200
    await office.delivered()
    assert [(reply.text, len(reply.files)) for reply in arrived(office)] == [("Hello", 0), ("", 1)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\invoice.pdf", "invoice.pdf"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ('a"b\r\nX-Evil: 1.pdf', 'a"b X-Evil: 1.pdf'),
        (".htaccess", "htaccess"),
        ("\u200b\u2066", "file"),
        ("x" * 300 + ".pdf", "x" * 96 + ".pdf"),
    ],
)
async def test_a_name_is_made_plain(office: Office, given: str, kept: str) -> None:
    browser = await at_desk(office)
    await sends(browser, [upload(given)])
    await office.delivered()
    assert [one.name for one in arrived(office)[0].files] == [kept]


async def test_what_a_picture_is_its_bytes_say(office: Office) -> None:
    browser = await at_desk(office)
    script = b"<script>alert(1)</script>"
    files = [upload("a.png", script, "image/png"), upload("b.svg", b"<svg/>", "image/svg+xml")]
    files += [upload("c.txt", PNG, "text/plain"), upload("d.txt", script, "text/html; charset=utf-8")]
    await sends(browser, [*files, upload("e", script, "nonsense\x00")])
    await office.delivered()
    unknown = "application/octet-stream"
    kinds = [one.media_type for one in arrived(office)[0].files]
    assert kinds == [unknown, unknown, "image/png", "text/html", unknown]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([upload(f"{n}.pdf") for n in range(6)], "6 files are too many; at most 5"),
        ([upload("big.pdf", bytes(10_000_001))], '"big.pdf" has 10 MB; a file may have at most 10 MB'),
        ([upload("huge.pdf", bytes(60_000_000))], '"huge.pdf" has 60 MB; a file may have at most 10 MB'),
        ([upload("a.bin", bytes(9_000_000)), upload("b.bin", bytes(9_000_000))], "the files have 18 MB together"),
        ([upload("empty.pdf", b"")], '"empty.pdf" is empty'),
    ],
    ids=["too many", "a bit too large", "far too large", "together", "empty"],
)
async def test_what_is_too_much_is_refused_beside_the_field_and_what_was_typed_stays(
    office: Office, files: Sequence[Upload], why: str
) -> None:
    browser = await at_desk(office)
    answer = await sends(browser, files, "Some words that took me long.")
    assert answer.status_code == 409
    page = Outline(answer.text)
    assert "Some words that took me long." in text_of(answer.text)
    field = page.field("files")
    assert field["aria-invalid"] == "true"
    assert "files-problem" in str(field["aria-describedby"]).split()
    problem = re.search(r'id="files-problem"[^>]*>([^<]*)<', answer.text)
    assert problem
    assert f"Nothing was sent: {why}" in text_of(problem[1])
    assert "choose them again" in problem[1]
    await office.delivered()
    assert arrived(office) == []


async def test_a_channel_without_files_offers_none_and_refuses_them(office: Office) -> None:
    browser = await at_desk(office, "sms", "+15550100")
    page = (await browser.get("/console/cases/1")).text
    assert "No files can be sent by SMS." in text_of(page)
    assert 'type="file"' not in page
    answer = await sends(browser, [upload("a.pdf")], "Some words that took me long.")
    assert answer.status_code == 409
    assert "Nothing was sent: files cannot be sent by SMS." in text_of(answer.text)
    assert "Some words that took me long." in text_of(answer.text)
    await office.delivered()
    assert arrived(office, "sms") == []


async def test_a_form_that_is_none_or_far_too_large_is_refused(office: Office) -> None:
    browser = await at_desk(office)
    kind = {"content-type": "multipart/form-data; boundary=b"}
    for broken in (
        b"",
        b"--b\r\n",
        b"--c\r\n\r\n--c--",
        b'--b\r\nContent-Disposition: form-data; name="reply"\r\n\r\nx',
    ):
        answer = await browser.post("/console/cases/1/reply", content=broken, headers=kind)
        assert answer.status_code == 400
    nameless = {"content-type": "multipart/form-data"}
    assert (await browser.post("/console/cases/1/reply", content=b"--b--", headers=nameless)).status_code == 400
    crowd = {f"x{n}": "1" for n in range(50)}
    assert (await browser.post("/console/cases/1/reply", data=crowd, files=[upload("a")])).status_code == 413
    words = {"reply": "x" * 300_000}
    assert (await browser.post("/console/cases/1/reply", data=words, files=[upload("a")])).status_code == 413


async def test_what_a_channel_refuses_is_seen(office: Office) -> None:
    browser = await at_desk(office)
    office.channels["slack"].refuses = "Slack: an upload was refused (413)"
    await sends(browser, [upload("a.pdf")])
    await office.delivered()
    assert "not delivered: Slack: an upload was refused (413)" in text_of((await browser.get("/console/cases/1")).text)


class NoFiles(Mailbox):
    """A channel that took files when the colleague pressed Send, and takes none now."""

    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=100_000)


async def test_no_file_is_left_out_without_a_word(office: Office) -> None:
    browser = await at_desk(office)
    office.channels["slack"] = NoFiles("slack")
    await sends(browser, [upload("a.pdf")])
    await office.delivered()
    assert arrived(office) == []
    told = text_of((await browser.get("/console/cases/1")).text)
    assert "not delivered: files cannot be sent by this channel, so nothing was" in told


class TextFirst(Mailbox):
    """A channel that sends the text, and then takes no file."""

    def render(self, reply: Reply) -> Sequence[Reply]:
        return [reply, reply]

    async def send(self, wire: Reply) -> str:
        if self.arrived:
            raise Undeliverable("the upload was refused")
        return await super().send(wire)


async def test_where_only_the_text_went_that_is_said(office: Office) -> None:
    browser = await at_desk(office)
    office.channels["slack"] = TextFirst("slack")
    await sends(browser, [upload("a.pdf")])
    await office.delivered()
    told = text_of((await browser.get("/console/cases/1")).text)
    assert "not delivered: the beginning was sent, the rest was not: the upload was refused" in told


async def test_a_file_that_we_sent_is_in_the_timeline_and_can_be_saved(office: Office) -> None:
    browser = await at_desk(office)
    await sends(browser, [upload("invoice 12.pdf"), upload("<b>Ö</b>.png", PNG, "image/png")])
    page = (await browser.get("/console/cases/1")).text
    links = Outline(page).links
    file = await browser.get(links["invoice 12.pdf"])
    assert file.content == PDF
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith('attachment; filename="invoice 12.pdf"')
    assert "<b>" not in page
    (source,) = [str(attrs["src"]) for tag, attrs in Outline(page).elements if tag == "img"]
    picture = await browser.get(source)
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    readings = await office.shop.ledger._database.read(_readings)
    assert len([row for row in readings if row.startswith("sent-file:")]) == 2


def _readings(tx: object) -> list[str]:
    from sqlalchemy import select  # noqa: PLC0415

    from core.backends.ledger.schema import access_log  # noqa: PLC0415

    rows = tx.execute(select(access_log.c.rows)).scalars()  # type: ignore[attr-defined]
    return [one for row in rows for one in row]


async def test_a_sent_file_is_only_to_be_had_with_a_case_of_its_own_customer(office: Office) -> None:
    browser = await at_desk(office)
    await sends(browser, [upload("invoice 12.pdf")])
    await office.shop.hears("slack", "T1/U8", HUMAN)
    path = Outline((await browser.get("/console/cases/1")).text).links["invoice 12.pdf"]
    assert (await browser.get(path)).status_code == 200
    for nowhere in (path.replace("/cases/1/", "/cases/2/"), path.replace("/0", "/1"), "/console/cases/1/sent/999/0"):
        assert (await browser.get(nowhere)).status_code == 404
        assert (await browser.get(f"{nowhere}/preview")).status_code == 404


async def test_files_go_with_what_keeps_deliveries_as_they_came(office: Office) -> None:
    browser = await at_desk(office)
    await sends(browser, [upload("invoice 12.pdf")])
    await office.delivered()
    path = Outline((await browser.get("/console/cases/1")).text).links["invoice 12.pdf"]
    gone = await office.shop.ledger.erase_raw(office.shop.now + timedelta(days=1), limit=10)
    assert gone == 2  # the customer's delivery, and our file
    assert (await browser.get(path)).status_code == 404
    assert "invoice 12.pdf" in (await browser.get("/console/cases/1")).text


async def test_a_file_on_its_way_is_not_erased(office: Office) -> None:
    await at_desk(office)
    held: list[Outgoing] = []
    desk = office.desk
    object.__setattr__(desk, "post", held.extend)
    browser = await office.signed_in()
    await sends(browser, [upload("invoice 12.pdf")])
    await office.shop.ledger.erase_raw(office.shop.now + timedelta(days=1), limit=10)
    (row,) = held
    assert (await office.shop.ledger.enclosed(row)).files[0].content == PDF


async def test_a_forgotten_customers_files_are_gone_and_an_export_has_them(office: Office, tmp_path: Path) -> None:
    secret = base64.b16encode(png(31, 17))
    await office.shop.knows("c-1", "Ann", "slack:T1/U9")
    browser = await at_desk(office)
    await sends(browser, [upload("for ann only.pdf", secret)])
    await office.delivered()
    export = await office.shop.ledger.export("c-1", reader="test", now=office.shop.now)
    (file,) = [file for reply in export.replies for file in reply["files"]]  # type: ignore[attr-defined]
    assert (file["name"], base64.b64decode(file["content"])) == ("for ann only.pdf", secret)
    await office.shop.ledger.erase("c-1", receipt="r", now=office.shop.now)
    assert await office.shop.ledger.scour()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("shop.db*"))
    assert kept
    assert secret[:64] not in kept
    assert b"for ann only" not in kept
