"""A call as it stands: who called, what is still to be said, and how it is held."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from core.messages import Reply
from identity.proof import Proof

_MOST = 1_000
_KEPT = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a call, read. `silences` and `waits` count the requests at this step that brought nothing."""

    call: str
    number: int
    text: str
    digits: str
    caller: str  # E.164, or "anonymous"
    proof: Proof
    language: str
    silences: int
    waits: int
    over: bool
    after: str = ""  # what ended just now: "relay" or "dial"

    @property
    def opening(self) -> bool:
        """Whether the call begins here."""
        return self.number == 0 and not self.heard

    @property
    def heard(self) -> bool:
        """Whether the caller said or keyed in something."""
        return bool(self.text or self.digits)

    @property
    def brings_message(self) -> bool:
        """Whether the engine has to know."""
        return not self.waits and not self.after and (self.heard or (self.opening and not self.over))


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """What is to be said in a call in answer to one of its steps. `digits` is how many are asked for; 0 for speech.

    `text` is for the ear; `written` is the text of the reply that it was made from.
    """

    call: str
    step: int
    text: str
    language: str
    digits: int = 0
    ends: bool = False
    hands_over: bool = False
    reply: str = ""  # its id
    written: str = ""


class Talk(Protocol):
    """A call that is held on a socket."""

    async def run(self) -> None:
        """Holds it until it ends."""
        ...

    async def begin(self, reply: Reply) -> None:
        """Says the beginning of a reply that is still being worded."""
        ...

    async def say(self, speech: Speech) -> None:
        """Says what of a reply was not said yet."""
        ...


@dataclass(kw_only=True, slots=True)
class Line:
    """A call as it stands. `answer` is what its latest request was told.

    It is "expected" on a socket when its first request was answered so, "open" while it has one, "closed" when that
    ended, and "lost" when the call goes on without it.
    """

    touched_at: datetime
    unsaid: list[Speech] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0  # requests, for something to be said
    url: str = ""
    answer: asyncio.Task[str] | None = None
    caller: str = ""
    proof: Proof = Proof.CLAIMED
    number: int = 0  # of its latest step
    language: str = "en"
    awaits_reply: bool = False
    relay: Literal["", "expected", "open", "closed", "lost"] = ""
    conversation: Talk | None = None

    def hang_up(self) -> None:
        """Its socket is closed. Whether the call goes on we are told by its next request."""
        self.conversation = None
        if self.relay == "open":
            self.relay = "closed"

    def say(self, speech: Speech) -> None:
        """Keeps it until somebody asks what is to be said."""
        self.unsaid.append(speech)
        self.taken.clear()
        self.arrived.set()

    def take(self) -> list[Speech]:
        """All that is to be said; it is not said again."""
        taken, self.unsaid = self.unsaid, []
        self.taken.set()
        return taken

    async def is_taken(self, patience: float) -> None:
        """Returns when the request that waits has what is to be said, at once where none waits, and after `patience`
        seconds in any case."""
        if self.waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self.taken.wait()

    async def reply(self, step: int, patience: float) -> bool:
        """Whether there is a reply to this step within `patience` seconds."""
        self.waiting += 1
        try:
            async with asyncio.timeout(patience):
                while not any(speech.step >= step for speech in self.unsaid):
                    self.arrived.clear()
                    await self.arrived.wait()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return True


class Lines:
    """The calls of late, by their CallSid; bounded in number and time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lines: OrderedDict[str, Line] = OrderedDict()

    def __getitem__(self, call: str) -> Line:
        """The call, which may be a new one."""
        now = self._now()
        line = self._lines.setdefault(call, Line(touched_at=now))
        line.touched_at = now
        self._lines.move_to_end(call)
        for old in self._outdated(now):
            del self._lines[old]
        return line

    def find(self, call: str) -> Line | None:
        """The call, if there is one."""
        return self._lines.get(call)

    def drop(self, call: str) -> None:
        """Forgets a call that is over."""
        self._lines.pop(call, None)

    def _outdated(self, now: datetime) -> Sequence[str]:
        def found() -> Iterator[str]:
            too_many = len(self._lines) - _MOST
            for at, (call, line) in enumerate(self._lines.items()):
                if at >= too_many and now - line.touched_at <= _KEPT:
                    return
                if line.conversation is None:
                    yield call

        return list(found())
