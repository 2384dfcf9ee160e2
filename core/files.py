"""The files of a case, for staff: those that customers sent are read again from the delivery that brought them, as long
as it is kept, and those that we sent from the outbox."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from core.casefile import Reading
from core.channel import Channel, Fetches
from core.errors import Malformed, Problem
from core.messages import Attachment, Raw


class NoSuchFile(Problem):
    """There is no such file, it is kept no more, or it is not of this case's customer."""


class NotFetched(Problem):
    """The file lies elsewhere, and cannot be had from there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """How a customer's message arrived."""

    channel: str
    raw: Raw
    reading: Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class Enclosed:
    """A file that went with a reply."""

    file: Attachment
    reading: Reading


class FileLedger(Protocol):
    """What is needed of the record."""

    async def delivered(self, case: int, message: int, *, now: datetime) -> Delivered | None:
        """How a message arrived, if staff may see it with this case and it is still kept. Raises NoSuchCase."""
        ...

    async def case_file_sent(self, case: int, reply: int, number: int, *, now: datetime) -> Enclosed | None:
        """A file of a reply of ours, if staff may see it with this case and it is still kept. Raises NoSuchCase."""
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
        """The file of this number, from 0, that came with a message.

        Raises NoSuchCase, NoSuchFile or NotFetched.
        """
        delivered = await self.ledger.delivered(case, message, now=self.now())
        channel = self.channels.get(delivered.channel) if delivered else None
        if delivered is None or channel is None:
            raise NoSuchFile(f"message {message} is not kept any more, or not of case {case}")
        files = await asyncio.to_thread(_files, channel, delivered.raw)
        file, elsewhere = files[number] if number < len(files) else None, _fetching(channel)
        if file is None or not (file.content or elsewhere):
            raise NoSuchFile(f"message {message} holds no file {number}")
        await self.ledger.note_reading(reader, [delivered.reading], now=self.now())
        return file if file.content or elsewhere is None else await _fetched(elsewhere, file)

    async def open_sent(self, case: int, reply: int, number: int, reader: str) -> Attachment:
        """The file of this number, from 0, that we sent with a reply. Raises NoSuchCase or NoSuchFile."""
        found = await self.ledger.case_file_sent(case, reply, number, now=self.now())
        if found is None:
            raise NoSuchFile(f"file {number} of reply {reply} is not kept any more, or not of case {case}")
        await self.ledger.note_reading(reader, [found.reading], now=self.now())
        return found.file

    def fetches(self, channel: str) -> bool:
        """Whether this channel's files can be had although it gives only their addresses."""
        return _fetching(self.channels.get(channel)) is not None


def _fetching(channel: object) -> Fetches | None:
    return channel if isinstance(channel, Fetches) else None


async def _fetched(channel: Fetches, file: Attachment) -> Attachment:
    try:
        return replace(file, content=await channel.fetch(file))
    except Problem as error:
        raise NotFetched(str(error)) from error


def _files(channel: Channel[Any], raw: Raw) -> tuple[Attachment, ...]:
    try:
        message = channel.parse(raw)
    except Malformed:
        return ()
    return message.attachments if message else ()
