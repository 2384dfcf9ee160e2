"""Colleagues' accounts: an admin makes and disables them, everybody changes their own password, and it is on record."""

import httpx
import pytest
from sqlalchemy import select

from core.accounts import Credential, NewAccount, NotAllowed, Role
from core.backends.ledger.schema import accounts
from tests.console.office import BOSS, TOKEN, Office, Outline, password_of, text_of

NEW = "quite another password"


def new(name: str = "bea", role: str = "agent", password: str = NEW) -> dict[str, str]:
    return {"name": name, "role": role, "password": password}


def change(present: str, then: str = NEW) -> dict[str, str]:
    return {"password": present, "new_password": then}


async def boss_of(office: Office) -> httpx.AsyncClient:
    await office.hires(BOSS, Role.ADMIN)
    return await office.signed_in(BOSS, password_of(BOSS))


def is_out(answer: httpx.Response) -> bool:
    return answer.url.path == "/console/login"


async def test_with_the_token_the_first_admin_is_made_and_has_to_sign_in(office: Office) -> None:
    by_token = await office.signed_in()
    page = Outline((await by_token.get("/console/accounts")).text)
    assert [attrs["value"] for tag, attrs in page.elements if tag == "option" and "selected" in attrs] == ["admin"]
    refused = await by_token.post("/console/accounts", data=new("ada", "agent"))
    assert (refused.status_code, Outline(refused.text).field("name")["value"]) == (409, "ada")
    assert "The first account has to be an admin" in refused.text
    assert is_out(await by_token.post("/console/accounts", data=new("Ada", "admin")))
    ada = await office.signed_in("ada", NEW)
    assert "admin made an account ada as admin" in text_of((await ada.get("/console/audit")).text)


async def test_a_colleague_is_added_and_works(office: Office) -> None:
    boss = await boss_of(office)
    page = await boss.post("/console/accounts", data=new("bea", "lead"))
    assert "The account is made" in page.text
    assert "boss made an account bea as lead" in text_of((await boss.get("/console/audit")).text)
    bea = await office.signed_in("bea", NEW)
    await office.shop.hears("slack", "T1/U1", "I want to speak to a human")
    assert "Taken by bea" in (await bea.post("/console/cases/1/take")).text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (new(password="x" * 11), "at least 12 characters"),
        (new(password="x" * 257), "at least 12 characters"),
        (new("bea.keller@acme.test", password="BEA.keller@acme.test"), "The password is the name"),
        (new(""), "A name is"),
        (new("bot"), "A name is"),
        (new("<b>bea</b>"), "A name is"),
        (new("x" * 41), "A name is"),
        (new(role="owner"), "Choose a role"),
        (new(BOSS), "boss has an account already"),
        (new(" BOSS "), "boss has an account already"),
        ({}, "A name is"),
    ],
)
async def test_an_account_that_would_be_wrong_is_refused(office: Office, given: dict[str, str], why: str) -> None:
    boss = await boss_of(office)
    refused = await boss.post("/console/accounts", data=given)
    assert refused.status_code == 409
    assert why in refused.text
    assert [account.name for account in await office.shop.ledger.accounts()] == [BOSS]


async def test_a_disabled_account_is_out_at_once_and_for_good(office: Office) -> None:
    bea = await office.colleague("bea")
    boss = await office.signed_in(BOSS, password_of(BOSS))
    page = await boss.post("/console/accounts/disable", data={"name": "bea"})
    assert "The account is disabled" in page.text
    assert "boss disabled the account bea" in text_of((await boss.get("/console/audit")).text)
    assert is_out(await bea.get("/console"))
    for password in (password_of("bea"), TOKEN):
        answer = await office.browser().post("/console/login", data={"name": "bea", "password": password})
        assert answer.status_code == 401
    assert (await boss.post("/console/accounts/disable", data={"name": "bea"})).status_code == 404


async def test_an_account_opened_again_has_its_new_password_and_none_of_its_sessions(office: Office) -> None:
    bea = await office.colleague("bea")
    old = office.copy(bea)
    boss = await office.signed_in(BOSS, password_of(BOSS))
    await boss.post("/console/accounts/disable", data={"name": "bea"})
    await boss.post("/console/accounts", data=new("bea", "lead"))
    assert is_out(await old.get("/console"))
    again = await office.signed_in("bea", NEW)
    assert (await again.get("/console/parked")).status_code == 200


async def test_the_only_admin_stays(office: Office) -> None:
    boss = await boss_of(office)
    await office.hires("bea", Role.LEAD)
    refused = await boss.post("/console/accounts/disable", data={"name": BOSS})
    assert refused.status_code == 409
    assert "boss is the only admin" in refused.text
    await office.hires("ada", Role.ADMIN)
    assert is_out(await boss.post("/console/accounts/disable", data={"name": BOSS}))


async def test_everybody_changes_their_own_password_and_is_out_everywhere_else(office: Office) -> None:
    here = await office.colleague("bea")
    there = await office.signed_in("bea", password_of("bea"))
    copy = office.copy(here)
    page = await here.post("/console/password", data=change(password_of("bea")))
    assert "Your password is changed" in page.text
    assert is_out(await there.get("/console"))
    assert is_out(await copy.get("/console"))
    assert not is_out(await here.get("/console"))
    await office.signed_in("bea", NEW)
    answer = await office.browser().post("/console/login", data={"name": "bea", "password": password_of("bea")})
    assert answer.status_code == 401
    boss = await office.signed_in(BOSS, password_of(BOSS))
    assert "bea changed the password bea" in text_of((await boss.get("/console/audit")).text)


async def test_a_password_is_not_changed_without_the_present_one(office: Office) -> None:
    bea = await office.colleague("bea")
    assert (await bea.post("/console/password", data=change("a wrong password"))).status_code == 409
    assert (await bea.post("/console/password", data=change(password_of("bea"), "short"))).status_code == 409
    for _ in range(7):
        await bea.post("/console/password", data=change("a wrong password"))
    stopped = await bea.post("/console/password", data=change(password_of("bea")))
    assert (stopped.status_code, "Too many wrong tries" in stopped.text) == (429, True)
    assert not is_out(await bea.get("/console"))


async def test_the_token_has_no_password_to_change(office: Office) -> None:
    by_token = await office.signed_in()
    assert (await by_token.get("/console/password")).status_code == 404
    assert (await by_token.post("/console/password", data=change(TOKEN))).status_code == 404


async def test_passwords_are_kept_as_argon2id_and_never_shown(office: Office) -> None:
    boss = await boss_of(office)
    shown = (await boss.post("/console/accounts", data=new())).text
    refused = (await boss.post("/console/accounts", data=new())).text
    kept = await office.shop.ledger._database.read(
        lambda tx: tx.execute(select(accounts.c.password_hash)).scalars().all()
    )
    assert all(one.startswith("$argon2id$") for one in kept)
    assert len(set(kept)) == 2
    for secret in (NEW, *kept):
        assert secret not in shown + refused


# ── two at once ──
async def test_a_password_that_was_changed_meanwhile_opens_no_session(office: Office) -> None:
    await office.hires("bea")
    ledger, now = office.shop.ledger, office.shop.now
    old = await ledger.credential("bea")
    assert old
    await ledger.change_password(old, "another hash", now=now)
    assert not await ledger.open_session("digest", old, now=now)
    assert await ledger.open_session("digest", Credential(name="bea", password_hash="another hash"), now=now)


async def test_a_token_that_was_right_opens_nothing_once_there_is_an_account(office: Office) -> None:
    await office.hires(BOSS, Role.ADMIN)
    assert not await office.shop.ledger.open_session("digest", None, now=office.shop.now)


async def test_the_record_itself_wants_an_admin_first(office: Office) -> None:
    ledger, now = office.shop.ledger, office.shop.now
    agent = NewAccount(name="bea", role=Role.AGENT, password_hash="hash")
    with pytest.raises(NotAllowed):
        await ledger.add_account(agent, by="admin", now=now)
    await ledger.add_account(NewAccount(name="ada", role=Role.ADMIN, password_hash="hash"), by="admin", now=now)
    await ledger.add_account(agent, by="admin", now=now)
