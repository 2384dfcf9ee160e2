"""Drafts: a reply that a colleague asks the engine's own writer for, with what it rests on.

It is written from a brief behind the same gate as a turn's, for the standing of who will get it now, so that it never
holds what they may not know. What only staff may see is shown beside it. Nothing is learnt from a draft, and nobody but
a colleague sends it.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from core import safety
from core.briefing import Briefing
from core.casefile import CaseFile, Reading
from core.desk import Desk, Refused
from core.ledger import Turn
from core.record import Fact
from core.writing import Answer, Brief, Writer
from identity.gate import HandleId
from identity.masking import order_number

log = logging.getLogger(__name__)

_PATIENCE = 20.0  # seconds that a colleague waits for a model
_QUOTED = 160  # characters of a source
_TELLING = 2  # characters of a value that says where it is from


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a draft rests on: of which kind, in words, and the message of the timeline that told it, if one did."""

    kind: str
    text: str
    message: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A draft. `note` says what a colleague has to know of how it came about."""

    text: str
    language: str
    writer: str
    sources: Sequence[Source]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    """What a case's customer said since they were answered, as a turn of whoever gets the answer: by which channel."""

    turn: Turn
    channel: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """That a writer worked for a colleague; not what it wrote."""

    case: int
    handle: HandleId  # whom it is for
    writer: str
    asked_by: str


class DraftLedger(Protocol):
    """What drafting needs of the record."""

    async def unanswered(self, case: int, *, reachable: Collection[str], now: datetime) -> Unanswered | None:
        """What waits for a colleague's answer; None where nothing was said, or nobody can be answered."""
        ...

    async def note_draft(self, written: Written, *, now: datetime) -> None:
        """Notes that a writer worked for a colleague."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...


@dataclass(frozen=True, kw_only=True)
class Drafting:
    """Writes drafts."""

    desk: Desk
    ledger: DraftLedger
    briefing: Callable[[], Briefing]
    writer: Writer
    patience: float = _PATIENCE  # seconds

    async def draft(self, case: int, who: str) -> Suggestion:
        """A reply to what waits for an answer in a case. Raises NoSuchCase or Refused."""
        file = await self.desk.file(case, who)
        waits = await self.ledger.unanswered(case, reachable=self.desk.reachable, now=self.desk.now())
        if waits is None or not waits.turn.text:
            raise Refused("There is nothing to suggest a reply to: no words of the customer wait for an answer.")
        briefing = self.briefing()
        known = await briefing.recall(waits.turn.standing)
        read = Reading(handle=known.permit.own, rows=[*known.read, "draft"])
        await self.ledger.note_reading(who, [read], now=self.desk.now())
        brief = _for_a_colleague(await briefing.brief(waits.turn, known), waits)
        answer = await self._answer(brief)
        written = Written(case=case, handle=waits.turn.standing.keeper, writer=answer.writer, asked_by=who)
        await self.ledger.note_draft(written, now=self.desk.now())
        text = safety.only_known_links(answer.reply, self.desk.house.link_hosts).strip()
        if not text:
            raise Refused("The writer has nothing to suggest here; the reply is yours to write.")
        sources = list(_sources(text, answer, brief, file, waits.turn))
        return Suggestion(
            text=text, language=answer.language, writer=answer.writer, sources=sources, note=_note(answer, file)
        )

    async def _answer(self, brief: Brief) -> Answer:
        """The writer's answer; where it is late, that of the rules. Raises Refused."""
        try:
            async with asyncio.timeout(self.patience):
                return await self.writer.answer(brief)
        except TimeoutError:
            log.warning("a draft was not written within %g s, the rules write it", self.patience)
        except Exception as error:  # noqa: BLE001 - the page goes on without
            log.warning("a draft could not be written: %s", type(error).__name__)
            raise Refused("No reply could be suggested just now; everything else works.") from None
        try:
            async with asyncio.timeout(self.patience):
                answer = await self.writer.answer(replace(brief, offline=True))
        except Exception as error:  # noqa: BLE001 - the page goes on without
            log.warning("a draft could not be written by the rules either: %s", type(error).__name__)
            raise Refused("No reply was suggested in time; everything else works.") from None
        return replace(answer, fell_back=f"The language model did not answer within {self.patience:g} s.")


def _for_a_colleague(brief: Brief, waits: Unanswered) -> Brief:
    """The brief of a turn that the bot does not leave to the colleague who asks, and that says nothing twice."""
    at = {h.message.told_at for h in waits.turn.heard}
    said = [line for line in brief.said if line.sender != "customer" or line.at not in at]
    cases = [replace(case, with_human=False) for case in brief.cases]
    return replace(brief, channel=waits.channel, said=said, cases=cases)


def _note(answer: Answer, file: CaseFile) -> str:
    done = {run.action for run in file.runs if run.state == "done"}
    asked = [action for action in answer.actions if action not in done]
    told = [f"These are the words of the offline rules. {answer.fell_back}"] if answer.fell_back else []
    told += [f"They ask for: {', '.join(asked)}. It is not done yet."] if asked else []
    return " ".join(told)


# ── what it rests on ──
def _sources(text: str, answer: Answer, brief: Brief, file: CaseFile, turn: Turn) -> Iterator[Source]:
    on_page = {entry.message for entry in file.said if entry.message is not None}
    for heard in turn.heard:
        if heard.message.text:
            words = _quoted(heard.message.text)
            yield Source(kind="their message", text=words, message=heard.id if heard.id in on_page else None)
    for article in brief.articles:
        if article.title and (article.title == answer.article or article.title.casefold() in text.casefold()):
            yield Source(kind="article", text=f"{article.title} ({article.source}): {_quoted(article.text)}")
    for pattern in brief.patterns:
        if pattern.id == answer.pattern:
            yield Source(kind="worked for others", text=_quoted(pattern.resolution))
    yield from _facts(text, answer, brief, file, on_page)


def _facts(text: str, answer: Answer, brief: Brief, file: CaseFile, on_page: Collection[int]) -> Iterator[Source]:
    """Each value that the draft says and the record holds, as the customer may see it."""
    case = next((one for one in (*brief.cases, *brief.closed) if one.id == (answer.case or file.case.id)), None)
    known = {**brief.facts, **(case.facts if case else {})}
    for slot, value in known.items():
        shown = order_number(value) if slot == "order_id" else value
        if not any(len(form) >= _TELLING and form.casefold() in text.casefold() for form in (value, shown)):
            continue
        told = next((fact for fact in file.facts if fact.slot == slot), None)
        yield Source(kind=slot.replace("_", " "), text=_told(shown, told), message=_message(told, on_page))
    for kind, entries in (("done", case.done), ("promised", case.promised), ("tried", case.tried)) if case else ():
        for entry in entries:
            if entry.rpartition(" ")[2].casefold() in text.casefold():
                yield Source(kind=kind, text=_quoted(entry))


def _told(shown: str, fact: Fact | None) -> str:
    if fact is None:
        return f"{shown}, from the directory"
    return f"{shown}, told on {fact.told_at.day} {fact.told_at:%b %Y}"


def _message(fact: Fact | None, on_page: Collection[int]) -> int | None:
    return fact.message if fact and fact.message in on_page else None


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"
