"""How everything does: channels, replies on their way, what went wrong, the model, memory, and the house itself.

For everybody; what customers wrote is shown to leads only, who also put things right.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import deeds
from bots.console.door import Door, NoSuchPage
from bots.console.forms import Form
from bots.console.pages import go, page, unchanged
from core.accounts import Colleague, Role
from core.desk import Desk, Refused, Undelivered, Unread
from core.errors import LedgerAway
from core.health import Condition
from core.status import NoSuchThing, Snapshot, Status

HERE = "/console/status"

_DONE = {
    "retry": "It is on its way again.",
    "discard": "It is not sent. It stays in the case, as not delivered.",
    "read": "It was read, and is being answered.",
    "nobody": "It was read: no customer talks in it, or what they said was on record already. It is not kept here.",
    "let-go": "It is not kept any longer.",
}
_DIGITS = 15  # of a row's number
_JUST_NOW = timedelta(minutes=1)
_ROUNDED = 10_000_000  # bytes: smaller changes of a size are no news


@dataclass(frozen=True, kw_only=True)
class StatusPage:
    """The page, and what can be done on it."""

    status: Status
    desk: Desk
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        doing: dict[str, Callable[[int], Awaitable[str]]] = {
            "replies/{row}/retry": self._retry,
            "replies/{row}/discard": self._discard,
            "deliveries/{row}/read-again": self._read_again,
            "deliveries/{row}/let-go": self._let_go,
        }
        return [
            Route(HERE, self.door.shown(self.show), methods=["GET"]),
            Route(f"{HERE}/confirm", self.door.shown(self.confirm, role=Role.LEAD), methods=["GET"]),
            Route("/console/parked", self.door.shown(_moved, role=Role.LEAD), methods=["GET"]),
            *(
                Route(f"{HERE}/{path}", self.door.done(self._doing(do), role=Role.LEAD), methods=["POST"])
                for path, do in doing.items()
            ),
        ]

    async def show(self, request: Request, who: Colleague) -> Response:
        """How everything does now."""
        return await self._page(request, who, done=_DONE.get(request.query_params.get("done", ""), ""))

    async def _page(self, request: Request, who: Colleague, *, done: str = "", refused: str = "") -> Response:
        snapshot = await self.status.look()
        state = _state(snapshot, self.status.now())
        if request.headers.get("if-none-match") == state:
            return unchanged(state)
        leads = who.role.covers(Role.LEAD)
        unread, undelivered = await self._parked(who) if leads else ([], [])
        return page(
            "status.html",
            409 if refused else 200,
            here=HERE,
            agent=who,
            house=self.desk.house,
            now=self.status.now(),
            state=state,
            snapshot=snapshot,
            away=_away(snapshot.database, self.status.now()),
            about=self.status.about,
            leads=leads,
            unread=unread,
            undelivered=undelivered,
            done=done,
            refused=refused,
        )

    async def _parked(self, who: Colleague) -> tuple[Sequence[Unread], Sequence[Undelivered]]:
        try:
            return await self.desk.parked(who.name)
        except LedgerAway:  # nobody reads what a customer wrote without its being written down
            return [], []

    async def confirm(self, request: Request, who: Colleague) -> Response:
        """Asks whether a reply is really not to be sent, or a delivery not to be kept."""
        asked = request.query_params
        unread, undelivered = await self.desk.parked(who.name)
        row = _number(asked.get("reply", "")) or _number(asked.get("delivery", ""))
        found: Sequence[Any] = undelivered if "reply" in asked else unread
        one = next((one for one in found if one.id == row), None)
        if one is None:
            raise NoSuchPage("there is no such reply or delivery")
        return page("discard.html", here=HERE, agent=who, house=self.desk.house, one=one, is_reply="reply" in asked)

    # ── deeds ──
    def _doing(self, do: Callable[[int], Awaitable[str]]) -> Callable[[Request, Colleague, Form], Awaitable[Response]]:
        async def done(request: Request, who: Colleague, _form: Form) -> Response:
            row = _number(request.path_params["row"])
            deeds.names(request, f"{'reply' if '/replies/' in request.url.path else 'delivery'} {row}")
            try:
                return go(f"{HERE}?done={await do(row)}")
            except NoSuchThing as error:
                raise NoSuchPage(str(error)) from None
            except Refused as error:
                return await self._page(request, who, refused=str(error))

        return done

    async def _retry(self, row: int) -> str:
        await self.status.retry(row)
        return "retry"

    async def _discard(self, row: int) -> str:
        await self.status.discard(row)
        return "discard"

    async def _read_again(self, row: int) -> str:
        return "read" if await self.status.read_again(row) else "nobody"

    async def _let_go(self, row: int) -> str:
        await self.status.let_go(row)
        return "let-go"


async def _moved(_request: Request, _who: Colleague) -> Response:
    return go(f"{HERE}#parked")


def _state(snapshot: Snapshot, now: datetime) -> str:
    """A text that changes when anything on the page does, but for how long ago it was."""
    sizes = snapshot.recorded.bytes // _ROUNDED, (snapshot.free or 0) // _ROUNDED
    told = [(c.setting, c.traffic, c.listening.ails, c.sending, len(c.checking.mishaps)) for c in snapshot.channels]
    record = snapshot.recorded
    counted = record.outbox, record.deferred, record.parked, record.unread, record.unanswered
    lately = record.turns_lately, record.model_turns_lately, record.sent_lately, record.model_at
    running = [(p.id, p.kind, p.is_heard_of(now), p.ails) for p in snapshot.processes]
    away = snapshot.database, snapshot.endpoints
    parts = away, running, told, counted, lately, snapshot.model, len(snapshot.memory.mishaps), snapshot.rows, sizes
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def _away(database: Condition, now: datetime) -> str:
    """Why the record cannot be written, or could not just now: where a disk is full, this and that still fits."""
    lately = [one.why for one in database.mishaps if one.at > now - _JUST_NOW]
    return database.ails or next(iter(lately), "")


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= _DIGITS else 0
