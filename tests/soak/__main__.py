"""`python -m tests.soak [--minutes 10] [--postgres]`: a town of customers on every channel at once, while processes are
killed, providers fail, the database is locked or loses its connections, and a twentieth of the input is none.

For the first three fifths of the time processes are killed; then they live on, so that their memory can be watched.
At the end all trouble is over, what waits is waited for, and everything is counted. 1 where something was lost,
answered or sent twice without a word, or where memory grew.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from core.backends.ledger.database import Database, open_database
from tests.process.running import Bot, imports, start
from tests.soak.audit import HEAD, Found, audit, unread, waits
from tests.soak.town import CHANNELS, Town
from tests.soak.troubles import BadInput, Troubles
from tests.twins.postgres import new_database

SEED = 11
KILLING = 0.6  # of the time
SETTLING = 60.0  # seconds after a start in which models are loaded and the writer learns
DRAINED_WITHIN = 300.0  # seconds
GROWTH = 1.10  # of memory, from the first to the last quarter of the calm part
BAD = 0.05  # of the input
TALKS = 4  # that go on at once on each channel
TOLD_EVERY = 10.0
KEPT = Path("var/soak")
ONE: Sequence[Sequence[str]] = (("run",),)
SEVERAL = (("web",), ("listen", "slack", "discord", "email", "sms"), ("worker",), ("worker",))


@dataclass(kw_only=True)
class Keeper:
    """Keeps a process running, however often it is killed."""

    folder: Path
    command: Sequence[str]
    settings: dict[str, str]
    kills: int = 0
    crashes: list[str] = field(default_factory=list)  # ends that nobody asked for
    memory: list[tuple[float, int]] = field(default_factory=list)  # MB, by the clock
    bot: Bot | None = None
    _killed: bool = False

    async def keep(self) -> None:
        """Starts it, and again whenever it ended, until cancelled."""
        while True:
            self._killed = False
            self.bot = await start(self.folder, self.settings, *self.command)
            await self.bot.reads_on()
            code = await self.bot.process.wait()
            if not self._killed:
                self.crashes.append(f"{' '.join(self.command)} ended with {code}\n" + "\n".join(self.bot.log[-30:]))

    def kill(self) -> None:
        """kill -9."""
        if self.bot and self.bot.process.returncode is None:
            self._killed = True
            self.kills += 1
            self.bot.process.send_signal(signal.SIGKILL)

    def weigh(self) -> None:
        """Notes how much memory it takes."""
        if self.bot and self.bot.process.returncode is None:
            with suppress(OSError, StopIteration):
                status = Path(f"/proc/{self.bot.process.pid}/status").read_text(encoding="ascii")
                line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
                self.memory.append((time.monotonic(), int(line.split()[1]) // 1024))

    def grew(self, since: float) -> tuple[int, int]:
        """Memory in the first and in the last quarter of the time since then."""
        calm = [size for at, size in self.memory if at >= since]
        quarter = max(len(calm) // 4, 1)
        return (int(median(calm[:quarter])), int(median(calm[-quarter:]))) if calm else (0, 0)

    async def stop(self) -> None:
        """Ends it as an operator does."""
        self._killed = True
        if self.bot and self.bot.process.returncode is None:
            self.bot.process.terminate()
            await self.bot.process.wait()


@dataclass(kw_only=True)
class Soak:
    """One run."""

    town: Town
    keepers: Sequence[Keeper]
    database: Database
    troubles: Troubles
    bad: BadInput
    seconds: float
    rate: float  # messages a second
    dice: random.Random
    began: float = field(default_factory=time.monotonic)

    async def play(self) -> bool:
        """Everything; whether all promises were kept."""
        await self.town.introduce(self.database)
        talks = [self.town.talk(name, self._pause) for name in CHANNELS for _ in range(TALKS)]
        async with self._beside(*talks, self._bad(), self._watch()):
            async with self._beside(self.troubles.keep(lambda: self.dice.uniform(2, 6)), self._kill()):
                await asyncio.sleep(self.seconds)
            calm_since = self.began + self.seconds * KILLING + min(SETTLING, self.seconds * 0.2)
        self.troubles.over()
        drained = await self._drain()
        found = await audit(self.database, self.town.said, self.town.received())
        return self._report(found, drained, calm_since)

    def _pause(self) -> float:
        return self.dice.expovariate(self.rate / len(CHANNELS) / TALKS)

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(self.dice.uniform(0.05, 0.12) * self.seconds)
            if time.monotonic() - self.began > self.seconds * KILLING:
                return
            self.dice.choice(self.keepers).kill()

    async def _bad(self) -> None:
        while True:
            await asyncio.sleep(self.dice.expovariate(self.rate * BAD))
            await self.bad.once()

    async def _watch(self) -> None:
        told_at = 0.0
        while True:
            for keeper in self.keepers:
                keeper.weigh()
            if time.monotonic() - told_at >= TOLD_EVERY:
                told_at = time.monotonic()
                print(await self._progress(), flush=True)
            await asyncio.sleep(1)

    async def _progress(self) -> str:
        try:
            unanswered, unsent = await waits(self.database)
        except Exception:  # noqa: BLE001 - it is one of the troubles
            unanswered, unsent = -1, -1
        memory = " ".join(str(keeper.memory[-1][1]) for keeper in self.keepers if keeper.memory)
        return (
            f"[{time.monotonic() - self.began:4.0f} s] said {sum(map(len, self.town.said.values()))}, "
            f"unanswered {unanswered}, unsent {unsent}, kills {sum(k.kills for k in self.keepers)}, "
            f"troubles {sum(self.troubles.counts.values())}, bad input {sum(self.bad.counts.values())}, "
            f"memory {memory} MB"
        )

    async def _drain(self) -> bool:
        """Waits for all that waits."""
        ends_at = time.monotonic() + DRAINED_WITHIN
        while time.monotonic() < ends_at:
            with suppress(Exception):
                if await waits(self.database) == (0, 0):
                    return True
            await asyncio.sleep(0.5)
        return False

    @asynccontextmanager
    async def _beside(self, *chores: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(chore) for chore in chores]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome

    def _report(self, found: Sequence[Found], drained: bool, calm_since: float) -> bool:
        kills, crashes = sum(k.kills for k in self.keepers), [c for k in self.keepers for c in k.crashes]
        print(f"\n{HEAD}")
        for one in found:
            print(one)
        print(f"\nkills {kills}; crashes {len(crashes)}; troubles {dict(self.troubles.counts)}")
        print(f"bad input {dict(self.bad.counts)}")
        flat = True
        for keeper in self.keepers:
            first, last = keeper.grew(calm_since)
            flat &= last <= first * GROWTH
            print(f"memory of {' '.join(keeper.command)}: {first} MB, in the end {last} MB (goal <= {GROWTH:g}x)")
        for crash in crashes:
            print(f"crashed: {crash}")
        kept = drained and flat and not crashes and not any(one.broken for one in found)
        told = {"kills": kills, "crashes": crashes, "flat": flat, "drained": drained, "kept": kept}
        KEPT.mkdir(parents=True, exist_ok=True)
        rows = [asdict(one) for one in found]
        (KEPT / "soak.json").write_text(json.dumps({**told, "channels": rows}, indent=1), encoding="utf-8")
        print("nothing was lost, nothing was said twice without a word, memory is flat" if kept else "missed")
        return kept


async def soak(minutes: float, rate: float, *, postgres: bool) -> bool:
    """One run, with its processes; whether all promises were kept."""
    dice = random.Random(SEED)  # noqa: S311 - a town, not a secret
    with tempfile.TemporaryDirectory() as name:
        async with Town() as town:
            folder = Path(name)
            address = await new_database() if postgres else f"sqlite:///{folder}/var/throughline.db"
            settings = {**town.settings, "DATABASE_URL": address}
            people = [{"external_id": f"cus_{n}", "name": "Ann Keller", "email": f"c{n}@shop.test"} for n in range(60)]
            await imports(folder, *people, DATABASE_URL=address)
            keepers = [Keeper(folder=folder, command=one, settings=settings) for one in (SEVERAL if postgres else ONE)]
            tasks = [asyncio.create_task(keeper.keep()) for keeper in keepers]
            database = open_database(address)
            run = Soak(
                town=town, keepers=keepers, database=database, troubles=Troubles(town, address, dice),
                bad=BadInput(town, dice), seconds=minutes * 60, rate=rate, dice=dice,
            )  # fmt: skip
            try:
                kept = await run.play()
                print(f"deliveries that could not be read, and that staff see: {await unread(database)}")
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*(keeper.stop() for keeper in keepers))
                await asyncio.gather(*tasks, return_exceptions=True)
                await database.close()
    return kept


def main() -> int:
    """Prints what happens, and the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=4, help="messages a second, over all channels")
    parser.add_argument("--postgres", action="store_true", help="web, listen and two workers, instead of one process")
    options = parser.parse_args()
    return 0 if asyncio.run(soak(options.minutes, options.rate, postgres=options.postgres)) else 1


if __name__ == "__main__":
    sys.exit(main())
