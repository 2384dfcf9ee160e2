"""Signing in by the company's provider: over real HTTP against a strict twin of one, and what is refused of what it, or
somebody in between, could send."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
import pytest_asyncio

from bots.console.by_provider import BACK, HERE, Provider
from bots.console.oidc import OpenIdProvider
from bots.console.seal import Seal
from core.accounts import NewAccount, Role
from tests.console.office import BOSS, SECRET, Office, Outline, opened, password_of, text_of
from tests.console.test_again import form_of, hidden
from tests.console.test_second import turned_on
from tests.shop import Shop
from tests.twins import oidc
from tests.twins.oidc import OidcTwin

STRANGER = {"sub": "u7", "email": "zoe@else.test", "email_verified": True}


@dataclass(kw_only=True)
class Company:
    """A console, and the provider by which people sign in to it."""

    office: Office
    twin: OidcTwin

    async def hires(self, name: str = "bea", email: str = "bea@acme.test", role: Role = Role.AGENT) -> None:
        """An account that the provider may open."""
        await self.office.hires(BOSS, Role.ADMIN)
        new = NewAccount(name=name, role=role, password_hash="", email=email)
        await self.office.shop.ledger.add_account(new, by=BOSS, now=self.office.shop.now)

    async def went_there(self, browser: httpx.AsyncClient, query: str = "") -> Mapping[str, str]:
        """What the provider sends somebody back with."""
        there = await browser.get(f"{HERE}{query}", follow_redirects=False)
        async with httpx.AsyncClient() as elsewhere:
            back = await elsewhere.get(there.headers["location"])
        assert back.status_code == 302, back.text
        return {name: values[0] for name, values in parse_qs(urlsplit(back.headers["location"]).query).items()}

    async def signs_in(self, browser: httpx.AsyncClient | None = None, query: str = "") -> httpx.Response:
        """The whole way; the page that it ends at."""
        browser = browser or self.office.browser()
        return await browser.get(BACK, params=await self.went_there(browser, query))


@asynccontextmanager
async def company(shop: Shop, **changes: Any) -> AsyncIterator[Company]:
    """A console with a provider."""
    async with oidc.provider(lambda: shop.now) as twin:

        def by(back: str) -> Provider:
            twin.back = back
            given = {"issuer": twin.url, "client_id": oidc.CLIENT, "client_secret": oidc.SECRET, "back": back}
            return OpenIdProvider(**given, seal=Seal(SECRET, "provider"), now=lambda: shop.now)

        async with opened(shop, by=by, **changes) as office:
            yield Company(office=office, twin=twin)


@pytest_asyncio.fixture
async def acme(shop: Shop) -> AsyncIterator[Company]:
    async with company(shop) as acme:
        await acme.hires()
        yield acme


def is_refused(answer: httpx.Response) -> bool:
    return answer.status_code == 401 and 'role="alert"' in answer.text and "throughline_console" not in answer.cookies


def reason(caplog: pytest.LogCaptureFixture) -> str:
    """Why the provider was not believed, as an admin reads it."""
    (line,) = [r.getMessage() for r in caplog.records if r.name == "bots.console.by_provider"]
    return line


async def is_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/console")).url.path == "/console"


# ── who gets in ──
async def test_the_way_there_is_shown_where_there_is_one(office: Office, acme: Company) -> None:
    page = (await acme.office.browser().get("/console/login")).text
    assert Outline(page).links["Sign in with the company's account"] == HERE
    assert HERE not in (await office.browser().get("/console/login")).text
    assert (await office.browser().get(HERE)).url.path == "/console/login"


async def test_a_colleague_whom_the_provider_vouches_for_is_in(acme: Company) -> None:
    browser = acme.office.browser()
    page = await acme.signs_in(browser)
    assert (page.status_code, Outline(page.text).links["Go on"]) == (200, "/console")
    assert 'content="0; url=/console"' in page.text
    assert "Signed in as bea" in text_of((await browser.get("/console")).text)
    for cookie in page.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
    boss = await acme.office.signed_in(BOSS, password_of(BOSS))
    assert "bea is known to the sign-in provider bea" in text_of((await boss.get("/console/audit")).text)


async def test_who_was_going_somewhere_still_goes_there(acme: Company) -> None:
    page = await acme.signs_in(query="?next=/console/account")
    assert Outline(page.text).links["Go on"] == "/console/account"
    for elsewhere in ("https://evil.test", "//evil.test", "/chat"):
        page = await acme.signs_in(query=f"?next={elsewhere}")
        assert Outline(page.text).links["Go on"] == "/console"


async def test_once_known_it_is_the_subject_that_counts_and_not_the_address(acme: Company) -> None:
    await acme.signs_in()
    acme.twin.person = {"sub": "u1", "email": "bea.married@acme.test", "email_verified": False}
    browser = acme.office.browser()
    await acme.signs_in(browser)
    assert await is_in(browser)


async def test_an_address_that_was_given_to_somebody_else_opens_nothing(acme: Company) -> None:
    await acme.signs_in()
    acme.twin.person = {"sub": "u2", "email": "bea@acme.test", "email_verified": True}
    assert is_refused(await acme.signs_in())


async def test_an_account_may_be_named_by_the_address(shop: Shop) -> None:
    async with company(shop) as acme:
        await acme.hires("bea@acme.test", email="")
        browser = acme.office.browser()
        await acme.signs_in(browser)
        assert await is_in(browser)


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "u1", "email": "bea@acme.test", "email_verified": False},
        {"sub": "u1", "email": "bea@acme.test", "email_verified": "true"},
        {"sub": "u1", "email": "bea@acme.test"},
        {"sub": "u1"},
        {"sub": "u1", "email": ["bea@acme.test"], "email_verified": True},
        {"sub": "u1", "email": "\uff42ea@acme.test", "email_verified": True},  # a full-width letter
        STRANGER,
    ],
)
async def test_who_is_not_vouched_for_or_has_no_account_stays_out(acme: Company, person: dict[str, Any]) -> None:
    acme.twin.person = person
    browser = acme.office.browser()
    answer = await acme.signs_in(browser)
    assert is_refused(answer)
    assert "no account here is" in answer.text
    assert not await is_in(browser)
    assert len(await acme.office.shop.ledger.accounts()) == 2


async def test_a_disabled_account_stays_out(acme: Company) -> None:
    await acme.signs_in()
    await acme.office.shop.ledger.disable_account("bea", by=BOSS, now=acme.office.shop.now)
    assert is_refused(await acme.signs_in())
    acme.twin.person = acme.twin.person | {"sub": "u9"}
    assert is_refused(await acme.signs_in())


async def test_whose_domain_is_named_gets_an_account_as_an_agent(shop: Shop) -> None:
    async with company(shop, domains=["acme.test"]) as acme:
        assert is_refused(await acme.signs_in()), "the first account is an admin's"
        await acme.office.hires(BOSS, Role.ADMIN)
        browser = acme.office.browser()
        await acme.signs_in(browser)
        assert await is_in(browser)
        made = await acme.office.shop.ledger.own_account("bea@acme.test")
        assert (made.role, made.has_password, made.is_provided) == (Role.AGENT, False, True)
        wrong = await acme.office.browser().post("/console/login", data={"name": "bea@acme.test", "password": ""})
        assert wrong.status_code == 401
        for email in ("zoe@else.test", "zoe@sub.acme.test", "zoe@notacme.test", "zoe@acme.test.else.test"):
            acme.twin.person = STRANGER | {"email": email}
            assert is_refused(await acme.signs_in())
        boss = await acme.office.signed_in(BOSS, password_of(BOSS))
        assert "the sign-in provider made an account bea@acme.test as agent" in text_of(
            (await boss.get("/console/audit")).text
        )


async def test_a_password_still_signs_in_and_a_second_factor_is_still_asked_for(acme: Company) -> None:
    office = acme.office
    await office.hires("carl")
    await office.shop.ledger.change_email("carl", "carl@acme.test", by=BOSS, now=office.shop.now)
    carl = await office.signed_in("carl", password_of("carl"))
    shared, _ = await turned_on(office, carl)
    acme.twin.person = {"sub": "u3", "email": "carl@acme.test", "email_verified": True}
    browser = office.browser()
    asked = await acme.signs_in(browser, query="?next=/console/account")
    assert not await is_in(browser)
    code = pyotp.TOTP(shared).at(office.shop.now)
    done = await browser.post(form_of(asked.text), data={**hidden(asked.text), "code": code})
    assert done.url.path == "/console/account"


async def test_the_address_may_be_told_beside_the_token(acme: Company) -> None:
    acme.twin.told = acme.twin.person
    browser = acme.office.browser()
    await acme.signs_in(browser)
    assert await is_in(browser)


async def test_what_is_told_of_somebody_else_is_worth_nothing(acme: Company) -> None:
    acme.twin.told = acme.twin.person | {"sub": "u2"}
    assert is_refused(await acme.signs_in())


# ── what somebody in between could send ──
async def test_the_way_there_holds_what_protects_the_way_back(acme: Company) -> None:
    browser = acme.office.browser()
    there = await browser.get(HERE, follow_redirects=False)
    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert set(asked) >= {"state", "nonce", "code_challenge"}
    again = await browser.get(HERE, follow_redirects=False)
    then = parse_qs(urlsplit(again.headers["location"]).query)
    assert all(asked[name] != then[name] for name in ("state", "nonce", "code_challenge"))
    cookie = there.headers["set-cookie"]
    for promise in ("HttpOnly", "SameSite=lax", f"Path={HERE}", "Max-Age=600"):
        assert promise in cookie
    for told in (asked["state"][0], asked["nonce"][0]):
        assert told not in cookie


@pytest.mark.parametrize("state", ["", "another", "\u00e9"])
async def test_another_state_is_refused_before_the_code_is_used(acme: Company, state: str) -> None:
    browser = acme.office.browser()
    answer = {**await acme.went_there(browser), "state": state}
    assert is_refused(await browser.get(BACK, params=answer))
    assert "token" not in acme.twin.asked


async def test_what_another_browser_began_is_refused(acme: Company) -> None:
    answer = await acme.went_there(acme.office.browser())
    assert is_refused(await acme.office.browser().get(BACK, params=answer))
    other = acme.office.browser()
    await acme.went_there(other)
    assert is_refused(await other.get(BACK, params=answer))
    assert "token" not in acme.twin.asked


async def test_a_code_signs_in_once_also_with_a_copy_of_the_cookie(acme: Company) -> None:
    browser = acme.office.browser()
    answer = await acme.went_there(browser)
    cookie = browser.cookies["throughline_provider"]
    await browser.get(BACK, params=answer)
    assert await is_in(browser)
    assert is_refused(await browser.get(BACK, params=answer)), "the cookie is gone"
    copy = acme.office.browser(cookie=f"throughline_provider={cookie}")
    assert is_refused(await copy.get(BACK, params=answer)), "the provider knows the code no more"


async def test_a_code_that_was_got_for_another_challenge_is_refused(acme: Company) -> None:
    browser, thief = acme.office.browser(), acme.office.browser()
    stolen = await acme.went_there(browser)
    own = await acme.went_there(thief)
    assert is_refused(await thief.get(BACK, params={**own, "code": stolen["code"]}))


async def test_the_way_back_is_open_for_ten_minutes(acme: Company) -> None:
    browser = acme.office.browser()
    answer = await acme.went_there(browser)
    acme.office.shop.later(minutes=10)
    assert is_refused(await browser.get(BACK, params=answer))


async def test_an_answer_of_another_issuer_is_refused(acme: Company) -> None:
    browser = acme.office.browser()
    answer = {**await acme.went_there(browser), "iss": "https://else.test"}
    assert is_refused(await browser.get(BACK, params=answer))


async def test_a_cookie_that_is_not_ours_is_refused(acme: Company) -> None:
    for cookie in ("", "x", "A" * 100, "\\x00"):
        browser = acme.office.browser(cookie=f"throughline_provider={cookie}")
        assert is_refused(await browser.get(BACK, params={"code": "c", "state": ""}))


# ── what is signed ──
@pytest.mark.parametrize(
    ("bend", "why"),
    [
        ({"nonce": "another"}, "invalid_claim"),
        ({"nonce": None}, "missing_claim"),
        ({"aud": "another client"}, "invalid_claim"),
        ({"aud": None}, "missing_claim"),
        ({"aud": ["console", "another client"]}, "somebody else too"),
        ({"aud": ["console", "another client"], "azp": "another client"}, "somebody else too"),
        ({"azp": "another client"}, "somebody else too"),
        ({"iss": "https://else.test"}, "invalid_claim"),
        ({"iss": None}, "missing_claim"),
        ({"exp": 1_000_000_000}, "expired_token"),
        ({"exp": None}, "missing_claim"),
        ({"iat": None}, "missing_claim"),
        ({"iat": 9_000_000_000}, "invalid_claim"),
        ({"sub": ""}, "invalid_claim"),
        ({"sub": None}, "missing_claim"),
        ({"sub": 7}, "invalid_claim"),
        ({"sub": "u" * 300}, "subject is too long"),
    ],
)
async def test_a_token_that_is_not_for_us_now_is_refused(
    acme: Company, bend: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    acme.twin.bend = bend
    browser = acme.office.browser()
    assert is_refused(await acme.signs_in(browser))
    assert why in reason(caplog)
    assert not await is_in(browser)


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("alg none", "unsupported_algorithm"),
        ("alg HS256", "unsupported_algorithm"),
        ("a stranger's key", "bad_signature"),
    ],
)
async def test_a_token_that_the_provider_did_not_sign_is_refused(
    acme: Company, trouble: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    acme.twin.trouble = trouble
    browser = acme.office.browser()
    assert is_refused(await acme.signs_in(browser))
    assert why in reason(caplog)
    assert not await is_in(browser)


async def test_a_token_for_two_is_taken_where_it_says_that_we_asked(acme: Company) -> None:
    acme.twin.bend = {"aud": ["another", "console"], "azp": "console"}
    browser = acme.office.browser()
    await acme.signs_in(browser)
    assert await is_in(browser)


# ── a provider in trouble ──
@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("503", "HTTP 503"),
        ("another name", "calls itself otherwise"),
        ("nonsense", "cannot be read"),
    ],
)
async def test_a_provider_in_trouble_leaves_the_password(
    acme: Company, trouble: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    acme.twin.trouble = trouble
    answer = await acme.office.browser().get(HERE)
    assert is_refused(answer)
    assert Outline(answer.text).field("password")
    assert why in reason(caplog)
    await acme.office.signed_in(BOSS, password_of(BOSS))


async def test_who_says_no_there_is_told_so_and_nothing_of_the_address_is_logged(
    acme: Company, caplog: pytest.LogCaptureFixture
) -> None:
    acme.twin.trouble = "says no"
    assert is_refused(await acme.signs_in())
    browser = acme.office.browser()
    answer = {**await acme.went_there(browser), "error": "x\nforged line"}
    assert is_refused(await browser.get(BACK, params=answer))
    lines = [r for r in caplog.records if r.name == "bots.console.by_provider" and r.levelno == logging.WARNING]
    assert "access_denied" in lines[0].getMessage()
    assert "forged" not in lines[1].getMessage()


async def test_a_provider_that_is_away_leaves_the_password(shop: Shop) -> None:
    def by(back: str) -> Provider:
        away = {"issuer": "http://127.0.0.1:9", "client_id": "console", "client_secret": "secret", "back": back}
        return OpenIdProvider(**away, seal=Seal(SECRET, "provider"), now=lambda: shop.now)

    async with opened(shop, by=by) as office:
        assert is_refused(await office.browser().get(HERE))
        await office.signed_in()


# ── an admin's part ──
async def test_an_admin_says_by_which_address_somebody_is_known(acme: Company) -> None:
    office = acme.office
    boss = await office.signed_in(BOSS, password_of(BOSS))
    page = await boss.get("/console/accounts")
    bea = next(path for name, path in Outline(page.text).links.items() if name == "bea")
    await acme.signs_in()
    assert "They have signed in by it" in (await boss.get(bea)).text
    refused = await boss.post(f"{bea}/email", data={"email": "no address"})
    assert (refused.status_code, Outline(refused.text).field("email")["value"]) == (409, "no address")
    await office.hires("carl@acme.test")
    taken = await boss.post(f"{bea}/email", data={"email": "Carl@acme.test"})
    assert (taken.status_code, "another account" in taken.text) == (409, True)
    changed = await boss.post(f"{bea}/email", data={"email": "Zoe@else.test"})
    assert "They have not signed in by it yet" in changed.text
    assert is_refused(await acme.signs_in())
    acme.twin.person = STRANGER
    browser = office.browser()
    await acme.signs_in(browser)
    assert "Signed in as bea" in text_of((await browser.get("/console")).text)


async def test_what_was_typed_is_not_lost_on_the_way_there(acme: Company) -> None:
    asked = await acme.office.browser().post("/console/cases/1/reply", data={"reply": "words"})
    link = next(a for t, a in Outline(asked.text).elements if t == "a" and a.get("href") == HERE)
    assert (link["target"], link["rel"]) == ("_blank", "noopener")
    assert "I am signed in now" in Outline(asked.text).buttons
