"""The way back in for a lone admin who has lost the password: on the machine itself, beside a running bot."""

from pathlib import Path

from bots.console.passwords import fits, hashed
from core.accounts import AuditFilter, NewAccount, Role
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from tests.process.running import imports, start
from tests.process.test_run import JOHN
from tests.shop import START


async def reset(folder: Path, *arguments: str) -> tuple[int | None, str, str]:
    command = await start(folder, {}, "accounts", "reset", *arguments)
    out, err = await command.process.communicate()
    return command.process.returncode, out.decode(), err.decode()


async def test_a_new_password_is_printed_once_and_ends_every_session(tmp_path: Path) -> None:
    ledger = SqlLedger(SqliteDatabase(tmp_path / "var" / "throughline.db"))
    await ledger.migrate()
    account = NewAccount(name="boss", role=Role.ADMIN, password_hash=hashed("forgotten, and long enough"))
    await ledger.add_account(account, by="admin", now=START)
    before = await ledger.credential("boss")
    assert await ledger.open_session("digest", before, now=START)

    status, printed, _ = await reset(tmp_path, " Boss ")
    assert status == 0
    after = await ledger.credential("boss")
    assert after
    assert fits(after.password_hash, printed.removeprefix("boss signs in with ").split()[0])
    assert await ledger.session("digest", now=START, active=False) is None
    assert (await ledger.audited(AuditFilter()))[0].what == "reset the password"

    status, printed, said = await reset(tmp_path, "nobody")
    assert (status, printed) == (1, "")
    assert said.splitlines()[-1] == "nobody has an account named nobody; there are: boss"
    await ledger.close()


async def test_a_second_factor_that_is_lost_is_turned_off_with_it(tmp_path: Path) -> None:
    ledger = SqlLedger(SqliteDatabase(tmp_path / "var" / "throughline.db"))
    await ledger.migrate()
    account = NewAccount(name="boss", role=Role.ADMIN, password_hash="a hash")
    await ledger.add_account(account, by="admin", now=START)
    status, _, said = await reset(tmp_path, "boss", "--second-factor")
    assert (status, said.splitlines()[-1]) == (1, "boss has no second factor")
    await ledger.turn_on_second_factor("boss", "sealed", ["digest"], step=1, now=START)
    await reset(tmp_path, "boss")
    assert (await ledger.own_account("boss")).has_second_factor
    assert (await reset(tmp_path, "boss", "--second-factor"))[0] == 0
    assert not (await ledger.own_account("boss")).has_second_factor
    await ledger.close()


async def test_what_the_command_line_does_to_customers_is_in_the_audit_without_a_name(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    for deed in ("export", "forget"):
        command = await start(tmp_path, {}, "customers", deed, "cus_1")
        await command.process.communicate()
        assert command.process.returncode == 0
    ledger = SqlLedger(SqliteDatabase(tmp_path / "var" / "throughline.db"))
    lines = await ledger.audited(AuditFilter(who="the command line"))
    assert [line.what for line in lines] == ["forget", "export", "import customers"]
    assert [line.about.split()[0] for line in lines] == ["receipt", "a", "1"]
    assert not any("cus_1" in line.about or "John" in line.about for line in lines)
    await ledger.close()
