"""Open pages are told what is new, by server-sent events: GET /console/live, with ?case= for the case that is shown.

401 without a session, 429 when a colleague has too many pages open; the page then asks by itself now and then. The
stream says `signed-out` and ends when the session does. What is told is in core/lookout.py; a line is sent at least
every 15 seconds, so that nothing between takes the stream for dead.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from bots.console.door import Door
from bots.console.login import COOKIE
from bots.console.pages import HEADERS
from core.accounts import Colleague
from core.casework import Casework
from core.desk import NoSuchCase
from core.lookout import Lookout, News, OpenPage

_HEARTBEAT = 15.0  # seconds
_LONGEST_NUMBER = 15  # digits of a case's id
_STREAMED = {**HEADERS, "x-accel-buffering": "no"}  # nginx would keep the events until there are many


@dataclass(frozen=True, kw_only=True)
class Live:
    """The stream of what is new. `heartbeat`: seconds after which a line is sent without news."""

    lookout: Lookout
    casework: Casework
    door: Door
    heartbeat: float = _HEARTBEAT

    def routes(self) -> Sequence[BaseRoute]:
        """The stream alone."""
        return [Route("/console/live", self.live, methods=["GET"])]

    async def live(self, request: Request) -> Response:
        """Tells a page what is new until it is closed."""
        session = request.cookies.get(COOKIE, "")
        who = await self._watcher(session)
        if who is None:
            return PlainTextResponse("signed out", 401, HEADERS)
        if self.lookout.is_full(who.name):
            return PlainTextResponse("too many pages are open", 429, {**HEADERS, "retry-after": "60"})
        events = self._events(who.name, _case(request), session)
        return StreamingResponse(events, 200, _STREAMED, "text/event-stream")

    async def _events(self, who: str, case: int | None, session: str) -> AsyncIterator[str]:
        with self.lookout.page(who, case) as page:
            yield "retry: 3000\n\n"
            while True:
                news = await page.news(self.heartbeat)
                if (not news or _tells_of_a_customer(news)) and await self._watcher(session) is None:
                    yield "event: signed-out\ndata: {}\n\n"
                    return
                await self._looks(page)
                yield "".join(map(_event, news)) or ": nothing new\n\n"

    async def _looks(self, page: OpenPage) -> None:
        """Whoever has a case open looks at it, for the others to see."""
        if page.case is not None:
            with suppress(NoSuchCase):
                await self.casework.look(page.case, page.who)

    async def _watcher(self, session: str) -> Colleague | None:
        """Whose session it is. To look for news does not put its idle end off."""
        who = await self.door.keeper.colleague(session, active=False)
        return who if who and not self.door.lacks_second(who) else None


def _tells_of_a_customer(news: Sequence[News]) -> bool:
    return any(one.kind == "handoff" for one in news)


def _event(news: News) -> str:
    return f"event: {news.kind}\ndata: {json.dumps(news.told)}\n\n"


def _case(request: Request) -> int | None:
    number = request.query_params.get("case", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER else None
