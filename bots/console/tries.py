"""Wrong sign-ins: counted by where they come from, which stops a stranger, and by name, which only slows down."""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.accounts import AccountLedger

MOST_TRIES = 8  # from one source
MOST_CODES = 10  # of one account: who guesses these has its password already
WITHIN = timedelta(minutes=15)
_FREE = 3  # tries that cost no waiting
_FIRST, _LONGEST = 0.25, 2.0  # seconds
_SITE = 64  # bits of an IPv6 address; whoever has one address has all that begin like it


class TooManyTries(Exception):
    """Too many wrong tries came from this source; others can still sign in."""


@dataclass(frozen=True, slots=True)
class Try:
    """One sign-in, wrong until it is forgiven. `pause` is how long to wait with the answer, in seconds."""

    id: int
    pause: float


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The wrong tries of the last 15 minutes, on record as digests under `key`, so that a restart forgives nothing."""

    ledger: AccountLedger
    key: bytes
    now: Callable[[], datetime]

    async def begin(self, peer: str, name: str, *, most_by_name: int | None = None) -> Try:
        """Counts a try before it is looked at, so that many at once are no way around. Raises TooManyTries."""
        now = self.now()
        source, whose = self._digest(_source(peer)), self._digest(name)
        one = await self.ledger.begin_sign_in(source, whose, most=MOST_TRIES, since=now - WITHIN, now=now)
        if one.id is None or (most_by_name is not None and one.by_name >= most_by_name):
            raise TooManyTries
        return Try(one.id, _pause(max(one.from_source, one.by_name)))

    async def forgive(self, right: Try) -> None:
        """It was right after all. The wrong ones before it still count."""
        await self.ledger.forgive_sign_in(right.id)

    def _digest(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


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
