"""One message and what came of it, with all that judges it: what was known, what had to be asked, what may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.repeatbench.asks import Questions
from benchmarks.repeatbench.protocol import Reply
from benchmarks.repeatbench.script import Say
from benchmarks.repeatbench.world import SLOTS, Slot


@dataclass(kw_only=True)
class Exchange:
    """A message, its answers and its circumstances. The first half is known before the bot answers."""

    say: Say
    contact: tuple[str, int]  # whose, and which
    later: bool  # a contact after the first
    with_human: bool  # a human has this issue: silence is right
    said: Sequence[str]  # what was said in this circle, this message too
    values: Mapping[Slot, str]  # told so far, in this message too
    known: frozenset[Slot]  # of the issue that is spoken of
    missing: frozenset[Slot]  # needed, and not told before this message
    right: frozenset[str]  # values that name the issue
    wrong: frozenset[str]  # values that name another
    allowed: frozenset[str]  # values that may be shown to who wrote
    in_public: frozenset[str]  # values that may be shown to everybody
    stale: frozenset[str]  # values that were corrected
    erased: frozenset[str]  # values that were to be forgotten
    replies: list[Reply] = field(default_factory=list)
    handoffs: list[str] = field(default_factory=list)
    handed: frozenset[str] = frozenset()  # values that a handoff told the human
    asked: Questions = field(default_factory=Questions)
    given_away: Mapping[str, frozenset[str]] = field(default_factory=dict)  # a reply's text -> the values in it
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """All that was answered."""
        return "\n\n".join(reply.text for reply in self.replies)

    @property
    def declared(self) -> frozenset[Slot]:
        """The slots that the bot says it asked for."""
        told = {ask for reply in self.replies for ask in reply.asks}
        return frozenset(slot for slot in SLOTS if slot in told)

    @property
    def asks(self) -> frozenset[Slot]:
        """The slots that it asked for, in words or by its own account; what it only confirmed is none."""
        return self.asked.asks | (self.declared - self.asked.confirms)

    @property
    def undeclared(self) -> frozenset[Slot]:
        """Questions that the bot did not own up to."""
        return self.asked.asks - self.declared

    @property
    def shown(self) -> frozenset[str]:
        """The values in all that was answered."""
        return frozenset().union(*self.given_away.values())

    def overheard(self) -> frozenset[str]:
        """The values that somebody heard who may not hear them."""
        heard: set[str] = set()
        for reply in self.replies:
            may = self.in_public if reply.visibility == "public" else self.allowed
            heard |= self.given_away[reply.text] - may
        return frozenset(heard)


@dataclass(frozen=True, kw_only=True)
class Stray:
    """A reply that came where no answer was awaited. `last` is who wrote from there last, if anybody did."""

    reply: Reply
    values: frozenset[str]
    last: Exchange | None
