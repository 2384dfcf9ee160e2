"""What waits, in numbers: for programs that watch over us. Nothing in it is about any one customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.running import Process


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What waits at one moment. `..._since` is when the oldest of it began to wait; None where nothing does."""

    messages: int
    lines: int  # of messages that wait
    messages_since: datetime | None
    outbox: Mapping[str, int]  # replies on their way, by channel
    outbox_since: Mapping[str, datetime]
    parked: Mapping[str, int]  # replies that were given up, by channel
    unread: int  # deliveries that could not be read
    cases: int  # handed over, and nobody has taken them
    cases_since: datetime | None
    leases: int  # customers who are being answered right now
    bytes: int  # of the database
    processes: Sequence[Process]


class BacklogLedger(Protocol):
    """What this needs of the record."""

    async def backlog(self, *, now: datetime) -> Backlog:
        """What waits."""
        ...
