"""benchmarks/turn.py, with its rows handed over to the one table.

python -m benchmarks.turn_figures --json PATH
"""

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator

from benchmarks import turn
from benchmarks.rows import Figure, keep

_GOAL = re.compile(r"([<>])= ([\d.]+)")


def figures(rows: Iterable[turn.Row]) -> Iterator[Figure]:
    """What each row is judged by; of a row without a goal its first figure."""
    for row in rows:
        goal = _GOAL.search(row.goal)
        what = "p50" if "p50" in row.figures else next(iter(row.figures))
        most, least = (float(goal[2]) if goal and goal[1] == sign else None for sign in "<>")
        yield Figure(name=row.name, value=row.figures[what], unit=_unit(what), most=most, least=least)


def _unit(what: str) -> str:
    return {"p50": "ms", "cpu": "ms CPU", "ratio": "x", "a core": "turns"}.get(what, "")


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    rows = asyncio.run(turn.run())
    print("a turn from accept to send, in turns with the floor; see benchmarks/turn.py")
    for row in rows:
        print(row)
    keep(figures(rows))
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
