"""The rows that bear on the figures of a span of days, as the record gives them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from core.figures import Span

BOT, CUSTOMER = "bot", "customer"  # who changed a case, where it was no colleague


class CaseRow(NamedTuple):
    """A case. `channel` is the one that it was opened on; `heard_at` is when the message that opened it came in."""

    id: int
    handle: int
    channel: str
    category: str
    status: str
    opened_at: datetime
    updated_at: datetime
    heard_at: datetime | None = None
    satisfaction: int | None = None
    rated_at: datetime | None = None


class Step(NamedTuple):
    """How a case stood from a moment on. `by` is a colleague, BOT or CUSTOMER."""

    case: int
    at: datetime
    status: str
    assignee: str
    by: str


class Heard(NamedTuple):
    """How many turns a case, or none, had on a day and a channel; what a customer wrote in one go is one turn."""

    at: datetime
    channel: str
    case: int | None
    times: int


class Contact(NamedTuple):
    """A turn of a case that its customer came back to, when it was settled."""

    at: datetime
    channel: str
    case: int
    came_back: bool  # anew, or elsewhere, about a case told of before


class Said(NamedTuple):
    """A reply in a case: of the bot's the first and the last, of colleagues' all. `sent_at` is None until it left."""

    case: int
    at: datetime
    sender: str
    sent_at: datetime | None


class Asked(NamedTuple):
    """A reply that asks for slots."""

    at: datetime
    channel: str
    handle: int
    case: int | None
    slots: Sequence[str]
    text: str


class Told(NamedTuple):
    """A value that was told of what was asked for; `until` is when another took its place."""

    handle: int
    case: int | None
    slot: str
    value: str
    proof: int
    at: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """All rows that bear on a span. Sequences of one case are in order of time. `near` names a group of handles that
    may be one customer, `customer` the customer of a handle, as evidence joins them now."""

    now: datetime
    cases: Mapping[int, CaseRow] = field(default_factory=dict)
    steps: Mapping[int, Sequence[Step]] = field(default_factory=dict)
    heard: Sequence[Heard] = ()
    contacts: Sequence[Contact] = ()
    said: Mapping[int, Sequence[Said]] = field(default_factory=dict)
    asked: Sequence[Asked] = ()
    told: Sequence[Told] = ()
    moods: Mapping[int, Sequence[str]] = field(default_factory=dict)
    near: Callable[[int], object] = lambda handle: handle
    customer: Callable[[int], object] = lambda handle: handle

    def one_customer(self, a: int, b: int) -> bool:
        """Whether two handles are of one customer."""
        return a == b or self.customer(a) == self.customer(b)

    def category(self, case: int | None) -> str:
        """What a case is about, as it is known now."""
        row = self.cases.get(case) if case is not None else None
        return row.category if row else "other"


class InsightsLedger(Protocol):
    """What insights need of the record."""

    async def world(self, span: Span, *, needs: Collection[str], now: datetime) -> World:
        """What bears on the figures of a span: the cases, and of the rest what is named in `needs`."""
        ...
