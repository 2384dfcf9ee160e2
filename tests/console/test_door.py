"""The console's door: who gets in and for how long, who does not, and that no other site can act for a colleague."""

import logging
from collections.abc import Mapping

import pytest
from sqlalchemy import select

from bots.console import routes
from bots.console.login import COOKIE
from core.accounts import Role
from core.backends.ledger.schema import sessions
from core.errors import Misconfigured
from tests.console.office import BOSS, SECRET, TOKEN, Office, Outline, opened, password_of, text_of
from tests.shop import Shop

POSTS = [
    *(f"/console/cases/1/{deed}" for deed in ("take", "reply", "resolve", "hand-back")),
    *("/console/accounts", "/console/accounts/disable", "/console/password", "/console/nowhere"),
]
PAGES = [
    "/console",
    "/console/cases/1",
    "/console/parked",
    "/console/accounts",
    "/console/password",
    "/console/nowhere",
]


def sign_in(password: str, name: str = "") -> Mapping[str, str]:
    return {"name": name, "password": password}


# ── signing in ──
async def test_without_a_session_every_page_leads_to_the_sign_in(office: Office) -> None:
    for path in PAGES:
        answer = await office.browser().get(path)
        assert answer.url.path == "/console/login"
        page = Outline(answer.text)
        assert [attrs["type"] for tag, attrs in page.elements if tag == "input" and "type" in attrs] == ["password"]
        assert "required" not in page.field("name")
    for path in POSTS:
        answer = await office.browser().post(path, data={"reply": "hello"}, follow_redirects=False)
        assert (answer.status_code, Outline(answer.text).count("h1")) == (401, 1)
        assert "Your session is over" in answer.text


async def test_the_token_opens_while_nobody_has_an_account(office: Office) -> None:
    assert "Signed in as admin" in (await (await office.signed_in()).get("/console")).text
    await office.signed_in("whoever", TOKEN)
    assert (await office.browser().post("/console/login", data=sign_in("wrong"))).status_code == 401


async def test_from_the_first_account_on_the_token_opens_nothing(office: Office) -> None:
    by_token = await office.signed_in()
    await office.hires(BOSS, Role.ADMIN)
    assert (await by_token.get("/console")).url.path == "/console/login"
    for name in ("", "admin", BOSS):
        assert (await office.browser().post("/console/login", data=sign_in(TOKEN, name))).status_code == 401
    boss = await office.signed_in(" BOSS ", password_of(BOSS))
    assert "Signed in as boss" in text_of((await boss.get("/console")).text)


async def test_a_wrong_name_and_a_wrong_password_look_the_same(office: Office) -> None:
    await office.hires("bea")
    seen = set()
    for name in ("bea", "nobody", ""):
        answer = await office.browser().post("/console/login", data=sign_in("not the password", name))
        seen.add((answer.status_code, answer.text.replace(f'value="{name}"', "")))
    assert len(seen) == 1


async def test_nobody_can_sign_in_without_a_token(office: Office) -> None:
    with pytest.raises(Misconfigured, match="CONSOLE_TOKEN"):
        routes(office.ports, token="", secret=SECRET, base_url=office.url)


# ── sessions ──
async def test_the_cookie_is_for_the_console_alone(office: Office) -> None:
    first = await office.browser().post("/console/login", data=sign_in(TOKEN), follow_redirects=False)
    cookie = first.headers["set-cookie"]
    for promise in ("HttpOnly", "SameSite=strict", "Path=/console", "Max-Age=43200"):
        assert promise in cookie
    assert "Secure" not in cookie


async def test_where_the_console_is_reached_by_https_the_cookie_never_travels_without(shop: Shop) -> None:
    async with opened(shop, public_url="https://support.acme.test") as office:
        first = await office.browser().post("/console/login", data=sign_in(TOKEN), follow_redirects=False)
    assert "Secure" in first.headers["set-cookie"]


async def test_a_session_ends_after_twelve_hours_however_busy(office: Office) -> None:
    browser = await office.signed_in()
    for _ in range(11):
        office.shop.later(hours=1)
        assert (await browser.get("/console")).url.path == "/console"
    office.shop.later(hours=1)
    assert (await browser.get("/console")).url.path == "/console/login"


async def test_a_session_ends_after_two_idle_hours(office: Office) -> None:
    browser = await office.signed_in()
    office.shop.later(hours=1, minutes=59)
    assert (await browser.get("/console")).url.path == "/console"
    office.shop.later(hours=2)
    assert (await browser.get("/console")).url.path == "/console/login"


async def test_a_page_that_looks_for_news_keeps_nobody_signed_in(office: Office) -> None:
    browser = await office.signed_in()
    for _ in range(3):
        office.shop.later(minutes=40)
        answer = await browser.get("/console", headers={"if-none-match": "an old state"})
    assert answer.url.path == "/console/login"


async def test_a_session_outlives_the_process_but_not_its_token(office: Office) -> None:
    session = (await office.signed_in()).cookies[COOKIE]
    assert await office.doorkeeper().colleague(session, active=True)
    assert not await office.doorkeeper(token="another token").colleague(session, active=True)


async def test_the_record_holds_no_session_that_could_be_used(office: Office) -> None:
    session = (await office.signed_in()).cookies[COOKIE]
    kept = await office.shop.ledger._database.read(lambda tx: tx.execute(select(sessions.c.digest)).scalars().all())
    assert len(kept) == 1
    assert session not in kept
    assert (await office.browser(cookie=f"{COOKIE}={kept[0]}").get("/console")).url.path == "/console/login"


async def test_signing_out_ends_the_session_also_for_a_copy_of_its_cookie(office: Office) -> None:
    browser = await office.signed_in()
    copy = office.copy(browser)
    assert (await copy.get("/console")).url.path == "/console"
    await browser.post("/console/logout")
    assert COOKIE not in browser.cookies
    assert (await copy.get("/console")).url.path == "/console/login"


async def test_an_old_session_is_not_kept(office: Office) -> None:
    await office.signed_in()
    office.shop.later(hours=12)
    await office.signed_in()
    kept = await office.shop.ledger._database.read(lambda tx: tx.execute(select(sessions)).all())
    assert len(kept) == 1


# ── guessing ──
async def test_eight_wrong_tries_stop_their_source_and_nobody_else(office: Office) -> None:
    stranger = office.browser(address="127.0.0.2")
    for _ in range(8):
        assert (await stranger.post("/console/login", data=sign_in("wrong"))).status_code == 401
    stopped = await stranger.post("/console/login", data=sign_in(TOKEN))
    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "900")
    assert (await office.browser().post("/console/login", data=sign_in(TOKEN))).status_code == 200
    office.shop.later(minutes=15, seconds=1)
    assert (await stranger.post("/console/login", data=sign_in(TOKEN))).status_code == 200


async def test_a_name_that_is_guessed_at_is_only_slowed_down(office: Office) -> None:
    await office.hires("bea")
    for n in range(2, 5):
        stranger = office.browser(address=f"127.0.0.{n}")
        for _ in range(4):
            await stranger.post("/console/login", data=sign_in("wrong", "bea"))
    assert office.pauses == sorted(office.pauses)
    assert office.pauses[:4] == [0, 0, 0, 0.25]
    await office.signed_in("bea", password_of("bea"))
    await office.signed_in(BOSS, password_of(BOSS))
    assert office.pauses[-2:] == [2, 0]


async def test_what_is_right_does_not_count_and_takes_back_no_wrong_try(office: Office) -> None:
    for _ in range(7):
        assert (await office.browser().post("/console/login", data=sign_in("wrong"))).status_code == 401
        await office.signed_in()
    assert (await office.browser().post("/console/login", data=sign_in("wrong"))).status_code == 401
    assert (await office.browser().post("/console/login", data=sign_in(TOKEN))).status_code == 429


# ── other sites ──
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test", "sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_another_site_cannot_post(office: Office, headers: dict[str, str]) -> None:
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    browser = await office.signed_in()
    for path in [*POSTS, "/console/login", "/console/logout"]:
        answer = await browser.post(path, data={"password": TOKEN, "reply": "x"}, headers=headers)
        assert answer.status_code == 403
    assert (await browser.get("/console")).url.path == "/console"
    assert not office.channels["slack"].arrived


async def test_a_post_that_does_not_say_where_it_comes_from_is_refused(office: Office) -> None:
    browser = await office.signed_in()
    del browser.headers["origin"], browser.headers["sec-fetch-site"]
    for path in [*POSTS, "/console/login", "/console/logout"]:
        for headers in ({}, {"referer": f"{office.url}/console"}):
            assert (await browser.post(path, data={"password": TOKEN}, headers=headers)).status_code == 403
    assert (await browser.post(POSTS[0], headers={"origin": office.url})).status_code == 404
    assert (await browser.post(POSTS[0], headers={"sec-fetch-site": "same-origin"})).status_code == 404


# ── what every answer carries, and what is refused ──
async def test_a_page_belongs_to_itself(office: Office) -> None:
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    browser = await office.colleague("ada", Role.ADMIN)
    stranger = office.browser()
    answers = [await browser.get(path) for path in [*PAGES, "/console/login", "/console/static/console.js"]]
    answers += [await browser.get("/console/cases/1", headers={"if-none-match": "old"})]
    answers += [await browser.get("/console/cases/1/take"), await browser.post("/console/nowhere")]
    answers += [await stranger.get("/console", follow_redirects=False), await stranger.post("/console/login")]
    answers += [await stranger.post("/console/login", headers={"origin": "https://evil.test"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        for promise in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert promise in policy, answer.url
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"


async def test_what_does_not_exist_is_not_found_and_leaves_a_line(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await office.signed_in()
    for case in ("7", "0", "x", "9" * 40, "-1", "ann@shop.test"):
        for answer in (
            await browser.get(f"/console/cases/{case}"),
            await browser.post(f"/console/cases/{case}/take"),
        ):
            assert answer.status_code == 404
            assert Outline(answer.text).count("h1") == 1
    assert (await browser.get("/console/ann@shop.test")).status_code == 404
    lines = [r.getMessage() for r in caplog.records if r.name == "bots.console.door" and r.levelno == logging.WARNING]
    assert len(lines) == 13
    assert not [line for line in lines if "ann" in line]


async def test_what_a_role_may_not_see_is_not_found(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    may = {
        Role.AGENT: {"/console", "/console/password"},
        Role.LEAD: {"/console", "/console/password", "/console/parked", "/console/audit"},
        Role.ADMIN: {"/console", "/console/password", "/console/parked", "/console/audit", "/console/accounts"},
    }
    unknown = None
    for role, pages in may.items():
        browser = await office.colleague(f"one.{role}", role)
        unknown = (await browser.get("/console/nowhere")).text
        for path in may[Role.ADMIN]:
            answer = await browser.get(path)
            assert answer.status_code == (200 if path in pages else 404), (role, path)
            if path not in pages:
                assert answer.text == unknown
                assert f'href="{path}"' not in answer.text
    agent = await office.signed_in("one.agent", password_of("one.agent"))
    caplog.clear()
    assert (await agent.post("/console/accounts/disable", data={"name": BOSS})).status_code == 404
    assert [r.getMessage() for r in caplog.records if r.name == "bots.console.door"] == [
        "the console answered one.agent 404: there is no such page for the role agent"
    ]
    await office.signed_in(BOSS, password_of(BOSS))


async def test_a_form_is_bounded(office: Office) -> None:
    browser = await office.signed_in()
    assert (await browser.post("/console/cases/1/reply", data={"reply": "x" * 300_000})).status_code == 413
    assert (await browser.post("/console/cases/1/reply", content=b"reply=\xff")).status_code == 400
    assert (await browser.post("/console/cases/1/reply", content=b"a&" * 50)).status_code == 400
    assert (await office.browser().post("/console/login", data=sign_in("x" * 700_000))).status_code == 413
