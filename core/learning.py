"""Learning from customers: what the bot did for a case, once its customer has rated it well.

What colleagues write is learnt at the desk. Neither is ever on the way of a reply.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.casefile import CaseFile, Reading, redact
from core.ledger import Ledger
from core.memory import Memory
from core.playbook import Draft, Learnt, on_record, tell

_READER = "bot"


class LearningLedger(Ledger, Protocol):
    """The record, with what learning needs of it."""

    async def case_file(self, case: int, *, reachable: Collection[str], now: datetime) -> CaseFile:
        """A case, read by staff's permit."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...

    async def cited(self, case: int) -> str:
        """The title of the article that was last cited in a case, or ""."""
        ...

    async def learn(self, case: int, draft: Draft, *, same_as: int | None, now: datetime) -> Learnt:
        """The case votes for a pattern: the one that says the same, else a new one that its rating confirms."""
        ...


@dataclass(frozen=True, kw_only=True)
class Learning:
    """Learns what did well."""

    ledger: LearningLedger
    memory: Memory
    now: Callable[[], datetime]

    async def from_praise(self, case: int) -> None:
        """Learns what was done, or cited, in a case that the bot resolved and its customer rated well."""
        draft = await self._draft(case)
        if draft is None:
            return
        same = await on_record(draft, self.memory, self.ledger, now=self.now())
        await tell(self.memory, await self.ledger.learn(case, draft, same_as=same, now=self.now()))

    async def _draft(self, case: int) -> Draft | None:
        file = await self.ledger.case_file(case, reachable=(), now=self.now())
        article = await self.ledger.cited(case)
        done = [f.value.split()[0] for f in reversed(file.facts) if f.case == case and f.slot == "done"]
        if not done and not article:
            return None
        await self.ledger.note_reading(_READER, [file.reading], now=self.now())
        resolution = f"Done for the customer: {', '.join(done)}." if done else f"Answered from “{article}”."
        return Draft(category=file.category, issue=redact(file.issue, file), resolution=resolution)
