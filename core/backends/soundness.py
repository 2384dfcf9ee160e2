"""Whether a SQLite file is whole, found out without changing it."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_STEPS = 10_000  # of SQLite's machine, between two looks at the clock
_INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Soundness:
    """`fault` is the first thing that is broken. `finished` is False where the time did not suffice."""

    revision: str = ""  # of its schema, "" where none is noted
    fault: str = ""
    finished: bool = True


def soundness(path: Path, *, seconds: float) -> Soundness:
    """Looks through a file for at most so long. Never raises for what it finds."""
    try:
        with closing(sqlite3.connect(_address(path), uri=True, timeout=1)) as connection:
            return _soundness(connection, time.monotonic() + seconds)
    except sqlite3.Error as error:
        return Soundness(fault=str(error))


def _address(path: Path) -> str:
    """To read only. Without a log nobody has the file open, and SQLite would leave a log behind where it may."""
    alone = not Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?{'immutable=1' if alone else 'mode=ro'}"


def _soundness(connection: sqlite3.Connection, end: float) -> Soundness:
    revision = _revision(connection)
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        said: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if str(error) != _INTERRUPTED:
            raise
        return Soundness(revision=revision, finished=False)
    return Soundness(revision=revision, fault="" if said == "ok" else said)


def _revision(connection: sqlite3.Connection) -> str:
    noted = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone()
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if noted else None
    return str(found[0]) if found else ""
