"""Who a case's customer is: handles with their evidence, what happened to them, look-alikes; merging, unmerging, undo.

For leads. Both sides are shown before anything is done. A deed is answered 303 when it was done, and 409 with the page
and the reason when it was not: also where two known people meet and no second lead has given name and password.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.comparing import compared
from bots.console.door import Door, peer
from bots.console.forms import Form
from bots.console.pages import go, page
from bots.console.tries import TooManyTries
from core.accounts import Colleague, Role
from core.casefile import Reading
from core.desk import Desk
from core.merging import NoSuchCustomer, NotDone, Order, Plan, Side, Undo

_DONE = {
    "merge": "The two are one customer now.",
    "unmerge": "The two are two customers now.",
    "undo": "It is taken back: all is as it was before.",
}
_DIGITS = 15  # of a decision's number
_SOMEBODY = "a second colleague"

Deed = Callable[[Order], Awaitable[Plan]]


@dataclass(frozen=True, kw_only=True)
class WhoIsWho:
    """The page, and what can be done on it. `case_of` reads the case from a path; it raises NoSuchCase."""

    desk: Desk
    door: Door
    case_of: Callable[[Request], int]

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        path, lead = "/console/cases/{case}/identity", Role.LEAD
        return [
            Route(path, self.door.shown(self.who, role=lead), methods=["GET"]),
            Route(f"{path}/merge", self.door.done(self.merge, role=lead), methods=["POST"]),
            Route(f"{path}/unmerge", self.door.done(self.unmerge, role=lead), methods=["POST"]),
            Route(f"{path}/undo", self.door.done(self.undo, role=lead), methods=["POST"]),
        ]

    async def who(self, request: Request, lead: Colleague) -> Response:
        """The page; with `?merge=` or `?unmerge=` and a name, or `?undo=` and a number, it shows what that would do."""
        case, asked = self.case_of(request), request.query_params
        try:
            if "undo" in asked:
                undo = await self._undo_of(case, lead, asked["undo"], _SOMEBODY)
                return await self._page(case, lead, plan=await self.desk.ledger.plan_undo(undo), undo=undo.decision)
            plan = await self._plan(case, lead, asked.get("merge", ""), asked.get("unmerge", ""))
        except (NotDone, NoSuchCustomer) as error:
            return await self._page(case, lead, refused=str(error))
        return await self._page(case, lead, plan=plan, done=_DONE.get(asked.get("done", ""), ""))

    async def _plan(self, case: int, lead: Colleague, merge: str, unmerge: str) -> Plan | None:
        if not (merge or unmerge):
            return None
        who = await self.desk.ledger.who_is_it(case, now=self.desk.now())
        order = Order(a=who.side.asked_for.name, b=merge or unmerge, by=lead.name, second=_SOMEBODY, at=self.desk.now())
        ledger = self.desk.ledger
        return await (ledger.plan_merge(order) if merge else ledger.plan_unmerge(order))

    async def _page(
        self,
        case: int,
        lead: Colleague,
        *,
        plan: Plan | None = None,
        undo: int = 0,
        done: str = "",
        refused: str = "",
    ) -> Response:
        who = await self.desk.ledger.who_is_it(case, now=self.desk.now())
        sides = [who.side, *(one.other for one in who.resemblances)]
        await self.desk.ledger.note_reading(lead.name, readings(sides), now=self.desk.now())
        status = 409 if refused else 200
        return page(
            "identity.html",
            status,
            agent=lead,
            house=self.desk.house,
            case=case,
            who=who,
            plan=plan,
            undo=undo,
            done=done,
            refused=refused,
            compared=compared,
        )

    # ── deeds ──
    async def merge(self, request: Request, lead: Colleague, form: Form) -> Response:
        """Makes two customers one."""
        return await self._do(request, lead, form, self.desk.ledger.merge)

    async def unmerge(self, request: Request, lead: Colleague, form: Form) -> Response:
        """Makes one customer two."""
        return await self._do(request, lead, form, self.desk.ledger.unmerge)

    async def undo(self, request: Request, lead: Colleague, form: Form) -> Response:
        """Takes back the newest decision about this customer."""
        case = self.case_of(request)
        try:
            undo = await self._undo_of(
                case, lead, form.get("decision", ""), await second_lead(self.door, request, form)
            )
            await self.desk.ledger.undo(undo)
        except NotDone as error:
            return await self._page(case, lead, refused=str(error))
        return go(f"/console/cases/{case}/identity?done=undo")

    async def _undo_of(self, case: int, lead: Colleague, number: str, second: str) -> Undo:
        """What is to be taken back. Raises NotDone for anything but the newest decision about the case's customer."""
        decision = int(number) if number.isascii() and number.isdecimal() and len(number) <= _DIGITS else 0
        who = await self.desk.ledger.who_is_it(case, now=self.desk.now())
        if all(one.decision != decision for one in who.history):
            raise NotDone("only the newest decision about this customer can be taken back; nothing was changed")
        return Undo(decision=decision, by=lead.name, second=second, at=self.desk.now())

    async def _do(self, request: Request, lead: Colleague, form: Form, deed: Deed) -> Response:
        case = self.case_of(request)
        try:
            plan = await deed(await order_of(self.door, request, lead, form, self.desk.now()))
        except (NotDone, NoSuchCustomer) as error:
            return await self._page(case, lead, refused=str(error))
        return go(f"/console/cases/{case}/identity?done={plan.deed}")


async def order_of(door: Door, request: Request, lead: Colleague, form: Form, now: datetime) -> Order:
    """What a form asks for: two customers by their names, and perhaps a second lead. Raises NotDone."""
    second = await second_lead(door, request, form)
    return Order(a=form.get("a", ""), b=form.get("b", ""), by=lead.name, second=second, at=now)


async def second_lead(door: Door, request: Request, form: Form) -> str:
    """The name of a second lead who has given it with the password, "" where none is wanted. Raises NotDone."""
    name = form.get("second", "").strip()
    if not name:
        return ""
    keeper = door.keeper
    try:
        credential = await keeper.knows(name, form.get("password", ""), peer(request))
    except TooManyTries:
        raise NotDone("there were too many wrong passwords; nothing was changed, try again in 15 minutes") from None
    session = await keeper.session(credential) if credential else ""
    colleague = await keeper.colleague(session, active=True)
    await keeper.ends(session)
    if colleague is None or not colleague.role.covers(Role.LEAD):
        raise NotDone("the second colleague's name or password is wrong, or is no lead's; nothing was changed")
    return colleague.name


def readings(sides: Sequence[Side]) -> list[Reading]:
    """What is read of some customers on such a page."""
    return [Reading(handle=handle, rows=["identity"]) for side in sides for handle in side.ids]
