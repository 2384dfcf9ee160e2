"""Colleagues on record in PostgreSQL as in SQLite: their accounts, codes, sessions and the audit, also when two come at
once."""

import asyncio
from pathlib import Path

import pytest

from core.accounts import AuditFilter, NewAccount, NotAllowed, Provided, Role
from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from tests.shop import START
from tests.twins.postgres import new_database

BEA = Provided(issuer="https://login.acme.test", subject="u1", email="bea@acme.test")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_an_account_s_life(kind: str, tmp_path: Path) -> None:
    url = await new_database() if kind == "postgresql" else f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger = SqlLedger(open_database(url))
    await ledger.migrate()
    now = START
    for name, role in (("ada", Role.ADMIN), ("boss", Role.ADMIN)):
        new = NewAccount(name=name, role=role, password_hash=f"hash of {name}")
        await ledger.add_account(new, by="admin", now=now)

    known = await asyncio.gather(*(ledger.provided(BEA, domains=["acme.test"], now=now) for _ in range(3)))
    assert {one.name for one in known} == {"bea@acme.test"}
    with pytest.raises(NotAllowed):
        await ledger.provided(
            Provided(issuer=BEA.issuer, subject="u2", email=BEA.email), domains=["acme.test"], now=now
        )

    await ledger.turn_on_second_factor("ada", "sealed", ["one", "two"], step=7, now=now)
    assert sorted(await asyncio.gather(*(ledger.take_step("ada", 8) for _ in range(4)))) == [False] * 3 + [True]
    codes = await asyncio.gather(*(ledger.take_recovery_code("ada", "one", now=now) for _ in range(4)))
    assert (sorted(codes), await ledger.recovery_codes_left("ada")) == ([False] * 3 + [True], 1)

    assert await ledger.open_session("d" * 64, await ledger.credential("ada"), now=now)
    (session,) = await ledger.sessions("ada", now=now)
    await ledger.end_sessions("ada", [session.id], by="boss", now=now)
    assert await ledger.session("d" * 64, now=now, active=True) is None

    down = [ledger.change_role(name, Role.AGENT, by=name, now=now) for name in ("ada", "boss")]
    assert [type(done) for done in await asyncio.gather(*down, return_exceptions=True)].count(NotAllowed) == 1
    assert [one.role for one in await ledger.accounts()].count(Role.ADMIN) == 1
    choices = await ledger.audit_choices()
    assert {"ada", "boss", "admin", "the sign-in provider"} <= set(choices.who)
    lines = await ledger.audited(AuditFilter(what="ended sessions", day=now.date()))
    assert [(line.who, line.about) for line in lines] == [("boss", "ada, 1")]
    await ledger.close()
