"""Actions for made-up people: the company is never asked for them."""

from dataclasses import dataclass
from typing import Final

from bots.play.cast import CAST
from core.actions import Carrier
from core.runs import Outcome, Request

_NOBODY: Final = frozenset(person.profile.external_id for person in CAST.values())


@dataclass(frozen=True, kw_only=True)
class ActsForReal:
    """Carries out what is asked for real customers; for made-up ones it only says so."""

    carrier: Carrier

    async def carry_out(self, request: Request) -> Outcome:
        """See core/actions.py."""
        if request.customer in _NOBODY:
            return Outcome(reference="played, nothing was asked of the company")
        return await self.carrier.carry_out(request)
