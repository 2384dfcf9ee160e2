"""Quick actions: what a colleague may set off for a case's customer, after one look at what exactly will happen.

What is done is worked out of the record each time, never of the page: to whom by the directory, how much by the ledger,
and whether a lead has to agree by ACTIONS_FILE, the proof of the latest message and the colleague's role. It is on
record before it is asked of the company, and the same form asks for it once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.accounts import Account, Colleague, Role
from core.actions import DEEDS, LIMIT_FOR, OURS, Action
from core.casefile import CaseFile, Reading
from core.desk import Desk, Refused
from core.errors import Problem
from core.offers import Offer, amount_of, deed_of, facts_of, handles_of, offered, was_done, why_never
from core.playbook import Learnt
from core.runs import Money, NoSuchRun, Request, Run, money, outcome, owed
from identity.gate import HandleId
from identity.policy import Deed

_LONGEST_WHY = 300  # characters


class NotCarriedOut(Refused):
    """The company was asked, and it is not done, or nobody knows, or the customer could not be told; it says which."""


class AskedAlready(Problem):
    """The same was asked for in this case, and nobody knows yet how it ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a colleague asks of the company. `once` is the form's: the same one is never asked twice. It is carried out
    at once where nobody else has to agree, and what the customer got `since` then stays within `limit`."""

    once: str
    case: int
    handle: HandleId
    request: Request
    asked_by: str
    why: str
    at_once: bool
    handles: Collection[HandleId] = ()
    limit: Decimal | None = None
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A run that waits for somebody to agree."""

    run: Run
    case: int
    handle: HandleId
    customer: str
    reason: str  # why the case was handed over
    asked_at: datetime


class QuickLedger(Protocol):
    """What quick actions need of the record."""

    async def order_run(self, order: Order, *, now: datetime) -> tuple[Run, bool]:
        """Puts an order on record, as running or as waiting, and whether it is new. Raises AskedAlready."""
        ...

    async def spent(self, handles: Collection[HandleId], action: str, *, since: datetime) -> Decimal:
        """What a customer got by an action, or is about to get."""
        ...

    async def waiting_runs(self, *, now: datetime) -> Sequence[Waiting]:
        """The runs that wait for somebody to agree, the oldest first; bounded."""
        ...

    async def cut_off_runs(self, case: int, *, now: datetime) -> bool:
        """Notes of runs that are at it for longer than any may take that nobody knows how they ended."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Everybody's account, by name."""
        ...

    async def note_reading(self, reader: str, readings: Sequence[Reading], *, now: datetime) -> None:
        """Writes into the access log who read what."""
        ...

    async def audit(self, who: str, what: str, about: str, *, now: datetime) -> None:
        """Writes down what a colleague did."""
        ...


@dataclass(frozen=True, kw_only=True)
class QuickActions:
    """What colleagues can have done for a customer."""

    desk: Desk
    ledger: QuickLedger

    async def offers(self, file: CaseFile, who: Colleague) -> Sequence[Offer]:
        """The actions that make sense for a case. One that broke off is said to have, from the next look on."""
        if any(run.state == "running" for run in file.runs):
            await self.ledger.cut_off_runs(file.case.id, now=self.desk.now())
        return [await self._offer(file, name, None, who) for name in offered(file)]

    async def offer(self, case: int, name: str, typed: str, who: Colleague) -> Offer:
        """One action with the amount that was typed, "" for the record's. Raises Refused or NoSuchCase."""
        file = await self.desk.file(case, who.name)
        if name not in DEEDS:
            raise Refused("Nothing was done: there is no such action.")
        known = await self._offer(file, name, None, who)
        wished = amount_of(typed, known) if typed.strip() and known.money else None
        return await self._offer(file, name, wished, who) if wished else known

    async def ask(self, case: int, offer: Offer, who: Colleague, *, why: str, once: str) -> Run:
        """Has it done, or asks the leads for it; how it ended. Raises Refused or NoSuchCase."""
        if offer.how not in ("now", "lead"):
            raise Refused(f"Nothing was done: {offer.why}")
        why = " ".join(why.split())[:_LONGEST_WHY]
        if offer.how == "lead" and not why:
            raise Refused("Nothing was asked: tell the lead why.")
        await self.desk.take(case, who.name)
        file = await self.desk.file(case, who.name)
        try:
            run, is_new = await self.ledger.order_run(self._order(file, offer, who, why, once), now=self.desk.now())
        except AskedAlready as error:
            raise Refused(f"Nothing was done: {error}.") from None
        if is_new:
            await self.ledger.audit(who.name, f"asked for a {run.action}", f"case {case}", now=self.desk.now())
        elif run.state == "running":
            raise NotCarriedOut(f"The {run.told} is being carried out; look again in a moment.")
        return await self._carried_out(file, run, who.name) if run.state == "running" else run

    # ── what waits ──
    async def waiting(self, reader: str) -> Sequence[Waiting]:
        """Everything that waits for a lead."""
        found = await self.ledger.waiting_runs(now=self.desk.now())
        readings = [Reading(handle=one.handle, rows=[f"run:{one.run.id}"]) for one in found]
        await self.ledger.note_reading(reader, readings, now=self.desk.now())
        return found

    async def approve(self, case: int, run: int, who: Colleague) -> None:
        """Has a waiting action carried out and tells the customer how it ended. Raises NoSuchCase or Refused."""
        file, waits = await self._waits(case, run, who)
        if refused := await self.why_not(file, waits, who):
            raise Refused(f"Nothing was done: {refused}")
        await self._takes(file, who)
        try:
            taken = await self.desk.actions.take(run, who.name)
        except NoSuchRun as error:
            raise Refused(f"Nothing was done: {error}.") from None
        await self.ledger.audit(who.name, f"approved a {waits.action}", f"case {case}", now=self.desk.now())
        await self._carried_out(file, taken, file.case.assignee or who.name)

    async def decline(self, case: int, run: int, who: Colleague) -> None:
        """Says no to a waiting action; what the customer is told is up to the colleague. Raises as `approve`."""
        file, waits = await self._waits(case, run, who)
        await self._takes(file, who)
        try:
            await self.desk.actions.decline(run, who.name)
        except NoSuchRun as error:
            raise Refused(f"Nothing was changed: {error}.") from None
        await self.ledger.audit(who.name, f"declined a {waits.action}", f"case {case}", now=self.desk.now())

    async def why_not(self, file: CaseFile, run: Run, who: Colleague) -> str:
        """Why somebody may not approve a waiting run; "" where they may."""
        if not who.role.covers(Role.LEAD) and (above := await self._why_a_lead_agrees(file, run)):
            return f"a lead has to agree. {above}"
        if run.asked_by == who.name and (others := await self._other_leads(who.name)):
            return f"you asked for it yourself; another lead has to agree: {', '.join(others)}."
        return ""

    async def _why_a_lead_agrees(self, file: CaseFile, run: Run) -> str:
        if run.asked_by:
            return f"{run.asked_by} asked for it."
        if was_done(file, run.action):
            return "It was done for this case before."
        if DEEDS[run.action] is Deed.SPEND and not run.request.amount:
            return "It does not say how much."
        known = self.desk.actions.known.get(run.action)
        return await self._above(file, known, Decimal(run.request.amount or 0)) if known else ""

    async def _waits(self, case: int, run: int, who: Colleague) -> tuple[CaseFile, Run]:
        file = await self.desk.file(case, who.name)
        found = next((one for one in file.runs if one.id == run), None)
        if found is None:
            raise Refused("Nothing was done: this case asks for no such action.")
        if file.case.status == "resolved":
            raise Refused(f"Nothing was done: case {case} is resolved already.")
        return file, found

    async def _takes(self, file: CaseFile, who: Colleague) -> None:
        """Whoever agrees has the case from then on, unless another colleague has it: a lead decides over it as well."""
        if not (file.case.assignee and who.role.covers(Role.LEAD)):
            await self.desk.take(file.case.id, who.name)

    async def _carried_out(self, file: CaseFile, run: Run, teller: str) -> Run:
        """Raises NotCarriedOut where it was not done, or its customer could not be told."""
        ended, done = await self.desk.actions.go_ahead(run)
        if ended.state != "done":
            raise NotCarriedOut(ended.why_a_person)
        language = file.destination.language if file.destination else "en"
        try:
            await self.desk.reply(file.case.id, teller, outcome(ended, language), id=f"run-{run.id}")
        except Refused as error:
            told = f"The {ended.told} is done ({ended.reference or 'no reference'})."
            raise NotCarriedOut(f"{told} {error}") from None
        finally:
            await self.desk.learn(Learnt(notes=done))
        return ended

    # ── what may be done ──
    async def _offer(self, file: CaseFile, name: str, wished: Money | None, who: Colleague) -> Offer:
        spends = DEEDS[name] is Deed.SPEND
        due = owed(facts_of(file)) if spends else None
        charged = money(facts_of(file).get("amount", "")) if spends else None
        offer = Offer(
            action=name, how="now", deed=deed_of(file, name, wished or due), money=wished or due, most=charged
        )
        known = self.desk.actions.known.get(name)
        if known is None:
            return replace(offer, how="task", why="The company has not set this up, so a person has to do it.")
        if why := why_never(file, name, offer):
            return replace(offer, how="never", why=why)
        if why := await self._why_a_lead(file, known, offer, due):
            alone = who.role.covers(Role.LEAD) and not await self._other_leads(who.name)
            return replace(offer, how="now" if alone else "lead", why=why)
        return offer

    async def _why_a_lead(self, file: CaseFile, known: Action, offer: Offer, due: Money | None) -> str:
        if was_done(file, known.name):
            return "It was done for this case before."
        if offer.money and due and offer.money.value > due.value:
            return f"It is more than the {due.exact} that the record comes to."
        return await self._above(file, known, offer.money.value if offer.money else Decimal(0))

    async def _above(self, file: CaseFile, known: Action, value: Decimal) -> str:
        if known.approval:
            return f"The company wants a lead to agree to every {known.name}."
        if DEEDS[known.name] is not Deed.SPEND:
            return ""
        spent = await self.ledger.spent(handles_of(file), known.name, since=self.desk.now() - LIMIT_FOR)
        if spent + value <= known.limit:
            return ""
        before = f", and they got {spent:.2f} lately" if spent else ""
        return f"It is above the {known.limit:.2f} that one customer may get in 30 days without a lead{before}."

    async def _other_leads(self, name: str) -> Sequence[str]:
        everybody = await self.ledger.accounts()
        leads = (one for one in everybody if one.disabled_at is None and one.role.covers(Role.LEAD))
        return [one.name for one in leads if one.name != name]

    def _order(self, file: CaseFile, offer: Offer, who: Colleague, why: str, once: str) -> Order:
        known, now = self.desk.actions.known[offer.action], self.desk.now()
        by_limit = DEEDS[offer.action] is Deed.SPEND and not offer.why
        return Order(
            once=once,
            case=file.case.id,
            handle=file.case.handle,
            request=_request(file, offer, once, now),
            asked_by=who.name,
            why=why,
            at_once=offer.how == "now",
            handles=handles_of(file),
            limit=known.limit if by_limit else None,
            since=now - LIMIT_FOR,
        )


def _request(file: CaseFile, offer: Offer, once: str, now: datetime) -> Request:
    return Request(
        id=once,
        action=offer.action,
        customer=file.profile.external_id if file.profile else "",
        amount=offer.amount,
        shown=str(offer.money or ""),
        facts={slot: value for slot, value in facts_of(file).items() if slot not in OURS},
        language=file.destination.language if file.destination else "en",
        proof=file.proof.name.lower(),
        requested_at=now.isoformat(),
    )
