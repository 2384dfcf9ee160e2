"""What memory was still to learn when a process died: the ledger has it, and memory is told of it again by itself.

A process settles turns and learns from them a moment later. So what was settled in the minutes around its last sign of
life is told once more, by whoever takes its place, and otherwise by whoever makes the rounds. Whatever memory has
already it only takes again.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.learning import Learning, LearningLedger
from core.memory import Memory, Note
from core.playbook import Learnt, tell
from core.running import HEARD_WITHIN, Process
from core.watched import MEMORY

log = logging.getLogger(__name__)

_LATE = timedelta(minutes=5)  # by which learning may lag behind settling
_AT_A_TIME = 25  # rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlearnt:
    """What memory has to know of some minutes: `learnt` as it stands now, and the cases that were praised of which
    nothing was learnt."""

    learnt: Learnt
    praised: Sequence[int] = ()


class RelearningLedger(LearningLedger, Protocol):
    """The record, with what this needs of it."""

    async def running(self) -> Sequence[Process]:
        """Every process, the oldest first; also those that died within a day."""
        ...

    async def settled_between(self, since: datetime, until: datetime) -> Unlearnt:
        """What turns and colleagues changed then of what memory is to hold."""
        ...

    async def erased_among(self, handles: Collection[int]) -> Collection[int]:
        """Which of these handles were erased, by any process."""
        ...


class Relearning:
    """Tells memory again what processes that died may not have told it."""

    def __init__(self, ledger: RelearningLedger, memory: Memory, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._memory = memory
        self._now = now
        self._done: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> None:
        """Sees to every process that is not heard of any more."""
        gone = [one for one in await self._ledger.running() if not one.is_heard_of(self._now())]
        for process in gone:
            await self.of(process)

    async def of(self, died: Process) -> None:
        """Sees to one process that has died, once."""
        async with self._one_at_a_time:
            if died.id in self._done:
                return
            since = _since(died)
            told = await self._ledger.settled_between(since, died.seen_at + HEARD_WITHIN)
            await self._tell(told)
            await self._take_back(told, await self._ledger.settled_between(since, self._now()))
            self._done.add(died.id)

    async def _tell(self, settled: Unlearnt) -> None:
        learnt = settled.learnt
        for notes in _portions(learnt.superseded):
            await self._memory.retract(notes)
        for notes in _portions(learnt.notes):
            await self._memory.remember(notes)
        await tell(self._memory, Learnt(lessons=learnt.lessons, votes=learnt.votes))
        for case in settled.praised:
            await Learning(ledger=self._ledger, memory=self._memory, now=self._now).from_praise(case)
        if learnt.notes:
            log.info("memory was told again of %d rows: a process died that may not have", len(learnt.notes))

    async def _take_back(self, told: Unlearnt, now: Unlearnt) -> None:
        """What was superseded, or erased, while memory was told of it."""
        notes = told.learnt.notes
        await self._memory.retract([note for note in now.learnt.superseded if note in notes])
        if gone := await self._ledger.erased_among({note.handle for note in notes}):
            await self._memory.erase(sorted(gone))


def _since(died: Process) -> datetime:
    """From when on it may have told memory nothing: where memory failed it, from the first time on that it tells of."""
    failed = [mishap.at for mishap in died.conditions[MEMORY].mishaps] if MEMORY in died.health else []
    return min([died.seen_at, *failed]) - _LATE


def _portions(notes: Sequence[Note]) -> Sequence[Sequence[Note]]:
    return [notes[start : start + _AT_A_TIME] for start in range(0, len(notes), _AT_A_TIME)]
