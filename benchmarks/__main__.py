"""`python -m benchmarks [PART ...]`: every benchmark one after the other, then one table; 1 where a goal is missed.

Kept under var/bench/: what each of them printed and how long it took, all rows in bench.json; how much of each goal is
used up is drawn in bench.svg.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import table
from benchmarks.rows import Figure, read

_KEPT = Path("var/bench")
_PARTS = (
    ("repeatbench", "does anybody have to repeat anything; some minutes", ("benchmarks.repeatbench", "run")),
    ("turn", "what a turn costs, beside the floor and beside the recipe; some minutes", ("benchmarks.turn_figures",)),
    ("load", "how much it bears, and what more workers bring; some minutes", ("benchmarks.load",)),
    ("processes", "what starting and idling cost; some minutes", ("benchmarks.processes",)),
    ("llm_cost", "what a turn asks of the language model", ("benchmarks.llm_cost",)),
    ("gate", "what identity costs a turn", ("benchmarks.gate",)),
    ("recall", "what a long history costs a turn", ("benchmarks.recall",)),
    ("console", "what the pages of a full desk cost", ("benchmarks.console",)),
    ("voice", "what a telephone call adds to the model's time", ("benchmarks.voice",)),
    ("slack", "how soon Slack knows that a message is kept", ("benchmarks.slack",)),
    ("mail", "what reading a mail costs, hostile ones too", ("benchmarks.mail",)),
    ("understanding", "how well the offline writer understands", ("benchmarks.understanding",)),
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One benchmark that was run."""

    name: str
    at: str
    seconds: float
    failed: bool
    lines: Sequence[str]
    figures: Sequence[Figure]

    @property
    def missed(self) -> int:
        """How many goals are missed."""
        return sum(figure.missed for figure in self.figures)

    def __str__(self) -> str:
        goals = sum(bool(figure.goal) for figure in self.figures)
        verdict = f"{self.missed} missed" if self.missed else "missed: it did not finish" if self.failed else "met"
        return f"{self.name:<16} {goals:>6} {self.seconds:>8.0f} s   {verdict}"


def main() -> int:
    """Runs everything, or the parts that are named; 1 where a goal is missed."""
    asked = [part for part in _PARTS if part[0] in sys.argv[1:]] or _PARTS
    parts = []
    for number, (name, what, command) in enumerate(asked, 1):
        print(f"\n[{number} of {len(asked)}] {name}: {what}", flush=True)
        parts.append(_run(name, command))
        _KEPT.mkdir(parents=True, exist_ok=True)
        (_KEPT / f"{name}.json").write_text(json.dumps(asdict(parts[-1]), indent=1), encoding="utf-8")
    _conclude(parts)
    return int(any(part.failed for part in parts))


def _conclude(parts: Sequence[Part]) -> None:
    rows = {part.name: part.figures for part in parts}
    table.write(rows, _KEPT)
    print(f"\n{table.table(rows)}\n\n{'benchmark':<16} {'goals':>6} {'took':>10}   outcome")
    for part in parts:
        print(part)
    print(f"What they printed is kept in {_KEPT}/, the rows in {_KEPT}/bench.json, drawn in {_KEPT}/bench.svg.")


def _run(name: str, command: Sequence[str]) -> Part:
    began, at = time.monotonic(), datetime.now(UTC).isoformat()
    with TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        called = [sys.executable, "-m", *command, "--json", str(rows)]
        with subprocess.Popen(called, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
            lines = list(_shown(running))
        figures = read(rows)
    took = time.monotonic() - began
    return Part(name=name, at=at, seconds=took, failed=running.returncode != 0, lines=lines, figures=figures)


def _shown(running: "subprocess.Popen[str]") -> Iterator[str]:
    """The lines that a benchmark prints, each shown as it comes."""
    assert running.stdout
    for line in running.stdout:
        print(line, end="", flush=True)
        yield line.rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
