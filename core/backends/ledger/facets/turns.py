"""What the engine, delivery and checking need: see core/ledger.py."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from core.backends.ledger import (
    enclosing,
    inbox,
    linking,
    outbox,
    recall,
    tombstones,
    turns,
)
from core.backends.ledger.facets.base import OnDatabase
from core.channel import Checked, Line, Place, Report, SentFile
from core.ledger import Outgoing, Reach, Settled, Settlement, Turn, Unchecked, Wait, line_of
from core.links import LinkDesk
from core.memory import Hit
from core.messages import InboundMessage, Interruption, Raw, Reply
from core.record import Rows
from identity.gate import HandleId, Permit


class ForTurns(OnDatabase):
    """What the engine, delivery and checking need: see core/ledger.py."""

    async def accept(self, message: InboundMessage, raw: Raw) -> bool:
        return await self._database.write(
            lambda tx: not tombstones.is_erased(tx, message, self._secret) and inbox.accept(tx, message, raw),
            durable=True,
            beside=line_of(message),
        )

    async def park(self, channel: str, raw: Raw, reason: str) -> None:
        await self._database.write(lambda tx: inbox.park(tx, channel, raw, reason), durable=True, beside="park")

    async def open_lines(self, *, before: datetime | None = None) -> Sequence[str]:
        return await self._database.read(lambda tx: inbox.open_lines(tx, before))

    async def begin_alone(self) -> None:
        await self._database.write(turns.begin_alone)

    async def hold(self, *, now: datetime) -> None:
        await self._database.write(lambda tx: turns.hold(tx, self._holder, now), beside=self._holder)

    async def open_turn(
        self, line: str, *, token: str, now: datetime, burst: timedelta, live: bool
    ) -> Turn | Wait | None:
        return await self._database.write(
            lambda tx: turns.open_turn(
                tx,
                line,
                token=token,
                holder=self._holder,
                now=now,
                burst=burst,
                live=live,
                erased_at=partial(tombstones.key_erased_at, self._secret),
            ),
            beside=line,
        )

    async def recall(self, permit: Permit, *, closed_after: datetime | None = None) -> Rows:
        return await self._database.read(lambda tx: recall.rows(tx, permit, closed_after))

    async def episodes(self, permit: Permit, hits: Sequence[Hit]) -> Sequence[str]:
        return await self._database.read(lambda tx: recall.episodes(tx, permit, hits)) if hits else []

    async def link_desk(self, turn: Turn, *, digest: str, now: datetime) -> LinkDesk:
        return await self._database.read(lambda tx: linking.desk(tx, turn, digest, now))

    async def reaches(self, handles: Sequence[HandleId], *, now: datetime) -> Sequence[Reach]:
        return await self._database.read(lambda tx: linking.reaches(tx, handles, now))

    async def settle(self, settlement: Settlement) -> Settled:
        line = settlement.turn.line if settlement.is_plain else ""
        return await self._database.write(lambda tx: turns.settle(tx, settlement), durable=True, beside=line)

    async def release(self, turn: Turn) -> None:
        await self._database.write(lambda tx: turns.release(tx, turn), beside=turn.line)

    async def left_over(self, *, now: datetime, destination: str = "") -> Sequence[Outgoing]:
        return await self._database.read(lambda tx: outbox.left_over(tx, now, destination))

    async def neglected(self, *, before: datetime, now: datetime) -> Sequence[str]:
        return await self._database.read(lambda tx: outbox.neglected(tx, before, now))

    async def claim(self, outgoing: int, *, now: datetime) -> Outgoing | None:
        return await self._database.write(
            lambda tx: outbox.claim(tx, outgoing, self._holder, now), beside=_reply(outgoing)
        )

    async def let_go(self, outgoing: int) -> None:
        await self._database.write(lambda tx: outbox.let_go(tx, outgoing, self._holder), beside=_reply(outgoing))

    async def part_sent(self, outgoing: int, *, parts: int, done: bool, provider_id: str, now: datetime) -> None:
        await self._database.write(
            lambda tx: outbox.part_sent(tx, outgoing, parts=parts, done=done, provider_id=provider_id, now=now),
            beside=_reply(outgoing),
        )

    async def reconciled(self, outgoing: int, found: Sequence[str]) -> str:
        return await self._database.write(lambda tx: outbox.reconciled(tx, outgoing, found), beside=_reply(outgoing))

    async def sending_failed(
        self, outgoing: int, *, error: str, due_at: datetime | None, maybe_sent: bool = False
    ) -> None:
        await self._database.write(
            lambda tx: outbox.sending_failed(tx, outgoing, error, due_at, maybe_sent=maybe_sent),
            beside=_reply(outgoing),
        )

    async def opted_out(self, outgoing: int, *, now: datetime) -> None:
        await self._database.write(lambda tx: outbox.opted_out(tx, outgoing, now), durable=True)

    async def reported(self, channel: str, report: Report, *, now: datetime) -> bool:
        return await self._database.write(
            lambda tx: outbox.reported(tx, channel, report, now), durable=True, beside="report"
        )

    async def heard(self, interruption: Interruption) -> None:
        await self._database.write(lambda tx: outbox.heard(tx, interruption))

    async def transcript(self, channel: str, conversation: str) -> Sequence[Line]:
        return await self._database.read(lambda tx: inbox.transcript(tx, channel, conversation))

    async def places(self, channel: str, *, since: datetime) -> Sequence[Place]:
        """Where a channel's conversations stand that were heard since then, the one heard last first."""
        return await self._database.read(lambda tx: inbox.places(tx, channel, since))

    async def sent_file(self, channel: str, reply: str, number: int) -> SentFile | None:
        """A file of this channel's reply; None where there is none, or none any more."""
        return await self._database.read(lambda tx: enclosing.sent(tx, channel, reply, number))

    async def enclosed(self, row: Outgoing) -> Reply:
        return await self._database.read(lambda tx: enclosing.enclosed(tx, row.id, row.reply))

    # ── messages that wait for a check ──
    async def unchecked(self, *, before: datetime | None = None) -> Sequence[Unchecked]:
        return await self._database.read(lambda tx: inbox.to_check(tx, before))

    async def to_check(self, one: Unchecked) -> tuple[InboundMessage, Raw] | None:
        return await self._database.read(lambda tx: inbox.kept(tx, one))

    async def checked(self, one: Unchecked, found: Checked | None) -> str | None:
        return await self._database.write(lambda tx: inbox.checked(tx, one, found), durable=True)


def _reply(outgoing: int) -> str:
    return f"reply {outgoing}"
