"""What a load needs: cores, connections, memory, disk and model calls, computed from measured costs; and what breaks
first.

    python -m benchmarks.capacity                  the table, from var/bench/capacity.json or the costs below
    python -m benchmarks.capacity --measure 2000   measures the costs first, on a grown ledger of either kind
    python -m benchmarks.capacity --costs FILE     from costs of your own: JSON with any of the names below

A message is what a customer writes, with all that comes of it: the delivery as it came, the reply, facts, the access
log and every index.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import psycopg

from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.record import DirectoryRow, Profile
from tests.shop import Shop
from tests.twins.postgres import new_database

KEPT = Path("var/bench/capacity.json")
BUSY = 0.6  # of a core, beyond which waiting grows
PEAK = 5  # times the average of a day
YEAR = 365 * 24 * 3600
CUSTOMERS = 100
SAID = (
    "I was charged ${n} but I downgraded to the $49 plan last week.",
    "The order is W48{n:05}, and I already checked the invoice.",
    "The app crashes with error E-{n:03} whenever I open it on my tablet.",
    "My parcel never arrived, and tracking says it was delivered on Monday.",
    "Thank you, that helped. One more thing: can I change my address?",
)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What one of each costs. The figures are those of docs/performance.md, two shared cores."""

    turn_cpu_ms: float = 6.0  # of our process, a message from accept to the settled reply, no model
    turn_cpu_ms_postgresql: float = 9.0
    server_cpu_ms: float = 5.0  # of PostgreSQL itself, a message
    model_cpu_ms: float = 4.0  # added by the client of a language model
    model_seconds: float = 2.0  # of a call, as providers answer
    model_tokens: float = 1_400.0  # of a call, both ways
    bytes_sqlite: float = 9_000.0  # a message
    bytes_postgresql: float = 11_000.0
    bytes_customer: float = 1_200.0  # of the directory, without a message
    process_mb: float = 260.0  # that answers, with its models
    connections: float = 24.0  # to PostgreSQL, of a process


@dataclass(frozen=True, kw_only=True)
class Load:
    """Customers on record, and messages a second at the busiest time."""

    customers: int
    a_second: float


LOADS = (
    Load(customers=1_000, a_second=0.1),
    Load(customers=10_000, a_second=1),
    Load(customers=100_000, a_second=10),
    Load(customers=100_000, a_second=50),
    Load(customers=300_000, a_second=200),
    Load(customers=1_000_000, a_second=1_000),
)


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a load needs, in which kind of ledger."""

    kind: str
    workers: int
    server_cores: float
    memory_gb: float
    connections: int
    disk_a_year_gb: float
    model_calls_at_once: float
    tokens_a_minute: float
    first: str  # what breaks first when it grows on


def need(load: Load, costs: Costs, *, model: bool = True) -> Need:
    """What a load needs. One process stands on one core; SQLite is one process."""
    added = costs.model_cpu_ms if model else 0.0
    alone = load.a_second * (costs.turn_cpu_ms + added) / 1_000 / BUSY
    if alone <= 1:
        workers, server, size, kind = 1, 0.0, costs.bytes_sqlite, "SQLite"
    else:
        workers = _up(load.a_second * (costs.turn_cpu_ms_postgresql + added) / 1_000 / BUSY)
        server, size, kind = load.a_second * costs.server_cpu_ms / 1_000 / BUSY, costs.bytes_postgresql, "PostgreSQL"
    disk = load.a_second / PEAK * YEAR * size + load.customers * costs.bytes_customer
    return Need(
        kind=kind,
        workers=workers,
        server_cores=server,
        memory_gb=workers * costs.process_mb / 1_000,
        connections=0 if kind == "SQLite" else _up(workers * costs.connections),
        disk_a_year_gb=disk / 1e9,
        model_calls_at_once=load.a_second * costs.model_seconds,
        tokens_a_minute=load.a_second * 60 * costs.model_tokens,
        first=_first(kind, workers * costs.connections, server, load, model=model),
    )


def _first(kind: str, connections: float, server: float, load: Load, *, model: bool) -> str:
    if kind == "SQLite":
        return "the one process: a core is all it has"
    if load.a_second * 2 > _DURABLE:
        return "PostgreSQL's disk: two durable commits a message"
    if connections > _FEW_CONNECTIONS:
        return "PostgreSQL's connections: a pooler before it"
    if server > _FEW_CORES or not model:
        return "PostgreSQL's cores"
    return "the provider's limit of model calls"


_FEW_CONNECTIONS, _FEW_CORES = 300, 8
_DURABLE = 1_000  # commits a second that one disk with a cache that survives a power cut takes easily


def _up(number: float) -> int:
    return int(-(-number // 1))


_HEADS = (
    "customers",
    "messages/s at the peak",
    "ledger",
    "processes that answer",
    "cores of the database",
    "memory",
    "connections",
    "disk a year",
    "model calls at once",
    "tokens a minute",
    "what breaks first",
)


def table(costs: Costs, *, model: bool) -> Sequence[str]:
    """The table in Markdown."""
    rows = [f"| {' | '.join(_HEADS)} |", f"|{'---|' * len(_HEADS)}"]
    for load in LOADS:
        found = need(load, costs, model=model)
        calls = f"{found.model_calls_at_once:,.1f} | {found.tokens_a_minute:,.0f}" if model else "0 | 0"
        cells = (
            f"{load.customers:,}",
            f"{load.a_second:,g}",
            found.kind,
            str(found.workers),
            f"{found.server_cores:.1f}",
            f"{found.memory_gb:.1f} GB",
            str(found.connections),
            f"{found.disk_a_year_gb:,.0f} GB",
            calls,
            found.first,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows


# ── measuring ──
async def measured(messages: int) -> Costs:
    """The costs that this machine can tell, on ledgers grown by so many messages. Says what it finds."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "grown.db")
        sqlite = await _grown(f"sqlite:///{path}", folder, messages, lambda: 0.0, lambda: _file_bytes(path))
    url = await new_database()
    with TemporaryDirectory() as folder:
        postgres = await _grown(url, folder, messages, lambda: _server_seconds(url), lambda: _database_bytes(url))
    return replace(
        Costs(),
        turn_cpu_ms=sqlite.turn,
        bytes_sqlite=sqlite.message,
        turn_cpu_ms_postgresql=postgres.turn,
        server_cpu_ms=postgres.server,
        bytes_postgresql=postgres.message,
        bytes_customer=max(sqlite.customer, postgres.customer),
    )


@dataclass(frozen=True, kw_only=True)
class Grown:
    """Bytes of a customer and of a message; milliseconds of processor time of a message, ours and the server's."""

    customer: float
    message: float
    turn: float
    server: float


async def _grown(url: str, folder: str, messages: int, server: Callable[[], float], size: Callable[[], int]) -> Grown:
    ledger = SqlLedger(open_database(url), secret=b"of this benchmark")
    await ledger.migrate()
    shop = await Shop.open(Path(folder), ledger=ledger)
    try:
        await ledger.scour()
        empty = size()
        await _know(shop, 10 * CUSTOMERS)
        await ledger.scour()
        known = size()
        ours, theirs = time.process_time(), server()
        for number in range(messages):
            text = SAID[number % len(SAID)].format(n=number % 1_000)
            await shop.hears("sms", f"+1555{number % CUSTOMERS:07}", text)
            shop.later(minutes=1)
        ours, theirs = time.process_time() - ours, server() - theirs
        await ledger.scour()
        return Grown(
            customer=(known - empty) / (10 * CUSTOMERS),
            message=(size() - known) / messages,
            turn=ours / messages * 1_000,
            server=theirs / messages * 1_000,
        )
    finally:
        await shop.close()


async def _know(shop: Shop, customers: int) -> None:
    rows = [
        DirectoryRow(
            profile=Profile(external_id=f"cus_{n}", name=f"Ann Number{n}", plan="Pro", value=9.0),
            keys=[f"phone:+1555{n:07}", f"email:ann{n}@shop.test"],
        )
        for n in range(customers)
    ]
    await shop.ledger.import_directory(rows, now=shop.now)


def _file_bytes(path: Path) -> int:
    return path.stat().st_size


def _database_bytes(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row
    return int(row[0])


def _server_seconds(url: str) -> float:
    """Processor time of the server with all that it started."""
    first = int(Path(parse_qs(urlsplit(url).query)["host"][0], "postmaster.pid").read_text().split()[0])
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text().partition(" ")
        except OSError:  # it has just ended
            continue
        fields = rest.rpartition(")")[2].split()
        mine = int(number) == first
        if mine or int(fields[1]) == first:
            ticks += sum(int(field) for field in fields[11 : 15 if mine else 13])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", type=int, default=0, metavar="MESSAGES")
    parser.add_argument("--costs", type=Path, default=KEPT, metavar="FILE")
    options = parser.parse_args()
    if options.measure:
        costs = asyncio.run(measured(options.measure))
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(asdict(costs), indent=1))
    else:
        given = json.loads(options.costs.read_text()) if options.costs.exists() else {}
        costs = replace(Costs(), **given)
    for name, value in asdict(costs).items():
        print(f"{name:24} {value:>12,.1f}")
    for title, model in (("with a language model", True), ("by the offline rules", False)):
        print(f"\n{title}\n" + "\n".join(table(costs, model=model)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
