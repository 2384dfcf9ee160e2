"""Actions: what may be done for a customer beyond words, who may set it off, and what came of it.

An action is set off by the customer's own words of this conversation alone. Its target comes from the directory and
its amount from the ledger; a model names the action and nothing else. What was asked of the company is on record
before it is asked, so that nothing is ever done twice, whatever breaks off.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from core.errors import Problem
from core.ledger import Turn
from core.memory import Note
from core.recollection import Recollection
from core.runs import Money, Outcome, Request, Run, RunState, owed
from core.writing import Answer, OpenCase
from identity.gate import HandleId, Permit, Standing
from identity.policy import Deed, Leave, leave

log = logging.getLogger(__name__)

DEEDS: Mapping[str, Deed] = {
    "refund": Deed.SPEND,
    "credit": Deed.SPEND,
    "reset": Deed.ACT,
    "flag": Deed.ACT,
    "status": Deed.STATUS,
    "callback": Deed.STATUS,
}
_PATIENCE = 5.0
OURS = frozenset({"mood", "urgency", "wanted", "done", "promised"})  # facts that are no business of an endpoint
LIMIT_FOR = timedelta(days=30)  # what one customer may get without a person is counted over this time


class ActionRefused(Problem):
    """The company said no; the message is for staff."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One action that the company lets us set off."""

    name: str
    limit: Decimal = Decimal(0)  # money that one customer may get in 30 days without a person
    approval: bool = False  # a person approves it always
    patience: float = _PATIENCE  # seconds to wait for its outcome


class Carrier(Protocol):
    """Carries actions out: the company's HTTP endpoint, or a Python hook."""

    async def carry_out(self, request: Request) -> Outcome:
        """Done, when this returns. Raises ActionRefused; after anything else nobody knows."""
        ...


class ActionLedger(Protocol):
    """What actions need of the record. Each method is one durable transaction."""

    async def begin_run(
        self, request: Request, *, message: int, handle: HandleId, state: RunState, now: datetime
    ) -> Run:
        """Puts a request on record. One that is there already comes back as it stands: `running` as `unknown`."""
        ...

    async def take_run(self, run: int, *, agent: str, state: RunState, now: datetime) -> Run:
        """Moves a waiting run on, once. Raises NoSuchRun where it does not wait any more."""
        ...

    async def end_run(self, run: Run, *, now: datetime) -> Sequence[Note]:
        """Writes down how a run ended; what memory is to learn of it."""
        ...

    async def spent(self, handles: Collection[HandleId], action: str, *, since: datetime) -> Decimal:
        """What a customer got by an action, or is about to get."""
        ...

    async def facts_of_case(self, permit: Permit, case: int) -> Mapping[str, str]:
        """The current facts of a case that the permit admits, unmasked."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A turn in which something was asked for."""

    turn: Turn
    standing: Standing
    known: Recollection
    answer: Answer

    @property
    def case(self) -> OpenCase | None:
        """The case that it is about; none where it opens one."""
        return self.known.case(self.answer.case)

    def may(self, name: str) -> bool:
        """Whether this action can be set off for whoever writes: proven, and known to the directory."""
        return leave(DEEDS[name], self.standing.strength) is not Leave.NO and self.known.permit.person is not None

    def was_done(self, name: str) -> bool:
        """Whether it was done for this case before."""
        return self.case is not None and any(done.split()[0] == name for done in self.case.done)


@dataclass(frozen=True, kw_only=True)
class Actions:
    """The registry. An action that is not `known` is a human's task."""

    known: Mapping[str, Action]
    carrier: Carrier
    ledger: ActionLedger
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    async def carry_out(self, asked: Asked) -> Sequence[Run]:
        """Does what was asked for and may be done; what came of each."""
        answer, case = asked.answer, asked.case
        if answer.asks or answer.human_wanted or (case is not None and case.with_human):
            return []
        names = wanted(answer, case, asked=asked.turn.asked)
        return [
            await self._set_off(self.known[name], asked) for name in names if name in self.known and asked.may(name)
        ]

    async def take(self, run: int, agent: str) -> Run:
        """A colleague lets a waiting run happen: on record as running, for `go_ahead`. Raises NoSuchRun."""
        return await self.ledger.take_run(run, agent=agent, state="running", now=self.now())

    async def decline(self, run: int, agent: str) -> Run:
        """A colleague says no to a waiting run. Raises NoSuchRun."""
        return await self.ledger.take_run(run, agent=agent, state="declined", now=self.now())

    async def go_ahead(self, run: Run) -> tuple[Run, Sequence[Note]]:
        """Carries out what is on record as running; how it ended, and what memory is to learn of it."""
        ended = await self._outcome(run)
        return ended, await self.ledger.end_run(ended, now=self.now())

    async def _set_off(self, action: Action, asked: Asked) -> Run:
        facts = await self._facts(asked)
        money = owed(facts) if DEEDS[action.name] is Deed.SPEND else None
        alone = not asked.was_done(action.name) and await self._needs_nobody(action, asked, money)
        run = await self.ledger.begin_run(
            self._request(action, asked, facts, money),
            message=asked.turn.heard[0].id,
            handle=asked.standing.keeper,
            state="running" if alone else "waiting",
            now=self.now(),
        )
        return (await self.go_ahead(run))[0] if run.state == "running" else run

    async def _facts(self, asked: Asked) -> Mapping[str, str]:
        case = asked.answer.case
        kept = await self.ledger.facts_of_case(asked.known.permit, case) if case is not None else {}
        return {**kept, **{fact.slot: fact.value for fact in asked.answer.facts}}

    def _request(self, action: Action, asked: Asked, facts: Mapping[str, str], money: Money | None) -> Request:
        return Request(
            id=self.new_id(),
            action=action.name,
            customer=asked.known.permit.person or "",
            amount=f"{money.value:.2f}" if money else "",
            shown=str(money or ""),
            facts={slot: value for slot, value in facts.items() if slot not in OURS},
            language=asked.answer.language,
            proof=asked.standing.strength.name.lower(),
            requested_at=self.now().isoformat(),
        )

    async def _needs_nobody(self, action: Action, asked: Asked, money: Money | None) -> bool:
        allowed = Leave.WITH_APPROVAL if action.approval else leave(DEEDS[action.name], asked.standing.strength)
        if allowed is Leave.WITHIN_LIMIT and money is not None and money.value > 0:
            since = self.now() - LIMIT_FOR
            spent = await self.ledger.spent(asked.known.permit.handles, action.name, since=since)
            return spent + money.value <= action.limit
        return allowed is Leave.YES

    async def _outcome(self, run: Run) -> Run:
        patience = self.known[run.action].patience if run.action in self.known else _PATIENCE
        try:
            async with asyncio.timeout(patience):
                outcome = await self.carrier.carry_out(run.request)
        except ActionRefused as no:
            return replace(run, state="refused", error=str(no))
        except TimeoutError:
            return replace(run, state="unknown", error=f"no answer within {patience:g} s")
        except Exception as error:  # noqa: BLE001 - whatever an endpoint does, the customer gets an honest sentence
            log.warning("action %s: the outcome of run %d is not known (%s)", run.action, run.id, type(error).__name__)
            return replace(run, state="unknown", error=_line(error))
        return replace(run, state="done", reference=outcome.reference, message=outcome.message)


def wanted(answer: Answer, case: OpenCase | None, *, asked: Sequence[str]) -> Sequence[str]:
    """The actions that the customer's words ask for: now, or before, where this message answers what we asked."""
    if answer.actions or case is None or not (asked and answer.facts):
        return answer.actions
    before = case.facts.get("wanted", "")
    return [before] if before else []


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
