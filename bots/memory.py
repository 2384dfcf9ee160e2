"""`python -m bots memory rebuild`: drops memory's projection and fills it again from the ledger."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from bots.aegis import memory_of
from bots.settings import load
from bots.wiring import open_ledger
from core.backends.aegis_calls import Away
from core.backends.backlog import Recalling
from core.backends.ledger.sql import SqlLedger
from core.errors import Problem

_READ_AT_A_TIME = 200
_TOLD_AT_A_TIME = 25  # in one call to a server, so that a call which it turns down has told nothing
_TRIES = 5  # of a server that is away; one that asks for patience gets all that it wants
_PAUSE = 2.0  # seconds before the first of them


async def rebuild() -> None:
    """Says how far it is, since a large ledger takes a while. Run it while nothing else writes to the memory."""
    settings = load()
    ledger, memory = await open_ledger(settings), memory_of(settings)
    try:
        await Rebuilding(ledger, memory).rebuild()
    finally:
        await memory.close()
        await ledger.close()


class Rebuilding:
    """Fills a memory from a ledger, at the pace that the memory allows."""

    def __init__(self, ledger: SqlLedger, memory: Recalling, pause: float = _PAUSE) -> None:
        self._ledger = ledger
        self._memory = memory
        self._pause = pause
        self._refused: list[str] = []

    async def rebuild(self) -> None:
        """Raises Problem when the memory is away at the start, or stays away; what it will not take is told at the
        end."""
        done = 0
        await self._patiently(self._memory.clear, tries=1)
        async for notes in self._ledger.all_notes(_READ_AT_A_TIME):
            for start in range(0, len(notes), _TOLD_AT_A_TIME):
                await self._patiently(partial(self._memory.remember, notes[start : start + _TOLD_AT_A_TIME]))
                done += len(notes[start : start + _TOLD_AT_A_TIME])
                _say(f"\r{done} facts remembered")
        lessons = await self._ledger.all_lessons()
        for lesson in lessons:
            await self._patiently(partial(self._memory.learn, lesson))
        for vote in await self._ledger.all_votes():
            await self._patiently(partial(self._memory.vote, [vote]))
        _say(f"\r{done} facts and {len(lessons)} patterns remembered\n")
        _say("".join(f"{refused}\n" for refused in dict.fromkeys(self._refused)))

    async def _patiently(self, work: Callable[[], Awaitable[None]], tries: int = _TRIES) -> None:
        tried = 0
        while True:
            try:
                return await work()
            except Away as error:
                tried += error.after is None
                if tried == tries:
                    raise Away(f"{error}; say `memory rebuild` again once it is well") from None
                if error.after or tried == 1:
                    _say(f"\n{error}; it is asked again\n")
                await asyncio.sleep(error.after.total_seconds() if error.after else self._pause * 2**tried)
            except Problem as error:
                self._refused.append(str(error))
                return None


def _say(words: str) -> None:
    sys.stdout.write(words)
    sys.stdout.flush()
