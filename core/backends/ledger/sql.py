"""The ledger port on a SQL database."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from core.accounts import Account, Audited, Colleague, Credential, NewAccount, SignIn
from core.backends.ledger import accounts as staff
from core.backends.ledger import actions as deeds
from core.backends.ledger import (
    calling,
    casefiles,
    desk,
    erasing,
    exporting,
    importing,
    inbox,
    linking,
    merging,
    outbox,
    people,
    playbook,
    recall,
    retention,
    turns,
)
from core.backends.ledger.database import Database
from core.backends.ledger.migrations import migrate
from core.calling import Due
from core.casefile import CaseFile, Reading
from core.channel import Checked, Line, Report
from core.desk import AgentReply, Correction, Queued, Resolution, Resolved, Undelivered, Unread
from core.erasing import Receipt
from core.exporting import Export
from core.files import Delivered
from core.ledger import DirectoryRow, Outgoing, Reach, Rows, Settled, Settlement, Turn, Unchecked, Wait
from core.links import LinkDesk
from core.memory import Hit, Lesson, Note, PatternHit, Vote
from core.merging import Order, Plan, WhoIsIt
from core.messages import InboundMessage, Interruption, Raw
from core.playbook import Draft, Learnt
from core.runs import Request, Run, RunState
from core.writing import Pattern
from identity.gate import HandleId, Permit


class SqlLedger:
    """See core/ledger.py for what each method promises."""

    def __init__(self, database: Database, *, secret: bytes = b"") -> None:
        self._database = database
        self._secret = secret  # under which tombstones of the erased are kept

    async def migrate(self) -> None:
        """Brings the tables to their newest shape."""
        await self._database.write(migrate, durable=True)

    async def close(self) -> None:
        """Lets the database go."""
        await self._database.close()

    async def accept(self, message: InboundMessage, raw: Raw) -> bool:
        return await self._database.write(
            lambda tx: not erasing.is_erased(tx, message, self._secret) and inbox.accept(tx, message, raw), durable=True
        )

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
            lambda tx: turns.open_turn(
                tx,
                line,
                token=token,
                now=now,
                burst=burst,
                live=live,
                erased_at=partial(erasing.key_erased_at, self._secret),
            )
        )

    async def recall(self, permit: Permit, *, closed_after: datetime | None = None) -> Rows:
        return await self._database.read(lambda tx: recall.rows(tx, permit, closed_after))

    async def episodes(self, permit: Permit, hits: Sequence[Hit]) -> Sequence[str]:
        return await self._database.read(lambda tx: recall.episodes(tx, permit, hits)) if hits else []

    async def patterns(self, hits: Sequence[PatternHit], *, now: datetime, enough: int = 0) -> Sequence[Pattern]:
        return await self._database.read(lambda tx: playbook.patterns(tx, hits, now, enough)) if hits else []

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

    async def is_waiting(self, outgoing: int) -> bool:
        return await self._database.read(lambda tx: outbox.is_waiting(tx, outgoing))

    async def part_sent(self, outgoing: int, *, parts: int, done: bool, provider_id: str, now: datetime) -> None:
        await self._database.write(
            lambda tx: outbox.part_sent(tx, outgoing, parts=parts, done=done, provider_id=provider_id, now=now)
        )

    async def sending_failed(
        self, outgoing: int, *, error: str, due_at: datetime | None, maybe_sent: bool = False
    ) -> None:
        await self._database.write(lambda tx: outbox.sending_failed(tx, outgoing, error, due_at, maybe_sent=maybe_sent))

    async def opted_out(self, outgoing: int, *, now: datetime) -> None:
        await self._database.write(lambda tx: outbox.opted_out(tx, outgoing, now), durable=True)

    async def reported(self, channel: str, report: Report, *, now: datetime) -> bool:
        return await self._database.write(lambda tx: outbox.reported(tx, channel, report, now), durable=True)

    async def heard(self, interruption: Interruption) -> None:
        await self._database.write(lambda tx: outbox.heard(tx, interruption))

    async def transcript(self, channel: str, conversation: str) -> Sequence[Line]:
        return await self._database.read(lambda tx: inbox.transcript(tx, channel, conversation))

    async def all_notes(self, at_a_time: int) -> AsyncIterator[Sequence[Note]]:
        """All that memory is to hold, in portions: closed cases, then every current fact of none of these."""
        yield await self._database.read(recall.closed_cases)
        last = 0
        while notes := await self._database.read(partial(recall.notes_after, last=last, limit=at_a_time)):
            yield notes
            last = notes[-1].row

    async def all_lessons(self) -> Sequence[Lesson]:
        """Every pattern on record."""
        return await self._database.read(playbook.lessons)

    async def all_votes(self) -> Sequence[Vote]:
        """What every case says of a pattern."""
        return await self._database.read(playbook.votes)

    async def import_directory(self, rows: Sequence[DirectoryRow], *, now: datetime, restore: bool = False) -> int:
        """Adds or updates people of the company's directory, but for erased ones unless they are to be restored; how
        many are in it."""
        return await self._database.write(lambda tx: self._import(tx, rows, now, restore), durable=True)

    def _import(self, tx: Connection, rows: Sequence[DirectoryRow], now: datetime, restore: bool) -> int:
        if restore:
            rows = erasing.restored(tx, rows, self._secret, now)
        admitted = erasing.admitted(tx, rows, self._secret)
        people.import_directory(tx, admitted, now)
        return len(admitted)

    # ── the desk: see core/desk.py ──
    async def queue(self, *, now: datetime, page: int = 1) -> Sequence[Queued]:
        """One short read a case, so that turns get in between."""
        waiting = await self._database.read(partial(casefiles.waiting_cases, page=page))
        return [await self._database.read(partial(casefiles.queued, case=case, now=now)) for case in waiting]

    async def queue_state(self, *, page: int = 1) -> str:
        return await self._database.read(partial(casefiles.queue_state, page=page))

    async def case_file(self, case: int, *, reachable: Collection[str], now: datetime) -> CaseFile:
        return await self._database.read(lambda tx: casefiles.case_file(tx, case, reachable, now))

    async def delivered(self, case: int, message: int, *, now: datetime) -> Delivered | None:
        return await self._database.read(lambda tx: casefiles.delivered(tx, case, message, now))

    async def case_state(self, case: int) -> str:
        return await self._database.read(lambda tx: casefiles.case_state(tx, case))

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.note_reading(tx, reader, readings, now))

    async def take(self, case: int, agent: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: desk.take(tx, case, agent, now), durable=True)

    async def hand_back(self, case: int, agent: str) -> None:
        await self._database.write(lambda tx: desk.hand_back(tx, case, agent), durable=True)

    async def reply(self, reply: AgentReply, *, reachable: Collection[str]) -> Sequence[Outgoing]:
        return await self._database.write(lambda tx: desk.reply(tx, reply, reachable), durable=True)

    async def resolve(self, resolution: Resolution, *, reachable: Collection[str]) -> Resolved:
        return await self._database.write(lambda tx: desk.resolve(tx, resolution, reachable), durable=True)

    # ── learning: see core/learning.py ──
    async def cited(self, case: int) -> str:
        return await self._database.read(lambda tx: playbook.article(tx, case))

    async def learn(self, case: int, draft: Draft, *, same_as: int | None, now: datetime) -> Learnt:
        return await self._database.write(
            lambda tx: playbook.learn(tx, case, draft, same_as=same_as, confirmed_by="", now=now), durable=True
        )

    async def correct(self, correction: Correction) -> None:
        await self._database.write(lambda tx: desk.correct(tx, correction), durable=True)

    async def corrected(self) -> Sequence[tuple[str, str]]:
        """The newest corrections: what was said, redacted, and the category it is really of."""
        return await self._database.read(desk.corrected)

    async def unread(self) -> Sequence[Unread]:
        return await self._database.read(casefiles.unread)

    async def undelivered(self) -> Sequence[Undelivered]:
        return await self._database.read(casefiles.undelivered)

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

    async def reset_password(self, name: str, password_hash: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.reset_password(tx, name, password_hash, by, now), durable=True)

    async def tie(self, name: str, key: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.tie(tx, name, key, by, now), durable=True)

    # ── calling colleagues: see core/calling.py ──
    async def to_call(self, room: str, *, patience: timedelta, oldest: datetime, now: datetime) -> Sequence[Due]:
        return await self._database.read(lambda tx: calling.to_call(tx, room, patience, oldest, now))

    async def called(self, due: Due, room: str, post: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: calling.called(tx, due, room, post, now), durable=True)

    async def called_for(self, room: str, post: str) -> int | None:
        return await self._database.read(lambda tx: calling.called_for(tx, room, post))

    async def tied(self, key: str) -> str | None:
        return await self._database.read(lambda tx: calling.tied(tx, key))

    async def begin_sign_in(self, source: str, name: str, *, most: int, since: datetime, now: datetime) -> SignIn:
        return await self._database.write(
            lambda tx: staff.begin_sign_in(tx, source, name, most=most, since=since, now=now)
        )

    async def forgive_sign_in(self, sign_in: int) -> None:
        await self._database.write(lambda tx: staff.forgive_sign_in(tx, sign_in))

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

    # ── messages that wait for a check ──
    async def unchecked(self) -> Sequence[Unchecked]:
        return await self._database.read(inbox.to_check)

    async def to_check(self, one: Unchecked) -> tuple[InboundMessage, Raw] | None:
        return await self._database.read(lambda tx: inbox.kept(tx, one))

    async def checked(self, one: Unchecked, found: Checked | None) -> str | None:
        return await self._database.write(lambda tx: inbox.checked(tx, one, found), durable=True)

    # ── forgetting, exporting, retention: see core/erasing.py, core/exporting.py, core/retention.py ──
    async def addresses(self, external_id: str, *, now: datetime) -> Collection[str]:
        return (await self._database.read(lambda tx: erasing.customer(tx, external_id, now))).addresses

    async def erase(self, external_id: str, *, receipt: str, now: datetime) -> Receipt:
        return await self._database.write(
            lambda tx: erasing.erase(tx, external_id, receipt, self._secret, now), durable=True
        )

    async def unfinished(self) -> Sequence[Receipt]:
        return await self._database.read(erasing.unfinished)

    async def finish(self, receipt: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: erasing.finish(tx, receipt, now), durable=True)

    async def scour(self) -> bool:
        return await self._database.scour()

    async def export(self, external_id: str, *, reader: str, now: datetime) -> Export:
        return await self._database.write(lambda tx: exporting.export(tx, external_id, reader, now))

    async def take_in(self, export: Export, *, now: datetime, restore: bool) -> int:
        """Takes an export in again; how many facts were new. Raises Malformed, then nothing was changed."""
        return await self._database.write(lambda tx: self._take_in(tx, export, now, restore), durable=True)

    def _take_in(self, tx: Connection, export: Export, now: datetime, restore: bool) -> int:
        taken = self._import(tx, [importing.person(export)], now, restore)
        return importing.take_in(tx, export) if taken else 0

    async def erase_raw(self, before: datetime, limit: int) -> int:
        return await self._database.write(lambda tx: retention.erase_raw(tx, before, limit))

    async def erase_messages(self, before: datetime, limit: int) -> int:
        return await self._database.write(lambda tx: retention.erase_messages(tx, before, limit))

    async def erase_facts(self, before: datetime, limit: int) -> Sequence[Note]:
        return await self._database.write(lambda tx: retention.erase_facts(tx, before, limit))

    async def erase_readings(self, before: datetime, limit: int) -> int:
        return await self._database.write(lambda tx: retention.erase_readings(tx, before, limit))

    # ── who is who: see core/merging.py ──
    async def plan_merge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.plan_merge(tx, order))

    async def plan_unmerge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.plan_unmerge(tx, order))

    async def merge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.merge(tx, order), durable=True)

    async def unmerge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.unmerge(tx, order), durable=True)

    async def who_is_it(self, case: int, *, now: datetime) -> WhoIsIt:
        return await self._database.read(lambda tx: merging.who_is_it(tx, case, now))

    # ── actions: see core/actions.py ──
    async def begin_run(
        self, request: Request, *, message: int, handle: HandleId, state: RunState, now: datetime
    ) -> Run:
        return await self._database.write(
            lambda tx: deeds.begin(tx, request, message=message, handle=handle, state=state, now=now), durable=True
        )

    async def take_run(self, run: int, *, agent: str, state: RunState, now: datetime) -> Run:
        return await self._database.write(lambda tx: deeds.take(tx, run, agent, state, now), durable=True)

    async def end_run(self, run: Run, *, now: datetime) -> None:
        await self._database.write(lambda tx: deeds.end(tx, run, now), durable=True)

    async def spent(self, handles: Collection[HandleId], action: str, *, since: datetime) -> Decimal:
        return await self._database.read(lambda tx: deeds.spent(tx, handles, action, since))

    async def facts_of_case(self, permit: Permit, case: int) -> Mapping[str, str]:
        return await self._database.read(lambda tx: deeds.facts_of_case(tx, permit, case))
