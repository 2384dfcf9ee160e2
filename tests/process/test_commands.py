"""A command that cannot do what it is asked says so in one line: what is wrong, where, and what there is to do. And a
process says only what it does itself."""

from pathlib import Path

import pytest

from tests.process.running import running, start
from tests.twins.postgres import new_database

pytestmark = pytest.mark.slow

NOBODY = "127.0.0.1:1"  # where nobody listens


async def told(folder: Path, *arguments: str, **settings: str) -> tuple[int | None, str, str]:
    """A command's exit code, what it printed, and its errors."""
    bot = await start(folder, settings, *arguments)
    out, err = await bot.process.communicate()
    return bot.process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("arguments", "wrong", "there_is"),
    [
        (("foo",), "'foo'", "there are run, web, listen, worker"),
        (("ledger",), "COMMAND", "there are status, upgrade, downgrade, move, backup, restore"),
        (("ledger", "foo"), "'foo'", "there are status, upgrade"),
        (("ledger", "move"), "URL", "write python -m bots ledger move [--from URL] URL"),
        (("listen", "fax"), "no such channel, fax", "there are discord, email, slack, sms"),
        (("listen",), "CHANNEL", "write python -m bots listen CHANNEL"),
        (("run", "--loud"), "--loud", "write python -m bots run"),
        (("customers", "export"), "name", "write python -m bots customers export name"),
    ],
)
async def test_wrong_arguments_are_named_in_a_line_with_what_there_is(
    tmp_path: Path, arguments: tuple[str, ...], wrong: str, there_is: str
) -> None:
    code, out, err = await told(tmp_path, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("python -m bots")
    assert wrong in err
    assert there_is in err


async def test_a_rebuild_without_the_memorys_server_says_so_once(tmp_path: Path) -> None:
    server = {"AEGIS_MODE": "server", "AEGIS_BASE_URL": f"http://{NOBODY}", "AEGIS_API_KEY": "k"}
    code, out, err = await told(tmp_path, "memory", "rebuild", **server)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"memory: {NOBODY} does not answer")
    assert "say `memory rebuild` again" in err


@pytest.mark.parametrize("command", ["memory rebuild", "ledger status", "customers export cus_1"])
async def test_a_ledger_that_is_away_is_named_once(tmp_path: Path, command: str) -> None:
    code, out, err = await told(tmp_path, *command.split(), DATABASE_URL=f"postgresql://nobody@{NOBODY}/none")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("DATABASE_URL: the database is away: connection failed")
    assert "port 1" in err


@pytest.mark.parametrize(
    "url",
    ["", "shop", "sqlite:///shop.db", "mysql://u:hush@db.test/shop", "postgresql://db.test", "postgresql://a:b/c"],
)
async def test_a_ledger_moves_nowhere_but_into_postgresql(tmp_path: Path, url: str) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "throughline.db").touch()
    code, out, err = await told(tmp_path, "ledger", "move", url)
    assert (code, out, err) == (
        1,
        "",
        "move: the target is no address of a PostgreSQL database; write postgresql://USER@HOST/NAME\n",
    )
    assert not (tmp_path / "shop.db").exists()


async def test_each_process_says_what_it_does_itself(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": await new_database(), "SMTP_RELAY_HOST": "127.0.0.1"}
    async with running(tmp_path, "web", **settings) as bot:
        assert any(" email    off  (heard by a process of its own: `listen email`)" in line for line in bot.log)
        assert any(" web      on   https://support.acme.test/chat" in line for line in bot.log)
    for command in (("worker",), ("listen", "email")):
        async with running(tmp_path, *command, **settings) as bot:
            assert not [line for line in bot.log if " on  " in line or " off  " in line]
    async with running(tmp_path) as bot:
        assert any(line.endswith(" email    on") for line in bot.log)
