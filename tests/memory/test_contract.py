"""The memory's contract: the same suite on the twin, on local mode, on server mode against a server of ours with every
defect that was observed of the real one, and on a real server where THROUGHLINE_AEGIS_URL, _KEY and _DATABASE_URL name
one. What a real server holds of Throughline is dropped by that."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from core.backends.aegis import AegisMemory
from core.backends.aegis_server import AegisServerMemory
from core.backends.backlog import Backlog
from core.backends.embedding import WordLlamaEmbedder
from core.memory import Memory
from tests.memory.contract import MemoryContract
from tests.twins.aegis_server import KEY, aegis_server
from tests.twins.memory import MemoryTwin

wordllama = cache(WordLlamaEmbedder)
_REAL: Mapping[str, str] = os.environ  # noqa: TID251 - where a real server is, only the environment knows


@asynccontextmanager
async def of_twin(_folder: Path) -> AsyncIterator[Memory]:
    yield MemoryTwin()


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[Memory]:
    memory = AegisMemory(folder / "var" / "memory.db", wordllama)
    yield memory
    await memory.close()


@asynccontextmanager
async def of_server(_folder: Path) -> AsyncIterator[AegisServerMemory]:
    async with aegis_server() as twin:
        memory = AegisServerMemory(twin.url, KEY, database_url=twin.database_url, embedder=wordllama)
        yield memory
        await memory.close()


@asynccontextmanager
async def with_backlog(folder: Path) -> AsyncIterator[Memory]:
    async with of_server(folder) as memory:
        yield Backlog(memory, lambda _what, _why: None, _nobody)


async def _nobody(_handles: object) -> list[int]:
    return []


@asynccontextmanager
async def real(_folder: Path) -> AsyncIterator[Memory]:
    memory = AegisServerMemory(
        _REAL["THROUGHLINE_AEGIS_URL"],
        _REAL.get("THROUGHLINE_AEGIS_KEY", ""),
        database_url=_REAL.get("THROUGHLINE_AEGIS_DATABASE_URL", ""),
        embedder=wordllama,
    )
    await memory.clear()
    yield memory
    await memory.clear()
    await memory.close()


WHERE = {"twin": of_twin, "local": local, "server": of_server, "backlog": with_backlog}
if "THROUGHLINE_AEGIS_URL" in _REAL:
    WHERE["real server"] = real


class TestContract(MemoryContract):
    @pytest.fixture(params=list(WHERE))
    async def memory(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
        async with AsyncExitStack() as stack:
            yield await stack.enter_async_context(WHERE[request.param](tmp_path))
