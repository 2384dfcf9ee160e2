"""Quick actions on a case: offered, looked at once more before they run, and what waits for a lead.

`GET .../actions/refund?amount=25` says to the letter what would happen; nothing does before that page's form is sent.
A deed is answered 303 when it was done, and 409 with the page and the reason when it was not, or when nobody knows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.cases import Cases, case_of
from bots.console.forms import Form
from bots.console.pages import go, page
from bots.console.uploads import read_typed
from core.accounts import Colleague, Role
from core.casefile import CaseFile
from core.desk import Refused
from core.offers import Offer
from core.quick import NotCarriedOut, QuickActions

_ONCE = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_NUMBER = 15  # digits of a run's number
_CHANGED = "Nothing was done: something has changed since you looked. Read it once more."
_APPROVALS = "/console/approvals"


@dataclass(frozen=True, kw_only=True)
class OffersBeside:
    """What stands on a case's page: what can be done, and what waits for whom."""

    quick: QuickActions

    async def beside(self, file: CaseFile, who: Colleague) -> Mapping[str, object]:
        """The offers, and for each run that waits why this colleague may not agree to it."""
        waiting = [run for run in file.runs if run.state == "waiting"]
        return {
            "offers": await self.quick.offers(file, who) if file.case.status != "resolved" else [],
            "why_not": {run.id: await self.quick.why_not(file, run, who) for run in waiting},
        }


@dataclass(frozen=True, kw_only=True)
class QuickDesk:
    """The pages and the deeds."""

    cases: Cases
    quick: QuickActions

    def routes(self) -> Sequence[BaseRoute]:
        """All of them. What was done stands in the audit also where it did not end well."""
        path, door = "/console/cases/{case}", self.cases.door
        return [
            Route(f"{path}/actions/{{name}}", door.shown(self.look), methods=["GET"]),
            Route(f"{path}/actions/{{name}}", door.done(self.ask, audited=False), methods=["POST"]),
            Route(f"{path}/approve", door.done(self.approve, audited=False, read=read_typed), methods=["POST"]),
            Route(f"{path}/decline", door.done(self.decline, audited=False, read=read_typed), methods=["POST"]),
            Route(_APPROVALS, door.shown(self.approvals, role=Role.LEAD), methods=["GET"]),
        ]

    # ── one action ──
    async def look(self, request: Request, who: Colleague) -> Response:
        """What exactly would happen."""
        return await self._confirm(request, who, request.query_params.get("amount", ""))

    async def ask(self, request: Request, who: Colleague, form: Form) -> Response:
        """Has it done, or asks the leads for it."""
        case, amount = case_of(request), form.get("amount", "")
        try:
            offer = await self.quick.offer(case, request.path_params["name"], amount, who)
            if offer.seal != form.get("seal") or not _ONCE.fullmatch(form.get("once", "")):
                raise Refused(_CHANGED)
            run = await self.quick.ask(case, offer, who, why=form.get("why", ""), once=form["once"])
        except NotCarriedOut as error:
            return await self.cases.page(case, who, status=409, refused=str(error))
        except Refused as error:
            return await self._confirm(request, who, amount, refused=str(error), why=form.get("why", ""))
        return go(f"/console/cases/{case}?done={'carried-out' if run.state == 'done' else 'asked-a-lead'}")

    async def _confirm(
        self, request: Request, who: Colleague, amount: str, *, refused: str = "", why: str = ""
    ) -> Response:
        case, name = case_of(request), request.path_params["name"]
        offer: Offer | None
        try:
            offer = await self.quick.offer(case, name, amount, who)
        except Refused as error:
            offer, refused = await self._of_record(case, name, who), refused or str(error)
        return page(
            "action.html",
            409 if refused else 200,
            agent=who,
            case=case,
            offer=offer,
            amount=amount,
            refused=refused,
            why=why,
            once=self.quick.desk.new_id(),
        )

    async def _of_record(self, case: int, name: str, who: Colleague) -> Offer | None:
        try:
            return await self.quick.offer(case, name, "", who)
        except Refused:
            return None

    # ── what waits ──
    async def approvals(self, request: Request, who: Colleague) -> Response:
        """Everything that waits for a lead."""
        return await self._approvals_page(who, done=self.cases.done(request.query_params.get("done", "")))

    async def approve(self, request: Request, who: Colleague, form: Form) -> Response:
        """Lets it happen."""
        return await self._decided(request, who, form, "approved")

    async def decline(self, request: Request, who: Colleague, form: Form) -> Response:
        """Says no to it."""
        return await self._decided(request, who, form, "declined")

    async def _decided(self, request: Request, who: Colleague, form: Form, how: str) -> Response:
        case = case_of(request)
        decide = self.quick.approve if how == "approved" else self.quick.decline
        from_list = form.get("from") == "approvals"
        try:
            await decide(case, _run(form), who)
        except Refused as error:
            if from_list:
                return await self._approvals_page(who, refused=str(error))
            return await self.cases.page(case, who, status=409, refused=str(error), form=form)
        return go(f"{_APPROVALS if from_list else f'/console/cases/{case}'}?done={how}")

    async def _approvals_page(self, who: Colleague, *, done: str = "", refused: str = "") -> Response:
        return page(
            "approvals.html",
            409 if refused else 200,
            here=_APPROVALS,
            agent=who,
            waiting=await self.quick.waiting(who.name),
            now=self.quick.desk.now(),
            done=done,
            refused=refused,
        )


def _run(form: Form) -> int:
    """The action that a form is about; one that cannot be is none of any case."""
    number = form.get("run", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER else 0
