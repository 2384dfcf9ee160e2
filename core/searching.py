"""Searching what colleagues may see: customers, cases, and what was said. What was searched for is kept nowhere."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.casefile import Reading
from core.queueing import Queued

MOST = 10  # shown of each sort
LONGEST = 100  # characters of a search
_MOST_WORDS = 5
_BEFORE, _AFTER = 60, 120  # characters of an excerpt around what was found
_PHONE = re.compile(r"[+\d][\d\s()./-]{4,24}", re.ASCII)
_MOST_DIGITS = 15
_CORRELATION = re.compile(r"[0-9a-f]{8,32}", re.ASCII)


def fold(text: str) -> str:
    """A text as it is compared: neither case nor the way a sign is written makes a difference, in any script."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """What is searched for: every one of the `words`, in any order."""

    words: Sequence[str]

    @property
    def number(self) -> int | None:
        """The number of a case, as in 12 or #12."""
        number = self.words[0].removeprefix("#") if len(self.words) == 1 else ""
        return int(number) if number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS else None

    @property
    def correlation(self) -> str:
        """A correlation id, or the beginning of one, as the timeline shows them; "" where none was asked for."""
        return self.words[0] if len(self.words) == 1 and _CORRELATION.fullmatch(self.words[0]) else ""

    @property
    def of_a_customer(self) -> Sequence[str]:
        """The words for names and addresses: a telephone number is one, however it is grouped."""
        text = " ".join(self.words)
        return [re.sub(r"\D", "", text)] if _PHONE.fullmatch(text) else self.words


def sought(text: str) -> Sought | None:
    """What somebody typed to search for; None for nothing, and for a single letter."""
    words = fold(text[:LONGEST].replace("\x00", "")).split()[:_MOST_WORDS]
    only = words[0] if len(words) == 1 else ""
    return None if not words or (len(only) == 1 and only.isascii() and only.isalpha()) else Sought(words=words)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCustomer:
    """A customer by their newest case. `addresses`: (channel, address, whether it is proven)."""

    newest: Queued
    cases: int
    addresses: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundLine:
    """Something that was said, with the case that it belongs to."""

    case: int
    name: str
    channel: str
    sender: str  # "customer" | "bot" | "agent"
    told_at: datetime
    excerpt: tuple[str, str, str]  # before what was found, it, and after it
    reading: Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search found, at most MOST of each sort, the newest first. `all_of_it`: nothing was too far back."""

    customers: Sequence[FoundCustomer] = ()
    cases: Sequence[Queued] = ()
    lines: Sequence[FoundLine] = ()
    all_of_it: bool = True

    @property
    def readings(self) -> Iterator[Reading]:
        """What was shown, for the access log."""
        of_customers = [found.newest.case for found in self.customers]
        for case in (*of_customers, *(found.case for found in self.cases)):
            yield Reading(handle=case.handle, rows=[f"case:{case.id}"])
        yield from (line.reading for line in self.lines)


class SearchLedger(Protocol):
    """What searching needs of the record. All of it is read by staff's permit."""

    async def search(self, sought: Sought, *, now: datetime) -> Found:
        """What matches. Cards and codes are found by nothing: they are blotted out on record."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True)
class Search:
    """Searches for colleagues."""

    ledger: SearchLedger
    now: Callable[[], datetime]

    async def find(self, text: str, reader: str) -> Found | None:
        """What a text finds, noted as read; None where the text is too short to search for."""
        wanted = sought(text)
        if wanted is None:
            return None
        found = await self.ledger.search(wanted, now=self.now())
        await self.ledger.note_reading(reader, list(found.readings), now=self.now())
        return found


def excerpt(text: str, words: Sequence[str]) -> tuple[str, str, str]:
    """A text around the first of the words that stands in it."""
    text = unicodedata.normalize("NFC", text)
    folded = [(sign, at) for at, char in enumerate(text) for sign in fold(char)]
    flat = "".join(sign for sign, _ in folded)
    places = [(flat.find(word), len(word)) for word in words if word in flat]
    if not places:
        return text[: _BEFORE + _AFTER], "", ""
    place, length = min(places)
    start, end = folded[place][1], folded[place + length - 1][1] + 1
    return text[max(start - _BEFORE, 0) : start], text[start:end], text[end : end + _AFTER]
