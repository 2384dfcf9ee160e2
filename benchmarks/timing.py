"""Whether the time of a reply tells if a customer exists.

    python -m benchmarks.timing

Somebody forges messages in the name of customers with a long history and in the name of nobody, in turns and in
random order, in the same run. Measured is the wall clock from accept to the settled reply. `rank` is how often a
message that names a customer took longer than one that does not (0.5: as often as not); p is the share of 2,000
random relabellings whose medians differ by as much.
"""

import asyncio
import random
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from core.ledger import Settled, line_of
from identity.proof import Proof
from tests.shop import Shop

GOAL = 0.05  # how far the rank may be from 0.5
PAIRS = 600
NAMES = 10  # customers, and as many who are none
HISTORY = 40  # messages of each customer on each handle
RELABELLINGS = 2_000


@dataclass(frozen=True)
class Compared:
    """Milliseconds from accept to reply: in the name of customers, and in the name of nobody."""

    what: str
    known: Sequence[float]
    unknown: Sequence[float]

    @property
    def rank(self) -> float:
        """How often naming a customer takes longer; a draw counts half."""
        ordered = sorted(self.unknown)
        above = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in self.known)
        return above / (2 * len(self.known) * len(ordered))

    @property
    def difference(self) -> float:
        return median(self.known) - median(self.unknown)

    @property
    def p(self) -> float:
        """How likely chance alone makes medians differ by as much."""
        chance, times = random.Random(1), [*self.known, *self.unknown]  # noqa: S311 - a shuffle, not a secret
        extreme = 0
        for _ in range(RELABELLINGS):
            chance.shuffle(times)
            one, other = times[: len(self.known)], times[len(self.known) :]
            extreme += abs(median(one) - median(other)) >= abs(self.difference)
        return (extreme + 1) / (RELABELLINGS + 1)

    @property
    def missed(self) -> bool:
        """Whether the time tells."""
        return abs(self.rank - 0.5) > GOAL

    def __str__(self) -> str:
        medians = f"{median(self.known):8.2f} {median(self.unknown):8.2f} {self.difference:+10.3f}"
        goal = f"rank 0.5 +- {GOAL}   {'missed' if self.missed else 'met'}"
        return f"{self.what:<22} {medians} {self.rank:6.3f} {self.p:6.3f}   {goal}"


async def customers(shop: Shop) -> None:
    """As many customers as there are names, who have written for weeks."""
    for number in range(NAMES):
        mailbox, phone = f"known{number}@shop.test", f"+1555010{number:04d}"
        await shop.knows(f"cus_{number}", "John Miller", f"email:{mailbox}", f"phone:{phone}")
        for told in range(HISTORY):
            for channel, who in (("email", mailbox), ("sms", phone)):
                await shop.hears(channel, who, f"My kettle {told} is broken. I already restarted it.")
            shop.later(hours=7)


async def compare(shop: Shop, channel: str, known: Sequence[str], unknown: Sequence[str]) -> Compared:
    """Forged messages, one in the name of a customer and one in the name of nobody each two days."""
    chance, numbers = random.Random(2), count()  # noqa: S311 - a shuffle, not a secret
    times: dict[bool, list[float]] = {True: [], False: []}
    for pair in range(PAIRS):
        for is_known in chance.sample((True, False), 2):
            name = (known if is_known else unknown)[pair % NAMES]
            times[is_known].append(await forge(shop, channel, name, f"{channel} {next(numbers)}"))
        shop.later(days=2)
    return Compared(f"forged {channel}", times[True], times[False])


async def forge(shop: Shop, channel: str, name: str, conversation: str) -> float:
    """Milliseconds that a forged message takes."""
    text = "Hello, any news about my case?"
    message = shop.message(channel, name, text, proof=Proof.CLAIMED, conversation=conversation)
    shop.later(seconds=5)
    began = time.perf_counter()
    await shop.accept(message)
    outcome = await shop.engine.take_turn(line_of(message))
    spent = time.perf_counter() - began
    assert isinstance(outcome, Settled)
    assert outcome.outbox
    return spent * 1_000


async def run() -> list[Compared]:
    """Every row of the table."""
    mailboxes, phones = [f"{{}}{number}@shop.test" for number in range(NAMES)], range(NAMES)
    with TemporaryDirectory() as folder:
        shop = await Shop.open(Path(folder))
        await customers(shop)
        found = [
            await compare(
                shop, "email", [one.format("known") for one in mailboxes], [one.format("other") for one in mailboxes]
            ),
            await compare(shop, "voice", [f"+1555010{n:04d}" for n in phones], [f"+1555020{n:04d}" for n in phones]),
        ]
        await shop.close()
    return found


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    found = asyncio.run(run())
    print(f"milliseconds from accept to reply, medians of {PAIRS} forged messages each")
    print(f"{'':<22} customer   nobody difference   rank      p   goal")
    for one in found:
        print(one)
    return int(any(one.missed for one in found))


if __name__ == "__main__":
    sys.exit(main())
