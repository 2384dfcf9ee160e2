"""The model of the identity machine: who really holds which address, who told what, and who may hear it."""

from dataclasses import dataclass, field
from datetime import datetime

from identity.proof import Proof

PEOPLE = ("ann", "ben", "cleo")

Token = str  # a person, or a conversation that merely claims to be somebody


@dataclass(frozen=True)
class Place:
    """Where things are told: an address while it has one owner, or one claimed conversation."""

    channel: str
    address: str
    generation: int = 0

    @property
    def claimed(self) -> bool:
        return self.address.startswith("~")


@dataclass(frozen=True)
class Seat:
    """Somebody at a place, with the proof that the channel would give at best."""

    place: Place
    proof: Proof
    who: str
    conversation: str


@dataclass(frozen=True)
class Word:
    """What somebody told, and whose it is."""

    owners: frozenset[Token]
    place: Place | None = None


@dataclass(frozen=True)
class Opened:
    """What an accepted code gives to a conversation, until the handle that showed it is gone."""

    source: Place
    shown_by: int
    proof: Proof
    since: datetime


@dataclass
class Shown:
    """A code that somebody saw."""

    code: str
    seat: Seat
    handle: int
    at: datetime
    used: bool = False


@dataclass
class World:
    """Who really holds what."""

    holders: dict[str, set[str]] = field(default_factory=dict)
    generation: dict[str, int] = field(default_factory=dict)
    listed: dict[str, set[str]] = field(default_factory=lambda: {person: set() for person in PEOPLE})
    owners: dict[Place, set[Token]] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    links: dict[int, tuple[Place, Place]] = field(default_factory=dict)
    opened: dict[tuple[int, str], Opened] = field(default_factory=dict)
    heard: dict[Place, datetime] = field(default_factory=dict)

    def hand_over(self, address: str, to: str) -> None:
        """An address has one new owner; whatever was told there stays with the old one."""
        self.holders[address] = {to}
        self.generation[address] = self.generation.get(address, 0) + 1

    def held_by(self, person: str) -> set[str]:
        """The mailboxes and numbers that are this person's alone, since ever or since lately."""
        return {a for a, who in self.holders.items() if who == {person} and ("@" in a or a.startswith("+"))}

    def forget(self, places: set[Place], links: set[int]) -> None:
        """Nobody may hear what was told at these places any more; only these links are left."""
        for text, word in self.words.items():
            if word.place in places:
                self.words[text] = Word(frozenset())
        self.links = {link: ends for link, ends in self.links.items() if link in links}

    def close(self, one: set[int], other: set[int]) -> None:
        """No code that some handles showed opens anything on some others any more, either way."""
        across = [(one, other), (other, one)]
        self.opened = {
            (handle, conversation): opened
            for (handle, conversation), opened in self.opened.items()
            if not any(handle in here and opened.shown_by in there for here, there in across)
        }

    def place(self, channel: str, address: str) -> Place:
        place = Place(channel, address, self.generation.get(address, 0))
        self.owners.setdefault(place, set()).update(self.holders[address])
        return place

    def tokens(self, place: Place) -> set[Token]:
        return {f"~{place}"} if place.claimed else self.owners[place]

    def one_with(self, place: Place) -> set[Token]:
        """Everybody whom links that stand join with a place."""
        reached = set(self.tokens(place))
        while True:
            near = [self.tokens(a) | self.tokens(b) for a, b in self.links.values()]
            more = reached.union(*(tokens for tokens in near if tokens & reached))
            if more == reached:
                return reached
            reached = more

    def shared(self, address: str) -> bool:
        return sum(address in keys for keys in self.listed.values()) > 1

    def may_hear(self, word: Word, at: Place, proof: Proof) -> bool:
        if proof <= Proof.PLAUSIBLE:
            return word.place == at
        return bool(word.owners & self.one_with(at))
