"""The ledger port: the system of record, and the words in which turns are opened and settled on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.channel import Checked, Line, Report
from core.links import LinkDesk, LinkStep
from core.memory import Hit, Note, PatternHit, Vote
from core.messages import InboundMessage, Interruption, Raw, Reply, Route
from core.record import CaseStatus, Rows
from core.runs import Run
from core.writing import Pattern, Spoken
from identity.gate import HandleId, Permit, Standing
from identity.proof import Proof

LEDGER = "ledger"  # under which its outages are noted

# Flags of a turn that went to a person with nothing offered: it had no answer; its customer wanted a person.
UNANSWERED, UNHELPED = "no answer", "unhelped"


def own_address(message: InboundMessage) -> str:
    """The address of the handle that a message lives on: a claimed one lives on what carries it."""
    return f"~{message.conversation}" if message.proof is Proof.CLAIMED else message.handle.address


def line_of(message: InboundMessage) -> str:
    """The queue that a message waits in. A claimed one never waits, nor counts, with the handle that it names."""
    return f"{message.channel}:{own_address(message)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A message on record, with the proof that it was found to have."""

    id: int
    message: InboundMessage
    proof: Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One inbound message, or one burst of them, to be answered; held under a lease."""

    token: str
    line: str
    standing: Standing
    heard: Sequence[Heard]
    new_conversation: bool  # nothing was said in it for a day, so the disclosure is due
    last_said_at: datetime | None  # when this handle was last answered
    language: str  # the conversation's, "" when it has none yet
    asked: Sequence[str]  # slot ids that our last reply here asked for
    opted_out: bool = False  # this handle asked us to write no more
    turns_lately: int = 0  # of this handle, in the last hour
    turns_of_all: int = 0  # of everybody, in the last hour
    model_turns_lately: int = 0  # of everybody, in the last hour: those that a language model answered
    sent_lately: int = 0  # by the bot to this handle, in the last hour
    sent_to_all: int = 0  # by us to everybody, in the last hour
    lately: Sequence[Spoken] = ()  # what was said on this handle before, in the last minutes, oldest first; bounded
    named_today: int = 0  # earlier claimed conversations of the last day that named the same address
    rates: int | None = None  # the case that we lately asked here to be rated, not rated yet

    @property
    def first(self) -> InboundMessage:
        """What opened the turn; channel, conversation and proof are those of all its messages."""
        return self.heard[0].message

    @property
    def route(self) -> Route:
        """Where the answer goes: to where the newest message came from."""
        return self.heard[-1].message.route

    @property
    def text(self) -> str:
        """All that was said in this turn."""
        return "\n".join(h.message.text for h in self.heard if h.message.text)

    @property
    def said_something(self) -> bool:
        """Whether anything was told: a telephone that rings and a code that is keyed in tell nothing."""
        return bool(self.text or any(h.message.attachments for h in self.heard))

    @property
    def told_at(self) -> datetime:
        """When the newest of it was said, by the provider's clock where it gave one."""
        return self.heard[-1].message.told_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """No turn yet: a burst is still arriving, or the customer is being answered elsewhere. Ask again at `until`."""

    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFact:
    """A fact to be written, of the settlement's case or of the person."""

    slot: str
    value: str
    of_case: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Where a handle can be written to of our own accord."""

    handle: HandleId
    channel: str
    conversation: str
    route: Route
    language: str
    sent_lately: int = 0  # by the bot to this handle, in the last hour


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something said to another handle than the one that wrote."""

    to: Reach
    reply: Reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """All that one turn changes, written in one transaction."""

    turn: Turn
    now: datetime
    keeper: HandleId  # the handle that everything told in this turn hangs on
    drawn_from: frozenset[HandleId] = frozenset()  # the handles whose rows the replies may repeat
    replies: Sequence[Reply] = ()
    notices: Sequence[Notice] = ()
    case: int | None = None  # the case that the turn is about
    opens_case: bool = False
    opens_again: bool = False  # the case was closed
    status: CaseStatus | None = None  # the case's new status, if it changes
    reason: str = ""  # why it was handed off
    facts: Sequence[NewFact] = ()
    language: str = ""
    links: Sequence[LinkStep] = ()
    runs: Sequence[Run] = ()  # what was asked of the company in this turn
    permits: Sequence[tuple[Permit, Sequence[str]]] = ()  # what was read, for the access log
    opted_out: bool | None = None  # what this handle wants from now on; None where it said nothing of it
    writer: str = ""
    flags: Sequence[str] = ()  # e.g. why the model's answer was not used
    rating: int | None = None  # 1 to 5, of the turn's `rates`
    pattern: int | None = None  # what the reply offers of the playbook
    article: str = ""  # and of the knowledge folder, by its title
    unhelped: bool = False  # it goes to a human since the bot did not solve it
    trace: str = ""  # the correlation id under which the turn is taken

    @property
    def is_plain(self) -> bool:
        """Whether all that it writes is its customer's own: nothing that links them, nothing that patterns hear of."""
        heard_of = self.rating is not None or self.unhelped or self.opens_again or self.status == "resolved"
        return not (self.links or self.notices or heard_of)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A reply on its way out. `parts_sent` of its wires have gone; `attempts` failed so far."""

    id: int
    channel: str
    destination: str  # replies to one destination go one after the other
    reply: Reply
    parts_sent: int = 0
    attempts: int = 0
    due_at: datetime | None = None
    maybe_twice: bool = False  # a crash, or a broken connection, may have fallen between sending and noting it
    trace: str = ""  # the correlation id of what it answers
    heard_at: datetime | None = None  # when what it answers arrived
    written_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What settling left to do: rows to send now, and rows to remember."""

    outbox: Sequence[Outgoing] = ()
    case: int | None = None
    notes: Sequence[Note] = ()
    superseded: Sequence[Note] = ()
    votes: Sequence[Vote] = ()  # what a case says of patterns now
    praised: int | None = None  # a case that the bot resolved, and that was just rated well
    more_waits: bool = True  # as far as is known, on the turn's line


@dataclass(frozen=True, kw_only=True, slots=True)
class Unchecked:
    """A message on record whose channel has yet to ask others about it, and the address that it names."""

    channel: str
    external_id: str
    address: str

    @classmethod
    def of(cls, message: InboundMessage) -> "Unchecked":
        """How a message is told from others."""
        return cls(channel=message.channel, external_id=message.external_id, address=message.handle.address)

    @property
    def sender(self) -> str:
        """Whose it claims to be; what it is checked in order with."""
        return f"{self.channel}:{self.address}"


class Ledger(Protocol):
    """The record of everything. Each method is one transaction; a method that returns has committed."""

    # ── reception ──
    async def accept(self, message: InboundMessage, raw: Raw) -> bool:
        """Records a message durably. False if (channel, external id) is on record already; then nothing changes."""
        ...

    async def park(self, channel: str, raw: Raw, reason: str) -> None:
        """Keeps a delivery that could not be read, for a human."""
        ...

    async def unchecked(self, *, before: datetime | None = None) -> Sequence[Unchecked]:
        """The messages, received before then, that wait for a check, in the order in which they came."""
        ...

    async def to_check(self, one: Unchecked) -> tuple[InboundMessage, Raw] | None:
        """What is to be checked; None when it is on record no more, or was checked."""
        ...

    async def checked(self, one: Unchecked, found: Checked | None) -> str | None:
        """Notes what was found, None for nothing, whereupon the message waits for an answer: on this line.

        None when it is on record no more, or was checked; then nothing changes.
        """
        ...

    async def open_lines(self, *, before: datetime | None = None) -> Sequence[str]:
        """The lines with messages, received before then, that wait for an answer."""
        ...

    # ── processes ──
    async def begin_alone(self) -> None:
        """At the start of a process that has the ledger to itself: what others held is free. Replies that they were
        sending are flagged as perhaps sent."""
        ...

    async def hold(self, *, now: datetime) -> None:
        """Keeps what this process holds from lapsing: leases, and replies that it is sending."""
        ...

    # ── turns ──
    async def open_turn(
        self, line: str, *, token: str, now: datetime, burst: timedelta, live: bool
    ) -> Turn | Wait | None:
        """The next turn of a line, under a lease of its customer; None when nothing waits.

        A live turn takes the lease over from whoever holds it.
        """
        ...

    async def recall(self, permit: Permit, *, closed_after: datetime | None = None) -> Rows:
        """The rows that a permit names, and no other; with cases closed after a moment, if one is given."""
        ...

    async def episodes(self, permit: Permit, hits: Sequence[Hit]) -> Sequence[str]:
        """The closed cases that memory points at, or at a fact of which, as the permit admits them: each with what was
        tried and how it ended, best first."""
        ...

    async def patterns(self, hits: Sequence[PatternHit], *, now: datetime, enough: int = 0) -> Sequence[Pattern]:
        """The patterns that memory points at, in its order. `enough`: up to how many customers whom one helped are told
        apart; with 0 they are not counted."""
        ...

    async def link_desk(self, turn: Turn, *, digest: str, now: datetime) -> LinkDesk:
        """What is on record about the codes of this turn's handle, and about the code that was entered."""
        ...

    async def reaches(self, handles: Sequence[HandleId], *, now: datetime) -> Sequence[Reach]:
        """Where those of these handles that proved themselves, and did not opt out, were last written from."""
        ...

    async def settle(self, settlement: Settlement) -> Settled:
        """Writes a turn's outcome. Raises Fenced when another turn of the customer took over."""
        ...

    async def release(self, turn: Turn) -> None:
        """Gives the lease back without an outcome; the turn's messages wait again."""
        ...

    # ── outbox ──
    async def left_over(self, *, now: datetime, destination: str = "") -> Sequence[Outgoing]:
        """The replies that wait and that no process is sending, to one destination or to all, in order."""
        ...

    async def neglected(self, *, before: datetime, now: datetime) -> Sequence[str]:
        """The destinations of replies that were written before then, are due, and that no process is sending."""
        ...

    async def claim(self, outgoing: int, *, now: datetime) -> Outgoing | None:
        """Takes a reply in hand to send it now: as it stands. One that a process died over is flagged as perhaps sent.

        None when it was sent or erased, when another process has it, or when an earlier one to its destination waits.
        """
        ...

    async def let_go(self, outgoing: int) -> None:
        """Gives a reply that was claimed back: nothing was sent."""
        ...

    async def enclosed(self, row: Outgoing) -> Reply:
        """A reply with the content of its files. Raises Undeliverable where that is kept no more."""
        ...

    async def part_sent(self, outgoing: int, *, parts: int, done: bool, provider_id: str, now: datetime) -> None:
        """Notes that so many wires of a reply have gone."""
        ...

    async def reconciled(self, outgoing: int, found: Sequence[str]) -> str:
        """Notes that a provider was asked what it has of a reply that may have gone: it is in doubt no more. The first
        of what was found that is on record as no other's; "" for none."""
        ...

    async def sending_failed(
        self, outgoing: int, *, error: str, due_at: datetime | None, maybe_sent: bool = False
    ) -> None:
        """Notes a failed attempt: again at `due_at`, or never (None: parked, staff see it)."""
        ...

    async def opted_out(self, outgoing: int, *, now: datetime) -> None:
        """Notes that whoever this reply was for wants nothing more of us."""
        ...

    async def reported(self, channel: str, report: Report, *, now: datetime) -> bool:
        """Notes what a provider says of a reply that it took: that it failed after all, or that nothing more of us is
        wanted. A report of something that is not on record as ours changes nothing: False."""
        ...

    async def heard(self, interruption: Interruption) -> None:
        """Notes that no more of a reply reached its customer than they heard before they spoke against it."""
        ...

    # ── conversations ──
    async def transcript(self, channel: str, conversation: str) -> Sequence[Line]:
        """The lines of one conversation, oldest first, bounded."""
        ...
