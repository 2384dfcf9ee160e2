"""One kill: a house, a scene, a fuse, and what came of it."""

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.crash.audit import Kept, Verdict, kept, remembered, weigh
from tests.crash.house import PATIENCE, Broken, Fuse, House, Template, house
from tests.crash.nursery import Nursery
from tests.crash.repertoire import opened
from tests.crash.scenes import Scene
from tests.twins.twiml import BadTwiml

_LEARNT_WITHIN = 20.0  # seconds
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
    log: str = ""

    @property
    def reached(self) -> bool:
        """Whether every fuse burnt."""
        return self.kills == len([fuse for fuse in self.fuses if fuse.point])


async def kill(
    nursery: Nursery, start: Template, scene_name: str, *fuses: Fuse, usual: Kept | None = None, remembers: bool = False
) -> Kill:
    """Plays a scene in which the process dies at these fuses, one after the other; `usual` is what stays on record
    where it does not. With `remembers`, memory has to hold the same rows as there, by itself.

    Once more where another program had taken our port meanwhile."""
    while True:
        done = await _kill(nursery, start, scene_name, *fuses, usual=usual, remembers=remembers)
        if not _PORT_TAKEN.search(done.log):
            return done


async def _kill(
    nursery: Nursery, start: Template, scene_name: str, *fuses: Fuse, usual: Kept | None, remembers: bool
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
                    await _played(scene, one)
                    await one.quiet()
                    done.kept = await kept(one.address)
                    done.verdict = weigh(scene.outside(), done.kept, usual)
                    done.verdict.problems += await scene.faults(one)
                    if not fuses:
                        await one.stop()
                    if remembers:
                        await _remembered(one, done, usual)
            except (TimeoutError, Broken, BadTwiml) as error:
                done.verdict.lost += 1
                done.verdict.problems.append(f"{type(error).__name__}: {error}"[:2_000])
            done.kills, done.passed = one.kills, one.passed()
            done.log = one.log() if done.verdict.problems else ""
    done.seconds = time.monotonic() - began
    return done


async def _played(scene: Scene, one: House) -> None:
    """Plays it. Raises Broken as soon as the process ends by itself."""
    playing = asyncio.ensure_future(scene.play(one))
    try:
        await asyncio.wait([playing, one.broken], return_when=asyncio.FIRST_COMPLETED)
        if one.broken.done():
            one.broken.result()
        await playing
    finally:
        playing.cancel()
        await asyncio.wait([playing])


async def _remembered(one: House, done: Kill, usual: Kept | None) -> None:
    """A lesson that a kill cuts off is in the ledger alone, until memory is told of it again by itself: then it holds
    what it does where nobody died; where other facts are on record, or there is nothing to compare with, it holds those
    of open cases."""
    assert done.kept
    expected = usual.memory if usual and usual.told == done.kept.told else done.kept.told
    is_known = usual is not None or "resolved" not in done.kept.cases
    holds = partial(remembered, one.folder / "var" / "aegis.db")
    try:
        async with asyncio.timeout(_LEARNT_WITHIN):
            await one.until(lambda: not is_known or holds() == expected)
    except TimeoutError:
        done.verdict.problems.append(f"memory holds {holds()}, and should hold {expected}")
    done.kept = replace(done.kept, memory=holds())
