"""What a customer's cases come to, in a sentence: counted anew for whom it is told, and stored nowhere.

So an unmerge parts it exactly, and what was erased counts no more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.writing import Category

_KINDS = 3  # that are named
_ENDED = 80  # characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many cases of a kind were told of on one handle, open ones too; of kind "" how many were closed there."""

    handle: int
    kind: str
    cases: int

    @property
    def drawn_from(self) -> frozenset[int]:
        """The handle that they hang on."""
        return frozenset((self.handle,))


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The closed cases of one customer: how many, of which kinds, and how the last of them ended."""

    closed: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    ended: str = ""


def history(tallies: Sequence[Tally], open_kinds: Iterable[Category], ended: str) -> History:
    """A customer's history; `open_kinds` are those of the cases that are still open, which count apart."""
    counted = Counter[str]()
    for tally in tallies:
        counted[tally.kind] += tally.cases
    closed = counted.pop("", 0)
    return History(closed=closed, kinds=counted - Counter(open_kinds), ended=ended)


def profile_summary(history: History, *, plan: str, since: str, preferences: Mapping[str, str]) -> str:
    """Who somebody is to us, e.g. "Pro plan, customer since 2023, 7 earlier cases (4 charge), last resolved: refund,
    prefers email"; "" where nothing is known."""
    parts = [_plan(plan), f"customer since {since[:4]}" if since[:4].isdecimal() else "", _cases(history)]
    parts += [f"last resolved: {_short(history.ended)}"] if history.closed and history.ended else []
    wishes = [value for what, value in preferences.items() if what in {"channel", "language"}]
    parts += [f"prefers {' and '.join(wishes)}"] if wishes else []
    parts += [value for what, value in preferences.items() if what not in {"channel", "language"}]
    return ", ".join(filter(None, parts))


def _plan(plan: str) -> str:
    return f"{plan} plan" if plan and "plan" not in plan.casefold() else plan


def _cases(history: History) -> str:
    if not history.closed:
        return ""
    most = sorted(history.kinds.items(), key=lambda kind: (-kind[1], kind[0]))[:_KINDS]
    kinds = f" ({', '.join(f'{count} {kind}' for kind, count in most)})" if most else ""
    return f"{history.closed} earlier case{'s' * (history.closed > 1)}{kinds}"


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _ENDED else f"{text[: _ENDED - 1]}…"
