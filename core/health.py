"""Health: what went well and what did not in this process lately, as those note it to whom it happens."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LATELY = timedelta(hours=1)
MOST = 1_000  # mishaps that are remembered of one thing
_WRITTEN = 20  # mishaps of one thing, the newest, that are written down for other processes


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
        self.on_change: Callable[[], None] | None = None  # called when something begins or ceases to ail, or to rest

    def note(self, what: str, why: str = "") -> None:
        """Notes that something went well, or why it did not."""
        changed, self._ails[what] = self._ails.get(what) != why, why
        if why:
            self._mishaps[what].appendleft(Mishap(at=self._now(), why=why))
        else:
            self._well[what] = self._now()
        if changed:
            self._change()

    def rests(self, what: str, until: datetime | None) -> None:
        """Notes until when something is left alone; None when it is not any more."""
        self._rests[what] = until
        self._change()

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

    def all(self) -> Mapping[str, Condition]:
        """How everything does that was ever noted."""
        return {what: self.of(what) for what in sorted({*self._ails, *self._rests})}

    def written(self) -> Mapping[str, Any]:
        """All of it as JSON, for other processes to `read`."""
        return {what: _written(condition) for what, condition in self.all().items()}

    def _change(self) -> None:
        if self.on_change:
            self.on_change()


def _written(condition: Condition) -> Mapping[str, Any]:
    return {
        "well_at": condition.well_at.isoformat() if condition.well_at else None,
        "ails": condition.ails,
        "rests_until": condition.rests_until.isoformat() if condition.rests_until else None,
        "mishaps": [[mishap.at.isoformat(), mishap.why] for mishap in condition.mishaps[:_WRITTEN]],
    }


def read(written: Mapping[str, Any]) -> Mapping[str, Condition]:
    """What a process has written down of its health."""
    return {
        what: Condition(
            well_at=_moment(one["well_at"]),
            mishaps=[Mishap(at=datetime.fromisoformat(at), why=why) for at, why in one["mishaps"]],
            ails=one["ails"],
            rests_until=_moment(one["rests_until"]),
        )
        for what, one in written.items()
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def merged(conditions: Iterable[Condition]) -> Condition:
    """How one thing does in several processes: it ails where it ails in one of them."""
    each = list(conditions)
    return Condition(
        well_at=max((one.well_at for one in each if one.well_at), default=None),
        mishaps=sorted((mishap for one in each for mishap in one.mishaps), key=lambda m: m.at, reverse=True),
        ails=next((one.ails for one in each if one.ails), ""),
        rests_until=max((one.rests_until for one in each if one.rests_until), default=None),
    )
