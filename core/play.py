"""Playing: a colleague speaks for made-up people on any channel, and sees what they are told and what an agent sees.

What they say goes the way of every message, with the proof that the channel would have given. What they are told stays
in the house (see core/stage.py). Erasing them is forgetting: nothing is made for play alone but the people.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.erasing import Forgetting
from core.errors import Problem
from core.messages import Choice, InboundMessage, Raw, Voucher
from core.record import DirectoryRow, Profile
from core.stage import CONVERSATION, on_stage
from identity.handles import Handle
from identity.proof import Proof

LONGEST = 2_000  # characters of what is said at once
CALL = "voice"  # the channel on which one dials before one speaks
_PATIENCE = 20.0  # seconds for an answer
_LOOK = 0.1  # seconds between two looks


class NotOnStage(Problem):
    """There is no such person, or channel, on the stage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How somebody made-up comes in by a channel, and what the channel finds out about it. `why` tells it in words."""

    address: str
    key: str
    proof: Proof
    why: str
    vouchers: tuple[Voucher, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody made-up. `is_known`: the company's directory has their profile, with the `keys` that it verified."""

    id: str
    profile: Profile
    about: str
    ways: Mapping[str, Way]  # by channel
    lines: Sequence[str]  # what they might say
    is_known: bool = False
    keys: Sequence[str] = ()
    shown_as: str = ""  # the name that they give themselves

    @property
    def name(self) -> str:
        """What the stage calls them."""
        return self.profile.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One line that somebody made-up said, or was told. `waits`: it is not answered, or not delivered, yet."""

    channel: str
    sender: str  # "customer" | "bot" | "agent"
    text: str
    language: str
    at: datetime
    proof: Proof | None = None  # that a message was found to have
    opening: bool = False  # the telephone rings; nothing is said
    waits: bool = False
    choices: Sequence[Choice] = ()
    files: Sequence[str] = ()  # what a colleague's files are called


class PlayLedger(Protocol):
    """What playing needs of the record, beside what every message needs."""

    async def played(self, person: str) -> Sequence[Said]:
        """What somebody made-up said and was told, on every channel, oldest first; bounded."""
        ...

    async def played_case(self, person: str) -> int | None:
        """The case that was last talked about with them."""
        ...

    async def played_keys(self, person: str) -> Sequence[str]:
        """The keys of all handles that they ever spoke from."""
        ...

    async def import_directory(self, rows: Sequence[DirectoryRow], *, now: datetime, restore: bool = False) -> int:
        """Puts people into the directory; see core/backends/ledger."""
        ...


Hear = Callable[[InboundMessage, Raw], Awaitable[bool]]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Something that is said in a story, on a channel; on the telephone nothing, when it only rings."""

    channel: str
    text: str = ""


@dataclass(kw_only=True)
class Play:
    """The stage and who is on it; `star` is whose story can be told. `pause` is how long it waits for its readers, in
    seconds."""

    cast: Mapping[str, Person]
    star: Person
    story: Sequence[Scene]
    ledger: PlayLedger
    forgetting: Forgetting
    hear: Hear
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    pause: float = 1.5
    telling: str = ""  # whose story is being told
    _calls: dict[str, str] = field(default_factory=dict)  # who is on the telephone, and in which conversation

    def person(self, name: str) -> Person:
        """Raises NotOnStage."""
        if name not in self.cast:
            raise NotOnStage(f"nobody on the stage is called {name}")
        return self.cast[name]

    def is_calling(self, person: Person) -> bool:
        """Whether they are on the telephone."""
        return person.id in self._calls

    async def say(self, person: Person, channel: str, text: str) -> None:
        """Somebody says something; on the telephone they dial first. Raises NotOnStage."""
        if channel == CALL and not self.is_calling(person):
            await self.call(person)
        if text.strip():
            await self._hear(person, channel, text.strip()[:LONGEST])

    async def call(self, person: Person) -> None:
        """Somebody dials, and waits until the bot has said hello."""
        self._calls[person.id] = f"{CONVERSATION}{person.id}:{CALL}:{self.new_id()}"
        await self._hear(person, CALL, "", opening=True)
        await self._answered(person)

    def hang_up(self, person: Person) -> None:
        """The call is over."""
        self._calls.pop(person.id, None)

    async def tell(self) -> None:
        """Tells the story from its beginning, at a pace at which it can be read. Raises StillBusy."""
        if self.telling:
            return
        self.telling = self.star.id
        try:
            await self._forget(self.star)
            for scene in self.story:
                await self.say(self.star, scene.channel, scene.text)
                await self._answered(self.star)
                await asyncio.sleep(self.pause)
            self.hang_up(self.star)
        finally:
            self.telling = ""

    async def clear(self) -> None:
        """Forgets everybody made-up, as customers are forgotten; nobody while a story is told. Raises StillBusy."""
        if self.telling:
            return
        for person in self.cast.values():
            await self._forget(person)

    async def _hear(self, person: Person, channel: str, text: str, *, opening: bool = False) -> None:
        if channel not in person.ways:
            raise NotOnStage(f"{person.name} cannot be on {channel}")
        await self._introduce(person)
        message = self._message(person, channel, text, opening=opening)
        await self.hear(message, Raw(body=text.encode(), received_at=message.received_at))

    async def _introduce(self, person: Person) -> None:
        if person.is_known:
            await self._import(person, person.keys)

    def _message(self, person: Person, channel: str, text: str, *, opening: bool) -> InboundMessage:
        way = person.ways[channel]
        on_call = self._calls.get(person.id, "") if channel == CALL else ""
        return InboundMessage(
            external_id=f"{CONVERSATION}{self.new_id()}",
            handle=Handle(channel=channel, address=way.address, key=way.key),
            proof=way.proof,
            text=text,
            conversation=on_call or f"{CONVERSATION}{person.id}:{channel}",
            route=on_stage(person.id),
            received_at=self.now(),
            vouchers=way.vouchers,
            display_name=person.shown_as,
            opening=opening,
        )

    async def _answered(self, person: Person) -> None:
        """Waits until nothing that they said waits any more, or for as long as one would."""
        for _ in range(round(_PATIENCE / _LOOK)):
            if not any(said.waits for said in await self.ledger.played(person.id)):
                return
            await asyncio.sleep(_LOOK)

    async def _forget(self, person: Person) -> None:
        """Forgets them as everybody is forgotten: by a row of the directory, which names all that they spoke from."""
        self.hang_up(person)
        keys = await self.ledger.played_keys(person.id)
        if not keys:
            return
        await self._import(person, sorted({*person.keys, *keys}))
        await self.forgetting.forget(person.profile.external_id, receipt=self.new_id(), now=self.now)

    async def _import(self, person: Person, keys: Sequence[str]) -> None:
        row = DirectoryRow(profile=person.profile, keys=keys)
        await self.ledger.import_directory([row], now=self.now(), restore=True)
