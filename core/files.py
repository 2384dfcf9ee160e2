"""The files that customers sent, for staff: read again from the delivery that brought them, as long as it is kept."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.casefile import Reading
from core.channel import Channel
from core.errors import Malformed, Problem
from core.messages import Attachment, Raw


class NoSuchFile(Problem):
    """There is no such file, it is kept no more, or it is not of this case's customer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """How a customer's message arrived."""

    channel: str
    raw: Raw
    reading: Reading


class FileLedger(Protocol):
    """What is needed of the record."""

    async def delivered(self, case: int, message: int, *, now: datetime) -> Delivered | None:
        """How a message arrived, if staff may see it with this case and it is still kept. Raises NoSuchCase."""
        ...

    async def note_reading(self, reader: str, readings: list[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True)
class Files:
    """Opens files. Only a channel knows how to take its deliveries apart."""

    ledger: FileLedger
    channels: Mapping[str, Channel[Any]]
    now: Callable[[], datetime]

    async def open(self, case: int, message: int, number: int, reader: str) -> Attachment:
        """The file of this number, from 0, that came with a message. Raises NoSuchCase or NoSuchFile."""
        delivered = await self.ledger.delivered(case, message, now=self.now())
        channel = self.channels.get(delivered.channel) if delivered else None
        if delivered is None or channel is None:
            raise NoSuchFile(f"message {message} is not kept any more, or not of case {case}")
        files = await asyncio.to_thread(_files, channel, delivered.raw)
        if number >= len(files) or not files[number].content:
            raise NoSuchFile(f"message {message} holds no file {number}")
        await self.ledger.note_reading(reader, [delivered.reading], now=self.now())
        return files[number]


def _files(channel: Channel[Any], raw: Raw) -> tuple[Attachment, ...]:
    try:
        message = channel.parse(raw)
    except Malformed:
        return ()
    return message.attachments if message else ()
