"""A ledger's file while nobody else has it open, and copies of it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import Problem

_WAITING = 2.0  # seconds, for a command that is about to end


class Busy(Problem):
    """Another process has the ledger open."""


class Unusable(Problem):
    """A backup cannot be made or used."""


@contextmanager
def alone(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, which nobody else can open meanwhile. Raises Busy or Unusable."""
    if not path.is_file():
        raise Unusable(f"ledger: there is no file {path}")
    with closing(sqlite3.connect(path, timeout=_WAITING, isolation_level=None)) as file:
        try:
            file.execute("PRAGMA locking_mode=EXCLUSIVE")
            file.execute("BEGIN EXCLUSIVE")
            file.execute("COMMIT")  # the lock stays until the file is closed
        except sqlite3.OperationalError:
            raise Busy(f"ledger: {path} is open in another process; stop the bot first") from None
        except sqlite3.DatabaseError as error:
            raise Unusable(f"ledger: {path} is no ledger ({error})") from None
        yield file


def backup(path: Path, to: Path) -> int:
    """Copies the ledger as it is at one moment, also while it is written to; the copy's bytes. Raises Unusable."""
    if not path.is_file():
        raise Unusable(f"backup: there is no ledger at {path}")
    part = to.with_name(f"{to.name}.part")
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # a backup is never written over
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        _copy(path, part)
        part.replace(to)
    except FileExistsError:
        raise Unusable(f"backup: {to} is there already; name another file") from None
    except (OSError, sqlite3.DatabaseError) as error:
        part.unlink(missing_ok=True)
        to.unlink(missing_ok=True)
        raise Unusable(f"backup: {path} could not be copied to {to} ({error}); nothing was kept") from None
    return to.stat().st_size


def _copy(path: Path, to: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
        _require_whole(target)
    with to.open("rb") as file:
        os.fsync(file.fileno())


def restore(backup_file: Path, path: Path) -> None:
    """Puts a backup in the place of the ledger, wholly or not at all. Raises Busy or Unusable."""
    if not backup_file.is_file():
        raise Unusable(f"restore: there is no file {backup_file}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(f"file:{backup_file.resolve()}?mode=ro", uri=True)) as source:
            _require_whole(source)
            _require_ledger(source)
            with alone(path) as target:
                target.execute("PRAGMA secure_delete=ON")
                source.backup(target)
    except sqlite3.DatabaseError as error:
        why = f"is damaged, or no backup of a ledger ({error})"
        raise Unusable(f"restore: {backup_file} {why}; nothing was changed, name another backup") from None


def _require_whole(file: sqlite3.Connection) -> None:
    if (said := file.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(said.splitlines()[-1])


def _require_ledger(file: sqlite3.Connection) -> None:
    for table in ("messages", "facts", "tombstones"):
        file.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - names of our own
    if file.execute("SELECT version_num FROM alembic_version").fetchone() is None:
        raise sqlite3.DatabaseError("it does not say its shape")
