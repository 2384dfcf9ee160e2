"""The way back in for a lone admin who has lost the password: on the machine itself, beside a running bot."""

from pathlib import Path

from bots.console.passwords import fits, hashed
from core.accounts import NewAccount, Role
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from tests.process.running import start
from tests.shop import START


async def reset(folder: Path, name: str) -> tuple[int | None, str, str]:
    command = await start(folder, {}, "accounts", "reset", name)
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
    assert (await ledger.audited())[0].what == "reset the password"

    status, printed, said = await reset(tmp_path, "nobody")
    assert (status, printed) == (1, "")
    assert said.splitlines()[-1] == "nobody has an account named nobody; there are: boss"
    await ledger.close()
