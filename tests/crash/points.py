"""The crash points: before and after every method of every port that a turn passes, and within each transaction before
its commit. They are read off the ports, so that a new method is a point by itself."""

import importlib
import inspect
import os
import pkgutil
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import channels
import core
from core import actions, channel, engine, memory, rooms, writing
from core.backends.aegis import AegisMemory
from core.backends.carrying import Company
from core.backends.ledger.database import Database
from core.backends.ledger.postgres import PostgresDatabase
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.backends.rules.writer import RulesWriter
from core.delivery import Delivery

BEFORE, WITHIN, AFTER = "before", "within", "after"

# The boundaries of a turn, by the words of the issue; a port's other methods stand under the port's name.
STAGES = {
    "accept": ("ledger.accept", "ledger.park", "ledger.unchecked", "ledger.to_check", "ledger.checked"),
    "identify": ("ledger.open_turn", "ledger.link_desk"),
    "recall": ("ledger.recall", "ledger.episodes", "memory.recall", "memory.suggest"),
    "writer": ("writer.answer",),
    "action": ("carrier.carry_out", "ledger.begin_run", "ledger.end_run"),
    "settle": ("ledger.settle",),
    "send": ("delivery.post", "ledger.is_waiting", "ledger.reconciled"),
    "mark": ("ledger.part_sent", "ledger.sending_failed"),
    "learn": ("memory.remember", "memory.retract", "memory.vote", "memory.learn", "engine.learn", "ledger.learn"),
    "voice step": ("voice.",),
    "console reply": ("ledger.reply", "ledger.enclosed", "ledger.case_file"),
}
_SESSIONS = ("listen", "converse", "started", "close", "get", "examine", "fetch")  # not steps of a turn
_CHANNEL_PORTS = (
    channel.Channel, channel.Webhook, channel.Checks, channel.Speaks, channel.Recounts, channel.Typing, rooms.StaffRoom,
)  # fmt: skip

_line: ContextVar[str] = ContextVar("the line whose turn this is", default="")
_within: ContextVar[str] = ContextVar("the method of the ledger whose transaction runs", default="")


@dataclass(frozen=True)
class Boundary:
    """One method of a port, and the class whose it is."""

    name: str  # e.g. ledger.settle
    kind: type
    method: str


def stage_of(point: str) -> str:
    """The boundary of a turn that a point belongs to."""
    name = point.partition(" ")[0]
    found = (stage for stage, names in STAGES.items() if any(_is(name, one) for one in names))
    return next(found, "send" if name.endswith((".send", ".taken")) else name.partition(".")[0])


def _is(name: str, one: str) -> bool:
    return name.startswith(one) if one.endswith(".") else name == one


def boundaries() -> Iterator[Boundary]:
    """Every asynchronous method of the ports."""
    for method in sorted({name for port in ledger_ports() for name in _methods(port)}):
        yield Boundary(f"ledger.{method}", SqlLedger, method)
    others: Sequence[tuple[str, type, type]] = (
        ("memory", memory.Memory, AegisMemory),
        ("writer", writing.Writer, RulesWriter),
        ("carrier", actions.Carrier, Company),
    )
    for name, port, kind in others:
        yield from (Boundary(f"{name}.{method}", kind, method) for method in _methods(port) if method != "close")
    yield Boundary("engine.learn", engine.Engine, "learn")
    yield Boundary("delivery.post", Delivery, "post")
    for name, kind in _channels():
        theirs = {method for port in _CHANNEL_PORTS for method in _methods(port) if hasattr(kind, method)}
        yield from (Boundary(f"{name}.{method}", kind, method) for method in sorted(theirs - set(_SESSIONS)))


def ledger_ports() -> Sequence[type]:
    """The protocols of core that the ledger fulfils."""
    modules = [importlib.import_module(f"core.{one.name}") for one in pkgutil.iter_modules(core.__path__)]
    found = {kind for one in modules for name, kind in inspect.getmembers(one, inspect.isclass) if _is_port(name, kind)}
    return sorted(found, key=lambda kind: kind.__name__)


def _is_port(name: str, kind: type) -> bool:
    return name.endswith("Ledger") and bool(getattr(kind, "_is_protocol", False))


def _methods(port: type) -> Sequence[str]:
    kinds = [kind for kind in port.__mro__ if getattr(kind, "_is_protocol", False)]
    return sorted({name for kind in kinds for name, one in vars(kind).items() if inspect.iscoroutinefunction(one)})


def _channels() -> Iterator[tuple[str, type]]:
    for one in pkgutil.iter_modules(channels.__path__):
        if not one.name.startswith("_"):
            yield one.name, importlib.import_module(f"channels.{one.name}").CHANNEL


@dataclass
class Fuse:
    """Counts what is passed, writes it down, and kills this process where it is to die. Nothing is counted while the
    file `waits_for` is not there."""

    point: str = ""
    passage: int = 0
    trace: Path | None = None
    waits_for: Path | None = None
    passed: Counter[str] = field(default_factory=Counter)

    def __call__(self, point: str) -> None:
        if self.waits_for is not None and not self.waits_for.exists():
            return
        self.passed[point] += 1
        if self.trace is not None:
            with self.trace.open("a") as file:
                file.write(f"{point}\t{time.monotonic():.6f}\t{os.getpid()}\t{_line.get()}\n")
        if point == self.point and self.passed[point] == self.passage:
            os.kill(os.getpid(), signal.SIGKILL)

    def lay(self) -> None:
        """Puts every boundary of this process under the fuse."""
        for boundary in boundaries():
            _wrap(boundary, self)
        for database in (SqliteDatabase, PostgresDatabase):
            _wrap_transactions(database, self)


def _wrap(boundary: Boundary, fuse: Fuse) -> None:
    whole = getattr(boundary.kind, boundary.method)
    wrapped = _timed(whole, boundary.name, fuse) if inspect.iscoroutinefunction(whole) else _sync(whole, boundary, fuse)
    setattr(boundary.kind, boundary.method, wrapped)


def _timed(whole: Callable[..., Awaitable[Any]], name: str, fuse: Fuse) -> Callable[..., Awaitable[Any]]:
    async def passed(*args: Any, **kwargs: Any) -> Any:
        if name == "ledger.open_turn":
            _line.set(args[1])
        fuse(f"{name} {BEFORE}")
        token = _within.set(name)
        try:
            found = await whole(*args, **kwargs)
        finally:
            _within.reset(token)
        fuse(f"{name} {AFTER}")
        return found

    return passed


def _sync(whole: Callable[..., Any], boundary: Boundary, fuse: Fuse) -> Callable[..., Any]:
    def passed(*args: Any, **kwargs: Any) -> Any:
        fuse(f"{boundary.name} {BEFORE}")
        found = whole(*args, **kwargs)
        fuse(f"{boundary.name} {AFTER}")
        return found

    return passed


def _wrap_transactions(database: type[Database], fuse: Fuse) -> None:
    whole: Callable[..., Awaitable[Any]] = database.write

    async def write(self: Any, transaction: Callable[[Any], Any], **how: Any) -> Any:
        name, here = _within.get() or "ledger.migrate", copy_context()

        def cut(tx: Any) -> Any:
            found = transaction(tx)
            here.copy().run(fuse, f"{name} {WITHIN}")
            return found

        return await whole(self, cut, **how)

    database.write = write  # type: ignore[method-assign]
