"""Health: what went well and what did not in this process lately, as those note it to whom it happens."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LATELY = timedelta(hours=1)
MOST = 1_000  # mishaps that are remembered of one thing


@dataclass(frozen=True, kw_only=True, slots=True)
class Mishap:
    """Something went wrong; `why` is one line for staff, with nothing of a customer in it."""

    at: datetime
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """How one thing does. `mishaps` are those of the last hour, newest first; `ails`: the newest note of it was one.
    `rests_until`: it is left alone until then, since it failed several times in a row."""

    well_at: datetime | None = None
    mishaps: Sequence[Mishap] = ()
    ails: str = ""
    rests_until: datetime | None = None

    @property
    def reasons(self) -> Sequence[tuple[str, int]]:
        """Why things went wrong, each with how often, the commonest first."""
        counts: dict[str, int] = {}
        for mishap in self.mishaps:
            counts[mishap.why] = counts.get(mishap.why, 0) + 1
        return sorted(counts.items(), key=lambda one: -one[1])


class Health:
    """Counts, for one process; the ledger knows what others did."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._well: dict[str, datetime] = {}
        self._ails: dict[str, str] = {}
        self._rests: dict[str, datetime | None] = {}
        self._mishaps: defaultdict[str, deque[Mishap]] = defaultdict(lambda: deque(maxlen=MOST))

    def note(self, what: str, why: str = "") -> None:
        """Notes that something went well, or why it did not."""
        self._ails[what] = why
        if why:
            self._mishaps[what].appendleft(Mishap(at=self._now(), why=why))
        else:
            self._well[what] = self._now()

    def rests(self, what: str, until: datetime | None) -> None:
        """Notes until when something is left alone; None when it is not any more."""
        self._rests[what] = until

    def of(self, what: str) -> Condition:
        """How one thing does."""
        since = self._now() - LATELY
        lately = [mishap for mishap in self._mishaps[what] if mishap.at > since]
        return Condition(
            well_at=self._well.get(what),
            mishaps=lately,
            ails=self._ails.get(what, ""),
            rests_until=self._rests.get(what),
        )
