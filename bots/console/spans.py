"""The days that a page of figures is about, as its address says them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlencode

from core.figures import LONGEST_SPAN, Span
from core.writing import Category

DAYS = (7, 30, 90)
_USUAL = 30
_DAYS_TO_LOOK_AT = timedelta(days=35)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What an address asks for. `wrong` says of a field what is wrong with it; then the usual days are shown. `part`
    narrows a list, and `page` turns it."""

    span: Span
    days: int = 0  # up to today; 0 where the days are named
    part: str = ""
    page: int = 1
    wrong: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    def query(self, **changes: object) -> str:
        """The same, with some of it changed; None leaves something out."""
        span = self.span
        chosen: dict[str, object] = {"days": self.days} if self.days else {"from": span.first, "to": span.last}
        chosen |= {
            "by": self.typed.get("by", ""),
            "channel": span.channel,
            "category": span.category,
            "part": self.part,
        }
        if "from" in changes:
            chosen.pop("days", None)
        return urlencode({name: value for name, value in (chosen | changes).items() if value not in ("", None)})


def asked(query: Mapping[str, str], now: datetime, channels: Collection[str]) -> Asked:
    """What an address asks for: `days`, or `from` and `to`; `by`; `channel`, `category`, `part` and `page`."""
    today = now.date()
    days, wrong = _days(query), dict[str, str]()
    first, last = today - timedelta(days=(days or _USUAL) - 1), today
    if not days:
        first, last, wrong = _named(query, first, last)
    channel, category, page = query.get("channel", ""), query.get("category", ""), query.get("page", "")
    return Asked(
        span=Span(
            first=first,
            last=last,
            by=_by(query.get("by", ""), last - first),
            channel=channel if channel in channels else "",
            category=category if category in get_args(Category) else "",
        ),
        days=_USUAL if wrong else days,
        part=query.get("part", "")[:40],
        page=max(int(page), 1) if page.isascii() and page.isdecimal() and len(page) < 7 else 1,  # noqa: PLR2004
        wrong=wrong,
        typed={name: query.get(name, "") for name in ("from", "to", "by")},
    )


def _by(wanted: str, length: timedelta) -> Literal["day", "week"]:
    """As it is wanted; else weeks where days would be too many to look at."""
    if wanted in {"day", "week"}:
        return "day" if wanted == "day" else "week"
    return "day" if length <= _DAYS_TO_LOOK_AT else "week"


def _days(query: Mapping[str, str]) -> int:
    """7, 30 or 90; 0 where the days are named instead."""
    if query.get("from") or query.get("to"):
        return 0
    wanted = query.get("days", "")
    return next((days for days in DAYS if str(days) == wanted), _USUAL)


def _named(query: Mapping[str, str], first: date, last: date) -> tuple[date, date, dict[str, str]]:
    """The days that are named, and what is wrong with them; then the usual ones."""
    wrong: dict[str, str] = {}
    begun = _date(query.get("from", ""), first, "from", wrong)
    ended = _date(query.get("to", ""), last, "to", wrong)
    if not wrong and begun > ended:
        wrong["to"] = "This day is before the first one."
    if not wrong and ended - begun >= LONGEST_SPAN:
        wrong["to"] = f"At most {LONGEST_SPAN.days} days can be shown together."
    return (first, last, wrong) if wrong else (begun, ended, wrong)


def _date(typed: str, usual: date, name: str, wrong: dict[str, str]) -> date:
    if not typed:
        return usual
    try:
        return date.fromisoformat(typed)
    except ValueError:
        wrong[name] = "This is no day; write it as 2026-03-31."
        return usual
