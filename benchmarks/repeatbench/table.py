"""One table: a row a figure with its goal, a column an arm. A missed goal of a judged arm is marked `missed`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.repeatbench.asks_measured import Measured
from benchmarks.repeatbench.scoring import Scores, Share
from benchmarks.rows import Figure

_PROBES = 3_000
_WIDTH = 19


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure, how it is shown, and when it is good; `goal` empty where there is none."""

    name: str
    shown: Callable[[Scores], str]
    goal: str = ""
    good: Callable[[Scores], bool] = lambda _: True


def _percent(share: Share) -> str:
    return f"{share.percent:.1f} %" if share.whole else "-"


def _at_least(share: Share, percent: float) -> bool:
    return share.whole > 0 and share.percent >= percent


def rows(*, quick: bool) -> Sequence[Row]:
    """The rows of the table. A quick run has too few probes for that goal, so it has none."""
    enough = 0 if quick else _PROBES
    return (
        Row(name="contacts, later ones", shown=lambda s: f"{s.contacts}, {s.later}"),
        Row(
            name="A  repeat-asks",
            shown=lambda s: _percent(s.repeat_asks),
            goal="<= 1 %",
            good=lambda s: s.repeat_asks.percent <= 1,
        ),
        Row(
            name="   ask precision",
            shown=lambda s: _percent(s.ask_precision),
            goal=">= 98 %",
            good=lambda s: _at_least(s.ask_precision, 98),
        ),
        Row(
            name="   ask recall",
            shown=lambda s: _percent(s.ask_recall),
            goal=">= 95 %",
            good=lambda s: _at_least(s.ask_recall, 95),
        ),
        Row(
            name="   undeclared questions",
            shown=lambda s: str(len(s.undeclared)),
            goal="0",
            good=lambda s: not s.undeclared,
        ),
        Row(name="   confirmations", shown=lambda s: str(s.confirmations)),
        Row(
            name="B  right issue",
            shown=lambda s: _percent(s.right_issue),
            goal=">= 98 %",
            good=lambda s: _at_least(s.right_issue, 98),
        ),
        Row(name="C  leaks", shown=lambda s: str(len(s.leaks)), goal="0", good=lambda s: not s.leaks),
        Row(
            name="   probes, to strangers",
            shown=lambda s: f"{s.probes}, {s.attack_probes}",
            goal=f">= {enough}" if enough else "",
            good=lambda s: s.probes >= enough,
        ),
        Row(
            name="   differing, in pairs",
            shown=lambda s: f"{len(s.differing)}, {s.pairs}",
            goal="0",
            good=lambda s: not s.differing and s.pairs > 0,
        ),
        Row(name="D  facts used", shown=lambda s: _percent(s.use)),
        Row(name="   handed over", shown=lambda s: _percent(s.handed_over)),
        Row(name="   stale values", shown=lambda s: str(len(s.stale)), goal="0", good=lambda s: not s.stale),
        Row(name="   residue", shown=lambda s: str(len(s.residue)), goal="0", good=lambda s: not s.residue),
        Row(name="   double answers", shown=lambda s: str(len(s.doubles)), goal="0", good=lambda s: not s.doubles),
        Row(
            name="   needless proofs",
            shown=lambda s: _percent(s.verification),
            goal="<= 3 %",
            good=lambda s: s.verification.percent <= 3,  # noqa: PLR2004 - the goal itself
        ),
        Row(
            name="   false refusals",
            shown=lambda s: _percent(s.refusals),
            goal="<= 2 %",
            good=lambda s: s.refusals.percent <= 2,  # noqa: PLR2004
        ),
        Row(name="   p50 / p95 ms", shown=lambda s: f"{s.p50:.1f} / {s.p95:.1f}"),
        Row(
            name="   1,200 contacts",
            shown=lambda s: f"{s.seconds:.1f} s",
            goal="<= 60 s",
            good=lambda s: s.seconds <= 60,  # noqa: PLR2004
        ),
    )


def figures(scores: Scores, *, quick: bool) -> list[Figure]:
    """For the table over all benchmarks: those with a goal."""
    none = {
        "leaks": scores.leaks,
        "undeclared questions": scores.undeclared,
        "stale values": scores.stale,
        "residue": scores.residue,
        "double answers": scores.doubles,
        "differing answers in pairs": scores.differing,
    }
    return [
        Figure(name="repeat-asks", value=scores.repeat_asks.percent, unit="%", most=1),
        Figure(name="ask precision", value=scores.ask_precision.percent, unit="%", least=98),
        Figure(name="ask recall", value=scores.ask_recall.percent, unit="%", least=95),
        Figure(name="right issue", value=scores.right_issue.percent, unit="%", least=98),
        *(Figure(name=name, value=len(cases), most=0) for name, cases in none.items()),
        Figure(name="probes", value=scores.probes, least=None if quick else _PROBES),
        Figure(name="pairs", value=scores.pairs, least=1),
        Figure(name="needless proofs", value=scores.verification.percent, unit="%", most=3),
        Figure(name="false refusals", value=scores.refusals.percent, unit="%", most=2),
        Figure(name="1,200 contacts", value=scores.seconds, unit="s", most=60),
    ]


def missed(scores: Scores, *, quick: bool) -> list[str]:
    """The names of the goals that an arm misses."""
    return [row.name.strip() for row in rows(quick=quick) if not row.good(scores)]


def table(arms: Mapping[str, Scores], judged: Sequence[str], measured: Measured, *, quick: bool) -> str:
    """The table as text."""
    lines = [_line("RepeatBench", "goal", arms)]
    for row in rows(quick=quick):
        cells = [_cell(row, scores, judged=name in judged) for name, scores in arms.items()]
        lines.append(_line(row.name, row.goal, cells))
    lines.append("")
    lines.append(
        f"The questions were found by rule: precision {measured.precision:.1f} %, recall {measured.recall:.1f} % on "
        f"{measured.lines} labelled lines."
    )
    return "\n".join(lines)


def _cell(row: Row, scores: Scores, *, judged: bool) -> str:
    return row.shown(scores) + (" missed" if judged and not row.good(scores) else "")


def _line(name: str, goal: str, cells: "Sequence[str] | Mapping[str, Scores]") -> str:
    return f"{name:<24}{goal:<9}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def as_json(scores: Scores) -> dict[str, object]:
    """An arm's figures for the file."""
    return asdict(scores)
