"""Merging and unmerging customers, and who is who: what colleagues are shown before they decide, and what they decide.

A merge adds a link, an unmerge retires links and leaves tombstones; no row of memory is ever moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from core.errors import Problem
from core.suggesting import Suggestion
from identity.gate import HandleId
from identity.partition import Node

Kind = Literal["code", "operator", "operators", "cut", "apart"]


class NoSuchCustomer(Problem):
    """Nobody of this external_id or address is on record."""


class NotDone(Problem):
    """A merge or an unmerge cannot be done, or not now; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A node under the name that colleagues know it by: `cus_1 (John Miller)`, `email:john@shop.test`."""

    node: Node
    name: str  # what the commands take
    title: str = ""  # the person's name, where one is known
    proven: bool = True

    def __str__(self) -> str:
        shown = f"{self.name} ({self.title})" if self.title else self.name
        return shown if self.proven else f"{shown}, not proven"


@dataclass(frozen=True, kw_only=True, slots=True)
class Voucher:
    """Somebody whom we trust said that `holder` holds a key."""

    holder: Known
    key: str
    source: str  # "directory", or the channel that vouched
    at: datetime

    def __str__(self) -> str:
        source = "the directory" if self.source == "directory" else f"the {self.source} account's provider"
        return f"{source} vouches that {self.holder.name} holds {self.key}, verified {_day(self.at)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkRecord:
    """A link or a tombstone on record, also one that has ended."""

    kind: Kind
    a: Known
    b: Known
    made_by: str
    made_at: datetime
    retired_at: datetime | None
    retired_by: str = ""

    @property
    def text(self) -> str:
        """What it says, e.g. "email:a@x.test and slack:T1/U1 were merged by ann"."""
        pair = f"{self.a.name} and {self.b.name}"
        return {
            "code": f"{pair} were linked by a code",
            "operator": f"{pair} were merged by {self.made_by}",
            "operators": f"{pair} were merged by {self.made_by}",
            "cut": f"{pair} are no longer joined by what they share, by {self.made_by}",
            "apart": f"{pair} were told apart by {self.made_by}",
        }[self.kind]

    def __str__(self) -> str:
        ended = f", until {_day(self.retired_at)}" if self.retired_at else ""
        return f"{self.text}, {_day(self.made_at)}{ended}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One customer as it is now: what belongs to it, and why."""

    asked_for: Known
    handles: Sequence[Known]
    people: Sequence[Known]  # directory rows
    vouchers: Sequence[Voucher]
    links: Sequence[LinkRecord]
    cases: int

    @property
    def ids(self) -> Sequence[HandleId]:
        """Its handles."""
        return [int(handle.node.removeprefix("h:")) for handle in self.handles]

    @property
    def evidence(self) -> Sequence[str]:
        """Why it is one customer, a line each."""
        return [str(voucher) for voucher in self.vouchers] + [str(link) for link in self.links]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a deed changes. `a` and `b` are the two customers as they are apart."""

    deed: Literal["merge", "unmerge", "undo"]
    a: Side
    b: Side
    changes: Sequence[str]  # a line each
    two_operators: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Resemblance:
    """Another customer who may be this one, with the reasons; nothing acts on it but a colleague."""

    other: Side
    suggestion: Suggestion


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """One thing that bears on who a customer is, with what it rests on and how it ended. `decision` is its number where
    it is the newest one of colleagues, which can be undone."""

    at: datetime
    what: str
    who: str  # or what: a colleague, the customer, the directory, a provider, the passing of time
    evidence: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""  # who, or why
    decision: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WhoIsIt:
    """All that is known of who a case's customer is."""

    side: Side
    history: Sequence[Happened]  # newest first
    resemblances: Sequence[Resemblance]  # the likeliest first


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two customers who may be one, for a colleague to decide. `case` is one of either's, where there is any."""

    one: Side
    other: Side
    suggestion: Suggestion
    case: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Some of the pairs. `further`: the number of the handle to go on from, None when everybody was looked at."""

    pairs: Sequence[Pair]
    further: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dismissed:
    """Two of whom a colleague said that they are two people: they are suggested no more."""

    number: int
    a: Known
    b: Known
    made_by: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """What a colleague wishes, and a second one with them. `by` and `second` are the names of two."""

    by: str
    at: datetime
    second: str = ""

    def __post_init__(self) -> None:
        _two_people(self.by, self.second)

    @property
    def names(self) -> str:
        """Who decided."""
        return f"{self.by} and {self.second}" if self.second else self.by


@dataclass(frozen=True, kw_only=True, slots=True)
class Order(_Wish):
    """To join two customers, or to part one. A and B are external ids or channel:address."""

    a: str
    b: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Undo(_Wish):
    """To take back a decision, by its number."""

    decision: int


def _two_people(by: str, second: str) -> None:
    if second and second.strip().casefold() == by.strip().casefold():
        raise NotDone(f"two different colleagues are needed, and {by} was named twice; nothing was changed")


class MergeLedger(Protocol):
    """What merging needs of the record. A name that is unknown raises NoSuchCustomer, what cannot be done NotDone."""

    async def plan_merge(self, order: Order) -> Plan:
        """What a merge will change; nothing is changed yet."""
        ...

    async def plan_unmerge(self, order: Order) -> Plan:
        """What an unmerge will change; nothing is changed yet."""
        ...

    async def merge(self, order: Order) -> Plan:
        """Makes two customers one. Raises NotDone also while one of them is being answered."""
        ...

    async def unmerge(self, order: Order) -> Plan:
        """Makes one customer two, for good. Raises NotDone also while they are being answered."""
        ...

    async def plan_undo(self, undo: Undo) -> Plan:
        """What taking back a decision will change. Raises NotDone also where something has changed since."""
        ...

    async def undo(self, undo: Undo) -> Plan:
        """Brings back what was before a decision. Raises NotDone as `plan_undo`, and while one is being answered."""
        ...

    async def dismiss(self, order: Order) -> None:
        """Notes that two are two people, so that they are not suggested again. Evidence may join them all the same."""
        ...

    async def restore_suggestion(self, dismissed: int, *, by: str, now: datetime) -> None:
        """Takes a dismissal back. Raises NotDone."""
        ...

    async def dismissed(self) -> Sequence[Dismissed]:
        """The newest dismissals that stand."""
        ...

    async def pairs(self, *, after: int | None, now: datetime) -> Pairs:
        """Customers who may be one, the newest first; further back after a handle."""
        ...

    async def who_is_it(self, case: int, *, now: datetime) -> WhoIsIt:
        """Who a case's customer is. Raises NoSuchCase."""
        ...


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
