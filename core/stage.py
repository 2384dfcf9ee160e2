"""The stage: what made-up people say and are told bears a mark, and nothing that bears it ever leaves the house."""

from collections.abc import Mapping
from typing import ClassVar

from core.channel import Limits
from core.messages import Reply, Route

MARK = "played_by"  # in a route: whose part it is
CONVERSATION = "play:"  # how every conversation on the stage begins


def on_stage(person: str) -> Route:
    """Where replies to a made-up person go."""
    return {MARK: person}


def is_on_stage(route: Mapping[str, object]) -> bool:
    """Whether somebody made-up wrote from there."""
    return MARK in route


class Stage:
    """Takes the replies to made-up people, on whatever channel: they stand in the outbox, and are shown from there."""

    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=100_000, file_bytes=10_000_000)

    def render(self, reply: Reply) -> list[str]:
        """One wire: the reply's id."""
        return [reply.id]

    async def send(self, wire: str) -> str:
        """Sends nothing."""
        return wire
