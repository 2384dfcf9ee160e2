"""What a customer may ask of us: what is on record of them, that they are forgotten, and who read what.

For leads; only admins forget, and see what a colleague read of everybody. A customer is found by an external id, by
channel:address, or from a case.
"""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import deeds
from bots.console.door import Door, NoSuchPage
from bots.console.forms import Form
from bots.console.identity import readings
from bots.console.pages import HEADERS, go, page, unchanged
from core import erasing, merging
from core.accounts import Colleague, Role
from core.casefile import Reading
from core.desk import Desk
from core.exporting import to_json
from core.memory import CannotErase
from core.merging import Side
from core.privacy import NotConfirmed, Privacy, ReadingFilter, ReadingOnRecord, confirmed

HERE = "/console/privacy"

_PAGE, _MOST = 50, 10_000  # lines of the access log on a page, and in the table to take away
_DIGITS = 15
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins like this
_NOBODY = (erasing.NoSuchCustomer, merging.NoSuchCustomer)
_WORDS = {
    "rows": "Erasing what is on record.",
    "memory": "Every row is erased. Erasing what memory holds.",
    "file": "Rewriting the files, so that no trace is left in them.",
    "busy": "Every row is erased, but a file is still being read. It is finished within the hour.",
    "failed": "This erasure was cut off. If its rows are erased it is finished within the hour; if not, do it again.",
    "done": "Nothing is left.",
}


@dataclass(frozen=True, kw_only=True)
class PrivacyPages:
    """The pages, and what can be done on them."""

    privacy: Privacy
    desk: Desk
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        shown, done, lead, admin = self.door.shown, self.door.done, Role.LEAD, Role.ADMIN
        return [
            Route(HERE, shown(self.find, role=lead), methods=["GET"]),
            Route(f"{HERE}/export", done(self.export, role=lead), methods=["POST"]),
            Route(f"{HERE}/readings", shown(self.log, role=lead), methods=["GET"]),
            Route(f"{HERE}/readings.csv", shown(self.table, role=lead), methods=["GET"]),
            Route(f"{HERE}/forget", shown(self.asked_to_forget, role=admin), methods=["GET"]),
            Route(f"{HERE}/forget", done(self.forget, role=admin), methods=["POST"]),
            Route(f"{HERE}/receipts/{{receipt}}", shown(self.receipt, role=lead), methods=["GET"]),
        ]

    # ── who ──
    async def find(self, request: Request, who: Colleague) -> Response:
        """A customer, and what can be done for them; without one, the receipts."""
        name = await self._asked_for(request)
        if not name:
            return await self._found(who, "", None)
        try:
            return await self._found(who, name, await self._known(name, who))
        except _NOBODY as error:
            return await self._found(who, name, None, refused=str(error))

    async def _asked_for(self, request: Request) -> str:
        asked, case = request.query_params, request.query_params.get("case", "")
        if case.isascii() and case.isdecimal() and len(case) <= _DIGITS:
            return await self.privacy.ledger.name_of_case(int(case), now=self.desk.now())
        return asked.get("customer", "").strip()

    async def _known(self, name: str, who: Colleague) -> Side:
        side = await self.privacy.ledger.known_as(name, now=self.desk.now())
        await self.desk.ledger.note_reading(who.name, readings([side]), now=self.desk.now())
        return side

    async def _found(self, who: Colleague, name: str, side: Side | None, *, refused: str = "") -> Response:
        return page(
            "privacy.html",
            409 if refused else 200,
            here=HERE,
            agent=who,
            house=self.desk.house,
            name=name,
            side=side,
            receipts=await self.privacy.ledger.receipts(),
            refused=refused,
        )

    async def export(self, _request: Request, who: Colleague, form: Form) -> Response:
        """Everything on record of a customer, to be saved."""
        name = form.get("customer", "")
        try:
            exported = await self.privacy.ledger.export(name, reader=who.name, now=self.desk.now())
        except _NOBODY as error:
            return await self._found(who, name, None, refused=str(error))
        text = await asyncio.to_thread(to_json, exported)
        saved = {"content-disposition": 'attachment; filename="customer.json"'}
        return Response(text, 200, {**HEADERS, **saved}, "application/json; charset=utf-8")

    # ── forgetting ──
    async def asked_to_forget(self, request: Request, who: Colleague) -> Response:
        """What will go."""
        return await self._before_forgetting(request.query_params.get("customer", ""), who)

    async def _before_forgetting(self, name: str, who: Colleague, *, refused: str = "", typed: str = "") -> Response:
        try:
            side = await self._known(name, who)
            counts = await self.privacy.ledger.to_be_erased(name, now=self.desk.now())
        except _NOBODY as error:
            return await self._found(who, name, None, refused=str(error))
        return page(
            "forget.html",
            409 if refused else 200,
            here=HERE,
            agent=who,
            house=self.desk.house,
            name=name,
            side=side,
            confirm=_confirmed_by(side),
            counts=counts,
            refused=refused,
            typed=typed,
        )

    async def forget(self, request: Request, who: Colleague, form: Form) -> Response:
        """Begins, once the customer's name was typed."""
        name, typed = form.get("customer", ""), form.get("confirm", "")
        try:
            confirmed(typed, _confirmed_by(await self._known(name, who)))
            receipt = await self.privacy.erasures.begin(name)
        except (NotConfirmed, CannotErase) as error:
            return await self._before_forgetting(name, who, refused=str(error), typed=typed)
        except _NOBODY as error:
            return await self._found(who, name, None, refused=str(error))
        deeds.names(request, f"receipt {receipt}")
        return go(f"{HERE}/receipts/{receipt}")

    async def receipt(self, request: Request, who: Colleague) -> Response:
        """How far an erasure has come, and what was erased."""
        number = request.path_params["receipt"]
        kept, state = await self.privacy.ledger.receipt(number), self.privacy.erasures.state(number)
        if kept is None and state is None:
            raise NoSuchPage("there is no such receipt")
        if kept is not None and kept.finished_at is not None:
            state = "done"
        news = f"{number}:{state}:{kept is not None}"
        if request.headers.get("if-none-match") == news:
            return unchanged(news)
        told = _WORDS[state or "busy"]
        return page("receipt.html", here=HERE, agent=who, number=number, kept=kept, told=told, state=state, news=news)

    # ── who read what ──
    async def log(self, request: Request, who: Colleague) -> Response:
        """A page of the access log: of one customer, or for admins of everybody."""
        wanted, refused = self._wanted(request, who)
        number = _number(request.query_params.get("page", ""))
        lines: Sequence[ReadingOnRecord] = []
        readers: Sequence[str] = []
        try:
            if not refused:
                lines = await self._lines(wanted, who, page=number, most=_PAGE)
            named = ReadingFilter(customer=wanted.customer, day=wanted.day if not wanted.customer else None)
            readers = await self.privacy.ledger.readers(named, now=self.desk.now())
        except _NOBODY as error:
            return await self._found(who, wanted.customer, None, refused=str(error))
        asked = {"customer": wanted.customer, "reader": wanted.reader, "day": request.query_params.get("day", "")}
        return page(
            "readings.html",
            409 if refused else 200,
            here=HERE,
            agent=who,
            lines=lines,
            readers=readers,
            asked=asked,
            query=urlencode({name: value for name, value in asked.items() if value}),
            page=number,
            following=number + 1 if len(lines) == _PAGE else 0,
            refused=refused,
            summary=_summary,
        )

    async def table(self, request: Request, who: Colleague) -> Response:
        """The newest 10,000 lines of what was asked for, as CSV."""
        wanted, refused = self._wanted(request, who)
        if refused:
            return await self.log(request, who)
        try:
            lines = await self._lines(wanted, who, page=1, most=_MOST)
        except _NOBODY as error:
            return await self._found(who, wanted.customer, None, refused=str(error))
        saved = {"content-disposition": 'attachment; filename="access-log.csv"'}
        return Response(_csv(lines), 200, {**HEADERS, **saved}, "text/csv; charset=utf-8")

    async def _lines(self, wanted: ReadingFilter, who: Colleague, *, page: int, most: int) -> Sequence[ReadingOnRecord]:
        lines = await self.privacy.ledger.readings(wanted, now=self.desk.now(), page=page, most=most)
        read = [Reading(handle=handle, rows=["access_log"]) for handle in sorted({line.handle for line in lines})]
        await self.desk.ledger.note_reading(who.name, read, now=self.desk.now())
        return lines

    @staticmethod
    def _wanted(request: Request, who: Colleague) -> tuple[ReadingFilter, str]:
        """What is asked for, and why it cannot be. Raises NoSuchPage where only an admin may ask."""
        asked = request.query_params
        customer, reader, day = asked.get("customer", "").strip(), asked.get("reader", ""), asked.get("day", "")
        if not customer and not who.role.covers(Role.ADMIN):
            raise NoSuchPage("there is no such page for the role lead")
        try:
            return ReadingFilter(customer=customer, reader=reader, day=date.fromisoformat(day) if day else None), ""
        except ValueError:
            return ReadingFilter(customer=customer, reader=reader), "Give the day as year, month and day: 2026-03-02."


def _confirmed_by(side: Side) -> str:
    """What is typed to confirm: the external id, else the name of the handle."""
    return side.people[0].name if side.people else side.asked_for.name


def _number(given: str) -> int:
    return max(int(given), 1) if given.isascii() and given.isdecimal() and len(given) <= _DIGITS // 2 else 1


def _summary(rows: Sequence[str]) -> str:
    """What was read, counted by its kind, e.g. "1 case, 12 fact"."""
    counts: dict[str, int] = {}
    for row in rows:
        kind = row.partition(":")[0].replace("_", " ")
        counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in counts.items()) or "erased since"


def _csv(lines: Sequence[ReadingOnRecord]) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["at", "reader", "purpose", "whom", "what"])
    for line in lines:
        told = (line.reader, line.purpose, line.whom or "(erased)", " ".join(line.rows))
        rows.writerow([line.at.isoformat(), *map(_cell, told)])
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
