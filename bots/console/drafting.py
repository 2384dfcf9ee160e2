"""Help for whoever answers: a suggested reply with what it rests on, and how a reply will look to its customer.

Both come with the case's page and what was typed; nothing is sent. What was typed is never written over: a suggestion
stands beside it until it is chosen. Refused with 409, the page and the reason. `/preview` with `part` gives its part of
the page alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.cases import Cases, case_of
from bots.console.forms import Form
from bots.console.pages import page
from bots.console.uploads import read_typed
from core.accounts import Colleague
from core.casefile import CaseFile
from core.desk import Refused
from core.drafting import Drafting
from core.house import House
from core.previewing import Previewing


class NoHelpYet:
    """A page for whose reply nothing was asked."""

    async def beside(self, _file: CaseFile, _who: Colleague) -> Mapping[str, object]:
        """Nothing is suggested, and nothing is shown as it will look."""
        return {"suggestion": None, "preview": None}


@dataclass(frozen=True, kw_only=True)
class DraftDesk:
    """Suggestions and previews, on the page of `cases`."""

    cases: Cases
    drafting: Drafting
    previewing: Previewing
    house: House

    def routes(self) -> Sequence[BaseRoute]:
        """Both of them."""
        path, done = "/console/cases/{case}", self.cases.door.done
        deeds = {"draft": self.draft, "preview": self.preview}
        return [
            Route(f"{path}/{name}", done(do, read=read_typed, audited=name == "draft"), methods=["POST"])
            for name, do in deeds.items()
        ]

    async def draft(self, request: Request, who: Colleague, form: Form) -> Response:
        """A suggestion: in the box where that is empty, beside it otherwise; or the one that was chosen, in the box."""
        case = case_of(request)
        if form.get("use"):
            return await self.cases.page(case, who, form={**form, "reply": form.get("suggested", "")})
        try:
            suggestion = await self.drafting.draft(case, who.name)
        except Refused as error:
            return await self._refused(case, who, form, error)
        typed = form.get("reply", "").strip()
        filled = form if typed else {**form, "reply": suggestion.text}
        more = {"suggestion": suggestion, "beside_typed": bool(typed)}
        return await self.cases.page(case, who, form=filled, more=more)

    async def preview(self, request: Request, who: Colleague, form: Form) -> Response:
        """How what was typed will look."""
        case, part = case_of(request), "part" in form
        try:
            shown = await self.previewing.preview(case, form.get("reply", ""))
        except Refused as error:
            return _part(409, None, str(error), self.house) if part else await self._refused(case, who, form, error)
        if part:
            return _part(200, shown, "", self.house)
        if shown is None:
            return await self._refused(case, who, form, Refused("There is nothing to show: the reply is empty."))
        return await self.cases.page(case, who, form=form, more={"preview": shown})

    async def _refused(self, case: int, who: Colleague, form: Form, error: Refused) -> Response:
        return await self.cases.page(case, who, status=409, refused=str(error), form=form, more={"about": "reply"})


def _part(status: int, preview: object, problem: str, house: House) -> Response:
    return page("case/look.html", status, preview=preview, problem=problem, house=house)
