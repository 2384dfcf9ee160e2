"""A customer's file reaches the colleague as it was sent, and is neither shown nor run; nobody else gets it."""

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from core.ledger import line_of
from core.messages import Raw
from tests.console.office import Office, Outline
from tests.site import make_channel

PAGE = b"<script>alert(1)</script>\x00\xff" * 40_000
MAIL = b"""Authentication-Results: mx.acme.test; dmarc=pass header.from=%(domain)s
From: Ann <ann@%(domain)s>
Message-ID: <f1@%(domain)s>
Subject: Re: Kettle
Content-Type: multipart/mixed; boundary=b

--b

Please look at this, I want to speak to a human!
--b
Content-Type: text/html; name*=utf-8''%%22R%%C3%%A4ch%%0D%%0A.html
Content-Disposition: attachment
Content-Transfer-Encoding: base64

%(file)s
--b--
"""


async def ann_sends_a_file(office: Office, domain: bytes = b"shop.test") -> str:
    """What Ann is told."""
    body = MAIL % {b"domain": domain, b"file": b64encode(PAGE)}
    raw = Raw(
        body=body,
        received_at=office.shop.now,
        headers={"mail-from": "ann@shop.test", "rcpt-to": "support@acme.test"},
        peer="127.0.0.1",
    )
    message = make_channel("email", Path("var")).parse(raw)
    assert message
    await office.shop.engine.accept(message, raw)
    return await office.shop.answers(line_of(message))


async def link_of(browser: httpx.AsyncClient, case: int = 1) -> str:
    links = Outline((await browser.get(f"/console/cases/{case}")).text).links
    return next(href for name, href in links.items() if name.endswith(".html"))


async def test_the_answer_names_the_file_and_its_size(office: Office) -> None:
    assert 'I have received "Räch .html (1.1 MB)' in await ann_sends_a_file(office)


async def test_a_colleague_gets_the_file_as_it_was_sent_and_the_browser_only_saves_it(office: Office) -> None:
    await ann_sends_a_file(office)
    browser = await office.signed_in()
    file = await browser.get(await link_of(browser))
    assert file.content == PAGE
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert file.headers["cache-control"] == "no-store"
    assert file.headers["content-disposition"] == (
        "attachment; filename=\"_R_ch .html\"; filename*=UTF-8''%22R%C3%A4ch%20.html"
    )


async def test_who_is_not_signed_in_gets_nothing(office: Office) -> None:
    await ann_sends_a_file(office)
    path = await link_of(await office.signed_in())
    async with httpx.AsyncClient(base_url=office.url) as stranger:
        assert (await stranger.get(path)).headers["location"].startswith("/console/login")


async def test_a_file_is_only_to_be_had_with_a_case_of_its_own_customer(office: Office) -> None:
    await ann_sends_a_file(office)
    await office.shop.hears("slack", "T1/U9", "I want to speak to a human")
    browser = await office.signed_in()
    path = await link_of(browser)
    assert (await browser.get(path.replace("/cases/1/", "/cases/2/"))).status_code == 404


@pytest.mark.parametrize(
    "path", ["1/files/1/1", "1/files/99/0", "99/files/1/0", "1/files/x/0", "1/files/1/²", "1/files/1/-1"]
)
async def test_what_is_not_there_is_not_found(office: Office, path: str) -> None:
    await ann_sends_a_file(office)
    browser = await office.signed_in()
    assert (await browser.get(f"/console/cases/{path}")).status_code == 404


async def test_a_file_that_is_kept_no_more_is_not_found(office: Office) -> None:
    await ann_sends_a_file(office)
    browser = await office.signed_in()
    path = await link_of(browser)
    await office.shop.ledger.erase_raw(office.shop.now + timedelta(days=1), limit=10)
    assert (await browser.get(path)).status_code == 404
