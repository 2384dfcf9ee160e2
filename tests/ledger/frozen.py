"""A process that keeps a message and is stopped in the middle of its transaction, by SIGSTOP, once:
`python -m tests.ledger.frozen URL before|after alone|beside`. Woken up it goes on, and prints whether it kept it."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection

from core.backends.ledger.postgres import PostgresDatabase
from core.backends.ledger.sql import SqlLedger
from core.messages import InboundMessage, Raw
from identity.handles import Handle
from identity.proof import Proof

T = TypeVar("T")

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def message_of(number: str) -> InboundMessage:
    """What somebody writes."""
    return InboundMessage(
        external_id=f"SM {number}",
        handle=Handle(channel="sms", address=number, key=f"phone:{number}"),
        proof=Proof.PROVEN,
        text="My kettle leaks.",
        conversation=number,
        route={"to": number},
        received_at=AT,
    )


MESSAGE = message_of("+15550100")
RAW = Raw(body=b"", received_at=AT)


class Freezing(PostgresDatabase):
    """Stops its process in its first transaction: before its statements, or between them and the commit."""

    def __init__(self, url: str, when: str, how: str) -> None:
        super().__init__(url)
        self._when = when
        self._alone = how == "alone"

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False, beside: str = "") -> T:
        """As the database's own."""
        stopping = lambda tx: self._stopping(transaction, tx)  # noqa: E731
        return await super().write(stopping, durable=durable, beside="" if self._alone else beside)

    def _stopping(self, transaction: Callable[[Connection], T], tx: Connection) -> T:
        when, self._when = self._when, ""
        if when == "before":
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        result = transaction(tx)
        if when == "after":
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        return result


async def keep(url: str, when: str, how: str) -> None:
    """Keeps the message."""
    ledger = SqlLedger(Freezing(url, when, how))
    kept = await ledger.accept(MESSAGE, RAW)
    await ledger.close()
    sys.stdout.write("kept" if kept else "on record already")


if __name__ == "__main__":
    asyncio.run(keep(*sys.argv[1:]))
