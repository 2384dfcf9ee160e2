"""What benchmarks hand over becomes one table, a file and a drawing; and the load's books find what went wrong."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import load, rows, table
from benchmarks.rows import Figure
from benchmarks.town import Books, Kept, Town, address, provider, wrongs
from tests.twins.twilio_archive import Sent

QUICK = Figure(name="quick", value=2.5, unit="ms", most=5)
SLOW = Figure(name="slow", value=75, unit="turns", least=150)
CLEAN = Figure(name="lost", value=0, most=0)
LOST = Figure(name="lost", value=3, most=0)
TOLD = Figure(name="told & only", value=7)


@pytest.mark.parametrize(
    ("figure", "goal", "ratio", "met"),
    [
        (QUICK, "<= 5", 0.5, True),
        (SLOW, ">= 150", 2.0, False),
        (CLEAN, "<= 0", 0.0, True),
        (TOLD, "", None, None),
        (Figure(name="calls", value=1, least=1, most=1), "1", 1.0, True),
        (Figure(name="calls", value=2, least=1, most=1), "1", 2.0, False),
        (Figure(name="rows", value=30, least=1, most=100), "1 to 100", 0.3, True),
    ],
)
def test_a_figure_is_held_against_its_goal(figure: Figure, goal: str, ratio: float | None, met: bool | None) -> None:
    assert (figure.goal, figure.ratio, figure.met) == (goal, ratio, met)


def test_what_should_be_none_and_is_some_is_missed_and_has_no_ratio() -> None:
    assert LOST.missed
    assert LOST.written() == {"name": "lost", "value": 3, "unit": "", "goal": "<= 0", "ratio": None, "met": False}


def test_rows_are_handed_over_where_the_command_line_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.json"
    monkeypatch.setattr(sys, "argv", ["benchmark", "--seconds", "3"])
    rows.keep([QUICK])
    assert rows.read(path) == []
    monkeypatch.setattr(sys, "argv", ["benchmark", "--seconds", "3", "--json", str(path)])
    rows.keep([QUICK, SLOW, TOLD])
    assert rows.read(path) == [QUICK, SLOW, TOLD]


def test_one_table_has_every_goal_of_every_part() -> None:
    first, quick, slow, lost, end = table.table({"turn": [QUICK, TOLD], "load": [SLOW, LOST]}).splitlines()
    assert first.split() == ["what", "measured", "goal", "of", "goal"]
    assert quick.split() == ["turn:", "quick", "2.5", "ms", "<=", "5", "0.50", "met"]
    assert slow.split() == ["load:", "slow", "75", "turns", ">=", "150", "2.00", "missed"]
    assert lost.split() == ["load:", "lost", "3", "<=", "0", "missed"]
    assert end == "3 goals, 1 met, not met: 2; 1 more figures have none"


def test_the_file_has_all_rows_and_the_drawing_a_bar_for_each_goal(tmp_path: Path) -> None:
    table.write({"turn": [QUICK, TOLD], "load": [SLOW]}, tmp_path)
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert [(row["part"], row["name"], row["met"]) for row in kept] == [
        ("turn", "quick", True),
        ("turn", "told & only", None),
        ("load", "slow", False),
    ]
    drawn = ET.fromstring((tmp_path / "bench.svg").read_text())  # noqa: S314 - ours
    ground, half, double = drawn.iter("{http://www.w3.org/2000/svg}rect")
    assert ground.get("fill") == "#fff"
    assert float(half.get("width", "")) < float(double.get("width", ""))
    assert half.get("fill") != double.get("fill")
    assert not (tmp_path / "histories.svg").exists()


def test_figures_at_several_lengths_of_a_history_are_drawn_as_a_curve(tmp_path: Path) -> None:
    context = [Figure(name=f"context at {n:,} messages", value=n, unit="ms") for n in (10_000, 10, 1_000)]
    table.write({"recall": [*context, QUICK]}, tmp_path)
    drawn = ET.fromstring((tmp_path / "histories.svg").read_text())  # noqa: S314 - ours
    [line] = drawn.iter("{http://www.w3.org/2000/svg}polyline")
    places = [tuple(map(int, place.split(","))) for place in line.get("points", "").split()]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert "context, ms: 10, 1,000, 1e+04" in ET.tostring(drawn, "unicode", "text")


def sent(*sids: str) -> list[Sent]:
    return [Sent(sid=sid, to=address(1), sender="+15550100", body="Noted.") for sid in sids]


@pytest.mark.parametrize(
    ("took", "told"),
    [
        (("a1", "a2", "a3"), "0 lost, 0 twice, 0 out of order"),
        (("a1", "a3"), "1 lost, 0 twice, 0 out of order"),
        (("a1", "a2", "again", "a3"), "0 lost, 1 twice, 0 out of order"),
        (("a1", "a2", "a2", "a3"), "0 lost, 1 twice, 0 out of order"),
        (("a2", "a1", "a3"), "0 lost, 0 twice, 1 out of order"),
        ((), "3 lost, 0 twice, 0 out of order"),
    ],
)
def test_what_the_provider_took_is_held_against_the_ledger(took: tuple[str, ...], told: str) -> None:
    town = Town(twilio=provider())
    town.written[address(1)] = [Kept(ack=1.0, code=code) for code in ("m1", "m2", "m3")]
    town.twilio.sent = sent(*took)
    has = Books(
        states=dict.fromkeys(("m1", "m2", "m3"), "answered"), answers={"a1": "m1", "a2": "m2", "a3": "m3"}, waiting=0
    )
    assert str(wrongs(town, has, one_by_one=True)) == told


async def test_a_small_town_is_answered_by_a_process_of_its_own() -> None:
    size = load.Size(customers=3, each=2, seconds=0, workers=())
    figures = {figure.name: figure for figure in await load.run(["embedded"], size)}
    assert figures["SQLite, run: turns a second by the clock"].value > 0
    assert figures["SQLite, run: lost, twice or out of order"].met
