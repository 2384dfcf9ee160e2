"""Tasks: on a case's page, and all that are open in one place. A refused one is answered 409 with what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.cases import Cases, back, case_of
from bots.console.door import NoSuchPage
from bots.console.forms import Form
from bots.console.pages import go, page
from core.accounts import Colleague
from core.casefile import CaseFile
from core.tasks import PAGE, NoSuchTask, Tasks, Unfit

_TASKS = "/console/tasks"
_LONGEST_NUMBER = 15  # digits of a task's number
_PAGE_NUMBER = 4  # digits of a page


@dataclass(frozen=True, kw_only=True)
class TasksBeside:
    """The tasks of a case, on its page."""

    tasks: Tasks

    async def beside(self, file: CaseFile, _who: Colleague) -> Mapping[str, object]:
        """All that are open, and the newest that are done."""
        found = await self.tasks.ledger.tasks_of(file.case.id)
        return {"tasks": found, "today": self.tasks.now().date(), "task_problem": None}


@dataclass(frozen=True, kw_only=True)
class TaskDesk:
    """The page, and the deeds."""

    cases: Cases
    tasks: Tasks

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        door = self.cases.door
        return [
            Route(_TASKS, door.shown(self.open), methods=["GET"]),
            Route("/console/cases/{case}/tasks", door.done(self.add), methods=["POST"]),
            Route("/console/cases/{case}/tasks/{task}/done", door.done(self.finish), methods=["POST"]),
        ]

    async def open(self, request: Request, who: Colleague) -> Response:
        """The open tasks: everybody's, or with `?mine=1` one's own."""
        mine, number = request.query_params.get("mine") == "1", _page(request)
        found = await self.tasks.open(who.name, mine=mine, page=number)
        return page(
            "tasks.html",
            here=_TASKS,
            agent=who,
            found=found,
            mine=mine,
            number=number,
            more=len(found) == PAGE,
            today=self.tasks.now().date(),
            done=self.cases.done(request.query_params.get("done", "")),
        )

    async def add(self, request: Request, who: Colleague, form: Form) -> Response:
        """Makes a task."""
        case = case_of(request)
        try:
            await self.tasks.add(case, who.name, form.get("title", ""), form.get("due", ""))
        except Unfit as error:
            return await self.cases.page(
                case, who, status=409, refused=str(error), form=form, more={"task_problem": error}
            )
        return back(case, "task-added")

    async def finish(self, request: Request, who: Colleague, form: Form) -> Response:
        """Checks a task off."""
        case, number = case_of(request), request.path_params["task"]
        if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
            raise NoSuchPage("there is no such task")
        try:
            await self.tasks.finish(case, int(number), who.name)
        except NoSuchTask as error:
            raise NoSuchPage(str(error)) from None
        return go(f"{_TASKS}?done=task-done") if form.get("from") == "tasks" else back(case, "task-done")


def _page(request: Request) -> int:
    number = request.query_params.get("page", "")
    return max(int(number), 1) if number.isascii() and number.isdecimal() and len(number) <= _PAGE_NUMBER else 1
