"""Drawings of figures: lines, bars and stacked bars as SVG, each with a title, a description and the same as a table.

A drawing is one picture to a screen reader; its table, below it, has the links. Colours come from classes, and every
series has a pattern or a dash of its own beside its colour. Everything told is escaped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import NamedTuple

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 640, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 22
_ROW = 26
_LABELS = 6  # along the bottom, at most
_LINES = 4  # across
_SHORT = 22  # signs of a bar's label
_BEGIN, _TOLD = 170, 110  # where a bar begins, and what is left for its value
_KINDS, _COLOURS = 6, 5  # patterns, and classes
_DASHES = ("none", "6 4", "2 3")
_STROKES = (  # of each pattern, with how wide they are
    ("M0 0h8v8h-8z", 8),
    ("M-2 2l4-4M0 8l8-8M6 10l4-4", 3),
    ("M4 4h.01", 5),
    ("M0 2h8M0 6h8", 2),
    ("M2 0v8M6 0v8", 2),
    ("M0 4h8M4 0v8", 1),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Values in the order of a chart's labels; None where there is none to tell."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What is to be drawn. `shown` words a value, `steps` are how far apart the lines of the scale may be, small ones
    first; `notes` and `hrefs` stand beside the labels in the table."""

    id: str
    title: str
    about: str
    labels: Sequence[str]
    series: Sequence[Series]
    shown: Callable[[float], str]
    heading: str  # what the labels are
    steps: Sequence[float]
    notes: Sequence[str] = ()
    noted: str = ""  # what the notes are
    hrefs: Sequence[str] = ()

    @property
    def top(self) -> float:
        """The largest value; 1 where there is none."""
        return max((value for one in self.series for value in one.values if value), default=1.0)

    def scale(self, highest: float) -> Sequence[float]:
        """Where the lines of the scale are: at least one, no more than five, the last not below the highest value."""
        step = next((step for step in self.steps if highest <= step * _LINES), highest / _LINES)
        return [step * n for n in range(ceil(highest / step) + 1)]


# ── kinds of drawings ──
def line(chart: Chart, *, top: float | None = None) -> Markup:
    """A line for each series; where a value is missing it breaks. `top` is the end of the scale."""
    highest = chart.scale(top or chart.top)[-1]
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(chart.labels) - 1, 1)
    drawn = [_scale(chart, highest), _below(chart, step, 0)]
    for number, one in enumerate(chart.series):
        places = [None if v is None else (_LEFT + n * step, _y(v, highest)) for n, v in enumerate(one.values)]
        drawn.append(_run(places, number))
    return _picture(chart, drawn, _HEIGHT) + _legend(chart, dashed=True)


def stacked(chart: Chart) -> Markup:
    """A bar for each label, with the series one above the other."""
    sums = [sum(one.values[n] or 0 for one in chart.series) for n in range(len(chart.labels))]
    highest = chart.scale(max([1.0, *sums]))[-1]
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(chart.labels), 1)
    drawn = [_patterns(chart), _scale(chart, highest), _below(chart, step, step / 2)]
    for n, label in enumerate(chart.labels):
        values = [one.values[n] or 0 for one in chart.series]
        for number, (value, end) in enumerate(zip(values, accumulate(values), strict=True)):
            if value:
                box = _Box(_LEFT + (n + 0.1) * step, _y(end, highest), step * 0.8, _y(0, highest) - _y(value, highest))
                drawn.append(_drawn(chart, number, box, f"{label}: {chart.series[number].name}, {chart.shown(value)}"))
    return _picture(chart, drawn, _HEIGHT) + _legend(chart)


def bars(chart: Chart, *, top: float | None = None) -> Markup:
    """A bar for each label, one below the other, of the first series."""
    highest, drawn = top or chart.top, [_patterns(chart)]
    for n, (label, value) in enumerate(zip(chart.labels, chart.series[0].values, strict=True)):
        width, middle = (value or 0) / highest * (_WIDTH - _BEGIN - _TOLD), n * _ROW + _ROW / 2 + 4
        short = label if len(label) <= _SHORT else f"{label[: _SHORT - 1]}…"
        told = "too few to tell" if value is None else chart.shown(value)
        drawn.append(_tag("text", short, x=_BEGIN - 8, y=middle, text_anchor="end"))
        drawn.append(_tag("text", told, x=_BEGIN + width + 6, y=middle, class_="scale"))
        if value:
            drawn.append(_drawn(chart, 0, _Box(_BEGIN, n * _ROW + 4, width, _ROW - 8), f"{label}: {told}"))
    return _picture(chart, drawn, 8 + len(chart.labels) * _ROW)


def table(chart: Chart) -> Markup:
    """The same in figures, with a link for each row."""
    heads = [chart.heading, *(one.name for one in chart.series), *([chart.noted] if chart.noted else [])]
    head = _tag("thead", _tag("tr", *(_tag("th", name, scope="col") for name in heads)))
    rows = (_row(chart, heads, n) for n in range(len(chart.labels)))
    return _tag("details", _tag("summary", f"{chart.title} as a table"), _tag("table", head, _tag("tbody", *rows)))


def _row(chart: Chart, heads: Sequence[str], n: int) -> Markup:
    label = _tag("a", chart.labels[n], href=chart.hrefs[n]) if chart.hrefs else chart.labels[n]
    values = [one.values[n] for one in chart.series]
    told = ["too few to tell" if value is None else chart.shown(value) for value in values]
    told += chart.notes[n : n + 1] if chart.noted else ()
    cells = (_tag("td", cell, class_="number", data_label=head) for head, cell in zip(heads[1:], told, strict=True))
    return _tag("tr", _tag("th", label, scope="row", data_label=heads[0]), *cells)


# ── what they are made of ──
class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def _tag(name: str, *inside: str, **attributes: str | float) -> Markup:
    """An element; an attribute is named as in Python, and what is not marked up already is escaped."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(_short(at))}"' for key, at in attributes.items())
    return Markup(f"<{name}{told}>{''.join(map(escape, inside))}</{name}>")  # noqa: S704 - all of it is escaped


def _short(value: str | float) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def _picture(chart: Chart, drawn: Sequence[Markup], height: float) -> Markup:
    named, told = f"{chart.id}-title", f"{chart.id}-about"
    says = _tag("title", chart.title, id=named), _tag("desc", chart.about, id=told)
    return _tag(
        "svg",
        *says,
        *drawn,
        class_="chart",
        viewBox=f"0 0 {_WIDTH} {_short(height)}",
        role="img",
        aria_labelledby=f"{named} {told}",
    )


def _y(value: float, highest: float) -> float:
    return _HEIGHT - _BOTTOM - value / highest * (_HEIGHT - _TOP - _BOTTOM)


def _scale(chart: Chart, highest: float) -> Markup:
    """Lines across, with their values."""
    drawn = Markup("")
    for value in chart.scale(highest):
        y = _y(value, highest)
        drawn += _tag("path", class_="axis", d=f"M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}")
        drawn += _tag("text", chart.shown(value), x=_LEFT - 6, y=y + 4, text_anchor="end", class_="scale")
    return drawn


def _below(chart: Chart, step: float, shift: float) -> Markup:
    """Some of the labels."""
    every = max(-(-len(chart.labels) // _LABELS), 1)
    shown = range(0, len(chart.labels), every)
    text = (
        _tag("text", chart.labels[n], x=_LEFT + n * step + shift, y=_HEIGHT - 6, text_anchor=_anchor(n), class_="scale")
        for n in shown
    )
    return Markup("").join(text)


def _anchor(n: int) -> str:
    return "middle" if n else "start"


def _run(points: Sequence[tuple[float, float] | None], number: int) -> Markup:
    """A line through the points, broken where one is missing; a dot on each."""
    pen: dict[str, str | float] = {"stroke": "currentColor", "stroke_width": 2, "stroke_dasharray": _DASHES[number % 3]}
    drawn = []
    for some in _unbroken(points):
        drawn.append(_tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in some), fill="none", **pen))
        drawn += [_tag("circle", cx=x, cy=y, r=2.5, fill="currentColor") for x, y in some]
    return _tag("g", *drawn, class_=f"s{_colour(number)}")


def _unbroken(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _drawn(chart: Chart, number: int, box: _Box, told: str) -> Markup:
    filled = f"url(#{_pattern(chart, number)})"
    inside = _tag("title", told)
    return _tag("rect", inside, class_=f"s{_colour(number)}", fill=filled, stroke="currentColor", **box._asdict())


def _colour(number: int) -> int:
    return min(number % _KINDS, _COLOURS - 1) + 1


def _pattern(chart: Chart, number: int) -> str:
    return f"{chart.id}-{number % _KINDS}"


def _patterns(chart: Chart) -> Markup:
    size: dict[str, str | float] = {"width": 8, "height": 8, "patternUnits": "userSpaceOnUse"}
    drawn = [
        _tag(
            "pattern",
            _tag("path", d=strokes, stroke="currentColor", fill="none", stroke_width=width, stroke_linecap="square"),
            id=_pattern(chart, n),
            class_=f"s{_colour(n)}",
            **size,
        )
        for n, (strokes, width) in enumerate(_STROKES[: len(chart.series)])
    ]
    return _tag("defs", *drawn)


def _legend(chart: Chart, *, dashed: bool = False) -> Markup:
    """Which series is which."""
    if len(chart.series) == 1:
        return Markup("")
    keys = (_dash(n) if dashed else _swatch(chart, n) for n in range(len(chart.series)))
    return _tag(
        "ul", *(_tag("li", key, " ", one.name) for key, one in zip(keys, chart.series, strict=True)), class_="legend"
    )


def _swatch(chart: Chart, number: int) -> Markup:
    filled, size = f"url(#{_pattern(chart, number)})", {"x": 1, "y": 1, "width": 14, "height": 14}
    box = _tag("rect", class_=f"s{_colour(number)}", fill=filled, stroke="currentColor", **size)
    return _tag("svg", box, width=16, height=16, aria_hidden="true")


def _dash(number: int) -> Markup:
    pen: dict[str, str | float] = {"stroke": "currentColor", "stroke_width": 2, "stroke_dasharray": _DASHES[number % 3]}
    path = _tag("path", class_=f"s{_colour(number)}", d="M0 8h24", **pen)
    return _tag("svg", path, width=24, height=16, aria_hidden="true")
