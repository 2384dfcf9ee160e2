"""A case: all that is known of it and of its customer, and what a colleague does with it."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import wording
from bots.console.door import Done, Door
from bots.console.forms import Form
from bots.console.pages import go, page, unchanged
from bots.console.panel import PanelView, by_usefulness
from bots.console.uploads import files_of, read_upload
from core.accounts import Colleague
from core.casefile import CaseFile
from core.desk import Desk, FilesRefused, NoSuchCase, Refused, WroteMeanwhile
from core.handoff import next_steps
from core.panel import NEWEST, Wanted
from core.writing import Category

_REPLY_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_NUMBER = 15  # digits of a case's id

_NOTHING_MORE: dict[str, Any] = {"about": "", "wrote_meanwhile": False, "confirms": False}

OnCase = Callable[[int, str, Form], Awaitable[Response]]  # the case, the colleague's name, what was typed


class Helps(Protocol):
    """Another subject with a part on the page of a case."""

    async def beside(self, file: CaseFile, who: Colleague) -> Mapping[str, object]:
        """What its templates are shown, by name."""
        ...


@dataclass(frozen=True, kw_only=True)
class Cases:
    """The page of a case, and its deeds. A deed that is refused is answered 409 with the page and what was typed."""

    desk: Desk
    door: Door
    panel: PanelView
    fetches: Callable[[str], bool]  # whether a channel's files can be had from elsewhere
    helps: Sequence[Helps] = ()

    def routes(self) -> Sequence[BaseRoute]:
        """The page, and a route for each deed."""
        path = "/console/cases/{case}"
        deeds: dict[str, tuple[OnCase, str]] = {  # with the field that a refusal is about
            "take": (self.take, ""),
            "reply": (self.reply, "reply"),
            "hand-back": (self.hand_back, ""),
            "category": (self.correct, "category"),
            "resolve": (self.resolve, "resolution"),
        }
        return [
            Route(path, self.door.shown(self.case), methods=["GET"]),
            *(
                Route(
                    f"{path}/{name}", self.door.done(self.on_case(do, about=about), read=read_upload), methods=["POST"]
                )
                for name, (do, about) in deeds.items()
            ),
        ]

    def on_case(self, do: OnCase, *, about: str = "") -> Done:
        """A deed on the case that the path names; `about` is the field that a refusal is about."""

        async def done(request: Request, who: Colleague, form: Form) -> Response:
            case = case_of(request)
            try:
                return await do(case, who.name, form)
            except Refused as error:
                problem = str(error) if isinstance(error, FilesRefused) else ""
                told = {"about": "files" if problem else about, "wrote_meanwhile": isinstance(error, WroteMeanwhile)}
                return await self.page(
                    case, who, status=409, refused=str(error), form=form, files_problem=problem, more=told
                )

        return done

    # ── what is shown ──
    async def case(self, request: Request, who: Colleague) -> Response:
        case = case_of(request)
        await self.panel.casework.look(case, who.name)
        state = await self.desk.ledger.case_state(case)
        if request.headers.get("if-none-match") == state:
            return unchanged(state)
        done = self.done(request.query_params.get("done", ""))
        return await self.page(case, who, done=done, wanted=self.panel.wanted(request))

    def done(self, deed: str) -> str:
        """What is said of a deed that was done."""
        return wording.DONE.get(deed, "")

    async def page(
        self,
        case: int,
        who: Colleague,
        *,
        status: int = 200,
        done: str = "",
        refused: str = "",
        form: Form | None = None,
        files_problem: str = "",
        wanted: Wanted = NEWEST,
        more: Mapping[str, object] | None = None,
    ) -> Response:
        """The page of a case; `more` is what its templates are told beside."""
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
            suggestions=by_usefulness(view.suggestions),
            steps=next_steps(view.file, by_usefulness(view.suggestions)),
            summary=_summary(view.file),
            proof=wording.proof(view.file.proof, view.file.contacts[0].channel, by_code=view.file.by_code),
            done=done,
            refused=refused,
            typed=typed.get("reply", ""),
            form=typed,
            files_refused=files_problem,
            files_dropped=bool(files_of(typed)),
            resolution=typed.get("resolution", ""),
            reply_id=self.desk.new_id(),
            categories=get_args(Category),
            now=self.desk.now(),
            house=self.desk.house,
            **await self.panel.beside(view.file, who, wanted),
            **(_NOTHING_MORE | await self._helps(view.file, who) | dict(more or {})),
        )

    async def _helps(self, file: CaseFile, who: Colleague) -> dict[str, Any]:
        """What the other subjects show on the page, under the names that their templates have for it."""
        return {name: shown for one in self.helps for name, shown in (await one.beside(file, who)).items()}

    # ── what is done ──
    async def take(self, case: int, agent: str, _form: Form) -> Response:
        await self.desk.take(case, agent)
        return back(case, "taken")

    async def reply(self, case: int, agent: str, form: Form) -> Response:
        id_of_page = form.get("id", "")
        once = id_of_page if _REPLY_ID.fullmatch(id_of_page) else ""
        await self.desk.reply(case, agent, form.get("reply", ""), id=once, files=files_of(form), seen=_seen(form))
        return back(case, "sent")

    async def hand_back(self, case: int, agent: str, _form: Form) -> Response:
        await self.desk.hand_back(case, agent)
        return back(case, "handed-back")

    async def correct(self, case: int, agent: str, form: Form) -> Response:
        await self.desk.correct(case, agent, form.get("category", ""))
        return back(case, "corrected")

    async def resolve(self, case: int, agent: str, form: Form) -> Response:
        learnt = await self.desk.resolve(case, agent, form.get("resolution", ""), _satisfaction(form))
        return back(case, "resolved", BackgroundTask(self.desk.learn, learnt))


def case_of(request: Request) -> int:
    """The case that a path names. Raises NoSuchCase."""
    number = request.path_params["case"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise NoSuchCase("there is no such case")
    return int(number)


def _seen(form: Form) -> int | None:
    """The number of the customer's newest words that the page showed; None where it does not say."""
    number = form.get("seen", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER else None


def _satisfaction(form: Form) -> int | None:
    """1 to 5, as the customer told a colleague; None where they did not. Raises Refused."""
    told = form.get("satisfaction", "")
    if told not in {"", "1", "2", "3", "4", "5"}:
        raise Refused("Nothing was changed: how satisfied they are is a number from 1 to 5.")
    return int(told) if told else None


def _summary(file: CaseFile) -> str:
    """Who, what and how it stands, in a line."""
    plan = f" ({file.profile.plan})" if file.profile and file.profile.plan else ""
    contact = f"contact number {file.case.contacts} about it"
    tried = f", who already {' and '.join(file.tried)}" if file.tried else ""
    return f"{file.name}{plan}{tried}: {file.issue or 'an issue not told yet'} ({contact})"


def back(case: int, done: str, learning: BackgroundTask | None = None) -> Response:
    """Sends the browser back to a case, which says what was done."""
    return go(f"/console/cases/{case}?done={done}", learning)
