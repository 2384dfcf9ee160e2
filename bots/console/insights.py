"""Insights, for leads: the figures drawn, each with its definition and the cases behind it, and as sheets.

`days` is 7, 30 or 90, else `from` and `to` name the days; `by` is day or week; `channel`, `category` and `part` narrow
what is counted. Days that are none are answered 400 with the page of the usual days. What was counted is listed with
names and issues, which stand in the access log; sheets have numbers of cases and nothing else of them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import drawing
from bots.console.door import Door, NoSuchPage
from bots.console.pages import page
from bots.console.sheets import Cell, sheet
from bots.console.spans import DAYS, Asked, asked
from core.accounts import Colleague, Role
from core.figures import ENOUGH, Observation, Unit
from core.house import House
from core.insights import FIGURES, Figure
from core.reporting import Reporting
from core.world import World
from core.writing import Category

HERE = "/console/insights"
PAGE = 25  # cases of a list


@dataclass(frozen=True, kw_only=True)
class InsightsDesk:
    """The pages of all figures and of each, and their sheets."""

    reporting: Reporting
    door: Door
    house: House

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        shown = self.door.shown
        return [
            Route(HERE, shown(self.all, role=Role.LEAD), methods=["GET"]),
            Route(f"{HERE}/{{figure}}", shown(self.one, role=Role.LEAD), methods=["GET"]),
            Route(f"{HERE}/{{figure}}/{{sheet}}.csv", shown(self.sheet, role=Role.LEAD), methods=["GET"]),
        ]

    # ── pages ──
    async def all(self, request: Request, lead: Colleague) -> Response:
        """Every figure, over time."""
        wanted = self._asked(request)
        world = await self.reporting.world(wanted.span, FIGURES.values())
        figures = await asyncio.to_thread(_overview, world, wanted)
        return self._page("insights.html", lead, wanted, figures=figures)

    async def one(self, request: Request, lead: Colleague) -> Response:
        """One figure over time, by channel and by category, and what was counted."""
        figure, wanted = _figure(request), self._asked(request)
        world = await self.reporting.world(wanted.span, [figure])
        found, drawings = await asyncio.to_thread(self._drawn, figure, world, wanted)
        listed = _newest(found, wanted.part)
        begin = (wanted.page - 1) * PAGE
        behind = listed[begin : begin + PAGE]
        cases = await self.reporting.shown([one.case for one in behind if one.case is not None], lead.name)
        return self._page(
            "insight.html",
            lead,
            wanted,
            figure=figure,
            behind=behind,
            cases=cases,
            listed=len(listed),
            following=begin + PAGE < len(listed),
            lasting=drawing.lasting if figure.unit is Unit.TIME else None,
            label=self.house.label,
            **drawings,
        )

    def _drawn(self, figure: Figure, world: World, wanted: Asked) -> tuple[list[Observation], dict[str, Any]]:
        found = list(wanted.span.within(figure.observe(world)))
        shown = drawing.over_time(figure, found, wanted)
        drawings: dict[str, Any] = {"shown": shown, "over_time": drawing.drawn_over_time(shown, wanted), "share": ""}
        if figure.unit is Unit.SHARE:
            drawings["share"] = drawing.share_over_time(shown, wanted)
        for what in ("channel", "category"):
            rows = drawing.by_name(figure, found, wanted, what, self._label(what))
            drawings[what] = drawing.drawn_by(figure, rows, what, wanted) if rows else ""
        return found, drawings

    def _label(self, what: str) -> Any:
        return self.house.label if what == "channel" else str.capitalize

    # ── sheets ──
    async def sheet(self, request: Request, _lead: Colleague) -> Response:
        """One chart, or the numbers of the cases behind the figure, as CSV."""
        figure, wanted, what = _figure(request), self._asked(request), request.path_params["sheet"]
        if what not in {*drawing.HEADINGS, "cases"}:
            raise NoSuchPage("there is no such sheet")
        world = await self.reporting.world(wanted.span, [figure])
        header, rows = await asyncio.to_thread(_sheet, figure, world, wanted, what)
        span = wanted.span
        return sheet(f"{figure.key}-{what}-{span.first}-{span.last}", header, rows)

    # ── what all have in common ──
    def _asked(self, request: Request) -> Asked:
        return asked(request.query_params, self.reporting.now(), self.house.channels)

    def _page(self, template: str, lead: Colleague, wanted: Asked, **shown: Any) -> Response:
        return page(
            template,
            400 if wanted.wrong else 200,
            here=HERE,
            agent=lead,
            asked=wanted,
            days=DAYS,
            enough=ENOUGH,
            channels=self.house.channels,
            categories=get_args(Category),
            **shown,
        )


def _figure(request: Request) -> Figure:
    figure = FIGURES.get(request.path_params["figure"])
    if figure is None:
        raise NoSuchPage("there is no such figure")
    return figure


def _overview(world: World, wanted: Asked) -> list[tuple[drawing.Shown, str]]:
    shown = [drawing.over_time(one, wanted.span.within(one.observe(world)), wanted) for one in FIGURES.values()]
    return [(one, drawing.drawn_over_time(one, wanted)) for one in shown]


def _newest(found: Sequence[Observation], part: str) -> list[Observation]:
    """What was counted, of one part if one is named, the newest first."""
    return sorted((one for one in found if part in ("", one.part)), key=lambda one: one.at, reverse=True)


def _sheet(figure: Figure, world: World, wanted: Asked, what: str) -> tuple[list[str], list[list[Cell]]]:
    found = list(wanted.span.within(figure.observe(world)))
    if what == "cases":
        header = ["Case", "At", "Channel", "Category", "Counted as", "Value", "Times"]
        return header, [_line(one, figure) for one in _newest(found, wanted.part)]
    if what == "time":
        rows = drawing.over_time(figure, found, wanted).rows
    else:
        rows = drawing.by_name(figure, found, wanted, what, str)
    return drawing.sheet_of(figure, rows, drawing.HEADINGS[what])


def _line(one: Observation, figure: Figure) -> list[Cell]:
    value = one.value if figure.unit is Unit.TIME or figure.key == "csat" else None
    return [one.case, one.at.isoformat(), one.channel, one.category, one.part, value, one.times]
