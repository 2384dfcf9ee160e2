"""The console's door: who gets in, who does not, and that no other site can act in a colleague's name."""

import jwt
import pytest

from bots.console import routes
from bots.console.login import COOKIE
from core.errors import Misconfigured
from tests.console.office import SECRET, TOKEN, Office, Outline

POSTS = ["/console/cases/1/take", "/console/cases/1/reply", "/console/cases/1/resolve", "/console/cases/1/hand-back"]


async def test_without_a_session_every_page_leads_to_the_sign_in(office: Office) -> None:
    for path in ("/console", "/console/cases/1", "/console/parked"):
        page = Outline((await office.browser().get(path)).text)
        assert [attrs["type"] for tag, attrs in page.elements if tag == "input"] == ["password"]
    for path in POSTS:
        answer = await office.browser().post(path, data={"reply": "hello"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")


async def test_the_token_opens_and_a_session_of_twelve_hours_begins(office: Office) -> None:
    browser = await office.signed_in()
    answer = await browser.get("/console")
    assert "Signed in as admin" in answer.text
    first = await office.browser().post("/console/login", data={"token": TOKEN}, follow_redirects=False)
    cookie = first.headers["set-cookie"]
    for promise in ("HttpOnly", "SameSite=strict", "Path=/console", "Max-Age=43200"):
        assert promise in cookie
    office.shop.later(hours=12)
    assert "/console/login" in str((await browser.get("/console")).url)


async def test_signing_out_ends_the_session_also_for_a_copy_of_its_cookie(office: Office) -> None:
    browser = await office.signed_in()
    copy = office.browser(cookie=f"{COOKIE}={browser.cookies[COOKIE]}")
    assert (await copy.get("/console")).url.path == "/console"
    await browser.post("/console/logout")
    assert (await copy.get("/console")).url.path == "/console/login"


async def test_a_cookie_that_was_changed_is_none(office: Office) -> None:
    claims = {"sub": "admin", "exp": 9_999_999_999, "jti": "1"}
    unsigned = jwt.encode(claims, "", algorithm="none")
    by_another_key = jwt.encode(claims, SECRET, algorithm="HS256")
    for forged in ("nonsense", unsigned, by_another_key):
        answer = await office.browser(cookie=f"{COOKIE}={forged}").get("/console")
        assert answer.url.path == "/console/login"


async def test_after_eight_wrong_tokens_even_the_right_one_has_to_wait(office: Office) -> None:
    browser = office.browser()
    for _ in range(8):
        assert (await browser.post("/console/login", data={"token": "wrong"})).status_code == 401
    assert (await office.browser().post("/console/login", data={"token": TOKEN})).status_code == 429
    office.shop.later(minutes=15, seconds=1)
    assert (await browser.post("/console/login", data={"token": TOKEN})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test", "sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_another_site_cannot_post(office: Office, headers: dict[str, str]) -> None:
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    browser = await office.signed_in()
    for path in [*POSTS, "/console/login", "/console/logout"]:
        assert (await browser.post(path, data={"token": TOKEN, "reply": "x"}, headers=headers)).status_code == 403
    assert (await browser.get("/console")).url.path == "/console"
    assert not office.channels["slack"].arrived


async def test_a_referer_of_another_site_is_refused_where_no_origin_is_sent(office: Office) -> None:
    browser = await office.signed_in()
    del browser.headers["origin"], browser.headers["sec-fetch-site"]
    assert (await browser.post(POSTS[0], headers={"referer": "https://evil.test/x"})).status_code == 403
    assert (await browser.post(POSTS[0], headers={"referer": f"{office.url}/console"})).status_code == 404


async def test_a_page_belongs_to_itself(office: Office) -> None:
    browser = await office.signed_in()
    for path in ("/console", "/console/login", "/console/parked", "/console/static/console.js"):
        headers = (await browser.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


async def test_unknown_cases_are_not_found(office: Office) -> None:
    browser = await office.signed_in()
    for case in ("7", "0", "x", "9" * 40, "-1"):
        answer = await browser.get(f"/console/cases/{case}")
        assert answer.status_code == 404
        assert Outline(answer.text).count("h1") == 1
        assert (await browser.post(f"/console/cases/{case}/take")).status_code == 404


async def test_a_form_is_bounded(office: Office) -> None:
    browser = await office.signed_in()
    assert (await browser.post("/console/cases/1/reply", data={"reply": "x" * 300_000})).status_code == 413
    assert (await browser.post("/console/cases/1/reply", content=b"reply=\xff")).status_code in {400, 404}
    assert (await browser.post("/console/cases/1/reply", content=b"a&" * 50)).status_code == 400


async def test_nobody_can_sign_in_without_a_token(office: Office) -> None:
    with pytest.raises(Misconfigured, match="CONSOLE_TOKEN"):
        routes(office.desk, token="", secret=SECRET, base_url=office.url, now=office.desk.now)
