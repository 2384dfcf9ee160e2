"""What became of everything that was said."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.backends.ledger.database import Database
from core.backends.ledger.schema import messages, outbox, parked, wires

_NUMBER = re.compile(r"My note (\d+)\.")
_SAME_ID = {"email"}  # of all copies of a message
_AT_LEAST_ONCE = {"voice"}  # whoever was cut off in a call says it again


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one channel's part of the run came to. `silent` are copies that a customer got and nobody was told of."""

    channel: str
    said: int
    lost: int
    doubled: int
    unanswered: int
    sent: int
    unsent: int
    parked: int
    flagged: int
    silent: int

    @property
    def broken(self) -> bool:
        """Whether a promise was."""
        return bool(self.lost or self.doubled or self.unanswered or self.unsent or self.silent)

    def __str__(self) -> str:
        counts = (self.said, self.lost, self.doubled, self.unanswered, self.sent, self.unsent, self.parked,
                  self.flagged, self.silent)  # fmt: skip
        return f"{self.channel:<8}" + "".join(f"{count:>11}" for count in counts)


HEAD = f"{'':<8}" + "".join(
    f"{name:>11}"
    for name in ("said", "lost", "twice in", "unanswered", "sent", "unsent", "parked", "flagged", "silent")
)


async def audit(
    database: Database, said: Mapping[str, Sequence[int]], received: Mapping[str, Counter[str]]
) -> Sequence[Found]:
    """A line for each channel."""
    return await database.read(lambda tx: [_found(tx, name, said[name], received.get(name)) for name in said])


def _found(tx: Connection, channel: str, said: Sequence[int], received: Counter[str] | None) -> Found:
    here = messages.c.channel == channel
    states = tx.execute(select(messages.c.text, messages.c.state).where(here)).all()
    kept = Counter(int(number) for row in states for number in _NUMBER.findall(row.text))
    replies = Counter(tx.execute(select(outbox.c.state).where(outbox.c.channel == channel)).scalars())
    flagged = _count(tx, outbox.c.channel == channel, outbox.c.maybe_twice)
    return Found(
        channel=channel,
        said=len(said),
        lost=sum(number not in kept for number in said),
        doubled=0 if channel in _AT_LEAST_ONCE else sum(count - 1 for count in kept.values()),
        unanswered=sum(row.state in {"waiting", "unchecked"} for row in states),
        sent=replies["sent"],
        unsent=replies["waiting"],
        parked=replies["parked"],
        flagged=flagged,
        silent=0 if received is None else _silent(tx, channel, received, flagged),
    )


def _silent(tx: Connection, channel: str, received: Counter[str], flagged: int) -> int:
    """Copies that a provider has, beyond what is on record, and of which nobody is told. Every copy of a mail that is
    flagged is told of; where copies cannot be told apart, one of each flagged reply is."""
    sent = select(wires.c.provider_id).select_from(wires.join(outbox)).where(outbox.c.channel == channel)
    if channel in _SAME_ID:
        told = set(tx.execute(sent.where(outbox.c.maybe_twice)).scalars())
        return sum(copies - 1 for mail, copies in received.items() if mail not in told)
    return max(received.total() - len(tx.execute(sent).all()) - flagged, 0)


def _count(tx: Connection, *where: object) -> int:
    return int(tx.execute(select(func.count()).select_from(outbox).where(*where)).scalar_one())  # type: ignore[arg-type]


async def waits(database: Database) -> tuple[int, int]:
    """Messages that wait for an answer, replies that wait for their sending."""
    return await database.read(
        lambda tx: (
            int(tx.execute(
                select(func.count()).select_from(messages).where(messages.c.state.in_(("waiting", "unchecked")))
            ).scalar_one()),
            _count(tx, outbox.c.state == "waiting"),
        )
    )  # fmt: skip


async def unread(database: Database) -> int:
    """Deliveries that could not be read, and that staff see."""
    query = select(func.count()).select_from(parked)
    return await database.read(lambda tx: int(tx.execute(query).scalar_one()))
