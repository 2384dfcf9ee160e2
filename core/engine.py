"""The engine: a message comes in, and somebody answers.

accept     records it, durably, before anything is thought
identify   finds who is writing, and how sure we are               (the ledger, opening the turn)
recall     reads what may be known for this message, and no more   (through the gate)
answer     understands and words it, in one call
act        has done what was asked for, where that is allowed
judge      answers, hands over, or leaves it to the human who has it
greet      says what we remember, so that nobody repeats themselves
settle     writes all of it in one transaction; what is to be sent stands in the outbox

Learning comes after the answer, so that a memory that is away costs nobody a reply.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core import composing, consent, restraint, safety, unwritten
from core.actions import Actions, Asked
from core.briefing import Briefing
from core.composing import Thought
from core.house import House
from core.judgement import judge
from core.knowledge import Knowledge
from core.learning import Learning, LearningLedger
from core.ledger import Notice, Settled, Settlement, Turn, Wait
from core.linking import Linking, LinkTalk
from core.links import LinkDesk
from core.memory import Memory
from core.messages import Choice, InboundMessage, Raw, Reply, Route
from core.phrases import say
from core.recollection import Recollection
from core.restraint import Left
from core.speaking import Saying
from core.voices import own_answer
from core.writing import Answer, Writer

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Everything between a channel's `parse` and its `render`."""

    ledger: LearningLedger
    memory: Memory
    writer: Writer
    knowledge: Knowledge | None  # None where no folder is named
    house: House
    linking: Linking
    actions: Actions
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    typing: Callable[[str, Route], None] = lambda _channel, _route: None  # shows that an answer is being written

    async def accept(self, message: InboundMessage, raw: Raw) -> bool:
        """Keeps a message. When this returns it survives anything; False means that we had it already."""
        return await self.ledger.accept(replace(message, text=safety.without_cards(message.text)), safety.kept(raw))

    async def take_turn(
        self, line: str, *, patient: bool = False, saying: Saying | None = None
    ) -> Settled | Wait | None:
        """Answers what waits on a line: None when nothing does, Wait when it is too early. Raises Fenced.

        A turn of a live channel does not wait for the customer's other turns, unless it is told to be `patient`. With
        `saying` the reply is said while it is worded, as far as nothing comes before it.
        """
        return await self._turn(line, patient, lambda turn: self._think(turn, saying), saying)

    async def give_to_a_human(self, line: str, *, saying: Saying | None = None) -> Settled | Wait | None:
        """Answers a turn that we failed at: an honest sentence, and the case in the agents' queue."""
        return await self._turn(line, True, self._give_up, saying)

    async def learn(self, settled: Settled) -> None:
        """Gives memory what a turn told. Never on the way of a reply."""
        await self.memory.retract(settled.superseded)
        await self.memory.remember(settled.notes)
        await self.memory.vote(settled.votes)
        if settled.praised is not None:
            await Learning(ledger=self.ledger, memory=self.memory, now=self.now).from_praise(settled.praised)

    async def _turn(
        self, line: str, patient: bool, think: Callable[[Turn], Awaitable[Settlement]], saying: Saying | None
    ) -> Settled | Wait | None:
        live = self.house.limits(line.partition(":")[0]).live
        turn = await self.ledger.open_turn(
            line,
            token=self.new_id(),
            now=self.now(),
            burst=timedelta(0) if live else self.house.burst,
            live=live and not patient,
        )
        if turn is None or isinstance(turn, Wait):
            return turn
        try:
            settlement = await think(turn)
            return await self.ledger.settle(saying.completed(settlement) if saying else settlement)
        except BaseException:
            await asyncio.shield(self.ledger.release(turn))
            raise

    async def _think(self, turn: Turn, saying: Saying | None) -> Settlement:
        held_back, given, noted = self._held_back(turn), unwritten.given_rating(turn), self._noted(turn)
        if noted:
            return replace(noted, replies=[]) if held_back else noted
        if held_back:
            return await self._leave(turn, held_back)
        if given is None:
            return await self._consider(turn, saying)
        return unwritten.with_rating(await self._consider(unwritten.beside_rating(turn, given)), given)

    def _noted(self, turn: Turn) -> Settlement | None:
        """What needs no thought: a wish to hear no more, a rating and nothing else."""
        wish = turn.first.wish or consent.wish(turn.text, keywords=self.house.limits(turn.first.channel).keywords)
        if wish:
            return unwritten.of_consent(turn, wish, self.house, now=self.now(), reply_id=self.new_id())
        given = unwritten.given_rating(turn)
        if given is None or given.rest:
            return None
        return unwritten.of_rating(turn, given, self.house, now=self.now(), reply_id=self.new_id())

    async def _consider(self, turn: Turn, saying: Saying | None = None) -> Settlement:
        talk = await self._talk_of_codes(turn)
        standing = replace(turn.standing, grant=talk.grant) if talk and talk.grant else turn.standing
        known = await self.briefing.recall(standing)
        answer = known.about_a_known_case(await self._answer(turn, known, talk, saying))
        closed = talk is not None and talk.needs_a_person
        runs = await self.actions.carry_out(Asked(turn=turn, standing=standing, known=known, answer=answer))
        verdict = judge(answer, known.case(answer.case), known.profile, runs, needs_a_person=closed)
        thought = Thought(
            turn=turn, standing=standing, known=known, answer=answer, runs=runs, verdict=verdict, talk=talk
        )
        greeting = composing.greet(thought, self.house, self.now())
        said = composing.compose(thought, greeting, self.house, self.now())
        composed = composing.with_question(thought, said, self.house)
        settlement = composing.settlement(
            thought, greeting, composed, self.house, now=self.now(), reply_id=self.new_id()
        )
        return replace(settlement, notices=await self._notices(talk, answer.language))

    async def _give_up(self, turn: Turn) -> Settlement:
        return await self._leave(turn, self._held_back(turn) or unwritten.FAILED)

    def _held_back(self, turn: Turn) -> Left | None:
        return restraint.spent(turn, self.house) or restraint.loop(turn, about_codes=self.linking.concerns(turn))

    async def _leave(self, turn: Turn, why: Left) -> Settlement:
        try:
            known = await self.briefing.recall(turn.standing)
        except Exception:  # noqa: BLE001 - what failed the turn may well fail this
            known = None
        return unwritten.left_to_a_colleague(turn, known, self.house, why, now=self.now(), reply_id=self.new_id())

    async def _talk_of_codes(self, turn: Turn) -> LinkTalk | None:
        if not self.linking.concerns(turn):
            return None
        return self.linking.consider(turn, await self._link_desk(turn))

    async def _link_desk(self, turn: Turn) -> LinkDesk:
        first, *others = self.linking.entered(turn) or [""]
        desk = await self.ledger.link_desk(turn, digest=first, now=self.now())
        while others and desk.code is None:
            desk = await self.ledger.link_desk(turn, digest=others.pop(0), now=self.now())
        return desk

    @property
    def briefing(self) -> Briefing:
        """Who puts briefs together."""
        return Briefing(
            ledger=self.ledger, memory=self.memory, knowledge=self.knowledge, house=self.house, now=self.now
        )

    async def _answer(self, turn: Turn, known: Recollection, talk: LinkTalk | None, saying: Saying | None) -> Answer:
        if not turn.text or (talk and talk.alone):
            return composing.nothing_to_write(turn, known, talk, self.house)
        if all(record.status != "handed_off" for record in known.records.values()):
            self.typing(turn.first.channel, turn.route)
        brief = await self.briefing.brief(turn, known)
        if saying and talk is None and composing.begins_with_the_answer(turn, known, self.house, self.now()):
            start = Reply(id=self.new_id(), route=turn.route, text="", language=brief.language or brief.languages[0])
            answer = await saying.worded(self.writer, brief, start=start, hosts=self.house.link_hosts)
        else:
            answer = await self.writer.answer(brief)
        answer = replace(answer, reply=safety.only_known_links(answer.reply, self.house.link_hosts))
        return own_answer(answer, turn.text)

    async def _notices(self, talk: LinkTalk | None, language: str) -> list[Notice]:
        """Tells every other strong handle of a customer that a link was made."""
        if talk is None or not talk.notify:
            return []
        reaches = await self.ledger.reaches(sorted(talk.notify), now=self.now())
        return [
            Notice(
                to=reach,
                reply=Reply(
                    id=self.new_id(),
                    route=reach.route,
                    text=say("link_notice", reach.language or language, channel=talk.notice),
                    language=reach.language or language,
                    choices=(Choice(label=say("undo", reach.language or language), says="UNDO"),),
                ),
            )
            for reach in reaches
            if self.house.limits(reach.channel).reachable and reach.sent_lately < self.house.sent_an_hour
        ]
