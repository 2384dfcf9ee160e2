"""`python -m bots memory rebuild`: drops memory's projection and fills it again from the ledger."""

import sys
from pathlib import Path

from bots.settings import load
from bots.wiring import open_ledger
from core.backends.aegis import AegisMemory

_AT_A_TIME = 200


async def rebuild() -> None:
    """Says how far it is, since a large ledger takes a while. Run it while nothing else writes to the memory."""
    settings = load()
    ledger, memory = await open_ledger(settings), AegisMemory(Path(settings.aegis_path))
    try:
        await memory.clear()
        done = 0
        async for notes in ledger.all_notes(_AT_A_TIME):
            await memory.remember(notes)
            done += len(notes)
            sys.stdout.write(f"\r{done} facts remembered")
            sys.stdout.flush()
        lessons = await ledger.all_lessons()
        for lesson in lessons:
            await memory.learn(lesson)
        await memory.vote(await ledger.all_votes())
        sys.stdout.write(f"\r{done} facts and {len(lessons)} patterns remembered\n")
    finally:
        await memory.close()
        await ledger.close()
