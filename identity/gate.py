"""The one gate: what may be recalled, for which message. Nothing is read for a prompt, a greeting or a panel without
a permit, and a row that the permit does not admit cannot leave it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from identity.partition import Node, persons
from identity.policy import Deed, Leave, leave
from identity.proof import Proof

HandleId = int
DIRECTORY: HandleId = 0  # stands for the company's directory among what a line of ours was drawn from


class Purpose(StrEnum):
    """Why rows are recalled; it stands in the access log beside every row that was."""

    ANSWER = "answer"  # the brief of the writer
    GREET = "greet"  # the continuity greeting
    STAFF = "staff"  # the handoff packet and the agent's panel: a signed-in colleague reads, unmasked


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A code that another handle showed was entered here: this conversation gets that handle's customer.

    It gives nothing of the entering handle's own customer, and what is told under it hangs on `shown_by`.
    """

    shown_by: HandleId
    nodes: frozenset[Node]
    proof: Proof
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Who is writing, as far as we know, at the moment of one turn."""

    handle: HandleId
    proof: Proof
    nodes: frozenset[Node]  # the customer: every handle and directory person that is one with this handle
    shared: bool = False  # two people hold this handle
    grant: Grant | None = None

    @property
    def keeper(self) -> HandleId:
        """The handle that everything told in this turn hangs on."""
        return self.grant.shown_by if self.grant else self.handle

    @property
    def customer(self) -> Node:
        """A name for the customer as it is now; the lease is taken on it."""
        return min(self.grant.nodes if self.grant else self.nodes)

    @property
    def strength(self) -> Proof:
        """The proof at which we may speak: the code's, where one was entered."""
        return self.grant.proof if self.grant else self.proof


class OnHandle(Protocol):
    """A row of memory: it hangs on the handle that it came through, a line of ours on all that it was drawn from."""

    @property
    def drawn_from(self) -> frozenset[HandleId]: ...


R = TypeVar("R", bound=OnHandle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """What one recall may read. Made by `permit` alone."""

    purpose: Purpose
    own: HandleId
    handles: frozenset[HandleId]
    person: str | None  # the directory id whose profile may be used
    masked: bool

    def admit(self, rows: Iterable[R]) -> list[R]:
        """The rows among these that may be recalled."""
        return [row for row in rows if row.drawn_from <= self.handles]


def permit(standing: Standing, purpose: Purpose) -> Permit:
    """What may be recalled for a message of this standing and for this purpose."""
    if purpose is Purpose.STAFF:
        return _permit(standing, purpose, Leave.YES)
    deed = Deed.GREET if purpose is Purpose.GREET else Deed.CONTINUE
    return _permit(standing, purpose, leave(deed, standing.strength))


def _permit(standing: Standing, purpose: Purpose, allowed: Leave) -> Permit:
    grant = standing.grant
    handles: frozenset[HandleId] = frozenset()
    person: str | None = None
    if allowed in (Leave.MASKED, Leave.YES):
        nodes = grant.nodes if grant else standing.nodes
        handles = handles_of(nodes) | {standing.keeper, DIRECTORY}
        people = persons(nodes)
        person = people[0] if people else None
    elif allowed in (Leave.CONVERSATION, Leave.HANDLE):
        # A claimed message lives on a handle of its own, so its handle is its conversation.
        handles = frozenset((standing.keeper,))
    return Permit(
        purpose=purpose,
        own=standing.handle,
        handles=handles,
        person=person,
        masked=allowed is not Leave.YES,
    )


def handles_of(nodes: frozenset[Node]) -> frozenset[HandleId]:
    """The handles among some nodes."""
    return frozenset(int(node.removeprefix("h:")) for node in nodes if node.startswith("h:"))
