"""The console's API: what its pages show and do, as JSON, and the page that documents it.

Answers are JSON throughout: 401 without a session, 403 for a POST from another site, 404 for what does not exist, 409
with the reason for what cannot be done now, 413 over 64 kB, 422 for what is not in the shape that the document names.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bots.console import deeds, filters
from bots.console.api import shapes
from bots.console.api.described import Described, document
from bots.console.cases import case_of
from bots.console.door import Door
from bots.console.pages import HEADERS, page
from core.accounts import Colleague
from core.casework import Casework
from core.desk import Desk, NoSuchCase, Refused
from core.queueing import WaitingRoom
from core.searching import Search
from core.status import Status

_BASE = "/console/api"
_LARGEST = 65_536  # bytes
_OF_THE_QUEUE = {
    "tab": "all, escalated, waiting, active, mine, snoozed or resolved",
    "channel": "e.g. email",
    "mood": "angry, frustrated, neutral or positive",
    "vip": "1 for VIPs only",
    "category": "e.g. charge",
    "with": "a colleague's name",
    "page": "from 1",
}

M = TypeVar("M", bound=BaseModel)


class TooLarge(Exception):
    """A body is larger than we take."""


class Nothing(shapes.Taken):
    """An empty object, or no body at all."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """An answer, and what is to be done once it is given."""

    answer: BaseModel = field(default_factory=shapes.Done)
    then: BackgroundTask | None = None


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[M]):
    """One operation: how it is described, what it takes, and what it does."""

    described: Described
    takes: type[M]
    do: Callable[[Request, Colleague, M], Awaitable[Given]]

    async def run(self, request: Request, who: Colleague) -> Given:
        """Does it. Raises ValidationError, NoSuchCase or Refused."""
        return await self.do(request, who, await _taken(request, self.takes))


@dataclass(frozen=True, kw_only=True)
class Api:
    """The routes, and the document that is made from the same list."""

    desk: Desk
    casework: Casework
    search: Search
    status: Status
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        return [
            Route(_BASE, self.door.shown(self.listed), methods=["GET"]),
            Route(f"{_BASE}/openapi.json", self.door.shown(self.document), methods=["GET"]),
            *(Route(one.described.path, self._endpoint(one), methods=[one.described.method]) for one in self._all()),
        ]

    def _all(self) -> Sequence[Operation[Any]]:
        return [
            _shows("queue", "The cases that wait.", shapes.QueueOut, self.queue, _OF_THE_QUEUE),
            _shows("search", "Customers, cases and text.", shapes.FoundOut, self.find, {"q": "What to look for."}),
            _shows("status", "How everything does, and every process of ours.", shapes.StatusOut, self.how_it_goes),
            _shows("cases/{case}", "A case with its customer.", shapes.CaseOut, self.case),
            _does("take", "Take the case; the bot is silent about it.", Nothing, self.take),
            _does("hand-back", "Give it back to the bot.", Nothing, self.hand_back),
            _does("reply", "Answer the customer.", shapes.ReplyIn, self.reply),
            _does("note", "Write a note for colleagues.", shapes.NoteIn, self.note),
            _does("transfer", "Give it to a colleague.", shapes.TransferIn, self.transfer),
            _does("snooze", "Put it off.", shapes.SnoozeIn, self.snooze),
            _does("resolve", "Close it.", shapes.ResolveIn, self.resolve),
            _does("reopen", "Open it again.", Nothing, self.reopen),
        ]

    def _endpoint(self, one: Operation[Any]) -> Callable[[Request], Awaitable[Response]]:
        is_deed = one.described.method == "POST"

        async def endpoint(request: Request) -> Response:
            who = await self.door.colleague(request)
            if who is None or self.door.lacks_second(who):
                return _problem(401, "sign in by POST /console/login and send the cookie that it sets")
            if is_deed and not self.door.is_ours(request):
                return _problem(403, "a POST names our own address in its Origin header")
            try:
                given = await one.run(request, who)
            except NoSuchCase as error:
                return _problem(404, str(error))
            except ValidationError as error:
                return _problem(422, _first(error))
            except Refused as error:
                return _problem(409, str(error))
            except TooLarge as error:
                return _problem(413, str(error))
            if is_deed:
                await self.door.keeper.notes(who.name, deeds.deed(request), deeds.about(request))
            return JSONResponse(given.answer.model_dump(mode="json"), headers=HEADERS, background=given.then)

        return endpoint

    # ── the document ──
    def _document(self) -> dict[str, Any]:
        described = [one.described for one in self._all()]
        return document(described, title=f"{self.desk.house.bot_name} console", base_url=self.door.base_url)

    async def document(self, _request: Request, _who: Colleague) -> Response:
        """For programs."""
        return JSONResponse(self._document(), headers=HEADERS)

    async def listed(self, _request: Request, who: Colleague) -> Response:
        """For people."""
        return page("api.html", agent=who, document=self._document())

    # ── what is shown ──
    async def queue(self, request: Request, who: Colleague, _nothing: Nothing) -> Given:
        wanted = filters.asked(request.query_params, list(self.desk.house.channels))
        room = WaitingRoom(ledger=self.desk.ledger, now=self.desk.now)
        found = await room.page(wanted, who.name)
        cases = [shapes.CaseLine.of(one) for one in await room.shown(found, wanted, who.name)]
        counts = {str(tab): count for tab, count in found.counts.items()}
        return Given(answer=shapes.QueueOut(cases=cases, counts=counts, page=wanted.page))

    async def find(self, request: Request, who: Colleague, _nothing: Nothing) -> Given:
        return Given(answer=shapes.FoundOut.of(await self.search.find(request.query_params.get("q", ""), who.name)))

    async def how_it_goes(self, _request: Request, _who: Colleague, _nothing: Nothing) -> Given:
        return Given(answer=shapes.StatusOut.of(await self.status.look(), self.status.now()))

    async def case(self, request: Request, who: Colleague, _nothing: Nothing) -> Given:
        return Given(answer=shapes.CaseOut.of(await self.desk.open(case_of(request), who.name)))

    # ── what is done ──
    async def take(self, request: Request, who: Colleague, _nothing: Nothing) -> Given:
        await self.desk.take(case_of(request), who.name)
        return Given()

    async def hand_back(self, request: Request, who: Colleague, _nothing: Nothing) -> Given:
        await self.desk.hand_back(case_of(request), who.name)
        return Given()

    async def reply(self, request: Request, who: Colleague, sent: shapes.ReplyIn) -> Given:
        await self.desk.reply(case_of(request), who.name, sent.text, id=sent.id, seen=sent.seen)
        return Given()

    async def note(self, request: Request, who: Colleague, sent: shapes.NoteIn) -> Given:
        await self.casework.note(case_of(request), who.name, sent.text)
        return Given()

    async def transfer(self, request: Request, who: Colleague, sent: shapes.TransferIn) -> Given:
        await self.casework.transfer(case_of(request), who.name, sent.to, sent.note)
        return Given()

    async def snooze(self, request: Request, who: Colleague, sent: shapes.SnoozeIn) -> Given:
        await self.casework.snooze(case_of(request), who.name, sent.until.astimezone(UTC))
        return Given()

    async def resolve(self, request: Request, who: Colleague, sent: shapes.ResolveIn) -> Given:
        learnt = await self.desk.resolve(case_of(request), who.name, sent.resolution, sent.satisfaction)
        return Given(then=BackgroundTask(self.desk.learn, learnt))

    async def reopen(self, request: Request, who: Colleague, _nothing: Nothing) -> Given:
        learnt = await self.casework.reopen(case_of(request), who.name)
        return Given(then=BackgroundTask(self.desk.learn, learnt))


async def _taken(request: Request, shape: type[M]) -> M:
    """What was sent. Raises ValidationError or TooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise TooLarge(f"more than {_LARGEST} bytes")
    return shape.model_validate_json(bytes(body) or b"{}")


def _shows(
    path: str,
    what: str,
    gives: type[BaseModel],
    do: Callable[[Request, Colleague, Nothing], Awaitable[Given]],
    asks: Mapping[str, str] | None = None,
) -> Operation[Nothing]:
    described = Described(method="GET", path=f"{_BASE}/{path}", what=what, gives=gives, asks=asks)
    return Operation(described=described, takes=Nothing, do=do)


def _does(
    name: str, what: str, takes: type[M], do: Callable[[Request, Colleague, M], Awaitable[Given]]
) -> Operation[M]:
    path = f"{_BASE}/cases/{{case}}/{name}"
    described = Described(
        method="POST", path=path, what=what, gives=shapes.Done, takes=None if takes is Nothing else takes
    )
    return Operation(described=described, takes=takes, do=do)


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}"


def _problem(status: int, why: str) -> Response:
    return JSONResponse(shapes.Problem(error=why).model_dump(), status, HEADERS)
