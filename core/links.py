"""What linking by codes reads from the ledger, and the steps that it writes with the settlement of a turn."""

from dataclasses import dataclass

from identity.codes import CodeState
from identity.gate import Grant, HandleId
from identity.partition import Node
from identity.proof import Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueCode:
    """This handle shows a code."""

    digest: str
    digits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RedeemCode:
    """A code was entered here: the conversation gets what it speaks for.

    `pair_digest`: of two digits that would confirm a lasting link, "" where none is offered.
    """

    code_id: int
    grant: Grant
    pair_digest: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongCode:
    """A number that opened nothing was entered; it counts against this sender and over all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeLink:
    """The two digits were repeated: the entering and the showing handle are one person from now on."""

    pending_id: int
    a: HandleId
    b: HandleId


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoLink:
    """One side took a link back; its tombstone stays, so that it never returns by itself."""

    link_id: int


LinkStep = IssueCode | RedeemCode | WrongCode | MakeLink | UndoLink


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveCode:
    """A code on record, with the standing that it speaks for."""

    id: int
    handle: HandleId
    proof: Proof
    state: CodeState
    linked: frozenset[Node]  # the showing handle's customer when it was issued
    six_digits: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingLink:
    """A link that waits for the entering handle to repeat two digits."""

    id: int
    shown_by: HandleId
    pair_digest: str
    shown_on: str  # the showing handle's channel


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoableLink:
    """A lasting link by code that this handle may still take back."""

    id: int
    other_channel: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkDesk:
    """What is on record about codes, as far as one turn may need it."""

    code: LiveCode | None = None  # the one that was entered, if it is one of ours
    shown_nodes: frozenset[Node] = frozenset()  # its handle's customer now
    shown_on: str = ""  # its handle's channel
    shown_language: str = ""  # and the language spoken there
    may_last: bool = False  # nothing forbids that the two are one for good: no shared handle, no two people
    pending: PendingLink | None = None
    undoable: UndoableLink | None = None
    issued_today: int = 0  # by this handle
    wrong_by_sender: int = 0  # in the last day
    wrong_last_hour: int = 0  # by everybody
    live_codes: int = 0
