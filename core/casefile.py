"""A case with all that staff may see of its customer, and what of it may be shared once it is redacted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from core.messages import Attachment, Route
from core.record import Case, Fact, Profile
from core.runs import Run
from core.sentiment import Trend, trend
from core.writing import Category
from identity import masking
from identity.gate import HandleId
from identity.proof import Proof

# Slots that speak of the matter and of nobody: they may stand in the shared playbook.
_OF_THE_MATTER = frozenset(
    {"issue", "category", "mood", "urgency", "tried", "product", "plan", "device", "error_code"}
    | {"prefers_channel", "prefers_language"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a customer's timeline. `state` is the outbox's: waiting, sent, parked or discarded; "" for what they
    wrote."""

    handle: HandleId
    told_at: datetime
    channel: str
    sender: str  # "customer" | "bot" | "agent"
    text: str
    drawn_from: frozenset[HandleId]
    files: Sequence[Attachment] = ()
    message: int | None = None  # the number of what they wrote
    outgoing: int | None = None  # the number of what we wrote
    case: int | None = None
    state: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """A handle of the customer. `hint` is the address that a claimed message named; it proves nothing."""

    handle: HandleId
    channel: str
    address: str
    hint: str
    display_name: str
    proven: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where a reply to a case goes."""

    handle: HandleId
    channel: str
    conversation: str
    route: Route
    address: str  # to be shown; "" for a conversation without an address
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Related:
    """Another case of the same customer."""

    case: int
    open: bool
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was read for one handle, for the access log."""

    handle: HandleId
    rows: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Felt:
    """How somebody felt, at a moment."""

    mood: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFile:
    """A case with all that staff may see of its customer. `facts` are current ones and newest first, `felt` the newest
    moods of the case, `felt_ever` those of every case, `said` the newest lines on any channel; these oldest first.
    """

    case: Case
    facts: Sequence[Fact]
    felt: Sequence[Felt]
    felt_ever: Sequence[Felt]
    repeats: int  # how often they came back about the same within 7 days
    said: Sequence[Entry]
    contacts: Sequence[Contact]
    related: Sequence[Related]
    runs: Sequence[Run]  # what was asked of the company, oldest first
    profile: Profile | None
    proof: Proof  # of the latest message
    by_code: bool  # the latest message speaks with a code that another channel showed
    destination: Destination | None
    reading: Reading
    about: str  # who they are to us, in a sentence

    @property
    def name(self) -> str:
        """The directory's name, else the one that they gave, else a number."""
        given = next((c.display_name for c in self.contacts if c.display_name.strip()), "")
        return called(self.profile, given, self.case.handle)

    @property
    def issue(self) -> str:
        """What it is about, in the customer's own terms."""
        return self.value("issue")

    @property
    def category(self) -> Category:
        """The kind of issue."""
        found = self.value("category")
        return next((c for c in get_args(Category) if c == found), "other")

    @property
    def moods(self) -> Sequence[str]:
        """The newest moods of the case, oldest first."""
        return [felt.mood for felt in self.felt]

    @property
    def trend(self) -> Trend:
        """How the customer's mood went, over all cases."""
        return trend([felt.mood for felt in self.felt_ever])

    @property
    def tried(self) -> Sequence[str]:
        """What the customer did about it already, oldest first."""
        return [f.value for f in reversed(self.facts) if f.case == self.case.id and f.slot == "tried"]

    @property
    def promised(self) -> Sequence[str]:
        """What colleagues promised in this case, oldest first."""
        return [f.value for f in reversed(self.facts) if f.case == self.case.id and f.slot == "promised"]

    @property
    def attempted(self) -> Sequence[Entry]:
        """What the bot said in this case."""
        return [e for e in self.said if e.sender == "bot" and e.case == self.case.id]

    @property
    def preferences(self) -> Mapping[str, str]:
        """What the customer prefers, e.g. {"channel": "email"}."""
        prefix = "prefers_"
        return {f.slot.removeprefix(prefix): f.value for f in reversed(self.facts) if f.slot.startswith(prefix)}

    def value(self, slot: str) -> str:
        """The newest value of a slot of this case, or ""."""
        return next((f.value for f in self.facts if f.slot == slot and f.case == self.case.id), "")


def called(profile: Profile | None, given: str, handle: HandleId) -> str:
    """What staff call a customer."""
    name = profile.name if profile and profile.name.strip() else given
    return " ".join(name.split())[:80] or f"Customer #{handle}"


def redact(text: str, file: CaseFile) -> str:
    """A text without what is known of its customer, fit to be shared."""
    for value in sorted(_personal(file), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", masking.HIDDEN, text, flags=re.IGNORECASE)
    return masking.mask(text)


def _personal(file: CaseFile) -> set[str]:
    """Names, addresses, and what was told but for what speaks of the matter alone. One sign is no secret."""
    names = [c.display_name for c in file.contacts] + ([file.profile.name] if file.profile else [])
    values = [word for name in names for word in re.findall(r"\w+", name)] + names
    values += [address for c in file.contacts for address in (c.address, c.hint)]
    values += [f.value for f in file.facts if f.slot not in _OF_THE_MATTER]
    if file.profile:
        values += [file.profile.email, file.profile.phone, file.profile.external_id]
    return {value.strip() for value in values if len(value.strip()) > 1}
