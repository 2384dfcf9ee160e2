"""The console over HTTP.

Every page but the sign-in leads there (303) without a session. A POST is answered 303 when it was done, 403 when it
comes from another site, 409 with the page and what was typed when it was refused, 413 over 256 kB, 400 when it is no
form. A case that does not exist is 404. The sign-in answers 401 to a wrong token, 429 after eight of them.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bots.console import wording
from bots.console.login import ADMIN, COOKIE, LIFE, WITHIN, Doorkeeper, TooManyTries, is_same_origin
from bots.console.pages import HEADERS, page, static
from core.desk import CaseFile, Desk, NoSuchCase, Refused
from core.errors import Misconfigured

_LARGEST_FORM = 262_144  # bytes
_MOST_FIELDS = 8
_REPLY_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_NUMBER = 15  # digits of a case's id

Form = Mapping[str, str]
Shown = Callable[[Request, str], Awaitable[Response]]
Done = Callable[[int, str, Form], Awaitable[Response]]


class BadForm(Exception):
    """A POST is not a form of ours; `status` is what it is answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes(desk: Desk, *, token: str, secret: bytes, base_url: str, now: Callable[[], datetime]) -> Sequence[BaseRoute]:
    """All of the console. Raises Misconfigured without a token."""
    if not token:
        raise Misconfigured("CONSOLE_TOKEN", "is empty, so that nobody could sign in to the console; set it")
    console = _Console(desk=desk, door=Doorkeeper(token=token, secret=secret, now=now), base_url=base_url)
    case = "/console/cases/{case}"
    return [
        *(_file(name) for name in ("console.css", "console.js")),
        Route("/console/login", console.sign_in_page, methods=["GET"]),
        Route("/console/login", console.sign_in, methods=["POST"]),
        Route("/console/logout", console.sign_out, methods=["POST"]),
        Route("/console", console.shown(console.queue), methods=["GET"]),
        Route("/console/parked", console.shown(console.parked), methods=["GET"]),
        Route(case, console.shown(console.case), methods=["GET"]),
        Route(f"{case}/take", console.done(console.take), methods=["POST"]),
        Route(f"{case}/reply", console.done(console.reply), methods=["POST"]),
        Route(f"{case}/hand-back", console.done(console.hand_back), methods=["POST"]),
        Route(f"{case}/resolve", console.done(console.resolve), methods=["POST"]),
    ]


def _file(name: str) -> Route:
    async def endpoint(_request: Request) -> Response:
        return static(name)

    return Route(f"/console/static/{name}", endpoint, methods=["GET"])


@dataclass(frozen=True, kw_only=True)
class _Console:
    desk: Desk
    door: Doorkeeper
    base_url: str

    # ── the door ──
    def shown(self, show: Shown) -> Callable[[Request], Awaitable[Response]]:
        """A page for colleagues only."""

        async def endpoint(request: Request) -> Response:
            agent = self._agent(request)
            if not agent:
                return _go("/console/login")
            try:
                return await show(request, agent)
            except NoSuchCase as error:
                return _missing(agent, error)

        return endpoint

    def done(self, do: Done) -> Callable[[Request], Awaitable[Response]]:
        """A deed for colleagues only, from our own pages only."""

        async def endpoint(request: Request) -> Response:
            agent = self._agent(request)
            if not is_same_origin(request.headers, self.base_url):
                return _foreign(agent)
            if not agent:
                return _go("/console/login")
            try:
                return await self._do(do, request, agent)
            except BadForm as error:
                return _message(agent, error.status, "That did not work", f"{error}.")
            except NoSuchCase as error:
                return _missing(agent, error)

        return endpoint

    async def _do(self, do: Done, request: Request, agent: str) -> Response:
        case, form = _case(request), await _form(request)
        try:
            return await do(case, agent, form)
        except Refused as error:
            return await self._case_page(case, agent, status=409, refused=str(error), form=form)

    def _agent(self, request: Request) -> str:
        return self.door.agent(request.cookies.get(COOKIE, ""))

    async def sign_in_page(self, _request: Request) -> Response:
        return page("login.html", refused="")

    async def sign_in(self, request: Request) -> Response:
        if not is_same_origin(request.headers, self.base_url):
            return _foreign("")
        try:
            given = (await _form(request)).get("token", "")
            if not self.door.signs_in(given.strip()):
                return page("login.html", 401, refused="That is not the console's token.")
        except TooManyTries:
            wait = {"retry-after": str(int(WITHIN.total_seconds()))}
            return page("login.html", 429, wait, refused="Too many wrong tokens. Try again in 15 minutes.")
        except BadForm as error:
            return page("login.html", error.status, refused=f"{error}.")
        response = _go("/console")
        self._set_cookie(response, self.door.session(ADMIN), int(LIFE.total_seconds()))
        return response

    async def sign_out(self, request: Request) -> Response:
        if not is_same_origin(request.headers, self.base_url):
            return _foreign(self._agent(request))
        self.door.ends(request.cookies.get(COOKIE, ""))
        response = _go("/console/login")
        self._set_cookie(response, "", 0)
        return response

    def _set_cookie(self, response: Response, value: str, seconds: int) -> None:
        response.set_cookie(
            COOKIE,
            value,
            max_age=seconds,
            path="/console",
            httponly=True,
            samesite="strict",
            secure=self.base_url.startswith("https://"),
        )

    # ── what is shown ──
    async def queue(self, request: Request, agent: str) -> Response:
        state = await self.desk.ledger.queue_state()
        if request.headers.get("if-none-match") == state:
            return _unchanged(state)
        queue = await self.desk.queue(agent)
        return page("queue.html", agent=agent, queue=queue, state=state, now=self.desk.now(), house=self.desk.house)

    async def parked(self, _request: Request, agent: str) -> Response:
        unread, undelivered = await self.desk.parked(agent)
        return page("parked.html", agent=agent, unread=unread, undelivered=undelivered, house=self.desk.house)

    async def case(self, request: Request, agent: str) -> Response:
        case = _case(request)
        state = await self.desk.ledger.case_state(case)
        if request.headers.get("if-none-match") == state:
            return _unchanged(state)
        return await self._case_page(case, agent, done=wording.DONE.get(request.query_params.get("done", ""), ""))

    async def _case_page(
        self, case: int, agent: str, *, status: int = 200, done: str = "", refused: str = "", form: Form | None = None
    ) -> Response:
        state = await self.desk.ledger.case_state(case)
        view = await self.desk.open(case, agent)
        typed = form or {}
        return page(
            "case.html",
            status,
            agent=agent,
            state=state,
            file=view.file,
            suggestions=view.suggestions,
            summary=_summary(view.file),
            proof=wording.proof(view.file.proof, view.file.contacts[0].channel, by_code=view.file.by_code),
            done=done,
            refused=refused,
            typed=typed.get("reply", ""),
            resolution=typed.get("resolution", ""),
            reply_id=self.desk.new_id(),
            now=self.desk.now(),
            house=self.desk.house,
        )

    # ── what is done ──
    async def take(self, case: int, agent: str, _form: Form) -> Response:
        await self.desk.take(case, agent)
        return _back(case, "taken")

    async def reply(self, case: int, agent: str, form: Form) -> Response:
        id_of_page = form.get("id", "")
        once = id_of_page if _REPLY_ID.fullmatch(id_of_page) else ""
        await self.desk.reply(case, agent, form.get("reply", ""), id=once)
        return _back(case, "sent")

    async def hand_back(self, case: int, agent: str, _form: Form) -> Response:
        await self.desk.hand_back(case, agent)
        return _back(case, "handed-back")

    async def resolve(self, case: int, agent: str, form: Form) -> Response:
        lesson = await self.desk.resolve(case, agent, form.get("resolution", ""))
        learning = BackgroundTask(self.desk.learn, lesson, case) if lesson else None
        return _back(case, "resolved", learning)


def _case(request: Request) -> int:
    number = request.path_params["case"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise NoSuchCase(f"there is no case {number[:_LONGEST_NUMBER]}")
    return int(number)


async def _form(request: Request) -> Form:
    """The fields of a form, each once. Raises BadForm."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise BadForm(413, "The form is too large")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadForm(400, "The form cannot be read") from None
    return {name: values[-1].replace("\r\n", "\n") for name, values in fields.items()}


def _summary(file: CaseFile) -> str:
    """Who, what and how it stands, in a line."""
    plan = f" ({file.profile.plan})" if file.profile and file.profile.plan else ""
    contact = f"contact number {file.case.contacts} about it"
    tried = f", who already {' and '.join(file.tried)}" if file.tried else ""
    return f"{file.name}{plan}{tried}: {file.issue or 'an issue not told yet'} ({contact})"


def _go(path: str, learning: BackgroundTask | None = None) -> Response:
    return RedirectResponse(path, 303, HEADERS, background=learning)


def _back(case: int, done: str, learning: BackgroundTask | None = None) -> Response:
    return _go(f"/console/cases/{case}?done={done}", learning)


def _unchanged(state: str) -> Response:
    return Response(status_code=304, headers={**HEADERS, "etag": state})


def _message(agent: str, status: int, heading: str, text: str) -> Response:
    return page("message.html", status, agent=agent, heading=heading, text=text)


def _missing(agent: str, error: NoSuchCase) -> Response:
    return _message(agent, 404, "No such case", f"{str(error).capitalize()}.")


def _foreign(agent: str) -> Response:
    text = "The request came from another site. If it was you, open the console and do it there."
    return _message(agent, 403, "Refused", text)
