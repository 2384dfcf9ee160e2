"""Plays scripts on a bot: everybody in between each other, a tick a minute after each message, answers when asked."""

import asyncio
import heapq
import random
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from benchmarks.repeatbench.asks import Questions, questions
from benchmarks.repeatbench.circles import Circle
from benchmarks.repeatbench.exchange import Exchange, Stray
from benchmarks.repeatbench.leaks import Canaries
from benchmarks.repeatbench.protocol import AgentDid, Bot, Inbound, NotFound, Outcome, Person, Reply, Reset, Seed
from benchmarks.repeatbench.script import START, Colleague, Erase, Say, Script, Step
from benchmarks.repeatbench.words import Words
from benchmarks.repeatbench.world import SLOTS, Slot, World

_TICK = timedelta(seconds=60)
_THINKS = timedelta(seconds=45)  # before a customer answers a question
_ROUNDS = 3  # of questions that a customer answers in one contact
_CODE = re.compile(r"(?<!\d)(?:\d{8}|\d{6})(?!\d)")
_PAIR = re.compile(r"(?<![\w.,:/$-])\d\d(?![\d.,:/-]*\d)")


@dataclass(order=True)
class _Due:
    at: datetime
    order: int
    what: "Step | _Heard" = field(compare=False)


@dataclass(kw_only=True)
class _Heard:
    """A message that was sent, while its answer is awaited."""

    say: Say
    circle: Circle
    exchange: Exchange
    replies: list[Reply] = field(default_factory=list)


@dataclass(kw_only=True)
class Harness:
    """One run on one bot. `oracle` may look at what is expected; no other bot sees it."""

    bot: Bot
    world: World
    scripts: Sequence[Script]
    alone: bool = False  # only what strangers say, without the owners
    exchanges: list[Exchange] = field(default_factory=list)
    case_ids: set[str] = field(default_factory=set)
    stray: list[Stray] = field(default_factory=list)  # what came to where no answer was awaited
    _due: list[_Due] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _erased: dict[str, frozenset[str]] = field(default_factory=dict)  # person -> what was to be forgotten
    _circles: dict[str, Circle] = field(default_factory=dict)
    _places: dict[tuple[str, str], Exchange] = field(default_factory=dict)  # who wrote from there last
    _waiting: dict[tuple[str, str], _Heard] = field(default_factory=dict)
    _shown: dict[tuple[str, str], str] = field(default_factory=dict)  # (script, address) -> the last answer there

    def __post_init__(self) -> None:
        self._canaries = Canaries(owners=self.world.owners)

    async def play(self, run_id: str) -> list[Exchange]:
        """Plays everything, and gives what was said."""
        await self.bot.reset(Reset(run_id=run_id, now=START - timedelta(hours=1)))
        await self.bot.seed(Seed(directory=list(self._directory())))
        for script in self.scripts:
            for circle, facts in script.on_record.items():
                self._circle(circle).record(facts)
            for step in script.steps:
                if not self.alone or (isinstance(step, Say) and step.alone):
                    self._plan(step.at, step)
        while self._due:
            due = heapq.heappop(self._due)
            await self._happens(due.what, due.at)
        return self.exchanges

    def _directory(self) -> Iterable[Person]:
        for script in self.scripts:
            for row in script.directory:
                if not self.alone or row.id in script.kept_alone:
                    yield row

    def _plan(self, at: datetime, what: "Step | _Heard") -> None:
        heapq.heappush(self._due, _Due(at, next(self._order), what))

    async def _happens(self, what: "Step | _Heard", at: datetime) -> None:
        if isinstance(what, Say):
            await self._says(what)
        elif isinstance(what, _Heard):
            await self._concludes(what, at)
        elif isinstance(what, Colleague):
            await self._ticks(at)
            await self._colleague(what)
        elif isinstance(what, Erase):
            await self._ticks(at)
            await self.bot.forget(what.person)
            self._erased[what.person] = self._circle(what.circle).forget()
        else:
            self._circles[what.other] = self._circle(what.circle)

    def _circle(self, name: str) -> Circle:
        return self._circles.setdefault(name, Circle(name=name))

    async def _says(self, say: Say) -> None:
        filled = self._with_digits(say)
        if filled is None:
            return
        circle = self._circle(say.circle)
        exchange = circle.hears(filled, self._canaries, erased=self._erased.get(filled.speaker.id, frozenset()))
        heard = _Heard(say=filled, circle=circle, exchange=exchange)
        self._waiting[_place(filled)] = heard
        self._places[_place(filled)] = exchange
        prepare = getattr(self.bot, "expects", None)
        if prepare is not None:
            prepare(exchange)
        began = time.perf_counter()
        message = _inbound(filled)
        outcomes = await asyncio.gather(*(self.bot.inbound(message) for _ in range(filled.copies)))
        exchange.seconds += time.perf_counter() - began
        for outcome in outcomes:
            for reply in outcome.replies:
                if reply.visibility == "public" or (reply.channel, reply.to) == _place(filled):
                    heard.replies.append(reply)
                else:
                    self._delivers(reply)
            self._notes(outcome, heard)
        self._plan(say.at + _TICK, heard)

    def _with_digits(self, say: Say) -> Say | None:
        if not say.digits:
            return say
        script = say.id.rpartition("-")[0]
        where = say.shown_to if say.digits == "code" else say.account.address
        pattern = _CODE if say.digits == "code" else _PAIR
        shown = pattern.findall(self._shown.get((script, where), ""))
        if len(shown) != 1:
            return None
        keyed = say.account.channel == "voice"
        return replace(say, text="" if keyed else shown[0], dtmf=shown[0] if keyed else "")

    async def _ticks(self, at: datetime, heard: _Heard | None = None) -> None:
        outcome = await self.bot.tick(at)
        self._notes(outcome, heard)
        for reply in outcome.replies:
            self._delivers(reply)

    async def _concludes(self, heard: _Heard, at: datetime) -> None:
        began = time.perf_counter()
        await self._ticks(at, heard)
        heard.exchange.seconds += time.perf_counter() - began
        place = _place(heard.say)
        if self._waiting.get(place) is heard:
            del self._waiting[place]
        self._hears_back(heard, at)

    def _delivers(self, reply: Reply) -> None:
        """Puts a reply into the mailbox it went to."""
        heard = self._waiting.get((reply.channel, reply.to))
        if heard is None:
            values = self._canaries.found(reply.text)
            self.stray.append(Stray(reply=reply, values=values, last=self._places.get((reply.channel, reply.to))))
        else:
            heard.replies.append(reply)

    def _notes(self, outcome: Outcome, heard: _Heard | None) -> None:
        """Cases and handoffs, those of others too."""
        for case in [c for c in (outcome.case, *outcome.cases) if c]:
            self.case_ids.add(case.id)
            owner = self._of(case.channel, case.address, heard)
            if owner is not None:
                owner.circle.case = case.id if case.status not in {"resolved", "closed"} else ""
        for handoff in [h for h in (outcome.handoff, *outcome.handoffs) if h]:
            owner = self._of(handoff.channel, handoff.address, heard)
            if owner is not None:
                owner.circle.handed.add(owner.say.issue.id if owner.say.issue else "")
                owner.exchange.handoffs.append(handoff.text)
                owner.exchange.handed |= self._canaries.named(handoff.text)

    def _of(self, channel: str, address: str, heard: _Heard | None) -> _Heard | None:
        if heard is not None and (not address or (channel, address) == _place(heard.say)):
            return heard
        return self._waiting.get((channel, address))

    def _hears_back(self, heard: _Heard, at: datetime) -> None:
        exchange, say = heard.exchange, heard.say
        exchange.replies = heard.replies
        exchange.asked = _questions(heard.replies, exchange)
        exchange.given_away = {reply.text: self._canaries.found(reply.text) for reply in heard.replies}
        if say.solves:
            heard.circle.given_back()
            heard.circle.case = ""
        self._shown[say.id.rpartition("-")[0], say.account.address] = exchange.text
        self.exchanges.append(exchange)
        if say.answers and say.issue is not None and say.rounds < _ROUNDS:
            self._answers(heard, at)

    def _answers(self, heard: _Heard, at: datetime) -> None:
        """The customer tells what they were asked for, as far as it is a question about this issue."""
        say, asked = heard.say, heard.exchange.asks
        own: dict[Slot, str] = {"plan": say.speaker.plan, "device": say.speaker.device}
        current: dict[Slot, str] = {**own, **(say.issue.facts if say.issue else {}), **heard.exchange.values}
        told: dict[Slot, str] = {slot: current[slot] for slot in SLOTS if slot in asked and slot in current}
        if not told:
            return
        words = Words(random.Random(say.id))  # noqa: S311 - the same words in every run
        text = " ".join(words.answer(slot, value, say.language) for slot, value in told.items())
        when = at + _THINKS
        answer = replace(
            say,
            at=when,
            id=f"{say.id}a",
            rounds=say.rounds + 1,
            text=words.in_manner(text, say.account.channel, "", when, values=told.values()),
            tells=told,
            begins=False,
            names="any",
            said_at=None,
            copies=1,
            foreign=frozenset(),
        )
        self._plan(when, answer)

    async def _colleague(self, step: Colleague) -> None:
        circle = self._circle(step.circle)
        if not circle.case:
            return
        try:
            outcome = await self.bot.agent(AgentDid(case_id=circle.case, action=step.action, text=step.text))
        except NotFound:
            return
        for reply in outcome.replies:
            self._delivers(reply)
        if step.action in {"return", "resolve"}:
            circle.given_back()
        if step.action == "resolve":
            circle.case = ""


def _questions(replies: Sequence[Reply], exchange: Exchange) -> Questions:
    return questions("\n".join(reply.text for reply in replies), exchange.values, exchange.said)


def _place(say: Say) -> tuple[str, str]:
    return say.account.channel, say.account.address


def _inbound(say: Say) -> Inbound:
    return Inbound(
        msg_id=say.id,
        ts=say.told_at,
        channel=say.account.channel,
        sender=say.sender,
        to=say.to,
        subject=say.subject,
        text=say.text,
        dtmf=say.dtmf,
    )
