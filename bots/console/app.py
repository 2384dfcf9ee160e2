"""The console over HTTP.

Every page but the sign-in leads there (303) without a session. A POST is answered 303 when it was done, 403 when it
does not come from a page of ours, 409 with the page and what was typed when it was refused, 413 over 256 kB, 400 when
it is no form. What does not exist, or is not for the colleague's role, is 404. The sign-in answers 401 to what is
wrong, and 429 after eight of these from one address.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import wording
from bots.console.door import Done, Door, NoSuchPage
from bots.console.files import FileShelf
from bots.console.forms import Form
from bots.console.identity import WhoIsWho
from bots.console.login import Doorkeeper
from bots.console.pages import go, page, static, unchanged
from bots.console.staff import Staff
from core.accounts import AccountLedger, Colleague, Role
from core.casefile import CaseFile
from core.desk import PAGE, Desk, NoSuchCase, Refused
from core.errors import Misconfigured
from core.files import Files
from core.handoff import next_steps
from core.writing import Category

_REPLY_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_NUMBER = 15  # digits of a case's id
_PAGE_NUMBER = 6  # digits of a page's

OnCase = Callable[[int, str, Form], Awaitable[Response]]  # the case, the colleague's name, what was typed


def routes(
    desk: Desk,
    accounts: AccountLedger,
    files: Files,
    *,
    token: str,
    secret: bytes,
    base_url: str,
    now: Callable[[], datetime],
) -> Sequence[BaseRoute]:
    """All of the console. Raises Misconfigured without a token."""
    if not token:
        raise Misconfigured("CONSOLE_TOKEN", "is empty, so that nobody could sign in to the console; set it")
    keeper = Doorkeeper(ledger=accounts, token=token, secret=secret, now=now)
    return console(desk, accounts, Door(keeper=keeper, base_url=base_url), files)


def console(desk: Desk, accounts: AccountLedger, door: Door, files: Files) -> Sequence[BaseRoute]:
    """All of the console, behind a door."""
    case = "/console/cases/{case}"
    cases = _Cases(desk=desk, fetches=files.fetches)
    return [
        *(_file(name) for name in ("console.css", "console.js")),
        Route("/console/login", door.sign_in_page, methods=["GET"]),
        Route("/console/login", door.sign_in, methods=["POST"]),
        Route("/console/logout", door.sign_out, methods=["POST"]),
        Route("/console", door.shown(cases.queue), methods=["GET"]),
        Route("/console/parked", door.shown(cases.parked, role=Role.LEAD), methods=["GET"]),
        Route(case, door.shown(cases.case), methods=["GET"]),
        Route(f"{case}/take", door.done(cases.on_case(cases.take)), methods=["POST"]),
        Route(f"{case}/reply", door.done(cases.on_case(cases.reply)), methods=["POST"]),
        Route(f"{case}/hand-back", door.done(cases.on_case(cases.hand_back)), methods=["POST"]),
        Route(f"{case}/approve", door.done(cases.on_case(cases.approve)), methods=["POST"]),
        Route(f"{case}/decline", door.done(cases.on_case(cases.decline)), methods=["POST"]),
        Route(f"{case}/category", door.done(cases.on_case(cases.correct)), methods=["POST"]),
        Route(f"{case}/resolve", door.done(cases.on_case(cases.resolve)), methods=["POST"]),
        *FileShelf(files=files, door=door).routes(),
        *WhoIsWho(desk=desk, door=door, case_of=_case).routes(),
        *Staff(ledger=accounts, door=door, now=desk.now).routes(),
        Route("/console/{rest:path}", door.shown(_nothing), methods=["GET"]),
        Route("/console/{rest:path}", door.done(_nothing_done), methods=["POST"]),
    ]


def _file(name: str) -> Route:
    async def endpoint(_request: Request) -> Response:
        return static(name)

    return Route(f"/console/static/{name}", endpoint, methods=["GET"])


async def _nothing(_request: Request, _who: Colleague) -> Response:
    raise NoSuchPage("there is no such page")


async def _nothing_done(_request: Request, _who: Colleague, _form: Form) -> Response:
    raise NoSuchPage("there is no such page")


@dataclass(frozen=True, kw_only=True)
class _Cases:
    """The queue, the cases in it, and what was parked."""

    desk: Desk
    fetches: Callable[[str], bool]  # whether a channel's files can be had from elsewhere

    def on_case(self, do: OnCase) -> Done:
        """A deed on the case that the path names."""

        async def done(request: Request, who: Colleague, form: Form) -> Response:
            case = _case(request)
            try:
                return await do(case, who.name, form)
            except Refused as error:
                return await self._case_page(case, who, status=409, refused=str(error), form=form)

        return done

    # ── what is shown ──
    async def queue(self, request: Request, who: Colleague) -> Response:
        number = _page(request)
        state = await self.desk.ledger.queue_state(page=number)
        if request.headers.get("if-none-match") == state:
            return unchanged(state)
        queue = await self.desk.queue(who.name, number)
        following = number + 1 if len(queue) == PAGE else 0
        return page(
            "queue.html",
            agent=who,
            queue=queue,
            page=number,
            following=following,
            state=state,
            now=self.desk.now(),
            house=self.desk.house,
        )

    async def parked(self, _request: Request, who: Colleague) -> Response:
        unread, undelivered = await self.desk.parked(who.name)
        return page("parked.html", agent=who, unread=unread, undelivered=undelivered, house=self.desk.house)

    async def case(self, request: Request, who: Colleague) -> Response:
        case = _case(request)
        state = await self.desk.ledger.case_state(case)
        if request.headers.get("if-none-match") == state:
            return unchanged(state)
        return await self._case_page(case, who, done=wording.DONE.get(request.query_params.get("done", ""), ""))

    async def _case_page(
        self,
        case: int,
        who: Colleague,
        *,
        status: int = 200,
        done: str = "",
        refused: str = "",
        form: Form | None = None,
    ) -> Response:
        state = await self.desk.ledger.case_state(case)
        view = await self.desk.open(case, who.name)
        typed = form or {}
        return page(
            "case.html",
            status,
            agent=who,
            state=state,
            file=view.file,
            fetches=self.fetches,
            suggestions=view.suggestions,
            steps=next_steps(view.file, view.suggestions),
            summary=_summary(view.file),
            proof=wording.proof(view.file.proof, view.file.contacts[0].channel, by_code=view.file.by_code),
            done=done,
            refused=refused,
            typed=typed.get("reply", ""),
            resolution=typed.get("resolution", ""),
            reply_id=self.desk.new_id(),
            categories=get_args(Category),
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

    async def correct(self, case: int, agent: str, form: Form) -> Response:
        await self.desk.correct(case, agent, form.get("category", ""))
        return _back(case, "corrected")

    async def approve(self, case: int, agent: str, form: Form) -> Response:
        await self.desk.approve(case, _run(form), agent)
        return _back(case, "approved")

    async def decline(self, case: int, agent: str, form: Form) -> Response:
        await self.desk.decline(case, _run(form), agent)
        return _back(case, "declined")

    async def resolve(self, case: int, agent: str, form: Form) -> Response:
        learnt = await self.desk.resolve(case, agent, form.get("resolution", ""), _satisfaction(form))
        return _back(case, "resolved", BackgroundTask(self.desk.learn, learnt))


def _page(request: Request) -> int:
    """The page of the queue that was asked for; the first where that is none."""
    number = request.query_params.get("page", "")
    return max(int(number), 1) if number.isascii() and number.isdecimal() and len(number) <= _PAGE_NUMBER else 1


def _case(request: Request) -> int:
    number = request.path_params["case"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise NoSuchCase("there is no such case")
    return int(number)


def _run(form: Form) -> int:
    """The action that a form is about; one that cannot be is none of any case."""
    number = form.get("run", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER else 0


def _satisfaction(form: Form) -> int | None:
    """1 to 5, as the customer told a colleague; None where they did not."""
    told = form.get("satisfaction", "")
    return int(told) if told in {"1", "2", "3", "4", "5"} else None


def _summary(file: CaseFile) -> str:
    """Who, what and how it stands, in a line."""
    plan = f" ({file.profile.plan})" if file.profile and file.profile.plan else ""
    contact = f"contact number {file.case.contacts} about it"
    tried = f", who already {' and '.join(file.tried)}" if file.tried else ""
    return f"{file.name}{plan}{tried}: {file.issue or 'an issue not told yet'} ({contact})"


def _back(case: int, done: str, learning: BackgroundTask | None = None) -> Response:
    return go(f"/console/cases/{case}?done={done}", learning)
