"""The port through which colleagues are called in rooms of their own, and answer there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A case that waits for a colleague, as a room for colleagues is told of it."""

    id: str  # the same however often telling is tried
    case: int
    title: str  # one line
    packet: str  # what is known, masked: a line each, "Title: text"
    url: str  # of the case at the console
    again: bool = False  # it was told before, and nobody took it


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What somebody in a room for colleagues asks for. `key` is who, as the channel proved it, e.g. slack:T1/U1."""

    room: str  # the channel
    post: str  # under which the case was told, as `call` returned it
    key: str
    what: Literal["take", "hand_back", "reply", "resolve"]
    text: str = ""  # the reply, or how it was resolved
    id: str = ""  # the reply's: the same one is never sent twice


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What became of a deed. `by` is the colleague's account; "" where nothing was done."""

    line: str = ""  # for who asked alone; "" where nothing is to be said
    by: str = ""


Act = Callable[[Deed], Awaitable[Done]]


@runtime_checkable
class StaffRoom(Protocol):
    """A channel in which colleagues can be called, where the settings name a room of it."""

    has_room: bool

    def join(self, act: Act) -> None:
        """Is given who acts for colleagues, before the first call."""
        ...

    async def call(self, call: Call) -> str:
        """Tells the room; the provider's id of the post. Raises TryAgain or Undeliverable."""
        ...
