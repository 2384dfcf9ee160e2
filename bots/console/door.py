"""The console's door: signing in and out, and what stands before every page and every deed.

Without a session a page leads to the sign-in (303). A POST from another site, or from no browser at all, is 403. What a
colleague's role does not cover is answered 404, as is what does not exist; both leave one line in the log.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import deeds
from bots.console.forms import BadForm, Form, is_same_origin, read_form
from bots.console.login import COOKIE, Doorkeeper
from bots.console.pages import go, message, page
from bots.console.tries import WITHIN, TooManyTries
from core.accounts import SESSION_LIFE, Colleague, Credential, NoSuchAccount, Role
from core.desk import NoSuchCase

log = logging.getLogger(__name__)

_REFUSED = 400  # from this status on nothing was done
_WRONG = "That is not right."
_WAIT = "Too many wrong tries. Try again in 15 minutes."

Endpoint = Callable[[Request], Awaitable[Response]]
Shown = Callable[[Request, Colleague], Awaitable[Response]]
Done = Callable[[Request, Colleague, Form], Awaitable[Response]]


class NoSuchPage(Exception):
    """There is no such page, at least not for this colleague."""


_NOWHERE = (NoSuchPage, NoSuchCase, NoSuchAccount)


@dataclass(frozen=True, kw_only=True)
class Door:
    """Lets colleagues in."""

    keeper: Doorkeeper
    base_url: str

    def shown(self, show: Shown, *, role: Role = Role.AGENT) -> Endpoint:
        """A page for colleagues of this role only."""

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, role, show)

        return endpoint

    def done(self, do: Done, *, role: Role = Role.AGENT, audited: bool = True) -> Endpoint:
        """A deed for colleagues of this role only, from our own pages only. Once done it is written to the audit as
        its path names it (see deeds.py), unless the record writes that itself: then `audited` is False."""

        async def with_form(request: Request, colleague: Colleague) -> Response:
            response = await do(request, colleague, await read_form(request))
            if audited and response.status_code < _REFUSED:
                await self.keeper.notes(colleague.name, deeds.deed(request), deeds.about(request))
            return response

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, role, with_form) if self._is_ours(request) else _foreign()

        return endpoint

    async def _answer(self, request: Request, role: Role, show: Shown) -> Response:
        colleague = await self._colleague(request)
        if colleague is None:
            return go("/console/login")
        try:
            if not colleague.role.covers(role):
                raise NoSuchPage(f"there is no such page for the role {colleague.role}")
            return await show(request, colleague)
        except _NOWHERE as error:
            log.warning("the console answered %s 404: %s", colleague.name, error)
            return message(404, "Not found", "There is no such page.", colleague)
        except BadForm as error:
            log.warning("the console refused a form of a colleague: %s", error)
            return message(error.status, "That did not work", f"{error}.", colleague)

    async def _colleague(self, request: Request) -> Colleague | None:
        looks_for_news = "if-none-match" in request.headers
        return await self.keeper.colleague(request.cookies.get(COOKIE, ""), active=not looks_for_news)

    def _is_ours(self, request: Request) -> bool:
        return is_same_origin(request.headers, self.base_url)

    # ── signing in and out ──
    def routes(self) -> Sequence[BaseRoute]:
        """Where colleagues sign in and out."""
        return [
            Route("/console/login", self.sign_in_page, methods=["GET"]),
            Route("/console/login", self.sign_in, methods=["POST"]),
            Route("/console/logout", self.sign_out, methods=["POST"]),
        ]

    async def sign_in_page(self, _request: Request) -> Response:
        """One password field, and a name for whoever has an account."""
        return page("login.html", refused="", name="")

    async def sign_in(self, request: Request) -> Response:
        """Begins a session."""
        if not self._is_ours(request):
            return _foreign()
        form: Form = {}
        try:
            form = await read_form(request)
            session = await self.keeper.signs_in(form.get("name", ""), form.get("password", ""), peer(request))
        except TooManyTries:
            return _stopped(form)
        except BadForm as error:
            return _not_in(error.status, f"{error}.", form)
        return self._enter("/console", session) if session else _not_in(401, _WRONG, form)

    async def sign_out(self, request: Request) -> Response:
        """Ends the session."""
        if not self._is_ours(request):
            return _foreign()
        await self.keeper.ends(request.cookies.get(COOKIE, ""))
        return self._enter("/console/login", "")

    async def goes_on(self, path: str, credential: Credential) -> Response:
        """Another session for somebody whose sessions have just been ended."""
        return self._enter(path, await self.keeper.session(credential))

    def _enter(self, path: str, session: str) -> Response:
        """Sends a browser there with this session, or without any."""
        response = go(path)
        response.set_cookie(
            COOKIE,
            session,
            max_age=int(SESSION_LIFE.total_seconds()) if session else 0,
            path="/console",
            httponly=True,
            samesite="strict",
            secure=self.base_url.startswith("https://"),
        )
        return response


def peer(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else ""


def _not_in(status: int, why: str, form: Form) -> Response:
    log.warning("a sign-in to the console was answered %d", status)
    return page("login.html", status, refused=why, name=form.get("name", ""))


def _stopped(form: Form) -> Response:
    response = _not_in(429, _WAIT, form)
    response.headers["retry-after"] = str(int(WITHIN.total_seconds()))
    return response


def _foreign() -> Response:
    log.warning("the console refused a POST that came from another site, or from no browser")
    text = "The request came from another site. If it was you, open the console and do it there."
    return message(403, "Refused", text, None)
