"""The least that a durable turn can cost: a message kept, what a turn reads, an answer kept. No framework.

Each floor stands on the same kind of database as the bot, with the same settings, in a database of its own: two commits
that reach the disk, and one select by an index in between.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

HANDLES = 120
ROWS = 30  # of each handle
_BODY = json.dumps({"address": "c1@shop.test", "key": "email:c1@shop.test", "route": {"to": "c1@shop.test"}})
_TEXT = "My kettle number 3 does not work and I was charged $13."
_TABLES = (
    """CREATE TABLE messages ({id}, handle INTEGER, channel TEXT, external_id TEXT, text TEXT, body TEXT, at BIGINT,
    state TEXT, UNIQUE (channel, external_id))""",
    "CREATE INDEX of_handle ON messages (handle, at)",
    "CREATE TABLE raw_messages (message BIGINT PRIMARY KEY, body {bytes}, headers TEXT)",
    "CREATE TABLE outbox ({id}, handle INTEGER, text TEXT, reply TEXT, at BIGINT, state TEXT)",
)
_KEPT = "INSERT INTO messages (handle, channel, external_id, text, body, at, state) VALUES (?, ?, ?, ?, ?, ?, ?)"
_RAW = "INSERT INTO raw_messages VALUES (?, ?, ?)"
_READ = f"SELECT id, text, body, at FROM messages WHERE handle = ? ORDER BY at DESC LIMIT {ROWS}"  # noqa: S608
_SENT = "INSERT INTO outbox (handle, text, reply, at, state) VALUES (?, ?, ?, ?, 'waiting')"
_DONE = "UPDATE messages SET state = 'answered' WHERE id = ?"


class Floor(Protocol):
    """One way to do it."""

    def turn(self, number: int) -> None:
        """The floor of one turn; each has a number of its own."""
        ...


class SqliteFloor:
    """Plain sqlite3."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON", "synchronous=FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        for table in _TABLES:
            self._db.execute(table.format(id="id INTEGER PRIMARY KEY AUTOINCREMENT", bytes="BLOB"))
        with self._transaction():
            self._db.executemany(_KEPT, _history())

    def turn(self, number: int) -> None:
        """Three transactions, one after the other."""
        with self._transaction():
            made = self._db.execute(_KEPT, _message(number)).lastrowid
            self._db.execute(_RAW, (made, _TEXT.encode(), "{}"))
        self._db.execute(_READ, (number % HANDLES,)).fetchall()
        with self._transaction():
            self._db.execute(_SENT, (number % HANDLES, _TEXT, _BODY, number))
            self._db.execute(_DONE, (made,))

    def close(self) -> None:
        """Lets the file go."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        yield
        self._db.execute("COMMIT")


class PostgresFloor:
    """Plain psycopg."""

    def __init__(self, address: str) -> None:
        self._db = psycopg.connect(address)
        for table in _TABLES:
            self._run(table.format(id="id BIGSERIAL PRIMARY KEY", bytes="BYTEA"))
        with self._db.cursor() as cursor:
            cursor.executemany(_asked(_KEPT), list(_history()))
        self._db.commit()

    def turn(self, number: int) -> None:
        """Three transactions, one after the other."""
        [made] = self._run(f"{_KEPT} RETURNING id", *_message(number)).fetchone() or (0,)
        self._run(_RAW, made, _TEXT.encode(), "{}")
        self._db.commit()
        self._run(_READ, number % HANDLES).fetchall()
        self._db.commit()
        self._run(_SENT, number % HANDLES, _TEXT, _BODY, number)
        self._run(_DONE, made)
        self._db.commit()

    def close(self) -> None:
        """Lets the connection go."""
        self._db.close()

    def _run(self, statement: str, *values: Any) -> "psycopg.Cursor[Any]":
        return self._db.execute(_asked(statement), values)


def _asked(statement: str) -> Any:
    return statement.replace("?", "%s")


def _history() -> Iterator[tuple[Any, ...]]:
    for number in range(HANDLES * ROWS):
        yield (number % HANDLES, "email", f"old-{number}", _TEXT, _BODY, number, "answered")


def _message(number: int) -> tuple[Any, ...]:
    return (number % HANDLES, "email", f"new-{number}", _TEXT, _BODY, HANDLES * ROWS + number, "waiting")
