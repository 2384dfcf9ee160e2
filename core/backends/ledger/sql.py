"""The ledger port on a SQL database."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from core.accounts import Account, Audited, Colleague, Credential, NewAccount
from core.backends.ledger import accounts as staff
from core.backends.ledger import desk, inbox, linking, outbox, people, playbook, recall, turns
from core.backends.ledger.database import Database
from core.backends.ledger.migrations import migrate
from core.channel import Line
from core.desk import AgentReply, CaseFile, Queued, Reading, Resolution, Undelivered, Unread
from core.ledger import DirectoryRow, Outgoing, Reach, Rows, Settled, Settlement, Turn, Wait
from core.links import LinkDesk
from core.memory import Lesson, Note, PatternHit
from core.messages import InboundMessage, Raw
from core.writing import Pattern
from identity.gate import HandleId, Permit


class SqlLedger:
    """See core/ledger.py for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def migrate(self) -> None:
        """Brings the tables to their newest shape."""
        await self._database.write(migrate, durable=True)

    async def close(self) -> None:
        """Lets the database go."""
        await self._database.close()

    async def accept(self, message: InboundMessage, raw: Raw) -> bool:
        return await self._database.write(lambda tx: inbox.accept(tx, message, raw), durable=True)

    async def park(self, channel: str, raw: Raw, reason: str) -> None:
        await self._database.write(lambda tx: inbox.park(tx, channel, raw, reason), durable=True)

    async def open_lines(self) -> Sequence[str]:
        return await self._database.read(inbox.open_lines)

    async def forget_leases(self) -> None:
        await self._database.write(turns.forget_leases)

    async def open_turn(
        self, line: str, *, token: str, now: datetime, burst: timedelta, live: bool
    ) -> Turn | Wait | None:
        return await self._database.write(
            lambda tx: turns.open_turn(tx, line, token=token, now=now, burst=burst, live=live)
        )

    async def recall(self, permit: Permit) -> Rows:
        return await self._database.read(lambda tx: recall.rows(tx, permit))

    async def episodes(self, permit: Permit, cases: Sequence[int]) -> Sequence[str]:
        return await self._database.read(lambda tx: recall.episodes(tx, permit, cases)) if cases else []

    async def patterns(self, hits: Sequence[PatternHit]) -> Sequence[Pattern]:
        return await self._database.read(lambda tx: playbook.patterns(tx, hits)) if hits else []

    async def link_desk(self, turn: Turn, *, digest: str, now: datetime) -> LinkDesk:
        return await self._database.read(lambda tx: linking.desk(tx, turn, digest, now))

    async def reaches(self, handles: Sequence[HandleId], *, now: datetime) -> Sequence[Reach]:
        return await self._database.read(lambda tx: linking.reaches(tx, handles, now))

    async def settle(self, settlement: Settlement) -> Settled:
        return await self._database.write(lambda tx: turns.settle(tx, settlement), durable=True)

    async def release(self, turn: Turn) -> None:
        await self._database.write(lambda tx: turns.release(tx, turn))

    async def left_over(self) -> Sequence[Outgoing]:
        return await self._database.write(outbox.left_over)

    async def part_sent(self, outgoing: int, *, parts: int, done: bool, provider_id: str, now: datetime) -> None:
        await self._database.write(
            lambda tx: outbox.part_sent(tx, outgoing, parts=parts, done=done, provider_id=provider_id, now=now)
        )

    async def sending_failed(self, outgoing: int, *, error: str, due_at: datetime | None) -> None:
        await self._database.write(lambda tx: outbox.sending_failed(tx, outgoing, error, due_at))

    async def transcript(self, channel: str, conversation: str) -> Sequence[Line]:
        return await self._database.read(lambda tx: inbox.transcript(tx, channel, conversation))

    async def all_notes(self, at_a_time: int) -> AsyncIterator[Sequence[Note]]:
        """All that memory is to hold, in portions: closed cases, then every current fact."""
        yield await self._database.read(recall.closed_cases)
        last = 0
        while notes := await self._database.read(partial(recall.notes_after, last=last, limit=at_a_time)):
            yield notes
            last = notes[-1].row

    async def all_lessons(self) -> Sequence[Lesson]:
        """Every pattern on record."""
        return await self._database.read(playbook.lessons)

    async def import_directory(self, rows: Sequence[DirectoryRow], *, now: datetime) -> None:
        """Adds or updates people of the company's directory."""
        await self._database.write(lambda tx: people.import_directory(tx, rows, now), durable=True)

    # ── the desk: see core/desk.py ──
    async def queue(self) -> Sequence[Queued]:
        """One short read a case, so that turns get in between."""
        waiting = await self._database.read(desk.waiting_cases)
        return [await self._database.read(partial(desk.queued, case=case)) for case in waiting]

    async def queue_state(self) -> str:
        return await self._database.read(desk.queue_state)

    async def case_file(self, case: int, *, reachable: Collection[str], now: datetime) -> CaseFile:
        return await self._database.read(lambda tx: desk.case_file(tx, case, reachable, now))

    async def case_state(self, case: int) -> str:
        return await self._database.read(lambda tx: desk.case_state(tx, case))

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.note_reading(tx, reader, readings, now))

    async def take(self, case: int, agent: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.take(tx, case, agent, now), durable=True)

    async def hand_back(self, case: int, agent: str) -> None:
        await self._database.write(lambda tx: desk.hand_back(tx, case, agent), durable=True)

    async def reply(self, reply: AgentReply, *, reachable: Collection[str]) -> Sequence[Outgoing]:
        return await self._database.write(lambda tx: desk.reply(tx, reply, reachable), durable=True)

    async def resolve(self, resolution: Resolution) -> int | None:
        return await self._database.write(lambda tx: desk.resolve(tx, resolution), durable=True)

    async def unread(self) -> Sequence[Unread]:
        return await self._database.read(desk.unread)

    async def undelivered(self) -> Sequence[Undelivered]:
        return await self._database.read(desk.undelivered)

    # ── colleagues: see core/accounts.py ──
    async def has_accounts(self) -> bool:
        return await self._database.read(staff.has_accounts)

    async def accounts(self) -> Sequence[Account]:
        return await self._database.read(staff.everybody)

    async def audited(self) -> Sequence[Audited]:
        return await self._database.read(staff.audited)

    async def credential(self, name: str) -> Credential | None:
        return await self._database.read(lambda tx: staff.credential(tx, name))

    async def add_account(self, account: NewAccount, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.add(tx, account, by, now), durable=True)

    async def disable_account(self, name: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.disable(tx, name, by, now), durable=True)

    async def change_password(self, old: Credential, password_hash: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: staff.change_password(tx, old, password_hash, now), durable=True)

    async def open_session(self, digest: str, credential: Credential | None, *, now: datetime) -> bool:
        return await self._database.write(lambda tx: staff.open_session(tx, digest, credential, now), durable=True)

    async def session(self, digest: str, *, now: datetime, active: bool) -> Colleague | None:
        found = await self._database.read(lambda tx: staff.session(tx, digest, now))
        if found is None:
            return None
        colleague, stale = found
        if active and stale:
            await self._database.write(lambda tx: staff.seen(tx, digest, now))
        return colleague

    async def end_session(self, digest: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: staff.end_session(tx, digest, now), durable=True)
