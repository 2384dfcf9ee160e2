"""What is on record of a customer, as it is read: cases, facts, what was said, and what the company knows of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.history import Tally
from core.writing import PERSON_SLOTS, Spoken
from identity.gate import HandleId
from identity.proof import Proof

CaseStatus = Literal["open", "handed_off", "resolved"]

# Slots of facts that speak of the person; every other slot speaks of one case.
OF_THE_PERSON = frozenset(PERSON_SLOTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One issue. What was said about it are facts; they hang on the handles that they came through."""

    id: int
    handle: HandleId
    status: CaseStatus
    told_at: datetime  # opened
    updated_at: datetime
    last_handle: HandleId  # where it was last talked about
    last_channel: str
    contacts: int
    reason: str = ""  # why it was handed off
    handed_off_at: datetime | None = None
    assignee: str = ""
    taken_at: datetime | None = None  # by the assignee
    snoozed_until: datetime | None = None  # nothing is to be done before
    resolution: str = ""
    resolved_at: datetime | None = None
    rating_asked_at: datetime | None = None
    satisfaction: int | None = None  # 1 to 5

    @property
    def drawn_from(self) -> frozenset[HandleId]:
        """The handle that it was opened on."""
        return frozenset((self.handle,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A slot and a value with its source message, at the proof at which it was told."""

    id: int
    handle: HandleId
    case: int | None
    slot: str
    value: str
    proof: Proof
    told_at: datetime
    message: int | None

    @property
    def drawn_from(self) -> frozenset[HandleId]:
        """The handle that it was told on."""
        return frozenset((self.handle,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """A line that was said on a handle, by either side; ours may repeat what was told on others."""

    handle: HandleId
    told_at: datetime
    spoken: Spoken
    drawn_from: frozenset[HandleId]


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A person as the company's directory knows them."""

    external_id: str
    name: str
    plan: str = ""
    value: float = 0.0  # lifetime value, in the company's currency
    since: str = ""  # customer since, ISO date
    language: str = ""
    email: str = ""
    phone: str = ""

    @property
    def vip(self) -> bool:
        """Whether this customer's money matters go to a human at once."""
        return self.value > VIP_VALUE


VIP_VALUE = 10_000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """What the ledger gives to a permit: current rows only, newest first, bounded."""

    cases: Sequence[Case] = ()
    closed: Sequence[Case] = ()  # lately, so that they may be opened again
    facts: Sequence[Fact] = ()
    said: Sequence[Utterance] = ()
    profile: Profile | None = None
    tallies: Sequence[Tally] = ()
    last_closed: Case | None = None  # whenever that was
    language: str = ""  # in which we answered last, on any of these handles


def how_it_ended(case: Case | None, known: Sequence[Fact]) -> str:
    """What was carried out for a closed case, else what a colleague wrote; "" where neither is on record."""
    if case is None:
        return ""
    done = [fact.value for fact in known if fact.case == case.id and fact.slot == "done"]
    return done[0] if done else case.resolution


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryRow:
    """One row of the company's directory. `keys` are what it verified: `email:...`, `phone:...`, `slack:T/U`."""

    profile: Profile
    keys: Sequence[str]
    verified_at: datetime | None = None
