"""Calling colleagues: a case that is handed over is told in every room that they have, once, and once more where nobody
took it in time while colleagues are there. What they answer there is done as at the console, in the name of the account
that is tied to them.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.desk import Desk, NoSuchCase, Refused
from core.errors import TryAgain, Undeliverable
from core.handoff import packet
from core.rooms import Call, Deed, Done, StaffRoom
from identity.masking import mask

log = logging.getLogger(__name__)

_FORGOTTEN = timedelta(days=1)  # a handoff that old is told to nobody for the first time
_DONE = {"take": "It is yours.", "hand_back": "The bot has it again.", "resolve": "It is resolved.", "reply": ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A case that a room has to be told of, for the first or the second time since it was handed over."""

    case: int
    handed_off_at: datetime
    nth: int


class CallingLedger(Protocol):
    """What calling needs of the record."""

    async def to_call(self, room: str, *, again_from: datetime, oldest: datetime) -> Sequence[Due]:
        """The cases that nobody has and that a room was not told of, or only once and before `again_from`; bounded."""
        ...

    async def called(self, due: Due, room: str, post: str, *, now: datetime) -> None:
        """Notes that a room was told, and under which post."""
        ...

    async def called_for(self, room: str, post: str) -> int | None:
        """The case that a post is about."""
        ...

    async def audit(self, who: str, what: str, about: str, *, now: datetime) -> None:
        """Writes down what a colleague did."""
        ...

    async def tied(self, key: str) -> str | None:
        """The account that is tied to somebody's handle elsewhere, e.g. slack:T1/U1; None for a disabled one."""
        ...


@dataclass(frozen=True, kw_only=True)
class Calling:
    """Tells rooms of cases, and acts for who answers there. `rooms` are those that the settings name."""

    desk: Desk
    ledger: CallingLedger
    rooms: Mapping[str, StaffRoom]
    base_url: str
    patience: timedelta
    now: Callable[[], datetime]

    def join(self) -> None:
        """Does what colleagues ask for in their rooms, as far as this process hears it."""
        for room in self.rooms.values():
            room.join(self.act)

    async def look(self) -> None:
        """Tells every room of the cases that are due."""
        for name, room in self.rooms.items():
            now = self.now()
            again_from = self.desk.house.hours.open_before(now, self.patience)
            for due in await self.ledger.to_call(name, again_from=again_from, oldest=now - _FORGOTTEN):
                await self._tell(name, room, due)

    async def _tell(self, name: str, room: StaffRoom, due: Due) -> None:
        view = await self.desk.open(due.case, f"call by {name}")
        call = Call(
            id=f"{due.case}-{int(due.handed_off_at.timestamp())}-{due.nth}",
            case=due.case,
            title=" · ".join(filter(None, (view.file.name, mask(view.file.issue) or view.file.case.reason))),
            packet=mask(packet(view.file, view.suggestions)),
            url=f"{self.base_url}/console/cases/{due.case}",
            again=due.nth > 1,
        )
        try:
            post = await room.call(call)
        except TryAgain as error:
            log.warning("colleagues by %s are called again later: %s", name, error)
            return
        except Undeliverable as error:
            log.error("colleagues by %s cannot be called: %s", name, error)
            post = ""
        await self.ledger.called(due, name, post, now=self.now())

    async def act(self, deed: Deed) -> Done:
        """Does what a colleague asks for in a room."""
        agent = await self.ledger.tied(deed.key)
        if agent is None:
            return Done(line=f"I do not know you as a colleague. An admin can tie you: accounts tie NAME {deed.key}")
        case = await self.ledger.called_for(deed.room, deed.post)
        if case is None:
            return Done(line="This is about no case that I know of.")
        try:
            await self._do(case, agent, deed)
        except (Refused, NoSuchCase) as problem:
            return Done(line=str(problem))
        await self.ledger.audit(agent, deed.what.replace("_", " "), f"case {case} in {deed.room}", now=self.now())
        return Done(line=_DONE[deed.what], by=agent)

    async def _do(self, case: int, agent: str, deed: Deed) -> None:
        match deed.what:
            case "take":
                await self.desk.take(case, agent)
            case "hand_back":
                await self.desk.hand_back(case, agent)
            case "reply":
                await self.desk.reply(case, agent, deed.text, id=deed.id)
            case "resolve":
                await self.desk.learn(await self.desk.resolve(case, agent, deed.text))
