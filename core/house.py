"""What the engine knows of the installation it works for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.channel import Limits
from core.hours import ALWAYS, Hours


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A channel as the engine knows it: by what customers call it, and by what it can take."""

    label: str
    limits: Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """The settings that the engine works by. `secret` is its own, derived from SECRET_KEY."""

    secret: bytes
    bot_name: str = "Throughline"
    brand: str = ""
    languages: Sequence[str] = ("en",)
    burst: timedelta = timedelta(seconds=2)
    turns_an_hour: int = 60  # of one handle; what comes beyond any budget is kept and left to a colleague
    sent_an_hour: int = 60  # to one handle, by the bot
    all_turns_an_hour: int = 100_000  # of everybody
    all_sent_an_hour: int = 100_000  # to everybody, by the bot and by colleagues
    model_turns_an_hour: int = 2_000  # of everybody; beyond it the offline rules answer
    pattern_customers: int = 3  # whom a pattern helped before others are told of it with no human in between
    link_hosts: Sequence[str] = ()  # where links in our replies may lead
    call_number: str = ""  # where customers can call us
    hours: Hours = ALWAYS  # when colleagues are there
    channels: Mapping[str, Known] = field(default_factory=dict)

    def label(self, channel: str) -> str:
        """What customers call a channel."""
        known = self.channels.get(channel)
        return known.label if known else channel

    def limits(self, channel: str) -> Limits:
        """What a channel can take; a channel that is off now may still have messages that wait."""
        known = self.channels.get(channel)
        return known.limits if known else Limits(inbound_bytes=0, text=0)
