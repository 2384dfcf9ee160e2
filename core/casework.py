"""What colleagues do with a case beside answering it: notes, transfer, taking over, snooze, opening again.

Notes are for staff: no writer, no prompt, no customer and no memory ever gets one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, get_args

from core.casefile import Reading
from core.desk import LONGEST_TEXT, Refused
from core.hours import ALWAYS, Hours
from core.panel import Panel, PanelLedger, Wanted
from core.playbook import Learnt
from core.writing import Mood

MOODS: tuple[Mood, ...] = get_args(Mood)
PRESENT = timedelta(minutes=1)  # for so long somebody who looked at a case is said to look at it
_LONGEST_SNOOZE = timedelta(days=366)
_MORNING = time(9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """A case is given to a colleague, with a note for them where there is one."""

    case: int
    by: str
    to: str
    note: str
    at: datetime


class CaseworkLedger(PanelLedger, Protocol):
    """What casework needs of the record. Every method raises NoSuchCase."""

    async def write_note(self, case: int, agent: str, text: str, *, now: datetime) -> None:
        """Keeps a note with a case."""
        ...

    async def colleagues(self) -> Sequence[str]:
        """Who has an account that is not disabled, by name."""
        ...

    async def transfer(self, order: Transfer) -> None:
        """Gives a case to a colleague, fencing off a turn that the bot is at. Raises Refused."""
        ...

    async def take_over(self, case: int, agent: str, *, now: datetime) -> None:
        """Gives a case to a colleague, also where another one has it. Raises Refused."""
        ...

    async def snooze(self, case: int, agent: str, until: datetime | None, *, now: datetime) -> None:
        """Puts a case off, and gives it to the colleague; None wakes it. Raises Refused."""
        ...

    async def reopen(self, case: int, agent: str, *, now: datetime) -> Learnt:
        """Opens a closed case for a colleague; what memory is to take back. Raises Refused."""
        ...

    async def correct_mood(self, case: int, agent: str, mood: Mood, *, now: datetime) -> None:
        """Gives a case another mood. Raises Refused."""
        ...

    async def look(self, case: int, agent: str, *, now: datetime) -> Sequence[str]:
        """Notes that a colleague looks at a case; the others who do, by name."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True)
class Casework:
    """Everything that a colleague does with a case, but for what stands at the desk."""

    ledger: CaseworkLedger
    now: Callable[[], datetime]
    hours: Hours = ALWAYS  # in whose time zone a day begins

    async def panel(self, case: int, reader: str, wanted: Wanted) -> Panel:
        """What stands beside a case's file. Raises NoSuchCase."""
        panel = await self.ledger.panel(case, wanted, now=self.now())
        await self.ledger.note_reading(reader, [panel.reading], now=self.now())
        return panel

    async def look(self, case: int, agent: str) -> Sequence[str]:
        """The others who have this case before their eyes. Raises NoSuchCase."""
        return await self.ledger.look(case, agent, now=self.now())

    async def note(self, case: int, agent: str, text: str) -> None:
        """Writes something down for the other colleagues. Raises NoSuchCase or Refused."""
        if not (text := _bounded(text)):
            raise Refused("Nothing was kept: the note is empty.")
        await self.ledger.write_note(case, agent, text, now=self.now())

    async def transfer(self, case: int, agent: str, to: str, note: str = "") -> None:
        """Gives the case to a colleague. Raises NoSuchCase or Refused."""
        order = Transfer(case=case, by=agent, to=to, note=_bounded(note), at=self.now())
        await self.ledger.transfer(order)

    async def take_over(self, case: int, agent: str) -> None:
        """The colleague has it from now on, whoever had it before. Raises NoSuchCase or Refused."""
        await self.ledger.take_over(case, agent, now=self.now())

    async def snooze(self, case: int, agent: str, until: datetime) -> None:
        """Puts the case off; it wakes by itself, at the latest when its customer writes. Raises NoSuchCase, Refused."""
        now = self.now()
        if until <= now:
            raise Refused("Nothing was changed: that moment has gone by.")
        if until - now > _LONGEST_SNOOZE:
            raise Refused("Nothing was changed: a case can be put off for a year at most.")
        await self.ledger.snooze(case, agent, until, now=now)

    async def wake(self, case: int, agent: str) -> None:
        """Something is to be done now. Raises NoSuchCase or Refused."""
        await self.ledger.snooze(case, agent, None, now=self.now())

    async def reopen(self, case: int, agent: str) -> Learnt:
        """Opens a closed case again; what memory is to follow. Raises NoSuchCase or Refused."""
        return await self.ledger.reopen(case, agent, now=self.now())

    async def correct_mood(self, case: int, agent: str, mood: str) -> None:
        """Says how the customer really feels. Raises NoSuchCase or Refused."""
        known = next((one for one in MOODS if one == mood), None)
        if known is None:
            raise Refused("Nothing was changed: there is no such mood.")
        await self.ledger.correct_mood(case, agent, known, now=self.now())

    def morning(self, day: date) -> datetime:
        """Nine o'clock on a day, where the house stands."""
        return datetime.combine(day, _MORNING, self.hours.zone)

    def tomorrow(self) -> date:
        """What day it will be, where the house stands."""
        return self.now().astimezone(self.hours.zone).date() + timedelta(days=1)


def _bounded(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise Refused(f"Nothing was kept: the text has {len(text):,} characters; {LONGEST_TEXT:,} is the most.")
    return text
