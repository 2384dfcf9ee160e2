"""One box to search customers, cases and all that was said.

What is typed stands in the page's address, so that a browser can come back to it; we write it down nowhere. What was
shown is in the access log.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Door
from bots.console.pages import page
from core.accounts import Colleague
from core.house import House
from core.searching import LONGEST, MOST, Search


@dataclass(frozen=True, kw_only=True)
class SearchBox:
    """The page of what was found."""

    search: Search
    house: House
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """The page alone."""
        return [Route("/console/search", self.door.shown(self.found), methods=["GET"])]

    async def found(self, request: Request, who: Colleague) -> Response:
        """What a search found; the box alone where there was nothing to search for."""
        typed = request.query_params.get("q", "")[:LONGEST].strip()
        return page(
            "search.html",
            here="/console/search",
            agent=who,
            typed=typed,
            found=await self.search.find(typed, who.name) if typed else None,
            most=MOST,
            now=self.search.now(),
            house=self.house,
        )
