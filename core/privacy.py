"""Privacy: what colleagues do for a customer who asks what is on record of them, or wants to be forgotten."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from core.erasing import ErasingLedger, Forgetting, Kept, NoSuchCustomer, Stage, StillBusy
from core.errors import Problem
from core.exporting import ExportingLedger
from core.merging import Side
from identity.gate import HandleId

log = logging.getLogger(__name__)

_REMEMBERED = 50  # erasures of this process whose progress is shown


class NotConfirmed(Problem):
    """What was typed is not the name of who is to be forgotten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingFilter:
    """Which lines of the access log are wanted; what is empty leaves it open. `day` is one in UTC."""

    customer: str = ""  # an external id or channel:address
    reader: str = ""
    day: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingOnRecord:
    """One line of the access log. `rows` are e.g. "fact:12"; none where the customer was erased since."""

    at: datetime
    reader: str
    purpose: str
    handle: HandleId
    whom: str  # the handle, as colleagues know it
    rows: Sequence[str]


class PrivacyLedger(ErasingLedger, ExportingLedger, Protocol):
    """What these pages need of the record. A name that is unknown raises NoSuchCustomer of core/merging.py."""

    async def known_as(self, name: str, *, now: datetime) -> Side:
        """The customer of an external id or channel:address."""
        ...

    async def name_of_case(self, case: int, *, now: datetime) -> str:
        """By which name a case's customer is found. Raises NoSuchCase."""
        ...

    async def readings(
        self, wanted: ReadingFilter, *, now: datetime, page: int = 1, most: int = 50
    ) -> Sequence[ReadingOnRecord]:
        """A page of the access log, newest first."""
        ...

    async def readers(self, wanted: ReadingFilter, *, now: datetime) -> Sequence[str]:
        """Everybody whom these lines name as reader."""
        ...

    async def receipts(self) -> Sequence[Kept]:
        """The newest receipts, newest first."""
        ...

    async def receipt(self, receipt: str) -> Kept | None:
        """One of them, once the rows are erased."""
        ...


State = Literal["rows", "memory", "file", "done", "busy", "failed"]


class Erasures:
    """Forgets customers in the background, and knows how far each erasure has come. Keeps no name."""

    def __init__(self, forgetting: Forgetting, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._forgetting = forgetting
        self._now = now
        self._new_id = new_id
        self._states: dict[str, State] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, name: str) -> str:
        """Begins to forget somebody; the receipt's id. Raises NoSuchCustomer, and CannotErase."""
        await self._forgetting.memory.erase([])
        await self._forgetting.ledger.addresses(name, now=self._now())
        receipt = self._new_id()
        self._states[receipt] = "rows"
        for old in list(self._states)[:-_REMEMBERED]:
            del self._states[old]
        task = asyncio.create_task(self._forget(name, receipt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return receipt

    def state(self, receipt: str) -> State | None:
        """How far an erasure of this process has come; None for one that another process did."""
        return self._states.get(receipt)

    async def finished(self) -> None:
        """Waits until nothing is being erased."""
        await asyncio.gather(*self._tasks)

    async def _forget(self, name: str, receipt: str) -> None:
        def tell(stage: Stage) -> None:
            self._states[receipt] = stage

        try:
            await self._forgetting.forget(name, receipt=receipt, now=self._now, tell=tell)
        except StillBusy:
            self._states[receipt] = "busy"
        except NoSuchCustomer:  # somebody else has just forgotten them
            self._states[receipt] = "failed"
        except Exception as error:  # noqa: BLE001 - what it says may repeat whom it is about
            log.error("an erasure was cut off, receipt %s: %s", receipt, type(error).__name__)
            self._states[receipt] = "failed"


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """All that these pages work on."""

    ledger: PrivacyLedger
    erasures: Erasures


def confirmed(typed: str, name: str) -> None:
    """Raises NotConfirmed unless what was typed is the name."""
    if typed.strip() != name:
        raise NotConfirmed("What you typed is not this customer's name; nothing was erased.")
