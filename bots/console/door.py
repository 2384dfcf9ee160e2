"""The console's door: what stands before every page and every deed.

Without a session a page leads to the sign-in (303), and from there back; a deed is answered 401 with the sign-in, which
keeps what was typed. A POST from another site, or from no browser at all, is 403. What a colleague's role does not
cover is answered 404, as is what does not exist; both leave one line in the log, naming the colleague. What was done is
written to the audit.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from bots.console import asking, deeds
from bots.console.forms import BadForm, Form, is_same_origin, read_form
from bots.console.held import Held, asked, held
from bots.console.login import COOKIE, Doorkeeper
from bots.console.pages import framed, go, message
from bots.console.uploads import files_of, read_typed
from core.accounts import SESSION_LIFE, Colleague, Credential, NoSuchAccount, Role
from core.desk import NoSuchCase

log = logging.getLogger(__name__)

_REFUSED = 400  # from this status on nothing was done
_OVER = "Your session is over, so this was not done yet. Sign in again: what you typed is kept, and shown to you."
_WITHOUT_FILES = "Files are not: go back to the page then, and choose them again."
_SECOND = "/console/account/second"

Endpoint = Callable[[Request], Awaitable[Response]]
Shown = Callable[[Request, Colleague], Awaitable[Response]]
Done = Callable[[Request, Colleague, Form], Awaitable[Response]]
ReadForm = Callable[[Request], Awaitable[Form]]


class NoSuchPage(Exception):
    """There is no such page, at least not for this colleague."""


_NOWHERE = (NoSuchPage, NoSuchCase, NoSuchAccount)


@dataclass(frozen=True, kw_only=True)
class Door:
    """Lets colleagues in. `by_provider`: the sign-in provider is there too. `both`: who has no second factor gets no
    further than where it is turned on. `in_frames`: our own pages may show each other."""

    keeper: Doorkeeper
    base_url: str
    by_provider: bool = False
    both: bool = False
    in_frames: bool = False

    def shown(self, show: Shown, *, role: Role = Role.AGENT) -> Endpoint:
        """A page for colleagues of this role only."""

        async def endpoint(request: Request) -> Response:
            return self._for_frames(await self._answer(request, role, show))

        return endpoint

    def done(self, do: Done, *, role: Role = Role.AGENT, audited: bool = True, read: ReadForm = read_form) -> Endpoint:
        """A deed for colleagues of this role only, from our own pages only. Once done it is written to the audit as
        its path names it (see deeds.py), unless the record writes that itself: then `audited` is False."""

        async def with_form(request: Request, colleague: Colleague) -> Response:
            response = await do(request, colleague, await read(request))
            if audited and response.status_code < _REFUSED:
                await self.keeper.notes(colleague.name, deeds.deed(request), deeds.about(request))
            return response

        async def endpoint(request: Request) -> Response:
            if not self.is_ours(request):
                return foreign()
            return self._for_frames(await self._answer(request, role, with_form))

        return endpoint

    def _for_frames(self, response: Response) -> Response:
        return framed(response) if self.in_frames else response

    async def _answer(self, request: Request, role: Role, show: Shown) -> Response:
        colleague = await self.colleague(request)
        if colleague is None:
            return await self._who(request)
        if self.lacks_second(colleague) and not request.url.path.startswith(_SECOND):
            return go(_SECOND)
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

    async def _who(self, request: Request) -> Response:
        if request.method != "POST":
            return go(asking.address(asked(request)))
        try:
            form = await read_typed(request)
        except BadForm as error:
            return self.asks(error.status, f"{error}.")
        why = f"{_OVER} {_WITHOUT_FILES}" if files_of(form) else _OVER
        return self.asks(401, why, held=held(request, form))

    def lacks_second(self, colleague: Colleague) -> bool:
        """Whether a colleague has yet to set up the second factor that all need here."""
        return self.both and not colleague.by_token and not colleague.has_second_factor

    async def colleague(self, request: Request) -> Colleague | None:
        """Whose session a request comes with."""
        looks_for_news = "if-none-match" in request.headers
        return await self.keeper.colleague(request.cookies.get(COOKIE, ""), active=not looks_for_news)

    def is_ours(self, request: Request) -> bool:
        """Whether a POST comes from a page of ours."""
        return is_same_origin(request.headers, self.base_url)

    # ── signing in ──
    def asks(
        self, status: int, why: str, *, to: str = "/console", name: str = "", held: Held | None = None
    ) -> Response:
        """The page that asks who somebody is."""
        return asking.for_password(status, why, to=to, name=name, held=held, by_provider=self.by_provider)

    async def goes_on(self, path: str, credential: Credential) -> Response:
        """Another session for somebody whose sessions have just been ended."""
        return self.gives(go(path), await self.keeper.session(credential))

    def gives(self, response: Response, session: str) -> Response:
        """Gives the browser this session with an answer, or takes it away."""
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


def foreign() -> Response:
    """What is answered to another site."""
    log.warning("the console refused a POST that came from another site, or from no browser")
    text = "The request came from another site. If it was you, open the console and do it there."
    return message(403, "Refused", text, None)
