"""A backup that cannot be restored changes nothing, and says in one line why: the ledger that is there stays as it is,
and in use. Going back to an older shape brings nobody back who was forgotten."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.process.running import imports, start

pytestmark = pytest.mark.slow

ANN = {"external_id": "cus_7", "name": "Ann Keller", "email": "ann@shop.test", "phone": "+15550177"}
BEA = {"external_id": "cus_8", "name": "Bea Moss", "email": "bea@shop.test", "phone": "+15550178"}
LONG = "a key of more than thirty-two characters, made up here"
OTHER = "another key of more than thirty-two characters, made up"


async def told(folder: Path, *arguments: str, **settings: str) -> tuple[int | None, str, str]:
    """A command's exit code, what it printed, and its errors."""
    bot = await start(folder, settings, *arguments)
    out, err = await bot.process.communicate()
    return bot.process.returncode, out.decode(), err.decode()


async def done(folder: Path, *arguments: str, **settings: str) -> str:
    code, out, err = await told(folder, *arguments, **settings)
    assert code == 0, err
    return out + err


async def refused(folder: Path, *arguments: str, **settings: str) -> str:
    code, out, err = await told(folder, *arguments, **settings)
    assert (code, out, err.count("\n")) == (1, "", 1), out + err
    return err


async def backed_up(folder: Path, **settings: str) -> Path:
    """A ledger that knows Ann, and a backup of it."""
    copy = folder / "monday.db"
    await imports(folder, ANN, **settings)
    await done(folder, "ledger", "backup", str(copy), **settings)
    return copy


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that knows Ann and Bea, and a backup from before Bea."""
    folder = tmp_path_factory.mktemp("lived_in")

    async def live() -> None:
        await backed_up(folder)
        await imports(folder, BEA)

    asyncio.run(live())
    return folder


def rows(ledger: Path) -> list[str]:
    with closing(sqlite3.connect(ledger)) as file:
        return list(file.iterdump())


def changed(copy: Path, *statements: str) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement)


def damaged(copy: Path) -> None:
    """Every page of an index says something else: what SQLite reports about it has more than one line."""
    changed(copy, "PRAGMA writable_schema=ON", "UPDATE sqlite_schema SET rootpage = rootpage - 1 WHERE name = 'facts'")


def torn(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:9_000])


def cut_in_half(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def of_a_newer_version(copy: Path) -> None:
    changed(copy, "UPDATE alembic_version SET version_num = '0815'")


def without_a_shape(copy: Path) -> None:
    changed(copy, "DELETE FROM alembic_version")


def a_text(copy: Path) -> None:
    copy.write_text("Dear all, this is no ledger.\n" * 200)


def nothing(copy: Path) -> None:
    copy.write_bytes(b"")


def not_there(copy: Path) -> None:
    copy.unlink()


def of_another_program(copy: Path) -> None:
    copy.unlink()
    changed(copy, "CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('0005')")


def with_foreign_tables(copy: Path) -> None:
    of_another_program(copy)
    changed(copy, *(f"CREATE TABLE {name} (id)" for name in ("messages", "facts", "tombstones")))


@pytest.mark.parametrize(
    ("spoiled", "why"),
    [
        (damaged, "is damaged, or no backup"),
        (torn, "is damaged, or no backup"),
        (cut_in_half, "is damaged, or no backup"),
        (of_a_newer_version, "the ledger is in shape 0815, and this version knows none after"),
        (without_a_shape, "does not say its shape"),
        (a_text, "is damaged, or no backup"),
        (nothing, "is damaged, or no backup"),
        (not_there, "there is no file"),
        (of_another_program, "is damaged, or no backup"),
        (with_foreign_tables, "is damaged, or no backup"),
    ],
)
async def test_a_backup_that_is_none_leaves_the_ledger_alone(
    lived_in: Path, tmp_path: Path, spoiled: Callable[[Path], None], why: str
) -> None:
    shutil.copytree(lived_in, tmp_path, dirs_exist_ok=True)
    copy, ledger = tmp_path / "monday.db", tmp_path / "var" / "throughline.db"
    before = rows(ledger)
    spoiled(copy)
    said = await refused(tmp_path, "ledger", "restore", str(copy))
    assert said.startswith("restore: ")
    assert str(copy) in said
    assert why in said
    assert rows(ledger) == before
    assert not list(ledger.parent.glob("*.trial*"))
    assert "Bea Moss" in await done(tmp_path, "customers", "export", "cus_8")


async def test_a_backup_under_another_key_leaves_the_ledger_alone(tmp_path: Path) -> None:
    copy, ledger = await backed_up(tmp_path, SECRET_KEY=LONG), tmp_path / "var" / "throughline.db"
    ledger.unlink()
    await imports(tmp_path, BEA, SECRET_KEY=OTHER)
    before = rows(ledger)
    said = await refused(tmp_path, "ledger", "restore", str(copy), SECRET_KEY=OTHER)
    assert said.startswith(f"restore: {copy}: SECRET_KEY: is not the one")
    assert rows(ledger) == before
    assert "Bea Moss" in await done(tmp_path, "customers", "export", "cus_8", SECRET_KEY=OTHER)
    await done(tmp_path, "ledger", "restore", str(copy), SECRET_KEY=OTHER, SECRET_KEY_ACCEPTED=LONG)
    assert "Ann Keller" in await done(tmp_path, "customers", "export", "cus_7", SECRET_KEY=OTHER)


async def test_what_a_killed_restore_left_is_in_nobodys_way(tmp_path: Path) -> None:
    copy, ledger = await backed_up(tmp_path), tmp_path / "var" / "throughline.db"
    Path(f"{ledger}.trial").write_text("half of something")
    await done(tmp_path, "ledger", "restore", str(copy))
    assert not list(ledger.parent.glob("*.trial*"))


async def test_a_damaged_ledger_is_not_backed_up_and_leaves_no_file(tmp_path: Path) -> None:
    copy, ledger = await backed_up(tmp_path), tmp_path / "var" / "throughline.db"
    damaged(ledger)
    said = await refused(tmp_path, "ledger", "backup", str(tmp_path / "tuesday.db"))
    assert said.startswith(f"backup: {Path('var/throughline.db')} could not be copied")
    assert not list(tmp_path.glob("tuesday*"))
    await done(tmp_path, "ledger", "restore", str(copy))
    assert "Ann Keller" in await done(tmp_path, "customers", "export", "cus_7")


# ── going back to an older shape ──
async def test_who_is_due_to_be_erased_is_gone_before_an_older_version_opens_the_ledger(tmp_path: Path) -> None:
    copy, ledger = await backed_up(tmp_path), tmp_path / "var" / "throughline.db"
    await done(tmp_path, "customers", "forget", "cus_7")
    ledger.write_bytes(copy.read_bytes())
    assert "Ann Keller" in "\n".join(rows(ledger))
    assert "SECRET_KEY" in await refused(tmp_path, "ledger", "downgrade", "0010", SECRET_KEY=OTHER)
    said = await done(tmp_path, "ledger", "downgrade", "0010")
    assert "in shape 0010 again" in said
    assert "Ann Keller" not in "\n".join(rows(ledger))


async def test_an_older_version_has_to_know_whom_we_forgot(tmp_path: Path) -> None:
    changed_key = {"SECRET_KEY": OTHER, "SECRET_KEY_ACCEPTED": LONG}
    await imports(tmp_path, ANN, BEA, SECRET_KEY=LONG)
    await done(tmp_path, "customers", "forget", "cus_7", **changed_key)
    said = await refused(tmp_path, "ledger", "downgrade", "0010", SECRET_KEY=OTHER)
    assert "add --forgotten-may-return" in said
    assert "newest" in await done(tmp_path, "ledger", "status", SECRET_KEY=OTHER)
    back = {"SECRET_KEY": LONG, "SECRET_KEY_ACCEPTED": OTHER}
    assert "in shape 0010 again" in await done(tmp_path, "ledger", "downgrade", "0010", **back)
    assert "1 were forgotten" in await imports(tmp_path, ANN, BEA, SECRET_KEY=LONG)
    await done(tmp_path, "ledger", "upgrade", **changed_key)
    await done(tmp_path, "ledger", "downgrade", "0010", "--forgotten-may-return", SECRET_KEY=OTHER)
