"""The desk: what a colleague does with a case, beside the engine, on the same ledger and behind the same gate.

Whoever takes a case or answers it has it: the bot is silent about it until it is handed back. What is read of a
customer stands in the access log with the name of the colleague who read it.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, get_args

from core import attaching, rating
from core.actions import Actions
from core.attaching import Unattachable
from core.casefile import CaseFile, Reading, redact
from core.errors import Problem
from core.house import House
from core.ledger import Outgoing
from core.memory import Memory, PatternHit
from core.merging import MergeLedger
from core.messages import Attachment, Reply
from core.playbook import Draft, Learnt, on_record, tell
from core.queueing import QueueLedger
from core.writing import Category, Pattern
from identity.gate import HandleId

log = logging.getLogger(__name__)

LONGEST_TEXT = 10_000  # characters of a reply or a resolution
_MEMORY_PATIENCE = 0.15  # seconds that a page waits for suggestions
_LEARNING_PATIENCE = 30.0
_SUGGESTIONS = 3
_LONGEST_EXAMPLE = 1_000  # characters


class NoSuchCase(Problem):
    """There is no case of this number."""


class Refused(Problem):
    """A colleague cannot do this now; the message tells them why."""


class FilesRefused(Refused):
    """The files that a colleague chose cannot be sent."""


class WroteMeanwhile(Refused):
    """The customer has written since the colleague last looked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A case as a colleague sees it: its file, and what worked for others."""

    file: CaseFile
    suggestions: Sequence[Pattern]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """A delivery that could not be read, kept as it came."""

    id: int
    channel: str
    reason: str
    received_at: datetime
    size: int  # bytes
    beginning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Undelivered:
    """A reply that its channel will never take."""

    id: int
    handle: HandleId
    case: int | None
    channel: str
    text: str
    error: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentReply:
    """A colleague's words to a customer. The same `id` is never sent twice."""

    id: str
    case: int
    text: str
    agent: str
    at: datetime
    files: tuple[Attachment, ...] = ()
    seen: int | None = None  # the number of the customer's newest words that the colleague has read; None: not told


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """How a case ended. `draft` is what others may learn of it; without one nothing is learnt. `question` asks the
    customer for a rating, where there is a way to ask."""

    case: int
    agent: str
    at: datetime
    text: str = ""
    satisfaction: int | None = None  # 1 to 5, as a colleague was told
    draft: Draft | None = None
    same_as: int | None = None  # the pattern that says the same already
    question: Reply | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """What closing a case left to do."""

    learnt: Learnt
    outbox: Sequence[Outgoing] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What a case is really about. `text` is how its customer put it, redacted."""

    case: int
    category: Category
    text: str
    agent: str
    at: datetime


class DeskLedger(MergeLedger, QueueLedger, Protocol):
    """What the desk needs of the record. Every method that names a case raises NoSuchCase."""

    async def case_file(self, case: int, *, reachable: Collection[str], now: datetime) -> CaseFile:
        """A case, read by staff's permit. `reachable` are the channels that can be written to."""
        ...

    async def case_state(self, case: int) -> str:
        """A text that changes when something is said or done in a case. Reads nothing of the customer."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...

    async def take(self, case: int, agent: str, *, now: datetime) -> None:
        """Gives a case to a colleague, fencing off a turn that the bot is at. Raises Refused."""
        ...

    async def hand_back(self, case: int, agent: str, *, now: datetime) -> None:
        """Gives a case back to the bot. Raises Refused."""
        ...

    async def reply(self, reply: AgentReply, *, reachable: Collection[str]) -> Sequence[Outgoing]:
        """Takes the case and puts a reply into the outbox: its row, none if it stands there already. Raises Refused."""
        ...

    async def resolve(self, resolution: Resolution, *, reachable: Collection[str]) -> Resolved:
        """Closes a case, learns of it, and asks for a rating, at most once and nobody unproven. Raises Refused."""
        ...

    async def correct(self, correction: Correction) -> None:
        """Gives a case another category, and keeps the correction in place of an earlier one. Raises Refused."""
        ...

    async def unread(self) -> Sequence[Unread]:
        """The newest deliveries that could not be read."""
        ...

    async def undelivered(self) -> Sequence[Undelivered]:
        """The newest replies that could not be delivered."""
        ...

    async def patterns(self, hits: Sequence[PatternHit], *, now: datetime, enough: int = 0) -> Sequence[Pattern]:
        """The patterns that memory points at."""
        ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Everything that a colleague can do. `post` sends rows of the outbox."""

    ledger: DeskLedger
    memory: Memory
    house: House
    actions: Actions
    post: Callable[[Sequence[Outgoing]], None]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    corrected: Callable[[], None] = lambda: None  # called after a correction, for those who learn from it

    async def open(self, case: int, reader: str) -> View:
        """A case and its customer. Raises NoSuchCase."""
        file = await self.file(case, reader)
        return View(file=file, suggestions=await self._suggestions(file))

    async def take(self, case: int, agent: str) -> None:
        """The colleague has it from now on. Raises NoSuchCase or Refused."""
        await self.ledger.take(case, agent, now=self.now())

    async def hand_back(self, case: int, agent: str) -> None:
        """The bot goes on with it. Raises NoSuchCase or Refused."""
        await self.ledger.hand_back(case, agent, now=self.now())

    async def reply(
        self,
        case: int,
        agent: str,
        text: str,
        *,
        id: str = "",  # noqa: A002 - the reply's
        seen: int | None = None,
        files: Sequence[Attachment] = (),
    ) -> None:
        """Answers on the customer's channel. Raises NoSuchCase, Refused, WroteMeanwhile after words beyond `seen`."""
        if not (text.strip() or files):
            raise Refused("Nothing was sent: the reply is empty.")
        reply = AgentReply(
            id=id or self.new_id(),
            case=case,
            text=_bounded(text),
            agent=agent,
            at=self.now(),
            seen=seen,
        )
        if files:
            await self._reply_with(files, reply)
        else:
            self.post(await self.ledger.reply(reply, reachable=self.reachable))

    async def _reply_with(self, files: Sequence[Attachment], reply: AgentReply) -> None:
        """Sends along what the customer's channel takes, and by no other channel than that."""
        to = (await self.file(reply.case, reply.agent)).destination
        try:
            fit = attaching.checked(files)
            if to:
                attaching.refuse_unfit(fit, self.house.label(to.channel), self.house.limits(to.channel))
        except Unattachable as error:
            raise FilesRefused(f"Nothing was sent: {error}.") from None
        reachable = {to.channel} if to else ()
        self.post(await self.ledger.reply(replace(reply, files=fit), reachable=reachable))

    async def correct(self, case: int, agent: str, category: str) -> None:
        """Says what a case is really about; the offline writer learns from it. Raises NoSuchCase or Refused."""
        known = next((c for c in get_args(Category) if c == category), None)
        if known is None:
            raise Refused("Nothing was changed: there is no such category.")
        file = await self.file(case, agent)
        if known == file.category:
            return
        words = file.issue or next((e.text for e in file.said if e.sender == "customer" and e.case == case), "")
        text = redact(words, file)[:_LONGEST_EXAMPLE]
        await self.ledger.correct(Correction(case=case, category=known, text=text, agent=agent, at=self.now()))
        self.corrected()

    async def resolve(self, case: int, agent: str, text: str = "", satisfaction: int | None = None) -> Learnt:
        """Closes a case, and asks its customer how satisfied they are unless that is known; what memory is to learn,
        for `learn`. Raises NoSuchCase or Refused."""
        text = _bounded(text)
        file = await self.file(case, agent)
        draft = _draft(file, text) if text else None
        resolution = Resolution(
            case=case,
            agent=agent,
            at=self.now(),
            text=text,
            satisfaction=satisfaction,
            draft=draft,
            same_as=await self._same_as(draft) if draft else None,
            question=self._question(file),
        )
        resolved = await self.ledger.resolve(resolution, reachable=self.reachable)
        self.post(resolved.outbox)
        return resolved.learnt

    async def learn(self, learnt: Learnt) -> None:
        """Lets memory follow what the record took. A memory that is away costs nothing."""
        try:
            async with asyncio.timeout(_LEARNING_PATIENCE):
                await tell(self.memory, learnt)
        except Exception as error:  # noqa: BLE001 - the ledger has it; `memory rebuild` brings it back
            log.warning("memory did not take what was learnt: %s", type(error).__name__)

    async def _same_as(self, draft: Draft) -> int | None:
        try:
            async with asyncio.timeout(_MEMORY_PATIENCE):
                return await on_record(draft, self.memory, self.ledger, now=self.now())
        except Exception as error:  # noqa: BLE001 - then it is learnt as something new
            log.warning("memory did not answer in time, what is learnt is not compared: %s", type(error).__name__)
            return None

    def _question(self, file: CaseFile) -> Reply | None:
        to = file.destination
        if to is None:
            return None
        text = rating.question(to.language, self.house.label(to.channel))
        return Reply(
            id=self.new_id(),
            route=to.route,
            text=text,
            language=to.language,
            rates=file.case.id,
            choices=rating.CHOICES,
        )

    async def parked(self, reader: str) -> tuple[Sequence[Unread], Sequence[Undelivered]]:
        """What could not be read, and what could not be delivered."""
        undelivered = await self.ledger.undelivered()
        readings = [Reading(handle=u.handle, rows=[f"outbox:{u.id}"]) for u in undelivered]
        await self.ledger.note_reading(reader, readings, now=self.now())
        return await self.ledger.unread(), undelivered

    @property
    def reachable(self) -> frozenset[str]:
        """The channels that can be written to of our own accord."""
        return frozenset(name for name, known in self.house.channels.items() if known.limits.reachable)

    async def file(self, case: int, reader: str) -> CaseFile:
        """A case's file, read by a colleague. Raises NoSuchCase."""
        file = await self.ledger.case_file(case, reachable=self.reachable, now=self.now())
        await self.ledger.note_reading(reader, [file.reading], now=self.now())
        return file

    async def _suggestions(self, file: CaseFile) -> Sequence[Pattern]:
        try:
            async with asyncio.timeout(_MEMORY_PATIENCE):
                hits = await self.memory.suggest(file.issue, file.category, limit=_SUGGESTIONS)
        except Exception as error:  # noqa: BLE001 - the page works without
            log.warning("memory did not answer in time, no resolutions are suggested: %s", type(error).__name__)
            return []
        return await self.ledger.patterns(hits, now=self.now())


def _draft(file: CaseFile, text: str) -> Draft:
    return Draft(category=file.category, issue=redact(file.issue, file), resolution=redact(text, file))


def _bounded(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise Refused(f"The text has {len(text):,} characters; at most {LONGEST_TEXT:,} can be sent.")
    return text
