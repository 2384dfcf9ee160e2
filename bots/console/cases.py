"""A case: all that is known of it and of its customer, and what a colleague does with it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import wording
from bots.console.door import Done, Door
from bots.console.forms import Form
from bots.console.pages import go, page, unchanged
from core.accounts import Colleague
from core.casefile import CaseFile
from core.desk import Desk, NoSuchCase, Refused
from core.handoff import next_steps
from core.writing import Category

_REPLY_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_NUMBER = 15  # digits of a case's id

OnCase = Callable[[int, str, Form], Awaitable[Response]]  # the case, the colleague's name, what was typed


@dataclass(frozen=True, kw_only=True)
class Cases:
    """The page of a case, and its deeds. A deed that is refused is answered 409 with the page and what was typed."""

    desk: Desk
    door: Door
    fetches: Callable[[str], bool]  # whether a channel's files can be had from elsewhere

    def routes(self) -> Sequence[BaseRoute]:
        """The page, and a route for each deed."""
        path = "/console/cases/{case}"
        deeds: dict[str, OnCase] = {
            "take": self.take,
            "reply": self.reply,
            "hand-back": self.hand_back,
            "approve": self.approve,
            "decline": self.decline,
            "category": self.correct,
            "resolve": self.resolve,
        }
        return [
            Route(path, self.door.shown(self.case), methods=["GET"]),
            *(
                Route(f"{path}/{name}", self.door.done(self.on_case(do)), methods=["POST"])
                for name, do in deeds.items()
            ),
        ]

    def on_case(self, do: OnCase) -> Done:
        """A deed on the case that the path names."""

        async def done(request: Request, who: Colleague, form: Form) -> Response:
            case = case_of(request)
            try:
                return await do(case, who.name, form)
            except Refused as error:
                return await self._case_page(case, who, status=409, refused=str(error), form=form)

        return done

    # ── what is shown ──
    async def case(self, request: Request, who: Colleague) -> Response:
        case = case_of(request)
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


def case_of(request: Request) -> int:
    """The case that a path names. Raises NoSuchCase."""
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
