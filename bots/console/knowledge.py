"""Knowledge, for leads: what was asked and not found, alike together, and how the articles that there are did.

`days` is 7, 30 or 90; `show` is open, written or not ours; `page` turns it. Marking is answered 303, and 409 with the
page where the questions are on record no more. Examples are redacted; the cases that are named are noted as read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Door
from bots.console.forms import Form
from bots.console.pages import go, page
from core.accounts import Colleague, Role
from core.desk import Refused
from core.gaps import PAGE, Gaps, Mark, Standing

HERE = "/console/knowledge"
DAYS = (7, 30, 90)
_USUAL = 90
_MOST_MARKED = 1_000
_LONGEST_NUMBER = 15  # digits
_DONE = {
    "written": "Marked as written. It stands here again when it is asked once more.",
    "not ours": "Marked as not ours. Questions like it stand there from now on.",
    "open": "It is open again.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    days: int
    standing: Standing
    page: int

    def query(self, **changes: object) -> str:
        told: dict[str, object] = {"days": self.days, "show": self.standing, "page": self.page}
        return urlencode(told | changes)


@dataclass(frozen=True, kw_only=True)
class KnowledgePages:
    """The page, and the marks."""

    gaps: Gaps
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        return [
            Route(HERE, self.door.shown(self.all, role=Role.LEAD), methods=["GET"]),
            Route(f"{HERE}/mark", self.door.done(self.mark, role=Role.LEAD), methods=["POST"]),
        ]

    async def all(self, request: Request, lead: Colleague) -> Response:
        """What was not found, and the articles."""
        done = _DONE.get(request.query_params.get("done", ""), "")
        return await self._page(_wanted(request.query_params), lead, done=done)

    async def _page(self, wanted: _Wanted, lead: Colleague, *, done: str = "", refused: str = "") -> Response:
        every = await self.gaps.found(wanted.days)
        found = [gap for gap in every if gap.standing is wanted.standing]
        begin = (wanted.page - 1) * PAGE
        return page(
            "knowledge.html",
            409 if refused else 200,
            here=HERE,
            agent=lead,
            shown=await self.gaps.shown(found[begin : begin + PAGE], lead.name),
            counts={standing: sum(gap.standing is standing for gap in every) for standing in Standing},
            following=begin + PAGE < len(found),
            wanted=wanted,
            days=DAYS,
            marks=list(Mark),
            articles=await self.gaps.articles(wanted.days),
            has_folder=self.gaps.knowledge() is not None,
            mean=fmean,
            done=done,
            refused=refused,
        )

    async def mark(self, _request: Request, lead: Colleague, form: Form) -> Response:
        """Says what became of questions, or takes that back."""
        wanted, said = _wanted(form), form.get("mark", "")
        try:
            if said not in {*Mark, "open"}:
                raise Refused("Nothing was changed: there is no such mark.")
            await self.gaps.mark(_turns(form), None if said == "open" else Mark(said), lead.name)
        except Refused as error:
            return await self._page(wanted, lead, refused=str(error))
        return go(f"{HERE}?{wanted.query(done=said)}")


def _wanted(query: Mapping[str, str]) -> _Wanted:
    days, show, number = query.get("days", ""), query.get("show", ""), query.get("page", "")
    return _Wanted(
        days=next((one for one in DAYS if str(one) == days), _USUAL),
        standing=Standing(show) if show in list(Standing) else Standing.OPEN,
        page=max(int(number), 1) if number.isascii() and number.isdecimal() and len(number) < 7 else 1,  # noqa: PLR2004
    )


def _turns(form: Form) -> list[int]:
    """The questions that a form is about."""
    told = form.get("turns", "").split(",")[:_MOST_MARKED]
    return [int(one) for one in told if one.isascii() and one.isdecimal() and len(one) <= _LONGEST_NUMBER]
