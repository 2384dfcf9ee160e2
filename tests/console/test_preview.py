"""A reply before it is sent: as its channel will show it, with or without scripts; nothing of it leaves the house."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.office import Office, Outline, opened, text_of
from tests.console.test_drafting import box
from tests.shop import OFFICE, Shop
from tests.site import make_channel

CASE = "/console/cases/1"
CURLY = "It’s “done”, Ann. " + "See [our page](https://acme.test/x). " * 6


@pytest.fixture
async def office(shop: Shop, tmp_path: Path) -> AsyncIterator[Office]:
    await shop.knows("cus_7", "Ann Keller", "phone:+15550123", "email:ann@post.test")
    route = {"to": "+15550123", "from": OFFICE}
    await shop.hears("sms", "+15550123", "I was charged twice, I want to talk to a person.", route=route)
    shown_by = {name: make_channel(name, tmp_path) for name in ("sms", "email")}
    async with opened(shop, shown_by=shown_by) as office:
        yield office


async def test_a_preview_comes_with_the_page_and_what_was_typed(office: Office) -> None:
    browser = await office.signed_in()
    page = await browser.post(f"{CASE}/preview", data={"reply": CURLY})
    assert page.status_code == 200
    shown = text_of(page.text)
    assert "As it will look by SMS" in shown
    assert "1 text message, billed as 2 segments." in shown
    assert "Written more cheaply: ’ becomes '" in shown
    assert 'It\'s "done", Ann. See our page (https://acme.test/x).' in shown
    assert "It’s “done”, Ann." in box(page.text)
    assert not office.channels["sms"].arrived


async def test_its_part_alone_can_be_had_while_one_types(office: Office) -> None:
    browser = await office.signed_in()
    part = await browser.post(f"{CASE}/preview", data={"reply": CURLY, "part": "yes"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert Outline(part.text).elements[0] == ("div", {"id": "look", "aria-live": "polite"})
    empty = await browser.post(f"{CASE}/preview", data={"reply": " ", "part": "yes"})
    assert empty.status_code == 200
    assert text_of(empty.text) == ""


async def test_a_mail_is_shown_as_a_page_that_can_do_nothing(office: Office) -> None:
    await office.shop.hears("email", "ann@post.test", "I am still waiting for my refund of the double charge.")
    evil = '**Hi** <img src=x onerror=alert(1)> "><script>alert(2)</script> [x](javascript:alert(3))'
    page = await (await office.signed_in()).post(f"{CASE}/preview", data={"reply": evil})
    (frame,) = [attributes for tag, attributes in Outline(page.text).elements if tag == "iframe"]
    assert frame["sandbox"] == ""
    mail = Outline(frame["srcdoc"] or "")
    assert {"script", "img"}.isdisjoint(tag for tag, _ in mail.elements)
    assert mail.count("strong") == 1
    assert not mail.links


async def test_an_empty_reply_has_nothing_to_show(office: Office) -> None:
    page = await (await office.signed_in()).post(f"{CASE}/preview", data={"reply": "  "})
    assert page.status_code == 409
    assert "the reply is empty" in text_of(page.text)


async def test_too_long_a_reply_is_refused_and_kept(office: Office) -> None:
    browser = await office.signed_in()
    page = await browser.post(f"{CASE}/preview", data={"reply": "a" * 10_001})
    assert page.status_code == 409
    assert "at most 10,000 can be sent" in text_of(page.text)
    assert len(box(page.text)) == 10_001
    part = await browser.post(f"{CASE}/preview", data={"reply": "a" * 10_001, "part": "yes"})
    assert part.status_code == 409
    assert "at most 10,000" in text_of(part.text)


async def test_a_channel_that_cannot_show_it_says_so(shop: Shop) -> None:
    await shop.hears("discord", "77", "I was charged twice, I want to talk to a person.")
    async with opened(shop) as office:
        page = await (await office.signed_in()).post(f"{CASE}/preview", data={"reply": "Hello"})
    assert "How it will look there is not known" in text_of(page.text)


async def test_an_unknown_case_and_another_site_are_refused(office: Office) -> None:
    browser = await office.signed_in()
    assert (await browser.post("/console/cases/99/preview", data={"reply": "x"})).status_code == 404
    headers = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}
    assert (await browser.post(f"{CASE}/preview", data={"reply": "x"}, headers=headers)).status_code == 403
