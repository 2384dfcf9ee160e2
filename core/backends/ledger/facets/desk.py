"""What colleagues do with cases, and how they are called: see core/desk.py and core/calling.py."""

from collections.abc import Collection, Sequence
from datetime import datetime

from core.backends.ledger import (
    calling,
    casefiles,
    desk,
)
from core.backends.ledger.facets.base import OnDatabase
from core.calling import Due
from core.casefile import CaseFile, Reading
from core.desk import AgentReply, Correction, Resolution, Resolved, Undelivered, Unread
from core.files import Delivered, Enclosed
from core.ledger import Outgoing


class ForDesk(OnDatabase):
    """What colleagues do with cases, and how they are called: see core/desk.py and core/calling.py."""

    async def case_file(self, case: int, *, reachable: Collection[str], now: datetime) -> CaseFile:
        return await self._database.read(lambda tx: casefiles.case_file(tx, case, reachable, now))

    async def delivered(self, case: int, message: int, *, now: datetime) -> Delivered | None:
        return await self._database.read(lambda tx: casefiles.delivered(tx, case, message, now))

    async def case_file_sent(self, case: int, reply: int, number: int, *, now: datetime) -> Enclosed | None:
        return await self._database.read(lambda tx: casefiles.sent_file(tx, case, reply, number, now))

    async def case_state(self, case: int) -> str:
        return await self._database.read(lambda tx: casefiles.case_state(tx, case))

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.note_reading(tx, reader, readings, now), beside=f"reader {reader}")

    async def take(self, case: int, agent: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.take(tx, case, agent, now), durable=True)

    async def hand_back(self, case: int, agent: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.hand_back(tx, case, agent, now), durable=True)

    async def reply(self, reply: AgentReply, *, reachable: Collection[str]) -> Sequence[Outgoing]:
        return await self._database.write(lambda tx: desk.reply(tx, reply, reachable), durable=True)

    async def resolve(self, resolution: Resolution, *, reachable: Collection[str]) -> Resolved:
        return await self._database.write(lambda tx: desk.resolve(tx, resolution, reachable), durable=True)

    async def correct(self, correction: Correction) -> None:
        await self._database.write(lambda tx: desk.correct(tx, correction), durable=True)

    async def unread(self) -> Sequence[Unread]:
        return await self._database.read(casefiles.unread)

    async def undelivered(self) -> Sequence[Undelivered]:
        return await self._database.read(casefiles.undelivered)

    # ── calling colleagues: see core/calling.py ──
    async def to_call(self, room: str, *, again_from: datetime, oldest: datetime) -> Sequence[Due]:
        return await self._database.read(lambda tx: calling.to_call(tx, room, again_from, oldest))

    async def called(self, due: Due, room: str, post: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: calling.called(tx, due, room, post, now), durable=True)

    async def called_for(self, room: str, post: str) -> int | None:
        return await self._database.read(lambda tx: calling.called_for(tx, room, post))

    async def tied(self, key: str) -> str | None:
        return await self._database.read(lambda tx: calling.tied(tx, key))
