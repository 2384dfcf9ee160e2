"""A channel without a vendor: what it sends is put into a queue, and it can meet trouble."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from core.channel import Limits
from core.messages import InboundMessage, Raw, Reply


class ChannelTwin:
    """`troubles` are raised by the next sends, one each; `parts` is how many wires a reply has."""

    name: ClassVar[str] = "twin"
    label: ClassVar[str] = "Twin"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=1_000)
    Settings: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, name: str = "twin", *, parts: int = 1) -> None:
        self.name = name  # type: ignore[misc]
        self.parts = parts
        self.troubles: deque[Exception] = deque()
        self.sent: list[Reply] = []
        self._said: asyncio.Queue[Reply] = asyncio.Queue()

    async def said(self) -> Reply:
        """The next wire that went out."""
        return await self._said.get()

    def parse(self, raw: Raw) -> InboundMessage | None:
        raise NotImplementedError(f"messages come parsed: {raw}")

    def render(self, reply: Reply) -> Sequence[Any]:
        return [reply] * self.parts

    async def send(self, wire: Reply) -> str:
        if self.troubles:
            raise self.troubles.popleft()
        self.sent.append(wire)
        self._said.put_nowait(wire)
        return f"sent {len(self.sent)}"
