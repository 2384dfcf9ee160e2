"""Forgetting a customer: out of the ledger, the memory and kept files, until nothing is left, and for good.

What stays is a receipt without a name, and tombstones by which what was erased is refused when it comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from core.errors import Problem
from core.memory import Memory

_ATTEMPTS = 30
_PAUSE = 0.5  # seconds between them: about as long as the longest reader may take


class NoSuchCustomer(Problem):
    """Nobody of this external_id or channel:address is on record."""


class StillBusy(Problem):
    """Everything was erased, but a file may hold traces while another process reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What was erased: how many rows of each table. `handles` are numbers that name nobody any more."""

    id: str
    at: datetime
    handles: Sequence[int]
    erased: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A receipt on record. `finished_at`: when nothing was left in memory and files either; None until then."""

    receipt: Receipt
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """A digest by which what was erased is known again; when that was; and when the company named it again, if ever."""

    digest: str
    at: datetime
    restored_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether what was erased is still refused."""
        return self.restored_at is None or self.restored_at < self.at

    def is_news_to(self, known: "Tombstone | None") -> bool:
        """Whether it says more than what is known."""
        return self.later(known) != known

    def later(self, known: "Tombstone | None") -> "Tombstone":
        """What both say together."""
        if known is None:
            return self
        restored = [at for at in (self.restored_at, known.restored_at) if at]
        return Tombstone(digest=self.digest, at=max(self.at, known.at), restored_at=max(restored, default=None))


class KeptOutside(Protocol):
    """Tombstones kept outside of the ledger, so that a ledger which is restored from a backup learns of them."""

    async def read(self) -> Sequence[Tombstone]:
        """All of them."""
        ...

    async def add(self, tombstones: Sequence[Tombstone]) -> None:
        """Those that are not there yet; they have reached the disk when it returns."""
        ...


# How far an erasure has come, in the order in which it goes.
Stage = Literal["rows", "memory", "file", "done"]


class ErasingLedger(Protocol):
    """What forgetting needs of the record."""

    async def addresses(self, name: str, *, now: datetime) -> Collection[str]:
        """Every mailbox, number and account by which a customer is known; `name` is an external id or channel:address,
        as everywhere here. Raises NoSuchCustomer."""
        ...

    async def to_be_erased(self, name: str, *, now: datetime) -> Mapping[str, int]:
        """How many rows of each table would go. Raises NoSuchCustomer."""
        ...

    async def erase(self, name: str, *, receipt: str, now: datetime) -> Receipt:
        """Erases a customer's rows in one transaction, fencing off turns that are at it. Raises NoSuchCustomer."""
        ...

    async def tombstones(self, since: datetime | None = None) -> Sequence[Tombstone]:
        """All of them, or those that are new since then."""
        ...

    async def erase_again(
        self, kept: Sequence[Tombstone], *, receipt: str, now: datetime
    ) -> tuple[Receipt, Collection[str]] | None:
        """Takes over tombstones that the ledger does not know, and erases what it has of these customers: the receipt
        and their addresses; None where it has nothing."""
        ...

    async def unfinished(self) -> Sequence[Receipt]:
        """Erasures that were cut off before memory and files were clean."""
        ...

    async def finish(self, receipt: str, *, letters: int = 0, now: datetime) -> None:
        """Notes that nothing is left, and how many kept letters went."""
        ...

    async def scour(self) -> bool:
        """Rewrites the file without the remains of erased rows, and its log; False while somebody reads there."""
        ...


# Deletes kept letters to any of these addresses, and says how many.
EraseLetters = Callable[[Collection[str]], Awaitable[int]]


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """Erases customers, beside whatever else runs."""

    ledger: ErasingLedger
    memory: Memory
    letters: EraseLetters
    outside: KeptOutside | None = None

    async def forget(
        self,
        name: str,
        *,
        receipt: str,
        now: Callable[[], datetime],
        tell: Callable[[Stage], None] = lambda _stage: None,
    ) -> tuple[Receipt, int]:
        """Returns when nothing is left: the receipt, and how many letters went. `tell` is told how far it has come.
        Raises NoSuchCustomer or StillBusy, and CannotErase before anything is erased."""
        tell("rows")
        await self.memory.erase([])
        addresses = await self.ledger.addresses(name, now=now())
        letters = await self.letters(addresses)
        done = await self.ledger.erase(name, receipt=receipt, now=now())
        await self.keep_outside(since=done.at)
        letters += await self.letters(addresses)  # one may have been on its way
        await self._leave_nothing(done, now, letters=letters, tell=tell)
        return done, letters

    async def keep_outside(self, since: datetime | None = None) -> None:
        """Copies tombstones out of the ledger: all, or those since then."""
        if self.outside:
            await self.outside.add(await self.ledger.tombstones(since))

    async def catch_up(self, *, receipt: str, now: Callable[[], datetime]) -> Receipt | None:
        """Erases again whom a ledger of before has brought back; for the start, before anybody is served. None where
        there was nobody. Raises StillBusy."""
        kept = await self.outside.read() if self.outside else []
        again = await self.ledger.erase_again(kept, receipt=receipt, now=now()) if kept else None
        await self.keep_outside()
        if again is None:
            return None
        done, addresses = again
        await self._leave_nothing(done, now, letters=await self.letters(addresses))
        return done

    async def go_on(self, now: Callable[[], datetime]) -> None:
        """Finishes what was cut off. Raises StillBusy."""
        for receipt in await self.ledger.unfinished():
            await self._leave_nothing(receipt, now)

    async def _leave_nothing(
        self,
        receipt: Receipt,
        now: Callable[[], datetime],
        *,
        letters: int = 0,
        tell: Callable[[Stage], None] = lambda _stage: None,
    ) -> None:
        tell("memory")
        await _insist(lambda: self._erase_memory(receipt.handles))
        tell("file")
        await _insist(self._scour)
        await _insist(lambda: self._erase_memory(receipt.handles))  # a turn just settled may have been learning
        await self.ledger.finish(receipt.id, letters=letters, now=now())
        tell("done")

    async def _erase_memory(self, handles: Sequence[int]) -> str:
        try:
            await self.memory.erase(handles)
        except Problem as error:
            return str(error)
        return ""

    async def _scour(self) -> str:
        return "" if await self.ledger.scour() else "a file is still being read"


async def _insist(erase: Callable[[], Awaitable[str]]) -> None:
    """Tries until it no longer says why it did not work. Raises StillBusy."""
    for _ in range(_ATTEMPTS):
        if not (why := await erase()):
            return
        await asyncio.sleep(_PAUSE)
    raise StillBusy(
        f"forget: every row is erased, but traces may be left; a running bot goes on within the hour: {why}"
    )
