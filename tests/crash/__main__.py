"""`python -m tests.crash`, or `make crash`: the process is killed at every crash point, and the table is printed.

    --database sqlite|postgres    one of the two; both where it is not said
    --scene NAME                  one of the scenes, given again for more; all where it is not said
    --every                       every point in every scene, at its first passage and its last
    --point POINT                 that one alone, e.g. "ledger.settle after"
    --customers N                 who write while two workers die; 30 where it is not said
    --at-once N                   so many houses side by side; 2 on SQLite, 4 on PostgreSQL, where a kill mostly waits

Exits 1 when anything was lost or silently doubled. var/crash/DATABASE.json holds each kill.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.crash.house import Fuse, Template, template
from tests.crash.kills import Kill, kill
from tests.crash.matrix import first_of_two, fuses, is_kept, second_fuses, table
from tests.crash.nursery import Nursery, nursery
from tests.crash.repertoire import SCENES
from tests.crash.several import several

REPORTS = Path("var/crash")


async def _scene(
    nursery: Nursery, start: Template, name: str, tried: Collection[str], options: argparse.Namespace
) -> list[Kill]:
    began, plain = time.monotonic(), await kill(nursery, start, name, remembers=True)
    wanted = [(fuse,) for fuse in fuses(name, plain.passed, tried=tried, every=options.every)]
    found: list[tuple[Fuse, ...]] = list(wanted)
    if name in ("sms", "slack") or options.every:
        again = await kill(nursery, start, name, first_of_two(), Fuse())
        found += second_fuses(again.passed, plain.passed)
    found = [one for one in found if options.point in ("", one[-1].point)]
    title = f"{'postgres' if start.address else 'sqlite'} {name}"
    room, done = asyncio.Semaphore(options.at_once or (4 if start.address else 2)), [plain]

    async def one(which: Sequence[Fuse]) -> None:
        async with room:
            done.append(await kill(nursery, start, name, *which, usual=plain.kept, remembers=True))
            for problem in done[-1].verdict.problems:
                sys.stderr.write(f"\n{name}, {which[-1].point}: {problem.splitlines()[0]}\n")
        took = time.monotonic() - began
        sys.stderr.write(f"\r{title}: {len(done) - 1} of {len(found)} kills in {took:.0f} s ")
        sys.stderr.flush()

    await asyncio.gather(*(one(which) for which in found))
    sys.stderr.write("\n")
    return done


async def _database(nursery: Nursery, which: str, options: argparse.Namespace) -> bool:
    done: list[Kill] = []
    with tempfile.TemporaryDirectory(prefix="crash") as folder:
        start = await template(nursery, Path(folder) / which, postgres=which == "postgres")
        for name in options.scene or SCENES:
            tried = {fuse.point for one in done for fuse in one.fuses}
            done += await _scene(nursery, start, name, tried, options)
            _report(which, done)
    sys.stdout.write(f"{table(which, done)}\n\n")
    sys.stdout.flush()
    return is_kept(done)


def _report(which: str, done: Sequence[Kill]) -> None:
    report = [
        {"scene": one.scene, "fuses": [asdict(fuse) for fuse in one.fuses], "kills": one.kills,
         "seconds": round(one.seconds, 2), "log": one.log, **one.verdict.told()}
        for one in done
    ]  # fmt: skip
    (REPORTS / f"{which}.json").write_text(json.dumps(report, indent=1))


async def _two_workers(nursery: Nursery, options: argparse.Namespace) -> bool:
    """Two workers that die in turn on PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="crash") as folder:
        start = await template(nursery, Path(folder) / "several", postgres=True)
        done = await several(nursery, start, customers=options.customers)
    sys.stdout.write(
        f"two workers on PostgreSQL, killed in turn while {options.customers} customers write: {done.kills} kills, "
        f"{done.turns} turns, {done.overlaps} of a customer at the same time as another one of theirs, "
        f"{done.lost} lost, {done.duplicates} duplicates, {done.flagged} flagged\n"
    )
    sys.stdout.writelines(f"    {problem}\n" for problem in done.problems)
    (REPORTS / "several.json").write_text(json.dumps(asdict(done), indent=1))
    return not done.problems


async def main(options: argparse.Namespace) -> int:
    """1 when a promise was broken."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    async with nursery() as opened:
        databases = [options.database] if options.database else ["sqlite", "postgres"]
        kept = [await _database(opened, which, options) for which in databases]
        if not (options.scene or options.point) and "postgres" in databases:
            kept.append(await _two_workers(opened, options))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="")
    parser.add_argument("--scene", choices=list(SCENES), action="append")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--point", default="")
    parser.add_argument("--customers", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=0)
    sys.exit(asyncio.run(main(parser.parse_args())))
