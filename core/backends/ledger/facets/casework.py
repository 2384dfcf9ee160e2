"""What colleagues do with a case beside answering it: see core/casework.py."""

from collections.abc import Sequence
from datetime import datetime

from core.backends.ledger import casework, panels
from core.backends.ledger.facets.base import OnDatabase
from core.casework import Transfer
from core.panel import Panel, Wanted
from core.playbook import Learnt
from core.writing import Mood


class ForCasework(OnDatabase):
    """What colleagues do with a case beside answering it: see core/casework.py."""

    async def panel(self, case: int, wanted: Wanted, *, now: datetime) -> Panel:
        return await self._database.read(lambda tx: panels.panel(tx, case, wanted, now))

    async def write_note(self, case: int, agent: str, text: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: casework.write_note(tx, case, agent, text, now), durable=True)

    async def colleagues(self) -> Sequence[str]:
        return await self._database.read(casework.colleagues)

    async def transfer(self, order: Transfer) -> None:
        await self._database.write(lambda tx: casework.transfer(tx, order), durable=True)

    async def take_over(self, case: int, agent: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: casework.take_over(tx, case, agent, now), durable=True)

    async def snooze(self, case: int, agent: str, until: datetime | None, *, now: datetime) -> None:
        await self._database.write(lambda tx: casework.snooze(tx, case, agent, until, now), durable=True)

    async def reopen(self, case: int, agent: str, *, now: datetime) -> Learnt:
        return await self._database.write(lambda tx: casework.reopen(tx, case, agent, now), durable=True)

    async def correct_mood(self, case: int, agent: str, mood: Mood, *, now: datetime) -> None:
        await self._database.write(lambda tx: casework.correct_mood(tx, case, agent, mood, now), durable=True)

    async def look(self, case: int, agent: str, *, now: datetime) -> Sequence[str]:
        others, to_note = await self._database.read(lambda tx: casework.look(tx, case, agent, now))
        if to_note:
            await self._database.write(lambda tx: casework.looked(tx, case, agent, now))
        return others
