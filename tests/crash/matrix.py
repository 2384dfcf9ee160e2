"""Which kills there are, and the table of what came of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tests.crash.house import Fuse
from tests.crash.kills import Kill
from tests.crash.points import STAGES, stage_of

WHOLE = (
    "sms",
    "web",
    "link",
)  # scenes in which every point that none before had is a kill; in the others those that the channel makes its own
_CORE = (
    "ledger.accept", "ledger.checked", "ledger.open_turn", "ledger.settle", "ledger.claim", "ledger.part_sent",
    "ledger.reply", "ledger.enclosed", "ledger.resolve", "ledger.called", "delivery.post", "memory.remember",
    "memory.learn", "engine.learn", "writer.answer",
)  # fmt: skip
_PORTS = {"relay": "voice"}  # where it is not the name of the scene
_GREETED = "relay"  # the scene in which the first turn is a greeting: what is told is also cut off
_AFTER_A_CRASH = Fuse("delivery.post after")


def fuses(scene: str, passed: Counter[str], *, tried: Collection[str] = (), every: bool = False) -> Iterator[Fuse]:
    """Where a process is killed in a scene, of what it passes there: at the first passage; `every`: at the last too.
    `tried`: the points that scenes before had."""
    for point in sorted(passed):
        name = point.partition(" ")[0]
        is_new = scene in WHOLE and point not in tried
        if every or is_new or name in _CORE or name.startswith(f"{_PORTS.get(scene, scene)}."):
            yield Fuse(point)
            if scene == _GREETED and passed[point] > 1:
                yield Fuse(point, 2)
            if every and passed[point] > 1:
                yield Fuse(point, passed[point])


def second_fuses(again: Counter[str], plain: Counter[str]) -> Iterator[tuple[Fuse, Fuse]]:
    """Where the process that takes up what the first one left is killed in its turn."""
    begins = ("ledger.begin_alone", "ledger.open_lines", "ledger.unchecked", "ledger.left_over", "ledger.claim")
    for point in sorted(again):
        if point not in plain or point.startswith(begins):
            yield _AFTER_A_CRASH, Fuse(point)


def first_of_two() -> Fuse:
    """Where the first of two processes dies: a reply is on record, and has not gone."""
    return _AFTER_A_CRASH


@dataclass
class Row:
    """One point."""

    point: str
    kills: int = 0
    lost: int = 0
    duplicates: int = 0
    flagged: int = 0
    problems: list[str] = field(default_factory=list)


def rows(kills: Sequence[Kill]) -> Sequence[Row]:
    """A row for each point, in the order of a turn."""
    found: dict[str, Row] = defaultdict(lambda: Row(""))
    for one in kills:
        if not one.fuses and not one.verdict.problems:
            continue  # nobody died, and all was well
        point = one.fuses[-1].point if one.fuses else "nobody dies"
        row = found[point]
        row.point = point
        row.kills += one.kills
        row.lost += one.verdict.lost
        row.duplicates += one.verdict.duplicates
        row.flagged += one.verdict.flagged
        row.problems += [f"{one.scene}: {problem}" for problem in one.verdict.problems]
    order = {stage: at for at, stage in enumerate(STAGES)}
    return sorted(found.values(), key=lambda row: (order.get(stage_of(row.point), len(order)), row.point))


def table(title: str, kills: Sequence[Kill]) -> str:
    """The table of one database."""
    lines = [f"{title:<42}{'kills':>7}{'lost':>7}{'duplicates':>12}{'flagged':>9}"]
    stage = ""
    for row in rows(kills):
        if stage_of(row.point) != stage:
            stage = stage_of(row.point)
            lines.append(stage)
        lines.append(f"  {row.point:<40}{row.kills:>7}{row.lost:>7}{row.duplicates:>12}{row.flagged:>9}")
        lines += [f"      {problem}".splitlines()[0][:160] for problem in row.problems]
    names = ("kills", "lost", "duplicates", "flagged")
    kill, lost, twice, flagged = (sum(getattr(row, name) for row in rows(kills)) for name in names)
    lines.append(f"{'together':<42}{kill:>7}{lost:>7}{twice:>12}{flagged:>9}")
    return "\n".join(lines)


def is_kept(kills: Sequence[Kill]) -> bool:
    """Whether every promise was."""
    return not any(one.verdict.lost or one.verdict.duplicates or one.verdict.problems for one in kills)
