"""A code beside the password: turned on with an app, asked for once the password is right, taken once, and replaced by
recovery codes; it cannot be guessed, and who lost everything is helped by an admin or on the command line."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from sqlalchemy import select

from core.accounts import Role
from core.backends.ledger.schema import accounts, recovery_codes
from tests.console.office import BOSS, Office, Outline, opened, password_of, text_of
from tests.console.test_again import form_of, hidden
from tests.shop import Shop

PAGE = "/console/account/second"


def secret_on(page: str) -> str:
    """As somebody would type it into an app."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    return found[1].replace(" ", "")


def code_of(office: Office, secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or some steps of 30 seconds away."""
    return pyotp.TOTP(secret).at(office.shop.now + timedelta(seconds=30 * steps))


async def turned_on(office: Office, browser: httpx.AsyncClient) -> tuple[str, list[str]]:
    """The secret, and the recovery codes, of who has just turned it on."""
    page = (await browser.get(PAGE)).text
    secret = secret_on(page)
    codes = (await browser.post(PAGE, data={**hidden(page), "code": code_of(office, secret)})).text
    office.shop.later(minutes=1)
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", codes)


async def gives_password(office: Office, name: str = "bea") -> tuple[httpx.AsyncClient, str]:
    """A browser in which somebody gave the password, and the page that it shows."""
    browser = office.browser()
    answer = await browser.post("/console/login", data={"name": name, "password": password_of(name)})
    assert answer.status_code == 200
    return browser, answer.text


async def gives_code(browser: httpx.AsyncClient, page: str, code: str) -> httpx.Response:
    return await browser.post(form_of(page), data={**hidden(page), "code": code})


def is_in(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.url.path == "/console"


async def test_it_is_turned_on_with_what_the_app_shows(office: Office) -> None:
    bea = await office.colleague("bea")
    page = (await bea.get(PAGE)).text
    assert "<svg" in page
    assert "style=" not in page
    wrong = await bea.post(PAGE, data={**hidden(page), "code": "000000"})
    assert (wrong.status_code, secret_on(wrong.text)) == (409, secret_on(page))
    assert 'aria-invalid="true"' in wrong.text
    _, codes = await turned_on(office, bea)
    assert len(set(codes)) == 10
    assert "10 recovery codes are left" in text_of((await bea.get("/console/account")).text)
    assert (await bea.post(PAGE, data={**hidden(page), "code": code_of(office, secret_on(page))})).status_code == 404


async def test_the_code_is_asked_for_after_the_password_and_not_before(office: Office) -> None:
    secret, _ = await turned_on(office, await office.colleague("bea"))
    wrong = await office.browser().post("/console/login", data={"name": "bea", "password": "wrong"})
    assert (wrong.status_code, 'name="code"' in wrong.text) == (401, False)
    browser, page = await gives_password(office)
    assert 'name="code"' in page
    assert 'type="password"' not in page
    assert (await browser.get("/console")).url.path == "/console/login"
    assert is_in(await gives_code(browser, page, code_of(office, secret)))


async def test_who_is_asked_for_a_code_still_goes_where_they_were_going(office: Office) -> None:
    bea = await office.colleague("bea")
    secret, _ = await turned_on(office, bea)
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    await bea.post("/console/cases/1/take")
    office.shop.later(hours=3)
    asked = (await bea.post("/console/cases/1/reply", data={"reply": "words"})).text
    given = {"name": "bea", "password": password_of("bea")}
    page = (await bea.post(form_of(asked), data={**hidden(asked), **given})).text
    again = await gives_code(bea, page, code_of(office, secret))
    assert (form_of(again.text), Outline(again.text).field("reply")["value"]) == ("/console/cases/1/reply", "words")
    stranger = office.browser()
    page = (await stranger.post("/console/login?next=/console/audit", data=given)).text
    office.shop.later(minutes=1)
    answer = await stranger.post(
        form_of(page), data={**hidden(page), "code": code_of(office, secret)}, follow_redirects=False
    )
    assert answer.headers["location"] == "/console/audit"


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_off_by_one_step(office: Office, steps: int, fits: bool) -> None:
    secret, _ = await turned_on(office, await office.colleague("bea"))
    browser, page = await gives_password(office)
    assert is_in(await gives_code(browser, page, code_of(office, secret, steps=steps))) is fits


async def test_a_code_is_taken_once_and_none_before_it_any_more(office: Office) -> None:
    bea = await office.colleague("bea")
    page = (await bea.get(PAGE)).text
    secret = secret_on(page)
    await bea.post(PAGE, data={**hidden(page), "code": code_of(office, secret)})
    other, page = await gives_password(office)
    assert (await gives_code(other, page, code_of(office, secret))).status_code == 401, "it turned it on"
    office.shop.later(seconds=30)
    code = code_of(office, secret)
    first, page = await gives_password(office)
    second, other_page = await gives_password(office)
    assert is_in(await gives_code(first, page, f"{code[:3]} {code[3:]}"))
    assert (await gives_code(second, other_page, code)).status_code == 401
    assert (await gives_code(second, other_page, code_of(office, secret, steps=-1))).status_code == 401


async def test_a_recovery_code_signs_in_once(office: Office) -> None:
    _, codes = await turned_on(office, await office.colleague("bea"))
    browser, page = await gives_password(office)
    assert is_in(await gives_code(browser, page, codes[3].upper().replace("-", " ")))
    assert "9 recovery codes are left" in text_of((await browser.get("/console/account")).text)
    other, page = await gives_password(office)
    assert (await gives_code(other, page, codes[3])).status_code == 401
    boss = await office.signed_in(BOSS, password_of(BOSS))
    assert "bea used a recovery code" in text_of((await boss.get("/console/audit")).text)


async def test_another_ones_code_is_worth_nothing(office: Office) -> None:
    secret, codes = await turned_on(office, await office.colleague("bea"))
    await turned_on(office, await office.colleague("carl"))
    browser, page = await gives_password(office, "carl")
    for code in (code_of(office, secret), codes[0]):
        assert (await gives_code(browser, page, code)).status_code == 401


async def test_codes_are_not_guessed(office: Office) -> None:
    secret, _ = await turned_on(office, await office.colleague("bea"))
    for n in range(2, 7):
        stranger = office.browser(address=f"127.0.0.{n}")
        page = (await stranger.post("/console/login", data={"name": "bea", "password": password_of("bea")})).text
        for _ in range(2):
            assert (await gives_code(stranger, page, "000000")).status_code == 401
    stopped = await gives_code(stranger, page, code_of(office, secret))
    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "900")
    assert office.pauses[-1] == 2
    office.shop.later(minutes=16)
    browser, page = await gives_password(office)
    assert is_in(await gives_code(browser, page, code_of(office, secret)))


async def test_nobody_without_the_password_stops_anothers_codes(office: Office) -> None:
    secret, _ = await turned_on(office, await office.colleague("bea"))
    for n in range(2, 7):
        stranger = office.browser(address=f"127.0.0.{n}")
        for name in ("code of bea", "CODE OF bea", "bea", "CODE OF BEA"):
            await stranger.post("/console/login", data={"name": name, "password": "wrong"})
    browser, page = await gives_password(office)
    assert is_in(await gives_code(browser, page, code_of(office, secret)))


async def test_the_way_to_the_code_ends_with_time_and_with_the_password(office: Office) -> None:
    secret, _ = await turned_on(office, await office.colleague("bea"))
    browser, page = await gives_password(office)
    office.shop.later(minutes=5)
    late = await gives_code(browser, page, code_of(office, secret))
    assert (late.status_code, "took too long" in late.text) == (401, True)
    browser, page = await gives_password(office)
    await office.shop.ledger.reset_password("bea", "another hash", by="boss", now=office.shop.now)
    assert (await gives_code(browser, page, code_of(office, secret))).status_code == 401
    forged = {"ticket": "A" * 80, "code": code_of(office, secret)}
    assert (await browser.post("/console/login/code", data=forged)).status_code == 401


async def test_it_is_turned_off_with_the_password_and_no_code_opens_then(office: Office) -> None:
    bea = await office.colleague("bea")
    _, codes = await turned_on(office, bea)
    wrong = await bea.post(f"{PAGE}/off", data={"password": "wrong"})
    assert (wrong.status_code, "not your present password" in wrong.text) == (409, True)
    done = await bea.post(f"{PAGE}/off", data={"password": password_of("bea")})
    assert "The second factor is turned off" in done.text
    assert is_in(await office.browser().post("/console/login", data={"name": "bea", "password": password_of("bea")}))
    assert not await office.shop.ledger.take_recovery_code("bea", codes[0], now=office.shop.now)
    assert (await bea.post(f"{PAGE}/off", data={"password": password_of("bea")})).status_code == 404


async def test_an_admin_turns_off_what_a_colleague_lost(office: Office) -> None:
    await turned_on(office, await office.colleague("bea"))
    boss = await office.signed_in(BOSS, password_of(BOSS))
    account = await office.shop.ledger.own_account("bea")
    page = await boss.post(f"/console/accounts/{account.id}/second/off")
    assert "The second factor is off" in text_of(page.text)
    assert "boss turned off the second factor bea" in text_of((await boss.get("/console/audit")).text)
    await office.signed_in("bea", password_of("bea"))


async def test_an_account_made_anew_has_nothing_of_whose_it_was(office: Office) -> None:
    await turned_on(office, await office.colleague("bea"))
    ledger, now = office.shop.ledger, office.shop.now
    await ledger.disable_account("bea", by=BOSS, now=now)
    await office.hires("bea")
    assert not (await ledger.own_account("bea")).has_second_factor
    assert await ledger.recovery_codes_left("bea") == 0


async def test_an_account_that_is_enabled_again_still_asks_for_it(office: Office) -> None:
    await turned_on(office, await office.colleague("bea"))
    await office.shop.ledger.disable_account("bea", by=BOSS, now=office.shop.now)
    boss = await office.signed_in(BOSS, password_of(BOSS))
    page = await boss.get("/console/accounts")
    bea = next(path for name, path in Outline(page.text).links.items() if name == "bea")
    assert "The account is enabled again" in (await boss.post(f"{bea}/enable")).text
    _, asked = await gives_password(office)
    assert 'name="code"' in asked


async def test_the_record_holds_neither_secret_nor_codes(office: Office, tmp_path: Path) -> None:
    secret, codes = await turned_on(office, await office.colleague("bea"))
    ledger = office.shop.ledger
    sealed = await ledger._database.read(
        lambda tx: tx.execute(select(accounts.c.second_factor).where(accounts.c.name == "bea")).scalar_one()
    )
    kept = await ledger._database.read(lambda tx: tx.execute(select(recovery_codes.c.digest)).scalars().all())
    assert (len(sealed) > len(secret), len(kept)) == (True, 10)
    assert office.doorkeeper()._factors[0].open(sealed, "bea") == secret
    assert office.doorkeeper()._factors[0].open(sealed, "carl") is None
    for path in tmp_path.rglob("*.db*"):
        for told in (secret, *codes, *(code.replace("-", "") for code in codes)):
            assert told.encode() not in path.read_bytes()


async def test_the_token_has_no_second_factor(office: Office) -> None:
    by_token = await office.signed_in()
    assert (await by_token.get(PAGE)).status_code == 404
    assert (await by_token.post(PAGE, data={"code": "1"})).status_code == 404


async def test_where_everybody_needs_one_nobody_works_without(shop: Shop) -> None:
    async with opened(shop, both=True) as office:
        bea = await office.colleague("bea")
        for path in ("/console", "/console/account", "/console/cases/1"):
            assert (await bea.get(path)).url.path == PAGE
        assert (await bea.post("/console/cases/1/take")).url.path == PAGE
        await turned_on(office, bea)
        assert (await bea.get("/console")).url.path == "/console"
        boss = await office.signed_in(BOSS, password_of(BOSS))
        assert (await boss.post("/console/logout")).url.path == "/console/login"


async def test_two_who_come_with_the_same_code_at_once(office: Office) -> None:
    await turned_on(office, await office.colleague("bea", Role.AGENT))
    ledger = office.shop.ledger
    step = int((office.shop.now + timedelta(minutes=5)).timestamp()) // 30
    assert [await ledger.take_step("bea", step), await ledger.take_step("bea", step)] == [True, False]
    assert not await ledger.take_step(BOSS, step), "who has none turned on has no step to take"
