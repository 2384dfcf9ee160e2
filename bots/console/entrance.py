"""Signing in and out of the console: by password, and with a code where one is wanted.

What is wrong is answered 401 with the page, and 429 after eight of it from one address. Whoever is right goes where
they were going; a form that their old session could not send any more is shown again to be sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import asking
from bots.console.door import Door, Endpoint, foreign, peer
from bots.console.forms import BadForm, Form, read_form
from bots.console.held import carried, place
from bots.console.login import COOKIE, Passed
from bots.console.pages import go, page
from bots.console.tries import TooManyTries

_WRONG = "That is not right."
_LATE = "That took too long, or the password was changed meanwhile. Sign in again."
_NOT_YET = "You are not signed in yet."

_MOST_BYTES, _MOST_FIELDS = 600_000, 64  # a form that is carried along is longer than it was


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where colleagues sign in and out."""

    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of it."""
        return [
            Route("/console/login", self.sign_in_page, methods=["GET"]),
            Route("/console/login", self._ours(self.sign_in), methods=["POST"]),
            Route("/console/login/code", self._ours(self.code), methods=["POST"]),
            Route("/console/login/again", self._ours(self.again), methods=["POST"]),
            Route("/console/logout", self._ours(self.sign_out), methods=["POST"]),
        ]

    def _ours(self, do: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if not self.door.is_ours(request):
                return foreign()
            try:
                return await do(request)
            except BadForm as error:
                return self._asks(error.status, f"{error}.", request, {})

        return endpoint

    # ── in ──
    async def sign_in_page(self, request: Request) -> Response:
        """One password field, and a name for whoever has an account."""
        return self._asks(200, "", request, {})

    async def sign_in(self, request: Request) -> Response:
        """Begins a session, or asks for the code."""
        form = await _read(request)
        try:
            passed = await self.door.keeper.signs_in(form.get("name", ""), form.get("password", ""), peer(request))
        except TooManyTries:
            return asking.to_wait(to=_next(request), name=form.get("name", ""), held=carried(form))
        if passed is None:
            return self._asks(401, _WRONG, request, form)
        if passed.ticket:
            return asking.for_code(200, "", ticket=passed.ticket, to=_next(request), held=carried(form))
        return await self._in(passed, request, form)

    async def code(self, request: Request) -> Response:
        """Begins a session for who gave the right password, and now gives the code."""
        form = await _read(request)
        ticket, to = form.get("ticket", ""), _next(request)
        who = await self.door.keeper.awaited(ticket)
        if who is None:
            return self._asks(401, _LATE, request, form)
        try:
            right = await self.door.keeper.takes(who, form.get("code", ""), peer(request))
        except TooManyTries:
            return asking.to_wait(to=to, name=who.name, held=carried(form))
        if not right:
            return asking.for_code(401, _WRONG, ticket=ticket, to=to, held=carried(form))
        return await self._in(Passed(name=who.name, session=await self.door.keeper.session(who)), request, form)

    async def _in(self, passed: Passed, request: Request, form: Form) -> Response:
        if not passed.session:
            return self._asks(401, _LATE, request, form)
        await self.door.keeper.notes(passed.name, "sign in", "")
        held = carried(form)
        there = page("again.html", agent=None, held=held) if held else go(_next(request))
        return self.door.gives(there, passed.session)

    async def again(self, request: Request) -> Response:
        """What was typed comes back to who has signed in meanwhile, in another window."""
        form = await _read(request)
        colleague, held = await self.door.colleague(request), carried(form)
        if colleague is None:
            return self._asks(401, _NOT_YET, request, form)
        return page("again.html", agent=colleague, held=held) if held else go("/console")

    # ── out ──
    async def sign_out(self, request: Request) -> Response:
        """Ends the session."""
        if colleague := await self.door.colleague(request):
            await self.door.keeper.notes(colleague.name, "sign out", "")
        await self.door.keeper.ends(request.cookies.get(COOKIE, ""))
        return self.door.gives(go("/console/login"), "")

    def _asks(self, status: int, why: str, request: Request, form: Form) -> Response:
        name, held = form.get("name", ""), carried(form)
        return self.door.asks(status, why, to=_next(request), name=name, held=held)


async def _read(request: Request) -> Form:
    return await read_form(request, most_bytes=_MOST_BYTES, most_fields=_MOST_FIELDS)


def _next(request: Request) -> str:
    return place(request.query_params.get("next", "/console"))
