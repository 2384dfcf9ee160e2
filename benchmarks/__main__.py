"""`python -m benchmarks`: every benchmark one after the other, each row with its goal; 1 where one is missed.

What each of them printed, and how long it took, is kept under var/bench/.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

_KEPT = Path("var/bench")
_PARTS = (
    ("repeatbench", "does anybody have to repeat anything; some minutes", ("benchmarks.repeatbench", "run")),
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

    @property
    def goals(self) -> int:
        """How many rows have a goal."""
        return sum("<=" in line or ">=" in line or " 0   " in line[:33] for line in self.lines)

    @property
    def missed(self) -> int:
        """How many goals are missed."""
        return sum(line.split().count("missed") for line in self.lines)

    def __str__(self) -> str:
        verdict = f"{self.missed} missed" if self.missed else "missed: it did not finish" if self.failed else "met"
        return f"{self.name:<16} {self.goals:>6} {self.seconds:>8.0f} s   {verdict}"


def main() -> int:
    """Runs everything; 1 where a goal is missed."""
    parts = []
    for number, (name, what, command) in enumerate(_PARTS, 1):
        print(f"\n[{number} of {len(_PARTS)}] {name}: {what}", flush=True)
        parts.append(_run(name, command))
        _KEPT.mkdir(parents=True, exist_ok=True)
        (_KEPT / f"{name}.json").write_text(json.dumps(asdict(parts[-1]), indent=1), encoding="utf-8")
    print(f"\n{'benchmark':<16} {'goals':>6} {'took':>10}   outcome")
    for part in parts:
        print(part)
    print(f"What they printed is kept in {_KEPT}/.")
    return int(any(part.failed for part in parts))


def _run(name: str, command: Sequence[str]) -> Part:
    began, at = time.monotonic(), datetime.now(UTC).isoformat()
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        lines = list(_shown(running))
    return Part(name=name, at=at, seconds=time.monotonic() - began, failed=running.returncode != 0, lines=lines)


def _shown(running: "subprocess.Popen[str]") -> Iterator[str]:
    """The lines that a benchmark prints, each shown as it comes."""
    assert running.stdout
    for line in running.stdout:
        print(line, end="", flush=True)
        yield line.rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
