"""What the page of a case shows beside its file: the timeline, what was attempted and promised, who is at it too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from bots.console.trend import drawing
from core.accounts import Colleague
from core.casefile import CaseFile
from core.casework import MOODS, Casework
from core.house import House
from core.panel import Place, Wanted
from core.writing import Pattern

_LONGEST_NUMBER = 15  # digits


@dataclass(frozen=True, kw_only=True)
class PanelView:
    """Gathers it, under the names that the templates have for it."""

    casework: Casework
    house: House

    async def beside(self, file: CaseFile, who: Colleague, wanted: Wanted) -> Mapping[str, Any]:
        """What is shown of a case to a colleague, and who else looks at it."""
        case, now = file.case, self.casework.now()
        return {
            "panel": await self.casework.panel(case.id, who.name, wanted),
            "wanted": wanted,
            "others": await self.casework.look(case.id, who.name),
            "blocked": case.assignee not in ("", who.name),
            "snoozed": case.snoozed_until is not None and case.snoozed_until > now,
            "contacts": {contact.handle: contact for contact in file.contacts},
            "trends": {"In this case": drawing(file.felt), "Over all their cases": drawing(file.felt_ever)},
            "colleagues": [name for name in await self.casework.ledger.colleagues() if name != who.name],
            "all_moods": MOODS,
            "tomorrow": self.casework.tomorrow(),
            "zone": self.casework.hours.zone.key,
        }

    def wanted(self, request: Request) -> Wanted:
        """The page of the timeline that a path asks for; the newest of all channels where it asks for none that is."""
        channel = request.query_params.get("channel", "")
        before = Place.read(request.query_params.get("before", ""))
        return Wanted(channel=channel if channel in self.house.channels else "", before=before, seen=_seen(request))


def _seen(request: Request) -> int:
    number = request.query_params.get("seen", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER else 0


def by_usefulness(suggestions: Sequence[Pattern]) -> list[Pattern]:
    """What worked for others, the most useful first."""
    return sorted(suggestions, key=lambda one: (one.effectiveness, one.votes), reverse=True)
