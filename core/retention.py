"""Retention: what is older than its class may be is erased, a batch at a time, so that turns get in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.erasing import Forgetting
from core.memory import Memory, Note

_AT_A_TIME = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """For how long each class is kept; None for ever.

    raw: deliveries as they came, with their files, and the files that we sent. messages: what was said, by either
    side. facts: what was told, and how cases ended. access_log: who read what.
    """

    raw: timedelta | None = None
    messages: timedelta | None = None
    facts: timedelta | None = None
    access_log: timedelta | None = None


class RetentionLedger(Protocol):
    """What retention needs of the record. Each erases at most `limit` rows that are older than `before`."""

    async def erase_raw(self, before: datetime, limit: int) -> int:
        """Deliveries as they came, and files that we sent; how many went."""
        ...

    async def erase_messages(self, before: datetime, limit: int) -> int:
        """What was said and answered, by either side; how many lines went."""
        ...

    async def erase_facts(self, before: datetime, limit: int) -> Sequence[Note]:
        """What was told, and how cases ended: the rows that went, as memory has them."""
        ...

    async def erase_readings(self, before: datetime, limit: int) -> int:
        """Entries of the access log; how many went."""
        ...


@dataclass(frozen=True, kw_only=True)
class Housekeeping:
    """The one job that erases what is too old, and ends erasures that were cut off."""

    retention: Retention
    ledger: RetentionLedger
    memory: Memory
    forgetting: Forgetting

    async def enforce(self, now: datetime) -> Mapping[str, int]:
        """How many rows of each class went."""
        await self.forgetting.go_on(lambda: now)
        kept, gone = self.retention, {"raw": 0, "messages": 0, "facts": 0, "access_log": 0}
        erasing = {"raw": self.ledger.erase_raw, "messages": self.ledger.erase_messages, "facts": self._erase_facts}
        erasing["access_log"] = self.ledger.erase_readings
        for name, erase in erasing.items():
            life: timedelta | None = getattr(kept, name)
            while life and (count := await erase(now - life, _AT_A_TIME)):
                gone[name] += count
        return gone

    async def _erase_facts(self, before: datetime, limit: int) -> int:
        notes = await self.ledger.erase_facts(before, limit)
        await self.memory.retract(notes)
        return len(notes)
