"""Insights for a lead: the figures of a span, and the cases behind each of them, noted as read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.casefile import Reading
from core.figures import Span
from core.insights import Figure
from core.queueing import Queued, QueueLedger
from core.world import InsightsLedger, World


class ReportingLedger(InsightsLedger, QueueLedger, Protocol):
    """What reporting needs of the record."""


@dataclass(frozen=True, kw_only=True)
class Reporting:
    """Counts, and shows what was counted."""

    ledger: ReportingLedger
    now: Callable[[], datetime]

    async def world(self, span: Span, figures: Iterable[Figure]) -> World:
        """All that bears on figures of a span. It holds what customers told: for counting alone, and never kept."""
        needs = {need for figure in figures for need in figure.needs}
        return await self.ledger.world(span, needs=needs, now=self.now())

    async def shown(self, cases: Sequence[int], reader: str) -> dict[int, Queued]:
        """Cases by their numbers, noted as read; those that are gone are left out."""
        found = await self.ledger.queued(list(dict.fromkeys(cases)), now=self.now())
        readings = [Reading(handle=one.case.handle, rows=[f"case:{one.case.id}"]) for one in found]
        await self.ledger.note_reading(reader, readings, now=self.now())
        return {one.case.id: one for one in found}
