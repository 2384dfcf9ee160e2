"""Colleagues' accounts in the console: who has one, making and disabling them, and one's own password.

What cannot be done is answered 409 with the page and the reason; a wrong present password 409 too, and 429 after eight.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import passwords, wording
from bots.console.door import Door, NoSuchPage, peer
from bots.console.forms import Form
from bots.console.pages import go, page
from bots.console.tries import TooManyTries
from core.accounts import (
    AccountLedger,
    Colleague,
    Credential,
    NewAccount,
    NotAllowed,
    Role,
    checked_name,
    checked_password,
    checked_role,
    normalized,
)


@dataclass(frozen=True, kw_only=True)
class Staff:
    """The pages of accounts, and of one's own password."""

    ledger: AccountLedger
    door: Door
    now: Callable[[], datetime]

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        shown, done = self.door.shown, self.door.done
        return [
            Route("/console/accounts", shown(self.accounts, role=Role.ADMIN), methods=["GET"]),
            Route("/console/accounts", done(self.add, role=Role.ADMIN, audited=False), methods=["POST"]),
            Route("/console/accounts/disable", done(self.disable, role=Role.ADMIN, audited=False), methods=["POST"]),
            Route("/console/password", shown(self.password), methods=["GET"]),
            Route("/console/password", done(self.change_password, audited=False), methods=["POST"]),
        ]

    # ── everybody's ──
    async def accounts(self, request: Request, who: Colleague) -> Response:
        """Who has an account, and what was changed."""
        return await self._accounts_page(who, done=_done(request))

    async def add(self, _request: Request, who: Colleague, form: Form) -> Response:
        """Makes an account."""
        try:
            await self.ledger.add_account(await _new(form), by=who.name, now=self.now())
        except NotAllowed as error:
            return await self._accounts_page(who, refused=str(error), form=form)
        return go("/console/accounts?done=added")

    async def disable(self, _request: Request, who: Colleague, form: Form) -> Response:
        """Disables an account."""
        try:
            await self.ledger.disable_account(normalized(form.get("name", "")), by=who.name, now=self.now())
        except NotAllowed as error:
            return await self._accounts_page(who, refused=str(error))
        return go("/console/accounts?done=disabled")

    async def _accounts_page(
        self, who: Colleague, *, done: str = "", refused: str = "", form: Form | None = None
    ) -> Response:
        return page(
            "accounts.html",
            409 if refused else 200,
            here="/console/accounts",
            agent=who,
            accounts=await self.ledger.accounts(),
            done=done,
            refused=refused,
            typed=form or {},
        )

    # ── one's own ──
    async def password(self, request: Request, who: Colleague) -> Response:
        """Where one's own password is changed."""
        if who.by_token:
            raise NoSuchPage("the console's token is no password")
        return _password_page(who, 200, done=_done(request))

    async def change_password(self, request: Request, who: Colleague, form: Form) -> Response:
        """Changes one's own password; every other session of the account ends."""
        if who.by_token:
            raise NoSuchPage("the console's token is no password")
        try:
            old = await self.door.keeper.knows(who.name, form.get("password", ""), peer(request))
            if old is None:
                return _password_page(who, 409, refused="That is not your present password.")
            new = await self._changed(old, form.get("new_password", ""))
        except NotAllowed as error:
            return _password_page(who, 409, refused=str(error))
        except TooManyTries:
            return _password_page(who, 429, refused="Too many wrong tries. Try again in 15 minutes.")
        return await self.door.goes_on("/console/password?done=changed", new)

    async def _changed(self, old: Credential, password: str) -> Credential:
        kept = await _hashed(checked_password(password, old.name))
        await self.ledger.change_password(old, kept, now=self.now())
        return Credential(name=old.name, password_hash=kept)


async def _new(form: Form) -> NewAccount:
    name, role = checked_name(form.get("name", "")), checked_role(form.get("role", ""))
    password = checked_password(form.get("password", ""), name)
    return NewAccount(name=name, role=role, password_hash=await _hashed(password))


async def _hashed(password: str) -> str:
    return await asyncio.to_thread(passwords.hashed, password)


def _done(request: Request) -> str:
    return wording.DONE.get(request.query_params.get("done", ""), "")


def _password_page(who: Colleague, status: int, *, done: str = "", refused: str = "") -> Response:
    return page("password.html", status, agent=who, done=done, refused=refused)
