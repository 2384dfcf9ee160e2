"""When colleagues are there: hours of the week, in the time zone of the house.

Written as `Mon-Fri 09:00-17:00, Sat 10:00-14:00 Europe/Berlin`: days with spans, commas between, the zone last (UTC
where none is named). A span that ends before it begins ends on the next day. Empty: always.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SPAN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.IGNORECASE | re.ASCII)
_ZONE = re.compile(r"\s([A-Za-z][\w+-]*(?:/[\w+-]+)*)$", re.ASCII)
_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)
_WEEK = 7
_LOOKED_BACK = 60  # days


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Open hours of one day of the week, 0 for Monday."""

    day: int
    opens: time
    closes: time

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """When it begins and ends on a date."""
        until = day if self.closes > self.opens else day + _DAY
        return datetime.combine(day, self.opens, zone), datetime.combine(until, self.closes, zone)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """When somebody is there; without spans, always."""

    spans: tuple[Span, ...] = ()
    zone: ZoneInfo = _UTC

    def are_open(self, at: datetime) -> bool:
        """Whether a colleague should be there."""
        return not self.spans or any(opens <= at < closes for opens, closes in self._around(at, 1))

    def opens_next(self, at: datetime) -> datetime | None:
        """When colleagues come back, in the zone of the house; None while they are there."""
        if self.are_open(at):
            return None
        return min(opens for opens, _ in self._around(at, _WEEK + 1) if opens > at)

    def open_before(self, at: datetime, length: timedelta) -> datetime:
        """The moment since which so much of open time has gone by."""
        if not self.spans:
            return at - length
        left = length
        for opens, closes in sorted(self._around(at, _LOOKED_BACK), reverse=True):
            worked = min(closes, at) - opens
            if worked >= left:
                return max(min(closes, at) - left, opens)
            left -= max(worked, timedelta(0))
        return at - length

    def _around(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        today = at.astimezone(self.zone).date()
        for away in range(-days, days + 1):
            day = today + away * _DAY
            yield from (span.on(day, self.zone) for span in self.spans if span.day == day.weekday())


ALWAYS = Hours()


def hours(text: str) -> Hours:
    """The hours that a setting names. Raises ValueError, with what is wrong."""
    if not text.strip():
        return ALWAYS
    spans, zone = text.strip(), "UTC"
    if named := _ZONE.search(spans):
        spans, zone = spans[: named.start()], named[1]
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{zone} is no time zone; write e.g. Europe/Berlin") from None
    return Hours(spans=tuple(span for part in spans.split(",") for span in _spans(part.strip())), zone=where)


def _spans(part: str) -> Iterator[Span]:
    read = _SPAN.fullmatch(part)
    if read is None or not {read[1].lower(), (read[2] or read[1]).lower()} <= set(DAYS):
        raise ValueError(f"{part or 'nothing'}: write days and hours, e.g. Mon-Fri 09:00-17:00, Sat 10:00-14:00")
    first, last = DAYS.index(read[1].lower()), DAYS.index((read[2] or read[1]).lower())
    opens, closes = _time(read[3], read[4]), _time(read[5], read[6])
    if opens == closes and opens != time():
        raise ValueError(f"{part}: opens and closes at the same time; write 00:00-24:00 for all day")
    for n in range((last - first) % _WEEK + 1):
        yield Span(day=(first + n) % _WEEK, opens=opens, closes=closes)


def _time(hour: str, minute: str) -> time:
    if (hour, minute) == ("24", "00"):
        return time()
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError(f"{hour}:{minute} is no time of day") from None
