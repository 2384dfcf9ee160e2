"""How figures are counted: observations, cut into days or weeks, channels and categories, and what they come to. Pure.

Days and weeks are those of UTC; a week begins on Monday. A share has a 95 % Wilson interval; of fewer than ENOUGH
observations neither a share nor a time is told.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from math import ceil, sqrt
from statistics import fmean, median
from typing import Literal, NamedTuple, TypeVar

ENOUGH = 5
LONGEST_SPAN = timedelta(days=366)
K = TypeVar("K")
_Z = 1.959964  # of 95 %
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


class Unit(StrEnum):
    """What a figure is told in."""

    COUNT = "count"
    SHARE = "share"
    TIME = "time"  # seconds


class Observation(NamedTuple):
    """One thing that a figure counts. `part` is the kind that it is of; `value` are seconds, or points of a rating;
    `times` is how many like it this one stands for."""

    at: datetime
    channel: str
    category: str
    part: str
    case: int | None = None
    value: float = 0.0
    times: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The days that are looked at, both included, and what of them: a channel, a category; "" for all."""

    first: date
    last: date
    by: Literal["day", "week"] = "day"
    channel: str = ""
    category: str = ""

    @property
    def begins(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def ends(self) -> datetime:
        """The first moment that is no more in it."""
        return datetime.combine(self.last, time(), UTC) + _DAY

    @property
    def buckets(self) -> Sequence[date]:
        """The days, or the Mondays of the weeks, that it touches."""
        step = _DAY if self.by == "day" else _WEEK
        start = self.first if self.by == "day" else self.first - timedelta(days=self.first.weekday())
        return [start + step * n for n in range((self.last - start) // step + 1)]

    def bucket(self, at: datetime) -> date:
        """The day, or the Monday of the week, of a moment."""
        day = at.date()
        return day if self.by == "day" else day - timedelta(days=day.weekday())

    def of(self, bucket: date) -> tuple[date, date]:
        """The first and the last day of a bucket, as far as they are in the span."""
        end = bucket if self.by == "day" else bucket + timedelta(days=6)
        return max(bucket, self.first), min(end, self.last)

    def within(self, observations: Iterable[Observation], part: str = "") -> Iterator[Observation]:
        """Those of the span, its channel and its category, and of a part where one is named."""
        begins, ends, channel, category = self.begins, self.ends, self.channel, self.category
        for one in observations:
            if (
                begins <= one.at < ends
                and (not channel or one.channel == channel)
                and (not category or one.category == category)
                and (not part or one.part == part)
            ):
                yield one


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What observations come to. `n` are those that count; a share, its interval and times are None of too few."""

    n: int = 0
    good: int = 0  # of n, for a share
    parts: Mapping[str, int] = field(default_factory=dict)
    share: float | None = None
    low: float | None = None
    high: float | None = None
    median: float | None = None
    p90: float | None = None
    mean: float | None = None

    @property
    def too_few(self) -> bool:
        """Whether there are observations, but not enough to tell anything of them."""
        return 0 < self.n < ENOUGH


class Tally:
    """Observations, counted while they pass. `times` adds up what stands for several; values are those of each part."""

    def __init__(self) -> None:
        self.parts: Counter[str] = Counter()
        self._values: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, one: Observation) -> None:
        """Counts one."""
        self.parts[one.part] += one.times
        self._values[one.part].append(one.value)

    def take_in(self, other: "Tally") -> None:
        """Counts all that another one did."""
        self.parts += other.parts
        for part, values in other._values.items():
            self._values[part] += values

    def measure(self, unit: Unit, good: Collection[str] = (), left_out: Collection[str] = ()) -> Measured:
        """What they come to. For a share `good` are the parts that are counted, of all but those `left_out`."""
        counting = [part for part in self.parts if part not in left_out]
        n, right = sum(self.parts[part] for part in counting), sum(self.parts[part] for part in good)
        found = Measured(n=n, good=right, parts=self.parts)
        if unit is Unit.COUNT or n < ENOUGH:
            return found
        values = sorted(value for part in counting for value in self._values[part])
        if unit is Unit.TIME:
            return replace(found, median=median(values), p90=percentile(values, 0.9))
        low, high = wilson(right, n)
        return replace(found, share=right / n, low=low, high=high, mean=fmean(values))


def wilson(good: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson: it holds for few observations and for shares near 0 and 1."""
    share, z2 = good / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values, which come in order, that so large a share of them does not exceed (nearest rank)."""
    return ordered[ceil(share * len(ordered)) - 1]


def tallied(observations: Iterable[Observation], key: Callable[[Observation], K]) -> dict[K, Tally]:
    """Observations cut by what `key` says of each."""
    cut: defaultdict[K, Tally] = defaultdict(Tally)
    for one in observations:
        cut[key(one)].add(one)
    return cut


def together(tallies: Iterable[Tally]) -> Tally:
    """Several tallies in one."""
    whole = Tally()
    for tally in tallies:
        whole.take_in(tally)
    return whole
