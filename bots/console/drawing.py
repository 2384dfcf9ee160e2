"""Figures as a page shows them: worded, drawn over time, by channel and by category, and as sheets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from bots.console import charts
from bots.console.charts import Chart, Series
from bots.console.sheets import Cell
from bots.console.spans import Asked
from core.figures import ENOUGH, Measured, Observation, Span, Tally, Unit, tallied, together
from core.insights import Figure

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS: Mapping[Unit, Sequence[float]] = {  # of scales
    Unit.COUNT: [n * 10**power for power in range(7) for n in (1, 2, 5)],
    Unit.SHARE: [0.25],
    Unit.TIME: [
        *(1, 2, 5, 10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
        *(_HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 30 * _DAY),
    ],
}
HEADINGS = {"time": "Day", "channel": "Channel", "category": "Category"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One place of a chart: a day or a week, a channel, a category, by its name and as it is shown. `href` leads to
    what was counted there."""

    name: str
    label: str
    href: str
    found: Measured


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A figure as a page shows it."""

    figure: Figure
    found: Measured
    value: str
    beside: str
    rows: Sequence[Row]


# ── counting ──
def over_time(figure: Figure, observations: Iterable[Observation], asked: Asked) -> Shown:
    """A figure of a span, by days or weeks."""
    span = asked.span
    cut = tallied(observations, lambda one: span.bucket(one.at))
    rows = [_in_time(figure, bucket, cut.get(bucket, Tally()), asked) for bucket in span.buckets]
    found = figure.measure(together(cut.values()))
    return Shown(figure=figure, found=found, value=value(figure, found), beside=beside(figure, found), rows=rows)


def _in_time(figure: Figure, bucket: date, tally: Tally, asked: Asked) -> Row:
    first, last = asked.span.of(bucket)
    href = f"/console/insights/{figure.key}?{asked.query(**{'from': first, 'to': last, 'part': None})}"
    return Row(name=bucket.isoformat(), label=_day(bucket, asked.span), href=href, found=figure.measure(tally))


def _day(bucket: date, span: Span) -> str:
    return f"{bucket.day} {bucket:%b}" if span.last.year == span.first.year else f"{bucket.day} {bucket:%b %Y}"


def by_name(
    figure: Figure, observations: Iterable[Observation], asked: Asked, what: str, label: Callable[[str], str]
) -> list[Row]:
    """A figure by "channel" or "category", those with most first."""
    cut = tallied(observations, lambda one: str(getattr(one, what)))
    found = {name: figure.measure(tally) for name, tally in cut.items()}
    most = sorted(found, key=lambda name: (-sum(found[name].parts.values()), name))
    path = f"/console/insights/{figure.key}"
    return [
        Row(name=name, label=label(name), href=f"{path}?{asked.query(**{what: name})}", found=found[name])
        for name in most
    ]


# ── words ──
def value(figure: Figure, found: Measured) -> str:
    """What a figure comes to, e.g. "41 %", "3 min 20 s", "27"."""
    if figure.unit is Unit.COUNT:
        return f"{found.n:,}"
    if found.n == 0:
        return "nothing yet"
    if found.share is not None:
        return share(found.share)
    return "too few to tell" if found.median is None else lasting(found.median)


def beside(figure: Figure, found: Measured) -> str:
    """What stands beside it: of how many, and how sure it is."""
    if figure.unit is Unit.COUNT:
        return figure.n_of
    counted = (
        f"{found.good:,} of {found.n:,} {figure.n_of}" if figure.unit is Unit.SHARE else f"{found.n:,} {figure.n_of}"
    )
    if found.low is not None and found.high is not None:
        mean = f"; on average {found.mean:.1f}" if figure.key == "csat" else ""
        return f"{counted}; 95 % interval (Wilson) {share(found.low)} to {share(found.high)}{mean}"
    return f"{counted}; median, 90 % within {lasting(found.p90)}" if found.p90 is not None else counted


def share(part: float) -> str:
    """A share, e.g. "41 %"."""
    return f"{part:.0%}".replace("%", " %")


def lasting(seconds: float) -> str:
    """How long something took, e.g. "45 s", "3 min 20 s", "2 h 5 min", "3 days 4 h"."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s" if seconds >= 1 or not seconds else "under 1 s"
    for size, unit, smaller, small in (
        (_DAY, "days", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            name = "day" if unit == "days" and whole // size == 1 else unit
            return f"{whole // size} {name}" + (f" {rest} {small}" if rest else "")
    raise AssertionError("a time of a minute or more has a unit")


# ── drawings ──
def drawn_over_time(shown: Shown, asked: Asked) -> Markup:
    """How many of each part there were, or how long it took, over time; with the same as a table."""
    chart = _over_time(shown.figure, shown.rows, asked, about=_said(shown))
    drawn = charts.line(chart) if shown.figure.unit is Unit.TIME else charts.stacked(chart)
    return drawn + charts.table(_over_time(shown.figure, _with_something(shown.rows), asked, about=""))


def share_over_time(shown: Shown, asked: Asked) -> Markup:
    """The share over time; gaps where there was too little."""
    drawn = charts.line(_share_over_time(shown, shown.rows, asked), top=1.0)
    return drawn + charts.table(_share_over_time(shown, _with_something(shown.rows), asked))


def _share_over_time(shown: Shown, rows: Sequence[Row], asked: Asked) -> Chart:
    return Chart(
        id=f"{shown.figure.key}-share",
        title=f"{shown.figure.title}, share over time",
        about=f"{_said(shown)} Where there are fewer than {ENOUGH} the line has a gap.",
        labels=[row.label for row in rows],
        series=[Series(name="Share", values=[row.found.share for row in rows])],
        shown=share,
        heading=_heading("time", asked),
        steps=_STEPS[Unit.SHARE],
        notes=[beside(shown.figure, row.found) for row in rows],
        noted="Of how many",
        hrefs=[row.href for row in rows],
    )


def _with_something(rows: Sequence[Row]) -> list[Row]:
    """Those in which anything was counted: a table of empty days helps nobody."""
    return [row for row in rows if row.found.parts]


def drawn_by(figure: Figure, rows: Sequence[Row], what: str, asked: Asked) -> Markup:
    """A bar for each channel or category."""
    values, shown, top = _values(figure, rows)
    chart = Chart(
        id=f"{figure.key}-{what}",
        title=f"{figure.title} by {what}",
        about=f"A bar for each {what}, those with most first.",
        labels=[row.label for row in rows],
        series=[Series(name={Unit.TIME: "Median", Unit.SHARE: "Share"}.get(figure.unit, "How many"), values=values)],
        shown=shown,
        heading=_heading(what, asked),
        steps=_STEPS[figure.unit],
        notes=[beside(figure, row.found) for row in rows],
        noted="Of how many",
        hrefs=[row.href for row in rows],
    )
    return charts.bars(chart, top=top) + charts.table(chart)


def _values(figure: Figure, rows: Sequence[Row]) -> tuple[list[float | None], Callable[[float], str], float | None]:
    """What bars show, how it is worded, and where their scale ends."""
    if figure.unit is Unit.SHARE:
        return [row.found.share for row in rows], share, 1.0
    if figure.unit is Unit.TIME:
        return [row.found.median for row in rows], lasting, None
    return [float(row.found.n) for row in rows], _count, None


def _over_time(figure: Figure, rows: Sequence[Row], asked: Asked, *, about: str) -> Chart:
    if figure.unit is Unit.TIME:
        medians, nineties = [row.found.median for row in rows], [row.found.p90 for row in rows]
        series = [Series(name="Median", values=medians), Series(name="90 % within", values=nineties)]
    else:
        series = [Series(name=part, values=[row.found.parts.get(part, 0) for row in rows]) for part in figure.parts]
    return Chart(
        id=f"{figure.key}-time",
        title=f"{figure.title} over time",
        about=about,
        labels=[row.label for row in rows],
        series=series,
        shown=lasting if figure.unit is Unit.TIME else _count,
        heading=_heading("time", asked),
        steps=_STEPS[Unit.TIME if figure.unit is Unit.TIME else Unit.COUNT],
        notes=[beside(figure, row.found) for row in rows],
        noted="Of how many",
        hrefs=[row.href for row in rows],
    )


def _said(shown: Shown) -> str:
    return f"{shown.value}: {shown.beside}."


def _heading(what: str, asked: Asked) -> str:
    return "Week from" if what == "time" and asked.span.by == "week" else HEADINGS[what]


def _count(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


# ── sheets ──
def sheet_of(figure: Figure, rows: Sequence[Row], heading: str) -> tuple[list[str], list[list[Cell]]]:
    """The header and the rows of a chart's sheet. What is too little to tell is left empty; how many is always told."""
    told: Mapping[Unit, Mapping[str, Callable[[Measured], Cell]]] = {
        Unit.COUNT: {},
        Unit.SHARE: {
            "counted": lambda found: found.good,
            "share": lambda found: found.share,
            "low (95 %, Wilson)": lambda found: found.low,
            "high (95 %, Wilson)": lambda found: found.high,
        },
        Unit.TIME: {"median (s)": lambda found: found.median, "90 % within (s)": lambda found: found.p90},
    }
    columns = told[figure.unit]
    header = [heading, f"n ({figure.n_of})", *columns, *figure.parts]
    cells: list[list[Cell]] = [
        [
            row.name,
            row.found.n,
            *(of(row.found) for of in columns.values()),
            *(row.found.parts.get(p, 0) for p in figure.parts),
        ]
        for row in rows
    ]
    return header, cells
