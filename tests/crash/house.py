"""A house whose process is killed and started again, while the senders outside go on."""

import asyncio
import shutil
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import func, select

from core.backends.ledger.database import Database, open_database
from core.backends.ledger.schema import messages, outbox
from tests.crash.nursery import Child, Nursery
from tests.process.running import environment, free_port
from tests.twins.postgres import new_database

KILLED = -9
TOKEN = "the token of the first start"
PATIENCE = 60.0  # seconds for one scene; one that hangs is a finding
_AT_ONCE = 0.02
CUSTOMERS = (
    "external_id,name,email,phone,plan\n"
    "cus_1,Ann Keller,ann@shop.test,+15550142,Pro\ncus_2,Ben Ode,ben@shop.test,+15550143,Basic\n"
)


class Broken(Exception):
    """The process ended by itself, or nothing came to an end."""


@dataclass(frozen=True)
class Fuse:
    """Where a process dies: at that passage of a point."""

    point: str = ""
    passage: int = 1


class Stamp(NamedTuple):
    """A point that was passed: when, in which process, and in the turn of which line."""

    point: str
    at: float  # seconds of the machine's clock, the same in all processes
    process: int
    line: str


@dataclass(frozen=True, kw_only=True)
class Template:
    """A house with its customers, before anything was said; each kill begins with a copy of it."""

    folder: Path
    address: str = ""  # of the database in PostgreSQL; "" for SQLite

    async def copy(self, folder: Path) -> str:
        """A copy in a folder; the address of its database."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        if not self.address:
            return f"sqlite:///{folder}/var/throughline.db"
        name, (before, _, rest) = f"c{uuid.uuid4().hex}", self.address.partition("?")
        server, _, template = before.rpartition("/")
        await _on_server(f"{server}/postgres?{rest}", f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"{server}/{name}?{rest}"

    async def drop(self, address: str) -> None:
        """Lets a copy's database go."""
        if self.address:
            before, _, rest = address.partition("?")
            server, _, name = before.rpartition("/")
            await _on_server(f"{server}/postgres?{rest}", f"DROP DATABASE {name} WITH (FORCE)")


async def _on_server(address: str, order: str) -> None:
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(order)


async def template(nursery: Nursery, folder: Path, *, postgres: bool) -> Template:
    """A house in which the customers were imported."""
    address = await new_database() if postgres else ""
    folder.mkdir(parents=True)
    (folder / "customers.csv").write_text(CUSTOMERS)
    settings = environment(folder, {"DATABASE_URL": address} if address else {})
    child = await nursery.start(folder, settings, ["customers", "import", "customers.csv"])
    if await child.ended:
        raise Broken((folder / "log").read_text())
    return Template(folder=folder, address=address)


@dataclass(kw_only=True)
class House:
    """The process, started again as often as it is killed; each of `fuses` is one start's."""

    nursery: Nursery
    folder: Path
    address: str
    settings: Mapping[str, str]
    fuses: Sequence[Fuse]
    trace: Path
    command: Sequence[str] = ("run",)
    traces_all: bool = False  # of its processes, and not only the last one that is to die
    kills: int = 0
    starts: int = 0
    child: Child | None = None
    broken: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    on_kill: Callable[[], None] = lambda: None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where the web server listens."""
        return f"http://127.0.0.1:{self.settings['WEB_PORT']}"

    @property
    def armed(self) -> Path:
        """The fuses count once this file is there."""
        return self.folder / "armed"

    async def keep(self) -> None:
        """Starts the process, and again whenever it was killed, until the house is closed."""
        while not self._stopping.is_set():
            fuse = self.fuses[self.starts] if self.starts < len(self.fuses) else Fuse()
            trace = self.trace if self.traces_all or self.starts == len(self.fuses) - 1 else None
            self.starts += 1
            self.child = await self.nursery.start(
                self.folder, self.settings, self.command, point=fuse.point, passage=fuse.passage, trace=trace,
                waits_for=self.armed,
            )  # fmt: skip
            code = await self.child.ended
            if self._stopping.is_set():
                return
            if code != KILLED:
                self.broken.set_exception(Broken(f"exit code {code}\n{self.log()}"))
                return
            self.kills += 1
            self.on_kill()

    async def until(self, done: Callable[[], Any]) -> None:
        """Returns when that is so. Raises Broken when the process ends by itself."""
        while not done():
            if self.broken.done():
                self.broken.result()
            await asyncio.sleep(_AT_ONCE)

    async def has(self, count: int, what: Callable[[], Sized]) -> None:
        """Returns when there are so many of something. Raises Broken when the process ends by itself."""
        await self.until(lambda: len(what()) >= count)

    async def quiet(self) -> None:
        """Returns when nothing waits: no message for an answer, no reply for its sending."""
        database = open_database(self.address)
        try:
            while await self._waits(database):
                if self.broken.done():
                    self.broken.result()
                await asyncio.sleep(_AT_ONCE)
        finally:
            await database.close()

    async def _waits(self, database: Database) -> bool:
        unanswered = select(func.count()).where(messages.c.state.in_(("waiting", "unchecked")))
        unsent = select(func.count()).where(outbox.c.state == "waiting")
        both = select(unanswered.scalar_subquery() + unsent.scalar_subquery())
        return bool(await database.read(lambda tx: tx.execute(both).scalar_one()))

    async def stop(self) -> None:
        """Ends the process as an operator does."""
        self._stopping.set()
        if self.child:
            code = await self.child.stop()
            if code not in (0, KILLED):
                raise Broken(f"exit code {code} at the end\n{self.log()}")

    async def end(self) -> None:
        """Ends the process at once."""
        self._stopping.set()
        if self.child:
            await self.child.stop(9)  # type: ignore[arg-type]

    def log(self) -> str:
        """What its processes wrote."""
        path = self.folder / "log"
        return path.read_text()[-6_000:] if path.exists() else ""

    def passed(self) -> Counter[str]:
        """What the process with the last fuse passed."""
        return Counter(stamp.point for stamp in self.stamps())

    def stamps(self) -> list[Stamp]:
        """What was passed, and when."""
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        return [Stamp(point, float(at), int(pid), line) for point, at, pid, line in (one.split("\t") for one in lines)]


@asynccontextmanager
async def house(
    nursery: Nursery, start: Template, folder: Path, settings: Mapping[str, str], fuses: Sequence[Fuse]
) -> AsyncIterator[House]:
    """A house that is open until the block is left."""
    address = await start.copy(folder)
    ports = {"WEB_PORT": str(free_port()), "SMTP_LISTEN_PORT": str(free_port())}
    given = environment(folder, {"DATABASE_URL": address, "CONSOLE_TOKEN": TOKEN, **ports, **settings})
    one = House(
        nursery=nursery, folder=folder, address=address, settings=given, fuses=fuses or [Fuse()],
        trace=folder / "trace",
    )  # fmt: skip
    keeping = asyncio.create_task(one.keep())
    try:
        yield one
    finally:
        await one.end()
        await keeping
        await start.drop(address)
        if not one.broken.done():
            one.broken.cancel()


async def again(deed: Callable[[], Awaitable[Any]], *errors: type[Exception]) -> Any:
    """Does something as often as it takes, as a sender does that keeps what it has to say."""
    while True:
        try:
            return await deed()
        except errors:
            await asyncio.sleep(_AT_ONCE)
