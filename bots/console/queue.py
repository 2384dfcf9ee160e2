"""The queue: the cases that wait, and what was parked."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Door
from bots.console.pages import page, unchanged
from core.accounts import Colleague, Role
from core.desk import PAGE, Desk

_PAGE_NUMBER = 6  # digits of a page's


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The page that a colleague starts from."""

    desk: Desk
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """The queue, and what was parked."""
        return [
            Route("/console", self.door.shown(self.queue), methods=["GET"]),
            Route("/console/parked", self.door.shown(self.parked, role=Role.LEAD), methods=["GET"]),
        ]

    async def queue(self, request: Request, who: Colleague) -> Response:
        """One page of the queue."""
        number = _page(request)
        state = await self.desk.ledger.queue_state(page=number)
        if request.headers.get("if-none-match") == state:
            return unchanged(state)
        queue = await self.desk.queue(who.name, number)
        following = number + 1 if len(queue) == PAGE else 0
        return page(
            "queue.html",
            here="/console",
            agent=who,
            queue=queue,
            page=number,
            following=following,
            state=state,
            now=self.desk.now(),
            house=self.desk.house,
        )

    async def parked(self, _request: Request, who: Colleague) -> Response:
        """What could not be read, and what could not be delivered."""
        unread, undelivered = await self.desk.parked(who.name)
        return page(
            "parked.html",
            here="/console/parked",
            agent=who,
            unread=unread,
            undelivered=undelivered,
            house=self.desk.house,
        )


def _page(request: Request) -> int:
    """The page of the queue that was asked for; the first where that is none."""
    number = request.query_params.get("page", "")
    return max(int(number), 1) if number.isascii() and number.isdecimal() and len(number) <= _PAGE_NUMBER else 1
