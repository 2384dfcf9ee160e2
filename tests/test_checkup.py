"""What `doctor` says of the house itself, of the model's server, and on a terminal."""

import asyncio
import os
import pty
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from bots.checkup import house, outside
from bots.checkup.report import Report
from bots.settings import Settings, load
from core.backends.ledger.migrations import HEAD
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.channel import Finding
from core.errors import Misconfigured
from tests.twins import oidc

BY_CHANCE = "kV3n_w0Rz-Qx81LmPt7aYc5sHd2uGb9e"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The process's own folder, with an empty var/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    return tmp_path


@pytest.fixture
def settings() -> Settings:
    return Settings()


async def ledger_at(path: Path) -> None:
    ledger = SqlLedger(SqliteDatabase(path))
    await ledger.migrate()
    await ledger.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def noted(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])


def spoiled(path: Path) -> None:
    """The root of some table is overwritten; the file's beginning stays readable."""
    content = bytearray(path.read_bytes())
    content[8_192:40_960] = b"\xff" * 32_768
    path.write_bytes(content)


# The ledger and the memory.


async def test_a_ledger_is_looked_at_and_left_as_it_is(folder: Path, settings: Settings) -> None:
    path = folder / "var" / "throughline.db"
    await ledger_at(path)
    before = contents(folder)
    assert await house.ledger(settings) == [Finding(f"var/throughline.db is in its newest shape ({HEAD}).")]
    assert contents(folder) == before

    noted(path, "0001")
    [older] = await house.ledger(settings)
    assert (older.advice, older.fatal) == ("`run` migrates it.", False)
    noted(path, "9999")
    [newer] = await house.ledger(settings)
    assert newer.fatal
    assert "newer version" in newer.what


async def test_a_broken_file_is_fatal(folder: Path, settings: Settings) -> None:
    path = folder / "var" / "throughline.db"
    await ledger_at(path)
    spoiled(path)
    [broken] = await house.ledger(settings)
    assert broken.fatal
    path.write_text("This is a letter, and no database. " * 100)
    [letter] = await house.ledger(settings)
    assert letter.fatal
    assert "file is not a database" in letter.what
    path.rename(folder / "var" / "aegis.db")
    [memory] = house.memory(settings)
    assert memory.fatal
    assert "memory rebuild" in memory.advice


async def test_a_file_that_is_too_large_is_not_looked_through(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger_at(folder / "var" / "throughline.db")
    monkeypatch.setattr(house, "_LOOKING", -1.0)
    monkeypatch.setattr("core.backends.soundness._STEPS", 1)
    shape, unfinished = await house.ledger(settings)
    assert "newest shape" in shape.what
    assert "too large" in unfinished.what
    assert not unfinished.fatal


# The secret, the folder, the knowledge.


def test_a_kept_secret_is_whole_and_its_owners_only(folder: Path, settings: Settings) -> None:
    path = folder / "var" / "secret_key"
    path.write_text(BY_CHANCE * 2)
    path.chmod(0o600)
    assert house.secret(settings) == [Finding("var/secret_key can be read by its owner only.")]
    path.chmod(0o644)
    [open_to_all] = house.secret(settings)
    assert (open_to_all.advice, open_to_all.fatal) == ("chmod 600 var/secret_key", False)
    path.write_text("")
    [cut] = house.secret(settings)
    assert cut.fatal


async def test_a_secret_that_is_gone_is_missed(folder: Path, settings: Settings) -> None:
    assert not house.secret(settings)[0].advice
    await ledger_at(folder / "var" / "throughline.db")
    assert "backup" in house.secret(settings)[0].advice


def test_a_given_secret_was_made_by_chance() -> None:
    assert not house.secret(Settings(secret_key=BY_CHANCE))[0].advice
    assert "another" in house.secret(Settings(secret_key="changeme" * 5))[0].advice


def test_a_folder_that_is_not_there_yet_is_looked_for_above(folder: Path) -> None:
    (folder / "var").rmdir()
    [found] = house.folder()
    assert not found.fatal
    assert "free" in found.what


def test_articles_are_counted(folder: Path) -> None:
    articles = folder / "articles"
    articles.mkdir()
    told = Settings(knowledge_dir="articles")
    assert "no article" in house.knowledge(told)[0].what
    (articles / "kettle.md").write_text("# Kettles\n\nThey sing.\n\n## At night\n\nThey do not.")
    assert house.knowledge(told) == [Finding("1 article in articles.")]
    (articles / "latin.md").write_bytes(b"caf\xe9")
    assert house.knowledge(told)[0].fatal


# The model's server, and the way in.


@asynccontextmanager
async def answering(status: int, body: str, path: str = "/v1/models") -> AsyncIterator[str]:
    """A server that gives one answer; yields its address."""
    app = web.Application()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "http://127.0.0.1:1/"})

    app.router.add_get(path, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "said", "fatal"),
    [
        (200, '{"data": [{"id": "m"}]}', "has m", False),
        (200, '{"data": [{"id": "other"}]}', "has no m", False),
        (200, "<html>", "takes the key.", False),
        (200, "[" * 100_000, "takes the key.", False),
        (401, "Incorrect API key: sk-planted", "OPENAI_API_KEY", True),
        (403, "", "OPENAI_API_KEY", True),
        (404, "", "404", False),
        (302, "", "302", False),
        (500, "", "500", False),
    ],
)
async def test_the_model_s_server_is_asked_what_it_has(status: int, body: str, said: str, fatal: bool) -> None:
    async with answering(status, body) as address:
        [found] = await outside.model(
            Settings(openai_api_key="sk-planted", openai_base_url=f"{address}/v1", openai_model="m")
        )
    assert said in found.what
    assert found.fatal is fatal
    assert "sk-planted" not in found.what + found.advice


def test_without_an_address_the_model_s_server_is_openai_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert Settings().openai_base_url == "https://api.openai.com/v1"


def signing_in_by(issuer: str) -> Settings:
    return Settings(oidc_issuer=issuer, oidc_client_id="console", oidc_client_secret="planted")


@pytest.mark.parametrize(
    ("trouble", "said", "advice", "fatal"),
    [
        ("", "answers", False, False),
        ("another name", "calls itself otherwise", True, True),
        ("nonsense", "calls itself otherwise", True, True),
        ("503", "HTTP 503", True, False),
    ],
)
async def test_the_sign_in_provider_is_asked_for_its_name(trouble: str, said: str, advice: bool, fatal: bool) -> None:
    async with oidc.provider(lambda: datetime.now(UTC)) as twin:
        twin.trouble = trouble
        [found] = await outside.provider(signing_in_by(twin.url))
    assert said in found.what
    assert (bool(found.advice), found.fatal) == (advice, fatal)
    assert "planted" not in found.what + found.advice


async def test_a_sign_in_provider_that_is_away_is_a_finding() -> None:
    [found] = await outside.provider(signing_in_by("http://127.0.0.1:9"))
    assert ("cannot be reached" in found.what, found.fatal) == (True, False)
    [off] = await outside.provider(Settings())
    assert not off.advice


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"OIDC_ISSUER": "https://login.acme.test"}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": "https://login.acme.test", "OIDC_CLIENT_ID": "console"}, "OIDC_CLIENT_SECRET"),
        ({"OIDC_ISSUER": "http://login.acme.test"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "login.acme.test"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "http://[::1"}, "OIDC_ISSUER"),
    ],
)
def test_half_a_sign_in_provider_is_refused_by_the_setting_s_name(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refused:
        load()
    assert refused.value.setting == named


async def test_an_address_that_is_none_is_a_finding() -> None:
    for address in ("nonsense", "http://[::1", "http://user:planted@127.0.0.1:1/v1"):
        [found] = await outside.model(Settings(openai_api_key="sk-planted", openai_base_url=address))
        assert "cannot be reached" in found.what
        assert "planted" not in found.what


async def test_providers_need_a_way_in_that_is_encrypted() -> None:
    [none] = await outside.public_address(Settings(), [])
    assert not none.advice
    [missing] = await outside.public_address(Settings(), ["sms", "voice"])
    assert missing.fatal
    async with answering(200, "ok", "/healthz") as address:
        answers, plain = await outside.public_address(Settings(public_base_url=address), ["sms"])
        assert not answers.advice
        assert "https://" in plain.advice
    async with answering(200, "another site", "/healthz") as address:
        [silent] = await outside.public_address(Settings(public_base_url=address), [])
        assert "does not answer" in silent.what


# The report.


def on_a_terminal(report_to: Report, finding: Finding) -> None:
    report_to.waiting("model")
    report_to.tell("model", [finding])


def _all_of(terminal: int) -> bytes:
    shown = b""
    with suppress(OSError):  # a terminal that nobody writes to any more says so
        while more := os.read(terminal, 4_096):
            shown += more
    return shown


@pytest.mark.parametrize("colours", [True, False])
async def test_colours_and_progress_are_for_terminals(colours: bool) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        report = Report(terminal, colours=colours)
        on_a_terminal(report, Finding("It was refused", "Make another.", fatal=True))
    shown = (await asyncio.to_thread(_all_of, ours)).decode()
    os.close(ours)
    assert "… model" in shown
    assert ("\x1b[31mwrong" in shown) is colours
    assert report.wrong == 1


def test_nothing_reaches_a_terminal_that_it_would_obey_and_no_secret(folder: Path) -> None:
    with (folder / "told").open("w+", encoding="ascii", errors="strict") as out:
        report = Report(out, hidden=["", "abc", "s3cr3t-of-ours", "s3cr3t-of-ours-and-longer"])
        on_a_terminal(report, Finding("abc \x1b[2J\r\n s3cr3t-of-ours-and-longer s3cr3t-of-ours é", "x\x07y"))
        out.seek(0)
        told = out.read()
    assert told.splitlines()[0] == "warning model     abc [2J (hidden) (hidden) ?"
    assert "\x07" not in told
