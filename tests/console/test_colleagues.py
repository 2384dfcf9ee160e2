"""One colleague's account in an admin's hands: role, password, sessions, disabled and enabled; and everybody's own
sessions. What is somebody else's is not found, and that leaves a line."""

import logging
import re

import httpx
import pytest

from core.accounts import Role
from tests.console.office import BOSS, Office, Outline, password_of, text_of


async def account_of(office: Office, name: str) -> str:
    """The path of somebody's account."""
    return f"/console/accounts/{(await office.shop.ledger.own_account(name)).id}"


async def boss_of(office: Office) -> httpx.AsyncClient:
    return await office.signed_in(BOSS, password_of(BOSS))


async def session_ids(office: Office, name: str) -> list[str]:
    return [one.id for one in await office.shop.ledger.sessions(name, now=office.shop.now)]


def is_out(answer: httpx.Response) -> bool:
    return answer.url.path == "/console/login"


# ── the role ──
async def test_a_role_counts_at_once(office: Office) -> None:
    bea = await office.colleague("bea")
    boss, path = await boss_of(office), await account_of(office, "bea")
    assert (await bea.get("/console/parked")).status_code == 404
    page = await boss.post(f"{path}/role", data={"role": "lead"})
    assert "The role is changed" in page.text
    assert (await bea.get("/console/parked")).status_code == 200
    assert "boss changed the role bea to lead" in text_of((await boss.get("/console/audit")).text)


@pytest.mark.parametrize(
    ("role", "why"), [("owner", "Choose a role"), ("agent", "boss is the only admin"), ("", "Choose")]
)
async def test_a_role_that_cannot_be_is_refused_beside_the_field(office: Office, role: str, why: str) -> None:
    await office.hires(BOSS, Role.ADMIN)
    boss, path = await boss_of(office), await account_of(office, BOSS)
    refused = await boss.post(f"{path}/role", data={"role": role})
    assert (refused.status_code, why in refused.text) == (409, True)
    assert 'aria-describedby="role-wrong' in refused.text
    assert (await office.shop.ledger.own_account(BOSS)).role == Role.ADMIN


async def test_an_admin_steps_down_where_there_is_another_one(office: Office) -> None:
    await office.hires("ada", Role.ADMIN)
    boss, path = await boss_of(office), await account_of(office, BOSS)
    assert (await boss.post(f"{path}/role", data={"role": "agent"})).url.path == "/console"
    assert (await boss.get("/console/accounts")).status_code == 404


# ── the password ──
async def test_a_new_password_is_shown_once_and_ends_every_session(office: Office) -> None:
    bea = await office.colleague("bea")
    boss, path = await boss_of(office), await account_of(office, "bea")
    page = (await boss.post(f"{path}/reset")).text
    found = re.search(r"<code>([\w-]{20})</code>", page)
    assert found
    assert found[1] not in (await boss.get(path)).text
    assert found[1] not in (await boss.get("/console/audit")).text
    assert is_out(await bea.get("/console"))
    old = await office.browser().post("/console/login", data={"name": "bea", "password": password_of("bea")})
    assert old.status_code == 401
    await office.signed_in("bea", found[1])


# ── disabled, and enabled again ──
async def test_a_disabled_account_is_enabled_as_it_was(office: Office) -> None:
    bea = await office.colleague("bea", Role.LEAD)
    boss, path = await boss_of(office), await account_of(office, "bea")
    await boss.post("/console/accounts/disable", data={"name": "bea"})
    assert is_out(await bea.get("/console"))
    assert "Enable, as it was" in (await boss.get(path)).text
    await boss.post(f"{path}/enable")
    assert is_out(await bea.get("/console")), "its sessions stay ended"
    again = await office.signed_in("bea", password_of("bea"))
    assert (await again.get("/console/parked")).status_code == 200
    assert (await boss.post(f"{path}/enable")).status_code == 404


async def test_what_is_done_to_a_disabled_account_is_not_found(office: Office) -> None:
    await office.hires("bea")
    boss, path = await boss_of(office), await account_of(office, "bea")
    await boss.post("/console/accounts/disable", data={"name": "bea"})
    for deed in ("role", "reset", "email", "second/off"):
        assert (await boss.post(f"{path}/{deed}", data={"role": "lead"})).status_code == 404


# ── sessions ──
async def test_everybody_sees_where_they_are_signed_in_and_ends_it(office: Office) -> None:
    here = await office.colleague("bea")
    office.shop.later(minutes=10)
    there = await office.signed_in("bea", password_of("bea"))
    page = (await here.get("/console/account")).text
    assert text_of(page).count("here, now") == 1
    (end,) = [
        a["action"]
        for t, a in Outline(page).elements
        if t == "form" and str(a.get("action")).endswith("/end") and len(str(a["action"]).split("/")) == 6
    ]
    await here.post(str(end))
    assert is_out(await there.get("/console"))
    assert not is_out(await here.get("/console"))


async def test_everybody_signs_out_everywhere_else_at_once(office: Office) -> None:
    here = await office.colleague("bea")
    others = [await office.signed_in("bea", password_of("bea")) for _ in range(3)]
    carl = await office.colleague("carl")
    assert "Signed out there" in (await here.post("/console/account/sessions/end")).text
    assert all([is_out(await other.get("/console")) for other in others])
    assert not is_out(await here.get("/console"))
    assert not is_out(await carl.get("/console"))


async def test_an_admin_ends_a_colleagues_sessions(office: Office) -> None:
    bea = await office.colleague("bea")
    boss, path = await boss_of(office), await account_of(office, "bea")
    (one,) = await session_ids(office, "bea")
    assert "Sign out there" in (await boss.get(path)).text
    await boss.post(f"{path}/sessions/{one}/end")
    assert is_out(await bea.get("/console"))
    again = [await office.signed_in("bea", password_of("bea")) for _ in range(2)]
    await boss.post(f"{path}/sessions/end")
    assert all([is_out(await one.get("/console")) for one in again])
    assert "boss ended sessions bea, 2" in text_of((await boss.get("/console/audit")).text)


async def test_a_session_that_is_over_is_not_listed(office: Office) -> None:
    await office.colleague("bea")
    office.shop.later(hours=2)
    assert await session_ids(office, "bea") == []


# ── what is somebody else's ──
async def test_somebody_elses_session_is_not_found_and_leaves_a_line(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    boss = await boss_of(office)
    (of_carl,) = await session_ids(office, "carl")
    (of_boss,) = await session_ids(office, BOSS)
    caplog.clear()
    for browser, path in [
        (bea, f"/console/account/sessions/{of_carl}/end"),
        (bea, f"{await account_of(office, 'carl')}/sessions/{of_carl}/end"),
        (bea, f"{await account_of(office, 'bea')}/sessions/{of_carl}/end"),
        (bea, "/console/account/sessions/0000000000000000/end"),
        (bea, "/console/account/sessions/%25/end"),
        (boss, f"{await account_of(office, 'bea')}/sessions/{of_carl}/end"),
        (boss, f"/console/account/sessions/{of_carl}/end"),
        (boss, f"{await account_of(office, 'bea')}/sessions/{of_boss}/end"),
    ]:
        assert (await browser.post(path)).status_code == 404, path
    lines = [r.getMessage() for r in caplog.records if r.name == "bots.console.door" and r.levelno == logging.WARNING]
    assert [line.partition(" 404")[0] for line in lines] == ["the console answered bea"] * 5 + [
        "the console answered boss"
    ] * 3
    assert not is_out(await carl.get("/console"))


async def test_an_account_that_is_none_is_not_found(office: Office) -> None:
    await office.hires(BOSS, Role.ADMIN)
    boss = await boss_of(office)
    for account in ("0", "999", "-1", "x", "9" * 30, "1e3", "%00", "boss"):
        assert (await boss.get(f"/console/accounts/{account}")).status_code == 404
        for deed in ("role", "reset", "enable", "email", "second/off", "sessions/end"):
            answer = await boss.post(f"/console/accounts/{account}/{deed}", data={"role": "lead"})
            assert answer.status_code == 404, (account, deed)


async def test_accounts_are_an_admins_alone(office: Office) -> None:
    for role in (Role.AGENT, Role.LEAD):
        browser = await office.colleague(f"one.{role}", role)
        path = await account_of(office, BOSS)
        assert (await browser.get(path)).status_code == 404
        for deed in ("role", "reset", "enable", "email", "second/off", "sessions/end"):
            answer = await browser.post(f"{path}/{deed}", data={"role": "agent"})
            assert answer.status_code == 404
    assert (await office.shop.ledger.own_account(BOSS)).role == Role.ADMIN
    await boss_of(office)
