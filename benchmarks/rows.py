"""What a benchmark hands over: its rows as figures, for the one table at the end.

A benchmark that is called with `--json PATH` writes them there, beside what it prints.
"""

import argparse
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict


class Written(TypedDict):
    """A row in a file. `ratio` is None where there is no goal, or where the goal is 0 and missed."""

    name: str
    value: float
    unit: str
    goal: str
    ratio: float | None
    met: bool | None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure, and its goal if it has one: at most, at least, or between. Its name stays the same from run to run."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def goal(self) -> str:
        """In words; "" where there is none."""
        most, least = (None if one is None else f"{one:,.4g}" for one in (self.most, self.least))
        if most and least:
            return most if most == least else f"{least} to {most}"
        return f"<= {most}" if most else f">= {least}" if least else ""

    @property
    def ratio(self) -> float | None:
        """How far from its goal: up to 1 it is met, at 2 it would have to be twice as good. None without a goal."""
        ratios = []
        if self.most is not None:
            ratios.append(_ratio(self.value, self.most))
        if self.least is not None:
            ratios.append(_ratio(self.least, self.value))
        return max(ratios, default=None)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.ratio is None else self.ratio <= 1

    @property
    def missed(self) -> bool:
        """Whether there is a goal, and it is not met."""
        return self.met is False

    def written(self) -> Written:
        """As it stands in a file."""
        ratio = self.ratio if self.ratio is not None and math.isfinite(self.ratio) else None
        return Written(
            name=self.name, value=round(self.value, 4), unit=self.unit, goal=self.goal, ratio=ratio, met=self.met
        )


def _ratio(part: float, of: float) -> float:
    return part / of if of else 0.0 if part <= 0 else math.inf


def keep(figures: Iterable[Figure]) -> None:
    """Writes them where the command line says, if it does."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--json", type=Path)
    if path := parser.parse_known_args()[0].json:
        path.write_text(json.dumps([asdict(figure) for figure in figures]), encoding="utf-8")


def read(path: Path) -> list[Figure]:
    """What was written."""
    return [Figure(**row) for row in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []
