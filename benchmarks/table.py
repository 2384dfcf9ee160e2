"""The one table over all benchmarks, the file of its rows, and two drawings of them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from benchmarks.rows import Figure

_WIDTH, _ROW, _LEFT, _RIGHT = 1_200, 18, 470, 180  # pixels
_LEAST, _MOST = 0.01, 10.0  # ratios that a bar can show
_COLOURS: Final = {True: "#2f7d4f", False: "#b3362b"}  # by whether the goal is met
_LINE_HEIGHT, _MARGIN = 320, 60  # pixels
_INKS: Final = ("#1f5fa8", "#b3362b", "#2f7d4f", "#8a5a00")

Parts = Mapping[str, Sequence[Figure]]


def table(parts: Parts) -> str:
    """Every row with a goal, and how many have none."""
    lines = [f"{'what':<78} {'measured':>16} {'goal':>11} {'of goal':>8}"]
    lines += [_line(part, figure) for part, figures in parts.items() for figure in figures if figure.goal]
    told = sum(not figure.goal for figures in parts.values() for figure in figures)
    missed = sum(figure.missed for figures in parts.values() for figure in figures)
    judged = len(lines) - 1
    return "\n".join(
        [*lines, f"{judged} goals, {judged - missed} met, not met: {missed}; {told} more figures have none"]
    )


def _line(part: str, figure: Figure) -> str:
    measured = f"{figure.value:,.4g} {figure.unit}"
    ratio = "" if figure.ratio is None or math.isinf(figure.ratio) else f"{figure.ratio:.2f}"
    verdict = "missed" if figure.missed else "met"
    return f"{f'{part}: {figure.name}'[:78]:<78} {measured:>16} {figure.goal:>11} {ratio:>8}   {verdict}"


def write(parts: Parts, folder: Path) -> None:
    """bench.json, bench.svg and, where long histories were measured, histories.svg."""
    rows = [{"part": part, **figure.written()} for part, figures in parts.items() for figure in figures]
    (folder / "bench.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (folder / "bench.svg").write_text(bars(parts), encoding="utf-8")
    if drawn := histories(parts):
        (folder / "histories.svg").write_text(drawn, encoding="utf-8")


def bars(parts: Parts) -> str:
    """A bar for each goal: how much of it is used up, on a scale of powers of ten. Beyond the line it is missed."""
    judged = [
        (f"{part}: {figure.name}", figure) for part, figures in parts.items() for figure in figures if figure.goal
    ]
    body = list(_scale(len(judged)))
    for number, (name, figure) in enumerate(judged):
        body += _bar(name, figure, 50 + number * _ROW)
    return _svg(_WIDTH, 70 + len(judged) * _ROW, "How much of each goal is used up", body)


def _scale(rows: int) -> Iterator[str]:
    for ratio in (0.01, 0.1, 1.0, 10.0):
        at, bottom, width = _across(ratio), 50 + rows * _ROW, 2 if ratio == 1 else 0.5
        yield f'<line x1="{at:.0f}" y1="40" x2="{at:.0f}" y2="{bottom}" stroke="#555" stroke-width="{width}"/>'
        yield _text(at, 34, f"{ratio:g}x", anchor="middle")


def _bar(name: str, figure: Figure, top: int) -> Iterator[str]:
    ratio = _MOST if figure.ratio is None else figure.ratio
    width = max(_across(ratio) - _LEFT, 1)
    place = f'x="{_LEFT}" y="{top + 3}" width="{width:.0f}" height="{_ROW - 6}"'
    yield _text(_LEFT - 6, top + 12, name[:76], anchor="end")
    yield f'<rect {place} fill="{_COLOURS[bool(figure.met)]}"/>'
    yield _text(_LEFT + width + 6, top + 12, f"{figure.value:,.4g} {figure.unit} ({figure.goal})")


def _across(ratio: float) -> float:
    share = math.log10(min(max(ratio, _LEAST), _MOST) / _LEAST) / math.log10(_MOST / _LEAST)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def histories(parts: Parts) -> str:
    """What a turn costs over the length of a history: figures named `... at N messages`; "" where there are none."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for figures in parts.values():
        for figure in figures:
            name, _, at = figure.name.rpartition(" at ")
            if name and at.endswith(" messages"):
                lines.setdefault(f"{name}, {figure.unit}", []).append(
                    (int(at.removesuffix(" messages").replace(",", "")), figure.value)
                )
    body = [part for number, (name, points) in enumerate(lines.items()) for part in _curve(number, name, points)]
    high = _LINE_HEIGHT + 30 + 18 * len(lines)
    return _svg(_WIDTH, high, "What a turn costs with a long history, beside its own cost at 10", body) if body else ""


def _curve(number: int, name: str, points: Sequence[tuple[int, float]]) -> Iterator[str]:
    """Beside its own beginning, so that milliseconds, calls and tokens share a drawing."""
    ordered = sorted((at, value) for at, value in points if at)
    first = ordered[0][1] or 1.0
    ink = _INKS[number % len(_INKS)]
    places = [(_along(at), _up(value / first)) for at, value in ordered]
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"/>'
    for (at, value), (x, y) in zip(ordered, places, strict=True):
        yield f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{ink}"><title>{at:,}: {value:,.4g}</title></circle>'
        yield _text(x, _LINE_HEIGHT, f"{at:,}", anchor="middle")
    told = ", ".join(f"{value:,.4g}" for _, value in ordered)
    yield _text(_MARGIN, _LINE_HEIGHT + 26 + 18 * number, f"{name}: {told}", ink=ink)


def _along(messages: int) -> float:
    return _MARGIN + math.log10(max(messages, 1)) / 4 * (_WIDTH - 2 * _MARGIN)


def _up(ratio: float) -> float:
    """From a quarter to four times the cost at the beginning."""
    share = math.log2(min(max(ratio, 0.25), 4) / 0.25) / 4
    return _LINE_HEIGHT - 20 - share * (_LINE_HEIGHT - 2 * _MARGIN)


def _text(x: float, y: float, said: str, *, anchor: str = "start", ink: str = "#222") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{ink}">{escape(said)}</text>'


def _svg(width: int, height: int, title: str, body: Sequence[str]) -> str:
    size = f'width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([head, ground, _text(10, 18, title), *body, "</svg>", ""])
