"""Wrong sign-ins: counted by where they come from, which stops a stranger, and by name, which only slows down."""

import ipaddress
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_TRIES = 8  # from one source
WITHIN = timedelta(minutes=15)
_REMEMBERED = 2_000
_FREE = 3  # tries that cost no waiting
_FIRST, _LONGEST = 0.25, 2.0  # seconds
_SITE = 64  # bits of an IPv6 address; whoever has one address has all that begin like it


class TooManyTries(Exception):
    """Too many wrong tries came from this source; others can still sign in."""


@dataclass(frozen=True, eq=False, slots=True)
class Try:
    """One sign-in, wrong until it is forgiven. `pause` is how long to wait with the answer, in seconds."""

    at: datetime
    source: str
    name: str
    pause: float


@dataclass(kw_only=True)
class Tries:
    """The wrong tries of the last 15 minutes, in this process."""

    now: Callable[[], datetime]
    _wrong: deque[Try] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def begin(self, peer: str, name: str) -> Try:
        """Counts a try before it is looked at, so that many at once are no way around. Raises TooManyTries."""
        while self._wrong and self.now() - self._wrong[0].at > WITHIN:
            self._wrong.popleft()
        source = _source(peer)
        from_there = sum(one.source == source for one in self._wrong)
        if from_there >= MOST_TRIES:
            raise TooManyTries
        by_name = sum(one.name == name for one in self._wrong)
        one = Try(self.now(), source, name, _pause(max(from_there, by_name)))
        self._wrong.append(one)
        return one

    def forgive(self, right: Try) -> None:
        """It was right after all. The wrong ones before it still count."""
        with suppress(ValueError):  # forgotten meanwhile
            self._wrong.remove(right)


def _pause(wrong: int) -> float:
    return 0.0 if wrong < _FREE else min(_FIRST * 2.0 ** min(wrong - _FREE, MOST_TRIES), _LONGEST)


def _source(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.IPv6Network((address.packed, _SITE), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
