"""What an operator does to a ledger, as a process beside the bot: backups that bring nobody back who was forgotten,
moving into PostgreSQL, going back to an older shape, and changing the key that signs and seals."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from tests.process.running import Bot, imports, running, start
from tests.process.test_privacy import JOHN, MAILBOX, MARY, TRACES, traces
from tests.process.test_run import twilio_settings
from tests.twins.postgres import new_database
from tests.twins.twilio import Twilio

CHARGED = "I was charged $99.17 for my Quennelwhistle but I downgraded to the $49 plan. The order is W4829137."
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
]  # a dozen processes one after the other, on a machine that may be busy
LONG = "a key of more than thirty-two characters, made up here"
OTHER = "another key of more than thirty-two characters, made up"


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100") as twin:
        yield twin


async def command(folder: Path, *arguments: str, **settings: str) -> tuple[int | None, str]:
    """Runs `python -m bots ...`: its exit code, and all that it printed."""
    bot = await start(folder, settings, *arguments)
    out, err = await bot.process.communicate()
    assert b"Traceback" not in err, err.decode()
    return bot.process.returncode, out.decode() + err.decode()


async def done(folder: Path, *arguments: str, **settings: str) -> str:
    """Runs a command that goes well."""
    code, said = await command(folder, *arguments, **settings)
    assert code == 0, said
    return said


async def refused(folder: Path, *arguments: str, **settings: str) -> str:
    """Runs a command that does not, and says why in one line."""
    code, said = await command(folder, *arguments, **settings)
    assert (code, said.strip().count("\n")) == (1, 0), said
    return said


async def john_and_mary_write(bot: Bot, twilio: Twilio) -> None:
    twilio.deliver_to = bot.url
    await twilio.texts("+15550142", CHARGED)
    await twilio.outbox.get()
    await bot.mails(MAILBOX, CHARGED, Message_ID="<1@quennelwhistle.test>")
    await twilio.texts("+15550143", "My kettle is broken.")
    await twilio.outbox.get()


# ── backups ──
async def test_who_was_forgotten_since_a_backup_does_not_come_back_with_it(tmp_path: Path, twilio: Twilio) -> None:
    bot_folder, copy = tmp_path / "bot", tmp_path / "monday.db"
    bot_folder.mkdir()
    await imports(bot_folder, JOHN, MARY)
    async with running(bot_folder, **twilio_settings(twilio)) as bot:
        await john_and_mary_write(bot, twilio)
        assert "bytes" in await done(bot_folder, "ledger", "backup", str(copy))
        assert b"uennelwhistle" in copy.read_bytes()
        assert copy.stat().st_mode & 0o777 == 0o600
        assert "there already" in await refused(bot_folder, "ledger", "backup", str(copy))
        await done(bot_folder, "customers", "forget", "cus_77")
        assert "open in another process" in await refused(bot_folder, "ledger", "restore", str(copy))
        assert traces(bot_folder) == set()
    said = await done(bot_folder, "ledger", "restore", str(copy))
    assert "erased again what a backup had brought back" in said
    assert not [trace for trace in TRACES if trace in said]
    assert traces(bot_folder) == set()
    await nobody_is_back(bot_folder, twilio)


async def test_a_file_put_back_by_hand_is_cleaned_before_the_first_customer_is_served(
    tmp_path: Path, twilio: Twilio
) -> None:
    bot_folder, copy = tmp_path / "bot", tmp_path / "monday.db"
    bot_folder.mkdir()
    await imports(bot_folder, JOHN, MARY)
    async with running(bot_folder, **twilio_settings(twilio)) as bot:
        await john_and_mary_write(bot, twilio)
        await done(bot_folder, "ledger", "backup", str(copy))
    memory = (bot_folder / "var" / "aegis.db").read_bytes()
    await done(bot_folder, "customers", "forget", "cus_77")
    (bot_folder / "var" / "throughline.db").write_bytes(copy.read_bytes())
    (bot_folder / "var" / "aegis.db").write_bytes(memory)
    assert traces(bot_folder)
    async with running(bot_folder, **twilio_settings(twilio)) as bot:
        assert any("erased again" in line for line in bot.log)
        assert traces(bot_folder) == set()
    await nobody_is_back(bot_folder, twilio)


async def nobody_is_back(folder: Path, twilio: Twilio, **settings: str) -> None:
    assert "1 were forgotten" in await imports(folder, JOHN, MARY, **settings)
    async with running(folder, **twilio_settings(twilio), **settings) as bot:
        twilio.deliver_to = bot.url
        await twilio.texts("+15550142", "Hello, any news?")
        anew = (await twilio.outbox.get()).body
        assert not [known for known in ("John", "$99", "plan") if known in anew]
        await twilio.texts("+15550143", "Hello, any news?")
        assert (await twilio.outbox.get()).body
    assert "kettle is broken" in await done(folder, "customers", "export", "cus_78", **settings)
    assert "cus_77" in await refused(folder, "customers", "export", "cus_77", **settings)


async def test_in_postgresql_nobody_comes_back_either(tmp_path: Path, twilio: Twilio) -> None:
    ledger = {"DATABASE_URL": await new_database()}
    await imports(tmp_path, JOHN, MARY, **ledger)
    async with running(tmp_path, **twilio_settings(twilio), **ledger) as bot:
        await john_and_mary_write(bot, twilio)
    assert "pg_dump" in await refused(tmp_path, "ledger", "backup", "x.db", **ledger)
    ledger_of_monday = {"DATABASE_URL": await copied(ledger["DATABASE_URL"])}
    await done(tmp_path, "customers", "forget", "cus_77", **ledger)
    assert traces(tmp_path) == set()
    assert {trace.lower() for trace in TRACES} <= await stand_in(ledger_of_monday["DATABASE_URL"])
    await done(tmp_path, "memory", "rebuild", **ledger_of_monday)
    assert traces(tmp_path) == set()
    await nobody_is_back(tmp_path, twilio, **ledger_of_monday)
    assert traces(tmp_path) == set()
    anew = {"15550142"}  # who wrote again, as somebody new
    assert await stand_in(ledger_of_monday["DATABASE_URL"]) <= anew


async def copied(url: str) -> str:
    """What a restored dump is: a database of its own with the same rows."""
    name = urlsplit(url).path.removeprefix("/")
    async with await psycopg.AsyncConnection.connect(url.replace(name, "postgres"), autocommit=True) as connection:
        await connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (f"{name}2", name)))
        )
    return url.replace(name, f"{name}2")


async def stand_in(url: str) -> set[str]:
    """What of the planted strings stands in any row."""
    rows = []
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in await found.fetchall():
            read = await connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            rows += [str(row[0]).lower() for row in await read.fetchall()]
    return {trace.lower() for trace in TRACES if trace.lower() in "\n".join(rows)}


async def test_whom_the_company_named_again_a_restart_leaves_alone(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    await done(tmp_path, "customers", "forget", "cus_77")
    await done(tmp_path, "customers", "import", str(tmp_path / "customers.csv"), "--restore")
    async with running(tmp_path):
        await done(tmp_path, "customers", "export", "cus_77")
    async with running(tmp_path):
        await done(tmp_path, "customers", "export", "cus_77")


# ── from SQLite into PostgreSQL, and between shapes ──
async def test_the_bot_goes_on_in_postgresql_in_the_middle_of_a_conversation(tmp_path: Path, twilio: Twilio) -> None:
    await imports(tmp_path, JOHN, MARY)
    url = await new_database()
    settings = twilio_settings(twilio)
    async with running(tmp_path, **settings) as bot:
        await john_and_mary_write(bot, twilio)
        assert "stop the bot first" in await refused(tmp_path, "ledger", "move", url)
    async with running(tmp_path, **settings, BURST_SECONDS="60") as bot:
        twilio.deliver_to = bot.url
        waiting, answer = await twilio.texts("+15550143", "And the toaster is broken too.")
        assert answer.status == 200
        await bot.killed()
    said = await done(tmp_path, "ledger", "move", url)
    assert re.search(r"messages +\d+ rows  same on both sides: [0-9a-f]{16}\n", said)
    assert "not empty" in await refused(tmp_path, "ledger", "move", url)
    async with running(tmp_path, **settings, DATABASE_URL=url) as bot:
        twilio.deliver_to = bot.url
        assert (await twilio.outbox.get()).body
        assert (await twilio.deliver(waiting)).status == 200
        call = twilio.calls("+15550142", verstat="TN-Validation-Passed-A")
        greeting = await call.dials()
        assert "Hi John" in greeting
        assert "$99" in greeting
        await done(tmp_path, "customers", "forget", "cus_77", DATABASE_URL=url)
        assert "cus_77" in await refused(tmp_path, "customers", "export", "cus_77", DATABASE_URL=url)
    assert twilio.outbox.empty()


async def test_back_to_an_older_shape_and_up_again(tmp_path: Path) -> None:
    ledger = {"DATABASE_URL": await new_database()}
    assert "no tables yet" in await done(tmp_path, "ledger", "status", **ledger)
    await imports(tmp_path, JOHN, **ledger)
    newest = re.search(r"shape (\d{4}), the newest", await done(tmp_path, "ledger", "status", **ledger))
    assert newest
    async with running(tmp_path, **ledger):
        assert "stop" in await refused(tmp_path, "ledger", "downgrade", "0010", **ledger)
    assert "give one of 0001" in await refused(tmp_path, "ledger", "downgrade", "0815", **ledger)
    assert "in shape 0009 again" in await done(tmp_path, "ledger", "downgrade", "0009", **ledger)
    assert f"brings it to {newest[1]}" in await done(tmp_path, "ledger", "status", **ledger)
    assert "it was in 0009" in await done(tmp_path, "ledger", "upgrade", **ledger)
    await done(tmp_path, "customers", "export", "cus_77", **ledger)


# ── keys ──
class Visitor:
    """Somebody at the web chat, with the cookie that the first page gave."""

    def __init__(self) -> None:
        self._cookie = ""

    async def says(self, bot: Bot, text: str, name: str) -> str:
        """What the bot answers to it."""
        async with aiohttp.ClientSession(bot.url) as browser:
            if not self._cookie:
                async with browser.get("/chat") as page:
                    self._cookie = page.headers["set-cookie"].partition(";")[0]
            headers = {"cookie": self._cookie}
            async with browser.post("/api/chat/messages", json={"id": name, "text": text}, headers=headers) as answer:
                assert answer.status == 202, await answer.text()
            async with browser.get("/api/chat/stream", headers=headers) as stream:
                return await self._answer(stream, text)

    async def _answer(self, stream: aiohttp.ClientResponse, text: str) -> str:
        heard = False
        async for line in stream.content:
            said = line.decode()
            heard = heard or text in said
            if heard and '"from": "bot"' in said.replace('":"', '": "'):
                return said
        raise AssertionError("the stream ended without an answer")


async def rotate(folder: Path, given: Mapping[str, str]) -> Mapping[str, str]:
    """A new key, where one is given in the environment or kept under var/; the settings with it."""
    said = await done(folder, "keys", "rotate", **given)
    if not given:
        return {}
    new = re.search(r"(?m)^SECRET_KEY=(\S+)$", said)
    assert new
    return {"SECRET_KEY": new[1], "SECRET_KEY_ACCEPTED": given["SECRET_KEY"]}


@pytest.mark.parametrize("given", [{}, {"SECRET_KEY": LONG}], ids=["kept", "given"])
async def test_a_new_key_loses_no_message_and_breaks_no_conversation(
    tmp_path: Path, twilio: Twilio, given: Mapping[str, str]
) -> None:
    await imports(tmp_path, JOHN, MARY, **given)
    settings, visitor = twilio_settings(twilio), Visitor()
    async with running(tmp_path, **settings, **given) as bot:
        await john_and_mary_write(bot, twilio)
        await done(tmp_path, "customers", "forget", "cus_77", **given)
        assert "order number" in await visitor.says(bot, "I was charged twice.", "1")
        await twilio.texts("+15550143", "Please link my other account, which code do I need?")
        code = re.search(r"\b\d{6}\b", (await twilio.outbox.get()).body)
        assert code
    async with running(tmp_path, **settings, **given, BURST_SECONDS="60") as bot:
        twilio.deliver_to = bot.url
        waiting, answer = await twilio.texts("+15550144", "My parcel never arrived.")
        assert answer.status == 200
        await bot.killed()

    changed = await rotate(tmp_path, given)
    async with running(tmp_path, **settings, **changed) as bot:
        twilio.deliver_to = bot.url
        assert "order number" in (await twilio.outbox.get()).body
        assert (await twilio.deliver(waiting)).status == 200
        assert "3456" in await visitor.says(bot, "The order is W7123456.", "2")
        assert "kettle" in await visitor.says(bot, code[0], "3")
        await bot.mails(MAILBOX, CHARGED, Message_ID="<1@quennelwhistle.test>")
        assert "1 were forgotten" in await imports(tmp_path, JOHN, MARY, **changed)
        assert traces(tmp_path) == set()

    await done(tmp_path, "keys", "drop", **changed)
    only = {name: value for name, value in changed.items() if name == "SECRET_KEY"}
    assert "1 were forgotten" in await imports(tmp_path, JOHN, MARY, **only)
    async with running(tmp_path, **settings, **only) as bot:
        await bot.mails(MAILBOX, CHARGED, Message_ID="<1@quennelwhistle.test>")
        assert traces(tmp_path) == set()
    assert twilio.outbox.empty()


async def test_a_key_that_is_not_the_ledgers_stops_the_start(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN, SECRET_KEY=LONG)
    bot = await start(tmp_path, {"SECRET_KEY": OTHER})
    _, err = await bot.process.communicate()
    assert bot.process.returncode
    assert "SECRET_KEY" in err.decode().strip().splitlines()[-1]
    assert b"Traceback" not in err
    assert "SECRET_KEY" in await refused(tmp_path, "customers", "export", "cus_77", SECRET_KEY=OTHER)
    await done(tmp_path, "customers", "export", "cus_77", SECRET_KEY=OTHER, SECRET_KEY_ACCEPTED=LONG)
    await done(tmp_path, "customers", "export", "cus_77", SECRET_KEY=OTHER)


async def test_while_twilios_token_is_changed_both_sign(tmp_path: Path, twilio: Twilio) -> None:
    settings = twilio_settings(twilio)
    changing = settings | {"TWILIO_AUTH_TOKEN_ACCEPTED": "the0ther"}
    async with running(tmp_path, **changing) as bot:
        twilio.deliver_to = bot.url
        for token, status in (("t0ken", 200), ("the0ther", 200), ("f0rged", 403)):
            twilio.auth_token = token
            _, answer = await twilio.texts("+15550143", f"My kettle is broken, {token}.")
            assert answer.status == status
        twilio.auth_token = "t0ken"
