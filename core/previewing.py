"""Previews: how a reply would look to its customer, by the channel that would carry it. Nothing is sent or kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.casefile import Destination
from core.channel import Look, Previews
from core.desk import LONGEST_TEXT, Desk, Refused
from core.messages import Reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """How a text would arrive, on which channel."""

    channel: str
    look: Look


class PreviewLedger(Protocol):
    """What previews need of the record."""

    async def destination(self, case: int, *, reachable: Collection[str], now: datetime) -> Destination | None:
        """Where a reply to a case goes; None where it can go nowhere. Raises NoSuchCase."""
        ...


@dataclass(frozen=True, kw_only=True)
class Previewing:
    """Shows replies before they are sent."""

    desk: Desk
    ledger: PreviewLedger
    channels: Mapping[str, object]

    async def preview(self, case: int, text: str) -> Preview | None:
        """How a text would look to a case's customer; None for no text. Raises NoSuchCase or Refused."""
        if not text.strip():
            return None
        if len(text) > LONGEST_TEXT:
            raise Refused(f"The text has {len(text):,} characters; at most {LONGEST_TEXT:,} can be sent.")
        to = await self.ledger.destination(case, reachable=self.desk.reachable, now=self.desk.now())
        if to is None:
            raise Refused("There is no channel on which this customer can be answered.")
        channel = self.channels.get(to.channel)
        if not isinstance(channel, Previews):
            told = "How it will look there is not known; these are the words that leave us."
            return Preview(channel=to.channel, look=Look(messages=[text.strip()], remarks=[told]))
        reply = Reply(id="preview", route=to.route, text=text.strip(), language=to.language, sender="agent")
        return Preview(channel=to.channel, look=channel.look(reply))
