"""A session that is over costs nobody what they typed, and leads nowhere but where they were going."""

from collections.abc import Mapping

import httpx
import pytest

from core.accounts import Role
from tests.console.office import BOSS, TOKEN, Office, Outline, password_of, text_of

LONG = "We will send it back <b>today</b>.\nIt is on its way."


def hidden(page: str) -> dict[str, str]:
    """What a browser would send along unseen."""
    fields = [attrs for tag, attrs in Outline(page).elements if tag == "input" and attrs.get("type") == "hidden"]
    return {str(attrs["name"]): str(attrs["value"]) for attrs in fields}


def form_of(page: str) -> str:
    """Where the page's own form goes."""
    posts = [attrs for tag, attrs in Outline(page).elements if tag == "form" and attrs.get("method") == "post"]
    return next(str(attrs["action"]) for attrs in posts if attrs["action"] != "/console/logout")


async def over(office: Office) -> httpx.AsyncClient:
    """A colleague's browser whose session is over, with a case of theirs before them."""
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    bea = await office.colleague("bea")
    await bea.post("/console/cases/1/take")
    office.shop.later(hours=3)
    return bea


async def signs_in(browser: httpx.AsyncClient, page: str, **fields: str) -> httpx.Response:
    given = {"name": "bea", "password": password_of("bea"), **hidden(page), **fields}
    return await browser.post("/console/login", data=given)


async def test_what_was_typed_comes_back_after_signing_in_and_is_sent(office: Office) -> None:
    bea = await over(office)
    asked = await bea.post("/console/cases/1/reply", data={"reply": LONG, "id": "page-1"})
    assert asked.status_code == 401
    assert not office.channels["slack"].arrived
    assert [a["name"] for t, a in Outline(asked.text).elements if a.get("type") == "password"] == ["password"]
    wrong = await signs_in(bea, asked.text, password="a wrong password")
    assert (wrong.status_code, hidden(wrong.text)) == (401, hidden(asked.text))
    again = await signs_in(bea, wrong.text)
    assert "This was not done yet: reply" in text_of(again.text)
    assert "We will send it back &lt;b&gt;today&lt;/b&gt;." in again.text
    assert form_of(again.text) == "/console/cases/1/reply"
    assert hidden(again.text) == {"id": "page-1"}
    assert not office.channels["slack"].arrived
    done = await bea.post(form_of(again.text), data={**hidden(again.text), "reply": LONG})
    assert done.url.path == "/console/cases/1"
    await office.delivered()
    assert [reply.text for reply in office.channels["slack"].arrived] == [LONG]


async def test_a_form_with_files_keeps_its_words(office: Office) -> None:
    bea = await over(office)
    files = {"file": ("plan.txt", b"the plan")}
    asked = await bea.post("/console/cases/1/reply", data={"reply": LONG}, files=files)
    assert hidden(asked.text)["held.reply"] == LONG
    assert "the plan" not in asked.text


async def test_what_was_typed_waits_for_who_signs_in_in_another_window(office: Office) -> None:
    bea = await over(office)
    asked = await bea.post("/console/cases/1/reply", data={"reply": LONG})
    early = await bea.post("/console/login/again", data=hidden(asked.text))
    assert (early.status_code, hidden(early.text)) == (401, hidden(asked.text))
    await signs_in(bea, "")
    again = await bea.post("/console/login/again", data=hidden(early.text))
    assert form_of(again.text) == "/console/cases/1/reply"
    assert "It is on its way." in again.text


async def test_no_password_is_carried_along(office: Office) -> None:
    await office.hires(BOSS, Role.ADMIN)
    boss = await office.signed_in(BOSS, password_of(BOSS))
    office.shop.later(hours=3)
    new = {"name": "carl", "role": "agent", "password": "the first password of carl"}
    asked = await boss.post("/console/accounts", data=new)
    assert "the first password of carl" not in asked.text
    again = await signs_in(boss, asked.text, name=BOSS, password=password_of(BOSS))
    page = Outline(again.text)
    assert (page.field("name")["value"], page.field("role")["value"]) == ("carl", "agent")
    assert (page.field("password")["type"], page.field("password").get("value")) == ("password", None)
    assert "type it again" in again.text


async def test_a_button_without_fields_comes_back_too(office: Office) -> None:
    bea = await over(office)
    again = await signs_in(bea, (await bea.post("/console/cases/1/hand-back")).text)
    assert "This was not done yet: hand back" in text_of(again.text)
    done = await bea.post(form_of(again.text), data=hidden(again.text))
    assert done.url.path == "/console/cases/1"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test/console/x",
        "//evil.test/console",
        "/console/../chat",
        "/console/%2e%2e/chat",
        "/console/cases/1\\@evil.test",
        "/console/login",
        "/console/logout",
        "/chat",
        "javascript:alert(1)",
        "",
    ],
)
async def test_what_is_carried_leads_nowhere_else(office: Office, path: str) -> None:
    await office.hires("bea")
    page = await signs_in(office.browser(), "", **{"held-path": path, "held.reply": "words that were held"})
    assert page.url.path == "/console"
    assert "words that were held" not in page.text


# ── where somebody was going ──
@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/console/cases/1", "/console/cases/1"),
        ("/console/audit?who=bea&page=2", "/console/audit?who=bea&page=2"),
        ("/console", "/console"),
        ("/console/accounts?done=a%26b", "/console/accounts?done=a%26b"),
    ],
)
async def test_a_page_that_was_asked_for_is_shown_after_signing_in(office: Office, asked: str, to: str) -> None:
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    await office.hires(BOSS, Role.ADMIN)
    browser = office.browser()
    page = await browser.get(asked)
    assert page.url.path == "/console/login"
    answer = await browser.post(form_of(page.text), data=sign_in(BOSS), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, to)
    assert (await browser.get(to)).status_code == 200


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.test",
        "//evil.test/console",
        "/console//evil.test",
        "/console/../..",
        "/console\\evil",
        "/chat",
        "/console/login",
        "/console/logout",
        "/console/cases/1?a=\r\nset-cookie: x=y",
        "/console/" + "x" * 3_000,
    ],
)
async def test_nobody_is_sent_anywhere_else(office: Office, to: str) -> None:
    await office.hires(BOSS, Role.ADMIN)
    browser = office.browser()
    answer = await browser.post("/console/login", params={"next": to}, data=sign_in(BOSS), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


async def test_a_wrong_password_forgets_not_where_somebody_was_going(office: Office) -> None:
    browser = office.browser()
    page = await browser.get("/console/status")
    wrong = await browser.post(form_of(page.text), data={"password": "wrong"})
    assert (await browser.post(form_of(wrong.text), data={"password": TOKEN})).url.path == "/console/status"


def sign_in(name: str) -> Mapping[str, str]:
    return {"name": name, "password": password_of(name)}
