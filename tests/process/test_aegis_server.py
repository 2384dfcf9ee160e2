"""`python -m bots` with AEGIS_MODE=server as an operator runs it: what is told gets to the server, a customer is
answered whatever the server does, the commands work beside it, and half a setting stops the start."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.process.running import Bot, imports, running, start
from tests.process.test_run import CHARGED, JOHN, next_mail
from tests.twins.aegis_server import KEY, AegisServerTwin, aegis_server
from tests.twins.mail import MailRelay

pytestmark = pytest.mark.slow

TRACES = ("john@shop.test", "99", "downgraded", "throughline:handle:")


def settings(twin: AegisServerTwin, *, database: bool = True) -> dict[str, str]:
    server = {"AEGIS_MODE": "server", "AEGIS_BASE_URL": twin.url, "AEGIS_API_KEY": KEY}
    return {**server, "AEGIS_DATABASE_URL": twin.database_url} if database else server


async def command(folder: Path, given: Mapping[str, str], *arguments: str) -> tuple[int | None, str, str]:
    """Its exit status, what it printed, and its errors."""
    one = await start(folder, given, *arguments)
    out, err = await one.process.communicate()
    assert b"Traceback" not in err
    return one.process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def talking(folder: Path, given: Mapping[str, str]) -> AsyncIterator[tuple[Bot, MailRelay]]:
    """A bot that takes and sends mail."""
    async with MailRelay().open() as relay:
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        async with running(folder, **mail, **given) as bot:
            yield bot, relay


async def until_kept(twin: AegisServerTwin, words: str) -> None:
    while words not in await twin.kept():
        pass


async def test_what_is_told_gets_there_and_is_forgotten_there(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    (tmp_path / "var").mkdir(exist_ok=True)
    (tmp_path / "var" / "aegis.db").write_bytes(b"what local mode left")
    async with aegis_server() as twin:
        given = settings(twin)
        async with talking(tmp_path, given) as (bot, relay):
            await bot.mails("john@shop.test", CHARGED)
            assert "99" in await next_mail(relay)
            await until_kept(twin, "amount: ")
            assert not (tmp_path / "var" / "aegis.db").exists()
            before = await twin.kept()
            status, printed, _ = await command(tmp_path, given, "memory", "rebuild")
            assert (status, "facts and 0 patterns remembered" in printed) == (0, True)
            assert (await twin.kept()).count("amount: ") == before.count("amount: ")
            status, printed, _ = await command(tmp_path, given, "customers", "forget", "cus_1")
            assert (status, printed.startswith("Forgotten.")) == (0, True)
            kept = await twin.kept()
            assert not [trace for trace in ("amount: ", *TRACES[3:]) if trace in kept]


async def test_what_a_kill_cut_off_gets_there_once_it_is_started_again(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    async with aegis_server() as twin, MailRelay().open() as relay:
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        given = {**mail, **settings(twin)}
        dying = await start(tmp_path, given, "engine.learn before", "1", module="tests.crash.process")
        await dying.until("ready:")
        await dying.mails("john@shop.test", CHARGED)
        await dying.process.communicate()
        assert dying.process.returncode == -9
        assert "amount: " not in await twin.kept()
        async with running(tmp_path, **given):
            await until_kept(twin, "amount: ")


async def test_without_the_database_forget_refuses_before_anything_is_erased(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    async with aegis_server() as twin:
        given = settings(twin, database=False)
        async with talking(tmp_path, given) as (bot, relay):
            await bot.mails("john@shop.test", CHARGED)
            await next_mail(relay)
            status, printed, err = await command(tmp_path, given, "customers", "forget", "cus_1")
            assert (status, printed) == (1, "")
            assert err.splitlines()[-1].startswith("memory: nothing was erased: the Aegis server at 127.0.0.1:")
            assert err.splitlines()[-1].endswith("set AEGIS_DATABASE_URL to its PostgreSQL database")
            status, printed, _ = await command(tmp_path, given, "customers", "export", "cus_1")
            assert "downgraded" in printed


@pytest.mark.parametrize("trouble", ["fails", "hangs", "is busy"])
async def test_whatever_the_server_does_the_customer_is_answered(tmp_path: Path, trouble: str) -> None:
    await imports(tmp_path, JOHN)
    async with aegis_server() as twin:
        twin.a_minute = 0 if trouble == "is busy" else 1_000
        twin.trouble = trouble if trouble != "is busy" else ""
        async with talking(tmp_path, settings(twin)) as (bot, relay):
            await bot.mails("john@shop.test", CHARGED)
            assert "99" in await next_mail(relay)
            if trouble == "is busy":
                twin.a_minute = 1_000
                await until_kept(twin, "amount: ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"AEGIS_MODE": "remote"}, "AEGIS_MODE: Input should be 'local' or 'server'"),
        ({"AEGIS_MODE": "server", "AEGIS_API_KEY": "k"}, "AEGIS_BASE_URL: "),
        ({"AEGIS_MODE": "server", "AEGIS_BASE_URL": "http://127.0.0.1:1"}, "AEGIS_API_KEY: "),
        (
            {"AEGIS_MODE": "server", "AEGIS_BASE_URL": "aegis.test", "AEGIS_API_KEY": "k"},
            "AEGIS_BASE_URL: is no address",
        ),
        ({"AEGIS_DATABASE_URL": "sqlite:///hush.db"}, "AEGIS_DATABASE_URL: is no address of a PostgreSQL database"),
        (
            {
                "AEGIS_MODE": "server",
                "AEGIS_BASE_URL": "http://127.0.0.1:1",
                "AEGIS_API_KEY": "k",
                "RETENTION_DAYS_FACTS": "9",
            },
            "AEGIS_DATABASE_URL: ",
        ),
    ],
)
async def test_half_a_setting_stops_the_start(tmp_path: Path, given: dict[str, str], said: str) -> None:
    status, _, err = await command(tmp_path, given, "run")
    assert status
    assert err.splitlines()[-1].startswith(said)
    assert "hush" not in err


async def test_doctor_tells_whether_it_is_reached_and_whether_it_can_erase(tmp_path: Path) -> None:
    async with aegis_server() as twin:
        _, out, _ = await command(tmp_path, settings(twin), "doctor")
        assert "takes the key." in out
        assert "Whoever is forgotten is erased in its database too." in out
        _, out, _ = await command(tmp_path, settings(twin, database=False), "doctor")
        assert "nobody can be forgotten" in out
        status, out, _ = await command(tmp_path, {**settings(twin), "AEGIS_API_KEY": "another-key"}, "doctor")
        assert (status, "refused it (401)" in out, "another-key" in out) == (1, True, False)
        assert not twin.asked[-1][1], "it is told nothing"
    lost = {"AEGIS_DATABASE_URL": "postgresql://aegis:hush-hush@127.0.0.1:1/aegis"}
    status, out, _ = await command(tmp_path, {**settings(twin), **lost}, "doctor")
    assert status == 1
    assert "cannot be reached (Connect call failed" in out or "cannot be reached" in out
    assert "AEGIS_DATABASE_URL: the database of the Aegis server fails" in out
    assert "hush-hush" not in out
