"""What a colleague does with a case beside answering it: notes, transfer, taking over, snooze, opening again, its mood.

Deeds are answered 303 when they were done, and 409 with the case's page, the reason beside its field and all that was
typed when they were not. Taking a case over is answered 409 once more, to be confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.cases import Cases, OnCase, back, case_of
from bots.console.forms import Form
from core.accounts import Colleague
from core.casework import Casework
from core.desk import Refused

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Handling:
    """The deeds, on the page of `cases`."""

    cases: Cases
    casework: Casework

    def routes(self) -> Sequence[BaseRoute]:
        """A route for each deed, with the field that a refusal is about."""
        deeds: dict[str, tuple[OnCase, str]] = {
            "note": (self.note, "note"),
            "transfer": (self.transfer, "to"),
            "snooze": (self.snooze, "until"),
            "wake": (self.wake, ""),
            "reopen": (self.reopen, ""),
            "mood": (self.mood, "mood"),
        }
        path, done = "/console/cases/{case}", self.cases.door.done
        routes = [
            Route(f"{path}/{name}", done(self.cases.on_case(do, about=about)), methods=["POST"])
            for name, (do, about) in deeds.items()
        ]
        return [*routes, Route(f"{path}/take-over", done(self.take_over), methods=["POST"])]

    async def note(self, case: int, agent: str, form: Form) -> Response:
        await self.casework.note(case, agent, form.get("note", ""))
        return back(case, "noted")

    async def transfer(self, case: int, agent: str, form: Form) -> Response:
        await self.casework.transfer(case, agent, form.get("to", ""), form.get("transfer_note", ""))
        return back(case, "transferred")

    async def snooze(self, case: int, agent: str, form: Form) -> Response:
        await self.casework.snooze(case, agent, self._until(form))
        return back(case, "snoozed")

    def _until(self, form: Form) -> datetime:
        match form.get("until", ""):
            case "hour":
                return self.casework.now() + _HOUR
            case "tomorrow":
                return self.casework.morning(self.casework.tomorrow())
            case "date":
                return self.casework.morning(_day(form.get("date", "")))
        raise Refused("Nothing was changed: choose until when.")

    async def wake(self, case: int, agent: str, _form: Form) -> Response:
        await self.casework.wake(case, agent)
        return back(case, "woken")

    async def reopen(self, case: int, agent: str, _form: Form) -> Response:
        learnt = await self.casework.reopen(case, agent)
        return back(case, "reopened", BackgroundTask(self.cases.desk.learn, learnt))

    async def mood(self, case: int, agent: str, form: Form) -> Response:
        await self.casework.correct_mood(case, agent, form.get("mood", ""))
        return back(case, "mood")

    async def take_over(self, request: Request, who: Colleague, form: Form) -> Response:
        """Asks first: somebody else has the case. What was typed meanwhile is kept."""
        case = case_of(request)
        if form.get("confirmed") != "yes":
            return await self.cases.page(case, who, status=409, form=form, more={"confirms": True})
        try:
            await self.casework.take_over(case, who.name)
        except Refused as error:
            return await self.cases.page(case, who, status=409, refused=str(error), form=form)
        if form.get("reply"):
            return await self.cases.page(case, who, done=self.cases.done("taken-over"), form=form)
        return back(case, "taken-over")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("Nothing was changed: choose a day.") from None
