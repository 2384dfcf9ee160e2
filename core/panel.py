"""What a colleague sees of a case beside its file: the timeline over all channels, what the bot attempted, what was
promised and noted, how the mood went, and who looks at it too.

A timeline is read in pages, newest first; a line's place in it names it, so that no line is lost between two pages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Literal, Protocol

from core.casefile import Reading
from core.messages import Attachment
from core.record import Fact
from identity.gate import HandleId
from identity.proof import Proof

LINES = 40  # of a page
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"(\d{1,17})-(\d)-(\d{1,15})", re.ASCII)


class Kind(IntEnum):
    """What a line of the timeline is. At one moment they stand in this order."""

    LINK = 0  # handles were joined, or told apart
    HEARD = 1  # the customer
    TOLD = 2  # the bot or a colleague
    NOTE = 3  # for staff only
    STEP = 4  # what became of a case


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Where in the timeline a line stands."""

    at: datetime
    kind: int
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}-{int(self.kind)}-{self.id}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """The place that a text names, if it does."""
        found = _PLACE.fullmatch(text)
        try:
            return cls(_EPOCH + int(found[1]) * _MICROSECOND, int(found[2]), int(found[3])) if found else None
        except OverflowError:
            return None

    @classmethod
    def after(cls, at: datetime) -> "Place":
        """Behind everything of a moment."""
        return cls(at, len(Kind), 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the timeline. `text` may be cut; `length` is how many characters there are of it."""

    place: Place
    drawn_from: frozenset[HandleId]
    text: str
    length: int = 0
    case: int | None = None
    who: str = ""  # the colleague
    channel: str = ""
    address: str = ""  # of the handle; "" for a conversation without one
    sender: str = ""  # "customer" | "bot" | "agent", of what was said
    proof: Proof | None = None  # of what the customer wrote
    state: str = ""  # of a reply: waiting, sent or parked
    error: str = ""
    files: Sequence[Attachment] = ()
    message: int | None = None  # the number of what the customer wrote
    outgoing: int | None = None  # the number of a reply
    correlation: str = ""  # the id under which the log speaks of it

    @property
    def kind(self) -> Kind:
        """What it is."""
        return Kind(self.place.kind)

    @property
    def at(self) -> datetime:
        """When it was."""
        return self.place.at


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """A page of it, oldest first. `older`: before which more may stand. `channels`: on which anything was ever said."""

    lines: Sequence[Line]
    older: Place | None
    channels: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What the bot did in a case: it said something, had an action carried out, or offered what is on record."""

    at: datetime
    what: Literal["said", "action", "article", "pattern"]
    text: str
    drawn_from: frozenset[HandleId]
    outcome: str = ""  # of an action: its state
    detail: str = ""  # its reference, or why it failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What a colleague promised in a case."""

    text: str
    by: str  # "" where it is not on record
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a colleague wrote down for the others."""

    id: int
    handle: HandleId
    text: str
    by: str
    at: datetime

    @property
    def drawn_from(self) -> frozenset[HandleId]:
        """The handle of its case."""
        return frozenset((self.handle,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """All that stands beside a case's file. `earlier` are facts that newer ones took the place of, newest first."""

    timeline: Timeline
    attempts: Sequence[Attempt]  # oldest first
    promises: Sequence[Promise]  # oldest first
    notes: Sequence[Note]  # of this case, newest first
    earlier: Sequence[Fact]
    newest: int  # the number of what the customer wrote last
    reading: Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which page of the timeline is wanted: of one channel or of all, before a place or the newest."""

    channel: str = ""
    before: Place | None = None
    seen: int = 0  # the customer's newest words on the page that led there; 0 where none did


NEWEST = Wanted()


class PanelLedger(Protocol):
    """What the panel needs of the record."""

    async def panel(self, case: int, wanted: Wanted, *, now: datetime) -> Panel:
        """What staff may see beside a case's file. Raises NoSuchCase."""
        ...


# ── what became of a case, in words ──
Standing = tuple[str, str]  # a case's status, and whose it is


def became(before: Standing, now: Standing, by: str, why: str = "") -> str:
    """What a step of a case comes to, e.g. "Transferred to carl by bea"; `why` stands at its end."""
    told = _became(before, now, {"bot": "the bot", "customer": "the customer"}.get(by, by))
    return f"{told}: {why}" if why else told


def _became(before: Standing, now: Standing, by: str) -> str:
    (was, had), (is_now, has) = before, now
    if is_now == "resolved":
        return f"Resolved by {by}"
    if was == "resolved":
        return f"Opened again by {by}"
    if has and has != had:
        return _whose(had, has, by)
    if is_now == "open" and was == "handed_off":
        return f"Handed back to the bot by {by}"
    return f"Handed over to colleagues by {by}"


def _whose(had: str, has: str, by: str) -> str:
    if has != by:
        return f"Transferred to {has} by {by}"
    return f"Taken over from {had} by {by}" if had else f"Taken by {by}"


def joined(kind: str, pair: str, by: str, *, ended: bool) -> str:
    """What a link between two names comes to, when it was made or when it ended."""
    if kind in {"cut", "apart"}:
        return f"{pair} may be one customer again" if ended else f"{pair} were told apart by {by}"
    if ended:
        return f"{pair} are linked no more"
    return f"{pair} were linked by a code" if kind == "code" else f"{pair} were merged by {by}"
