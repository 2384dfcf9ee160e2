"""`python -m bots ledger ...`: the ledger's shape, its backups, and its way from SQLite into PostgreSQL."""

import asyncio
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bots.aegis import memory_of
from bots.givens import clock, secret_for
from bots.privacy import catch_up, forgetting
from bots.settings import Settings, load
from bots.wiring import Throughline, closed_ledger, open_ledger
from core.backends.ledger import alone
from core.backends.ledger.database import is_sqlite, open_database, sqlite_path
from core.backends.ledger.migrations import HEAD, downgrade, revision, revisions
from core.backends.ledger.sql import SqlLedger
from core.errors import LedgerAway, Misconfigured, Problem

_KEYS_OF_ITS_OWN = "0011"  # the first shape in which forgotten people are known by a key that outlives SECRET_KEY
_PG_DUMP = "pg_dump --format=custom --file=FILE URL"


class NotThere(Problem):
    """What was asked for is not there, or would not be safe."""


# ── at the start of every process that serves ──
async def open_for_work(bot: Throughline) -> None:
    """The ledger in its newest shape, sealed with SECRET_KEY, and without anybody whom a backup has brought back."""
    try:
        await bot.ledger.migrate()
    except LedgerAway as away:
        raise Misconfigured("DATABASE_URL", str(away)) from None
    await _seal_anew(bot.settings, bot.ledger)
    await catch_up(bot.settings, bot.ledger, bot.memory)


async def _seal_anew(settings: Settings, ledger: SqlLedger) -> None:
    if accepted := [secret_for("console", former) for former in settings.accepted()]:
        from bots.console.login import seal_anew  # noqa: PLC0415 - loads the console, only after a change of keys

        await seal_anew(ledger, secret_for("console", settings.secret()), accepted)


async def seal_all_anew(settings: Settings) -> None:
    """Leaves nothing that lasts under a key that is only accepted."""
    ledger = await open_ledger(settings)
    try:
        await _seal_anew(settings, ledger)
    finally:
        await ledger.close()


# ── its shape ──
async def status() -> None:
    """Prints in which shape the ledger is, and which is the newest."""
    shape = await _shape(load())
    if shape == HEAD:
        _say(f"The ledger is in shape {shape}, the newest.")
    elif not shape:
        _say(f"The ledger has no tables yet; the first start makes them, in shape {HEAD}.")
    elif shape in revisions():
        _say(f"The ledger is in shape {shape}; `ledger upgrade`, or the next start, brings it to {HEAD}.")
    else:
        _say(f"The ledger is in shape {shape}, which a newer version made; this one knows none after {HEAD}.")


async def upgrade() -> None:
    """Brings the ledger to the newest shape, as every start does."""
    settings = load()
    before = await _shape(settings)
    ledger = await open_ledger(settings)
    await ledger.close()
    _say(f"The ledger is in shape {HEAD}, the newest{f'; it was in {before}' if before != HEAD and before else ''}.")


async def go_back(to: str, *, forgotten_may_return: bool = False) -> None:
    """Brings the ledger back to an older shape, for an older version of this program, which erases nobody again: so
    whoever is due to be erased is erased before, and where it could not refuse whom we forgot, it is not done unless
    they may return. Raises Problem."""
    settings = load()
    before = await _shape(settings)
    older = [one for one in revisions() if before in revisions() and one < before]
    if to not in older:
        raise NotThere(
            f"downgrade: the ledger is in shape {before or 'none'}; give one of {', '.join(older) or 'none'}"
        )
    await _require_nobody(settings)
    known_anew = await _erase_what_is_due(settings)
    if to < _KEYS_OF_ITS_OWN and not known_anew and not forgotten_may_return:
        raise NotThere(
            f"downgrade: shape {to} knows forgotten people by SECRET_KEY alone, and it was changed since, so an import"
            " could bring them back; set it to what it was (docs/operations.md), or add --forgotten-may-return"
        )
    database = open_database(settings.database_url)
    try:
        await database.write(partial(downgrade, to=to), durable=True)
    finally:
        await database.close()
    _say(f"The ledger is in shape {to} again; what only shape {before} keeps is gone. Start the older version now.")


async def _erase_what_is_due(settings: Settings) -> bool:
    """Whom a backup brought back, and what an erasure left. Whether SECRET_KEY alone tells forgotten people."""
    ledger, memory = closed_ledger(settings), memory_of(settings)
    try:
        await ledger.migrate()
        await catch_up(settings, ledger, memory)
        await forgetting(settings, ledger, memory).go_on(clock)
        return ledger.is_keyed_by(secret_for("erasing", settings.secret())) or not await ledger.tombstones()
    finally:
        await memory.close()
        await ledger.close()


async def _shape(settings: Settings) -> str:
    if is_sqlite(settings.database_url) and not sqlite_path(settings.database_url).exists():
        return ""
    database = open_database(settings.database_url)
    try:
        return await database.read(revision)
    finally:
        await database.close()


async def _require_nobody(settings: Settings) -> None:
    if is_sqlite(settings.database_url):
        with alone.alone(sqlite_path(settings.database_url)):
            return
    database = open_database(settings.database_url)
    try:
        others = await database.read(_others)
    finally:
        await database.close()
    if others:
        raise NotThere(f"ledger: {others} other connections to the database are open; stop every process first")


def _others(tx: Connection) -> int:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return int(tx.execute(text(asked)).scalar_one())


# ── into PostgreSQL ──
async def move(url: str, source: str) -> None:
    """Moves a ledger of SQLite into an empty PostgreSQL. Raises NotMoved or Busy; then both are as they were."""
    from core.backends.ledger import moving  # noqa: PLC0415 - loads PostgreSQL's driver

    path = _file(source or load().database_url, "move", "name the file with --from sqlite:///PATH")
    rows = 0
    with closing(moving.move(path, url)) as steps:
        for step in steps:
            rows += step.rows if step.digest else 0
            _say(
                f"{step.table:16} {step.rows:>12,} rows{f'  same on both sides: {step.digest}' if step.digest else ''}"
            )
            await asyncio.sleep(0)  # here it can be interrupted
    _say(
        f"Moved {rows:,} rows. Set DATABASE_URL to the new address and start; {path} is as it was.\n"
        "Erasures from now on do not reach that file: delete it, and its backups in time, once all is well."
    )


# ── backups ──
async def backup(to: Path) -> None:
    """Copies the ledger into a file, beside a running bot. Raises Unusable."""
    path = _file(load().database_url, "backup", f"for PostgreSQL say {_PG_DUMP}")
    _say(f"{to}: {await asyncio.to_thread(alone.backup, path, to):,} bytes.")


async def restore(backup_file: Path) -> None:
    """Puts a backup in the ledger's place, erases again who was erased since, and fills memory anew. Raises Busy or
    Unusable."""
    settings = load()
    path = _file(settings.database_url, "restore", "for PostgreSQL use pg_restore, then start")
    await _restore(settings, backup_file, path)
    ledger, memory = closed_ledger(settings), memory_of(settings)
    try:
        await ledger.migrate()
        await catch_up(settings, ledger, memory)
    finally:
        await memory.close()
        await ledger.close()
    from bots.memory import rebuild  # noqa: PLC0415 - loads the vendors of a memory server

    await rebuild()
    _say(f"The ledger is that of {backup_file}, without anybody who was erased since. Start the bot now.")


async def _restore(settings: Settings, backup_file: Path, path: Path) -> None:
    """On a trial file first: a backup of another key, or of a newer version, changes nothing."""
    trial = Path(f"{await asyncio.to_thread(path.resolve)}.trial")
    try:
        await asyncio.to_thread(_drop, trial)  # of a restore that was killed
        await asyncio.to_thread(alone.restore, backup_file, trial)
        await _try(settings.model_copy(update={"database_url": f"sqlite:///{trial}"}), backup_file)
        if await asyncio.to_thread(path.exists):
            await _note_erasures(settings, path)
        await asyncio.to_thread(alone.restore, trial, path)
    finally:
        await asyncio.to_thread(_drop, trial)


async def _try(settings: Settings, backup_file: Path) -> None:
    """Brings a trial file to the newest shape, with the keys that we have."""
    ledger = closed_ledger(settings)
    try:
        await ledger.migrate()
    except Misconfigured as error:
        why = str(error).removeprefix("DATABASE_URL: ")
        raise alone.Unusable(f"restore: {backup_file}: {why}; nothing was changed") from None
    except DBAPIError as error:
        why = f"is damaged, or no backup of a ledger ({type(error.orig).__name__})"
        raise alone.Unusable(f"restore: {backup_file} {why}; nothing was changed, name another backup") from None
    finally:
        await ledger.close()


def _drop(trial: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{trial}{end}").unlink(missing_ok=True)


async def _note_erasures(settings: Settings, path: Path) -> None:
    """What the ledger that is to be replaced knows of erasures."""
    with alone.alone(path):
        pass
    ledger, memory = closed_ledger(settings), memory_of(settings)
    try:
        await ledger.migrate()
        await forgetting(settings, ledger, memory).keep_outside()
    except Problem:
        raise
    except Exception as error:  # noqa: BLE001 - it may be damaged, which is why it is replaced
        _say(f"{path} cannot be read ({type(error).__name__}); erasures are taken from {settings.erasures_file} alone.")
    finally:
        await memory.close()
        await ledger.close()


def _file(url: str, what: str, instead: str) -> Path:
    if not is_sqlite(url):
        raise NotThere(f"{what}: the ledger is not in SQLite; {instead}")
    return sqlite_path(url)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
