"""What identity costs a turn: the processor time of identify (who is writing) and of the gate (what may be recalled).

    python -m benchmarks.gate

Turns of customers with 1, 4 and 10 handles, 30 rows on each, among other customers. Both parts run on the real
ledger: identify with all that it reads and notes, the gate with the permit and every row that it lets out. What else
a turn does (its message, its lease, wording, settling) is not in these figures.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from benchmarks.rows import Figure, keep
from core.backends.ledger import inbox, recall, turns
from core.ledger import line_of
from core.messages import InboundMessage
from identity.gate import Purpose, Standing, permit
from tests.shop import Shop

GOAL = 2.0  # milliseconds of processor time a turn, identify and gate together
MEASURED = 300
TOLD = 10  # messages on each handle: each leaves itself, an answer and facts, about 30 rows
OTHERS = 20  # customers beside the one who is measured
CHANNELS = ("email", "sms", "slack", "discord", "voice")
SAID = "My kettle {} is broken, I was charged ${}. I already restarted it."


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time of each measured turn."""

    handles: int
    identify: Sequence[float]
    gate: Sequence[float]

    @property
    def both(self) -> list[float]:
        """Identify and gate of one turn."""
        return [a + b for a, b in zip(self.identify, self.gate, strict=True)]

    @property
    def missed(self) -> bool:
        """Whether the median turn costs more than the goal."""
        return median(self.both) > GOAL

    @property
    def name(self) -> str:
        """Whose turn it is."""
        return f"a customer with {self.handles} handle{'s' * (self.handles > 1)}"

    @property
    def figure(self) -> Figure:
        """For the table over all benchmarks."""
        return Figure(name=f"{self.name}, p50", value=median(self.both), unit="ms CPU", most=GOAL)

    def __str__(self) -> str:
        p95 = quantiles(self.both, n=20)[-1]
        verdict = "missed" if self.missed else "met"
        columns = f"{median(self.identify):8.2f} {median(self.gate):6.2f} {median(self.both):6.2f} {p95:6.2f}"
        return f"{self.name:<28} {columns}   p50 <= {GOAL} ms   {verdict}"


def addresses(customer: int, handles: int) -> list[tuple[str, str]]:
    """As many addresses as asked for, over all channels."""
    numbers = [(CHANNELS[at % len(CHANNELS)], customer * 100 + at // len(CHANNELS)) for at in range(handles)]
    return [(channel, _address(channel, number)) for channel, number in numbers]


def _address(channel: str, number: int) -> str:
    if channel in {"sms", "voice"}:
        return f"+1555{number:07d}"
    return {"email": f"c{number}@shop.test", "slack": f"T1/U{number}"}.get(channel, str(number))


async def settle_in(shop: Shop, customer: int, handles: int) -> list[tuple[str, str]]:
    """A customer in the directory, who has told something over every handle."""
    held = addresses(customer, handles)
    keys = {shop.message(channel, address, "").handle.key for channel, address in held}
    await shop.knows(f"cus_{customer}", "John Miller", *sorted(keys))
    for told in range(TOLD):
        for channel, address in held:
            await shop.hears(channel, address, SAID.format(told, 10 + told))
        shop.later(hours=7)
    return held


async def measure(shop: Shop, customer: int, handles: int) -> Cost:
    """The cost of the same turn, again and again; each identify is rolled back."""
    [first, *_] = await settle_in(shop, customer, handles)
    message = shop.message(*first, "Any news about my kettle?")
    await shop.accept(message)
    shop.later(seconds=3)
    database, identify, gate = shop.ledger._database, list[float](), list[float]()
    for _ in range(MEASURED):
        standing, spent = await database.write(lambda tx: _identify(tx, message, shop))
        assert len(standing.nodes) == handles + 1
        identify.append(spent)
        gate.append(await database.read(lambda tx, standing=standing: _pass_the_gate(tx, standing)))  # type: ignore[misc]
    await shop.answers(line_of(message))
    return Cost(handles, identify, gate)


def _identify(tx: Connection, message: InboundMessage, shop: Shop) -> tuple[Standing, float]:
    together = [(row, inbox.read(row)) for row in inbox.waiting(tx, line_of(message))]
    savepoint = tx.begin_nested()
    began = time.thread_time()
    _, standing = turns.identify(tx, together, shop.now)
    spent = time.thread_time() - began
    savepoint.rollback()
    return standing, spent * 1_000


def _pass_the_gate(tx: Connection, standing: Standing) -> float:
    began = time.thread_time()
    rows = recall.rows(tx, permit(standing, Purpose.ANSWER))
    spent = time.thread_time() - began
    assert rows.facts
    return spent * 1_000


async def run() -> list[Cost]:
    """Every row of the table."""
    with TemporaryDirectory() as folder:
        shop = await Shop.open(Path(folder))
        shop.now -= timedelta(days=60)
        for customer in range(1, OTHERS + 1):
            await settle_in(shop, customer, 2)
        costs = [await measure(shop, 100 + handles, handles) for handles in (1, 4, 10)]
        await shop.close()
    return costs


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    costs = asyncio.run(run())
    print(f"identify and gate, milliseconds of processor time a turn, {MEASURED} turns each")
    print(f"{'':<28} identify   gate   both    p95   goal")
    for cost in costs:
        print(cost)
    keep(cost.figure for cost in costs)
    return int(any(cost.missed for cost in costs))


if __name__ == "__main__":
    sys.exit(main())
