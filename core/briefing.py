"""The brief: what a writer may know, read through the gate; for a turn, and for a draft that a colleague asks for."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.house import House
from core.knowledge import Knowledge
from core.ledger import Ledger, Turn
from core.memory import Memory
from core.playbook import may_be_offered
from core.recollection import Recollection, recollect
from core.writing import Brief, Pattern
from identity.gate import DIRECTORY, Purpose, Standing, permit

log = logging.getLogger(__name__)

_MEMORY_PATIENCE = 0.15  # seconds that a turn waits for memory before it goes on with the ledger alone
_COMES_BACK = timedelta(days=7)  # for so long a case that was closed is the same when it comes back
_STALE = timedelta(days=180)  # what somebody told of themselves so long ago is confirmed before it is used
_MOST_RECENT = 4  # handles that memory is asked about
_REMEMBERED = 4  # closed cases
_POINTED_AT = 12  # rows of memory; several may be of one case, or of an open one
_LOOKED_AT = 5  # patterns
_OFFERED = 3


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """Puts briefs together."""

    ledger: Ledger
    memory: Memory
    knowledge: Knowledge | None  # None where no folder is named
    house: House
    now: Callable[[], datetime]

    async def recall(self, standing: Standing) -> Recollection:
        """What may be known to answer a message of this standing, and no more."""
        allowed = permit(standing, Purpose.ANSWER)
        return recollect(allowed, await self.ledger.recall(allowed, closed_after=self.now() - _COMES_BACK))

    async def brief(self, turn: Turn, known: Recollection) -> Brief:
        """The brief for a turn, of what was recalled for it."""
        remembered, patterns = await self._from_memory(turn, known)
        return Brief(
            text=turn.text,
            channel=turn.first.channel,
            language=known.spoken_in(turn.language, self.house.languages, is_new=turn.new_conversation),
            languages=self.house.languages,
            now=self.now(),
            said=known.said,
            cases=known.cases,
            closed=known.closed,
            facts=known.facts,
            stale=[slot for slot, told_at in known.told_at.items() if self.now() - told_at > _STALE],
            preferences=known.preferences,
            asked=turn.asked,
            name=known.name,
            summary=known.summary,
            remembered=remembered,
            patterns=patterns,
            articles=self.knowledge.find(turn.text) if self.knowledge else (),
            attachments=[a.name for h in turn.heard for a in h.message.attachments],
            told_at=turn.told_at,
            unproven=DIRECTORY not in known.permit.handles,
            bot_name=self.house.bot_name,
            brand=self.house.brand,
            offline=turn.model_turns_lately >= self.house.model_turns_an_hour,
        )

    async def _from_memory(self, turn: Turn, known: Recollection) -> tuple[list[str], list[Pattern]]:
        """What memory adds to the ledger's own rows, in time or not at all: closed cases, where there are any, and
        what helped others."""
        handles = sorted(known.permit.handles - {DIRECTORY})[-_MOST_RECENT:] if known.closed_before else []
        try:
            async with asyncio.timeout(_MEMORY_PATIENCE):
                hits = await self.memory.recall(handles, turn.text, limit=_POINTED_AT)
                found = await self.memory.suggest(turn.text, None, limit=_LOOKED_AT)
        except Exception as error:  # noqa: BLE001 - memory is never a reason not to answer
            log.warning("memory did not answer in time, the ledger alone is used: %s", type(error).__name__)
            return [], []
        episodes = await self.ledger.episodes(known.permit, hits)
        enough = self.house.pattern_customers
        patterns = await self.ledger.patterns(found, now=self.now(), enough=enough)
        offered = [one for one in patterns if may_be_offered(one, enough)]
        return [known.shown(episode) for episode in episodes[:_REMEMBERED]], offered[:_OFFERED]
