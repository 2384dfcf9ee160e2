"""Customers who may be one, over all customers: side by side with score and reasons, to be merged or told to be two.

For leads. Answers as identity.py does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.comparing import compared
from bots.console.door import Door
from bots.console.forms import Form
from bots.console.identity import order_of, readings
from bots.console.pages import go, page
from core.accounts import Colleague, Role
from core.desk import Desk
from core.merging import NoSuchCustomer, NotDone, Order, Plan

HERE = "/console/identity"

_DONE = {
    "merge": "The two are one customer now.",
    "dismiss": "Noted: they are two people, and are not suggested again.",
    "restore": "They may be suggested again.",
}
_DIGITS = 15  # of a row's number


@dataclass(frozen=True, kw_only=True)
class LookAlikes:
    """The list, and what can be done from it."""

    desk: Desk
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        lead = Role.LEAD
        return [
            Route(HERE, self.door.shown(self.everybody, role=lead), methods=["GET"]),
            Route(f"{HERE}/merge", self.door.done(self.merge, role=lead), methods=["POST"]),
            Route(f"{HERE}/dismiss", self.door.done(self.dismiss, role=lead), methods=["POST"]),
            Route(f"{HERE}/restore", self.door.done(self.restore, role=lead), methods=["POST"]),
        ]

    async def everybody(self, request: Request, lead: Colleague) -> Response:
        """The pairs; with `?a=` and `?b=` what merging these two would do."""
        asked = request.query_params
        try:
            plan = await self._plan(lead, asked.get("a", ""), asked.get("b", ""))
        except (NotDone, NoSuchCustomer) as error:
            return await self._page(request, lead, refused=str(error))
        return await self._page(request, lead, plan=plan, done=_DONE.get(asked.get("done", ""), ""))

    async def _plan(self, lead: Colleague, a: str, b: str) -> Plan | None:
        if not (a and b):
            return None
        order = Order(a=a, b=b, by=lead.name, second="a second colleague", at=self.desk.now())
        return await self.desk.ledger.plan_merge(order)

    async def _page(
        self, request: Request, lead: Colleague, *, plan: Plan | None = None, done: str = "", refused: str = ""
    ) -> Response:
        ledger, now = self.desk.ledger, self.desk.now()
        found = await ledger.pairs(after=_number(request.query_params.get("after", "")), now=now)
        sides = [side for pair in found.pairs for side in (pair.one, pair.other)]
        await ledger.note_reading(lead.name, readings(sides), now=now)
        return page(
            "lookalikes.html",
            409 if refused else 200,
            here=HERE,
            agent=lead,
            house=self.desk.house,
            found=found,
            dismissed=await ledger.dismissed(),
            first=not request.query_params.get("after"),
            plan=plan,
            undo=0,
            done=done,
            refused=refused,
            compared=compared,
        )

    # ── deeds ──
    async def merge(self, request: Request, lead: Colleague, form: Form) -> Response:
        """Makes two customers one."""
        try:
            await self.desk.ledger.merge(await order_of(self.door, request, lead, form, self.desk.now()))
        except (NotDone, NoSuchCustomer) as error:
            return await self._page(request, lead, refused=str(error))
        return go(f"{HERE}?done=merge")

    async def dismiss(self, request: Request, lead: Colleague, form: Form) -> Response:
        """Notes that two are two people."""
        try:
            order = await order_of(self.door, request, lead, form, self.desk.now())
            await self.desk.ledger.dismiss(replace(order, second=""))
        except (NotDone, NoSuchCustomer) as error:
            return await self._page(request, lead, refused=str(error))
        return go(f"{HERE}?done=dismiss")

    async def restore(self, request: Request, lead: Colleague, form: Form) -> Response:
        """Takes that back."""
        number = _number(form.get("dismissed", "")) or 0
        try:
            await self.desk.ledger.restore_suggestion(number, by=lead.name, now=self.desk.now())
        except NotDone as error:
            return await self._page(request, lead, refused=str(error))
        return go(f"{HERE}?done=restore")


def _number(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= _DIGITS else None
