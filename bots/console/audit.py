"""What colleagues did, for leads: by colleague, by deed and by day, a page at a time, and as a table to take away."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Door
from bots.console.pages import HEADERS, page
from core.accounts import AccountLedger, Audited, AuditFilter, Colleague, Role

_PAGE = 50  # lines
_MOST = 10_000  # lines of the table
_DIGITS = 6  # of a page's number
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins like this


@dataclass(frozen=True, kw_only=True)
class AuditTrail:
    """The page, and the same as CSV."""

    ledger: AccountLedger
    door: Door
    now: Callable[[], datetime]

    def routes(self) -> Sequence[BaseRoute]:
        """Both."""
        return [
            Route("/console/audit", self.door.shown(self.trail, role=Role.LEAD), methods=["GET"]),
            Route("/console/audit.csv", self.door.shown(self.table, role=Role.LEAD), methods=["GET"]),
        ]

    async def trail(self, request: Request, who: Colleague) -> Response:
        """One page, newest first."""
        wanted, refused = _wanted(request)
        number = _number(request.query_params.get("page", ""))
        lines = [] if refused else await self.ledger.audited(wanted, page=number, most=_PAGE)
        asked = {"who": wanted.who, "what": wanted.what, "day": request.query_params.get("day", "")}
        return page(
            "audit.html",
            409 if refused else 200,
            here="/console/audit",
            agent=who,
            lines=lines,
            choices=await self.ledger.audit_choices(),
            asked=asked,
            query=urlencode({name: value for name, value in asked.items() if value}),
            page=number,
            following=number + 1 if len(lines) == _PAGE else 0,
            refused=refused,
        )

    async def table(self, request: Request, who: Colleague) -> Response:
        """The newest 10,000 lines of what was asked for."""
        wanted, refused = _wanted(request)
        if refused:
            return await self.trail(request, who)
        lines = await self.ledger.audited(wanted, most=_MOST)
        saved = {"content-disposition": 'attachment; filename="audit.csv"'}
        return Response(_csv(lines), 200, {**HEADERS, **saved}, "text/csv; charset=utf-8")


def _wanted(request: Request) -> tuple[AuditFilter, str]:
    """What is asked for, and why it cannot be."""
    asked = request.query_params
    who, what = asked.get("who", ""), asked.get("what", "")
    try:
        day = date.fromisoformat(asked["day"]) if asked.get("day") else None
    except ValueError:
        return AuditFilter(who=who, what=what), "Give the day as year, month and day, e.g. 2026-03-02."
    return AuditFilter(who=who, what=what, day=day), ""


def _number(given: str) -> int:
    return max(int(given), 1) if given.isascii() and given.isdecimal() and len(given) <= _DIGITS else 1


def _csv(lines: Sequence[Audited]) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["at", "who", "what", "about"])
    rows.writerows([line.at.isoformat(), *map(_cell, (line.who, line.what, line.about))] for line in lines)
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
