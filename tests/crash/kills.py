"""One kill: a house, a scene, a fuse, and what came of it."""

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.crash.audit import Kept, Verdict, kept, remembered, weigh
from tests.crash.house import PATIENCE, Broken, Fuse, House, Template, house
from tests.crash.nursery import Nursery
from tests.crash.repertoire import opened

_PORT_TAKEN = re.compile("[Aa]ddress already in use|is in use; stop what listens there")


@dataclass(kw_only=True)
class Kill:
    """What was done to a scene, and what came of it."""

    scene: str
    fuses: Sequence[Fuse]
    kills: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)
    kept: Kept | None = None
    seconds: float = 0.0
    forgotten: int = 0  # facts that memory lacked before it was rebuilt
    log: str = ""

    @property
    def reached(self) -> bool:
        """Whether every fuse burnt."""
        return self.kills == len([fuse for fuse in self.fuses if fuse.point])


async def kill(
    nursery: Nursery, start: Template, scene_name: str, *fuses: Fuse, usual: Kept | None = None, rebuilds: bool = False
) -> Kill:
    """Plays a scene in which the process dies at these fuses, one after the other; `usual` is what stays on record
    where it does not. With `rebuilds`, memory is then rebuilt and has to hold the same rows as there.

    Once more where another program had taken our port meanwhile."""
    while True:
        done = await _kill(nursery, start, scene_name, *fuses, usual=usual, rebuilds=rebuilds)
        if not _PORT_TAKEN.search(done.log):
            return done


async def _kill(
    nursery: Nursery, start: Template, scene_name: str, *fuses: Fuse, usual: Kept | None, rebuilds: bool
) -> Kill:
    done, began = Kill(scene=scene_name, fuses=fuses), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash") as name:
        folder = Path(name)
        async with opened(scene_name, folder) as scene, house(nursery, start, folder, scene.settings, fuses) as one:
            one.on_kill = scene.killed
            try:
                async with asyncio.timeout(PATIENCE):
                    await one.until(lambda: "ready:" in one.log())
                    await scene.first(one)
                    one.armed.touch()
                    await scene.play(one)
                    await one.quiet()
                    if not fuses:
                        await one.stop()
                    done.kept = await kept(one.address)
                    done.verdict = weigh(scene.outside(), done.kept, usual)
                    done.verdict.problems += await scene.faults(one)
                    if rebuilds:
                        await _rebuild(one, done, usual)
            except (TimeoutError, Broken) as error:
                done.verdict.lost += 1
                done.verdict.problems.append(f"{type(error).__name__}: {error}"[:2_000])
            done.kills, done.passed = one.kills, one.passed()
            done.log = one.log() if done.verdict.problems else ""
    done.seconds = time.monotonic() - began
    return done


async def _rebuild(one: House, done: Kill, usual: Kept | None) -> None:
    """A lesson that was cut off is missing in memory and nowhere else. Rebuilt, memory holds what it does where nobody
    died; where other facts are on record, or there is nothing to compare with, it holds those of open cases."""
    assert done.kept
    await one.end()
    memory = one.folder / "var" / "aegis.db"
    done.forgotten = (done.kept.told - remembered(memory)).total()
    child = await one.nursery.start(one.folder, one.settings, ["memory", "rebuild"])
    code = await child.ended
    done.kept = replace(done.kept, memory=remembered(memory))
    expected = usual.memory if usual and usual.told == done.kept.told else done.kept.told
    if code or (done.kept.memory != expected and (usual or "resolved" not in done.kept.cases)):
        done.verdict.problems.append(f"rebuilt, memory holds {done.kept.memory}, and should hold {expected}")
