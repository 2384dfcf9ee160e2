"""The queue: the cases that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import filters as chosen
from bots.console.door import Door
from bots.console.pages import go, page, unchanged
from core.accounts import Colleague
from core.desk import Desk
from core.queueing import NOBODY, PAGE, Filters, QueuePage, Tab, WaitingRoom
from core.writing import Category, Mood


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The page that a colleague starts from."""

    desk: Desk
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """The queue."""
        return [Route("/console", self.door.shown(self.queue), methods=["GET"])]

    async def queue(self, request: Request, who: Colleague) -> Response:
        """One page of the queue. Without filters in the address it leads to those of the last visit, if there were."""
        asks = any(name in request.query_params for name in chosen.FIELDS)
        last = chosen.remembered(request.cookies.get(chosen.COOKIE, ""), who.name, self._channels())
        if last is not None and not asks:
            return go(chosen.address(last))
        filters = chosen.asked(request.query_params, self._channels())
        room = WaitingRoom(ledger=self.desk.ledger, now=self.desk.now)
        found = await room.page(filters, who.name)
        if request.headers.get("if-none-match") == found.state:
            return unchanged(found.state)
        shown = await self._page(room, filters, found, who)
        if asks:
            chosen.remember(shown, filters, who.name, secure=self.door.base_url.startswith("https://"))
        return shown

    async def _page(self, room: WaitingRoom, filters: Filters, found: QueuePage, who: Colleague) -> Response:
        return page(
            "queue.html",
            here="/console",
            agent=who,
            queue=await room.shown(found, filters, who.name),
            filters=filters,
            found=found,
            address=chosen.address,
            more=found.counts[filters.tab] > filters.page * PAGE,
            state=found.state,
            now=self.desk.now(),
            house=self.desk.house,
            channels=[(name, self.desk.house.label(name)) for name in self._channels()],
            moods=_named(get_args(Mood)),
            categories=_named(get_args(Category)),
            holders=[(NOBODY, "nobody"), *_named(found.holders)],
            Tab=Tab,
        )

    def _channels(self) -> Sequence[str]:
        return list(self.desk.house.channels)


def _named(values: Sequence[str]) -> list[tuple[str, str]]:
    """Values that are shown as they are."""
    return [(value, value) for value in values]
