"""Colleagues' accounts in the console, for admins: who has one, making it, and all that is changed about one.

What cannot be done is answered 409 with the page, the reason beside the field that it is about, and what was typed.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import passwords, wording
from bots.console.door import Done, Door
from bots.console.forms import Form
from bots.console.pages import go, page
from core.accounts import (
    Account,
    AccountLedger,
    Colleague,
    NewAccount,
    NoSuchAccount,
    NotAllowed,
    Role,
    checked_email,
    checked_name,
    checked_password,
    checked_role,
    normalized,
)

_DIGITS = 15  # of an account's number
_CHANCE = 15  # bytes of it in a password of ours


@dataclass(frozen=True, kw_only=True)
class Staff:
    """The pages of all accounts, and of one."""

    ledger: AccountLedger
    door: Door
    now: Callable[[], datetime]

    def routes(self) -> Sequence[BaseRoute]:
        """All of them. The record itself writes the deeds to the audit."""
        one = "/console/accounts/{account}"
        deeds: dict[str, Done] = {
            "/console/accounts": self.add,
            "/console/accounts/disable": self.disable,
            f"{one}/enable": self.enable,
            f"{one}/role": self.role,
            f"{one}/email": self.email,
            f"{one}/reset": self.reset,
            f"{one}/second/off": self.second_off,
            f"{one}/sessions/end": self.end_all,
            f"{one}/sessions/{{session}}/end": self.end,
        }
        return [
            Route("/console/accounts", self.door.shown(self.accounts, role=Role.ADMIN), methods=["GET"]),
            Route(one, self.door.shown(self.colleague, role=Role.ADMIN), methods=["GET"]),
            *(
                Route(path, self.door.done(do, role=Role.ADMIN, audited=False), methods=["POST"])
                for path, do in deeds.items()
            ),
        ]

    # ── all of them ──
    async def accounts(self, request: Request, who: Colleague) -> Response:
        """Who has an account."""
        return await self._accounts_page(who, done=_done(request))

    async def add(self, _request: Request, who: Colleague, form: Form) -> Response:
        """Makes an account."""
        try:
            await self.ledger.add_account(await _new(form), by=who.name, now=self.now())
        except NotAllowed as error:
            return await self._accounts_page(who, refused=error, form=form)
        return go("/console/accounts?done=added")

    async def disable(self, _request: Request, who: Colleague, form: Form) -> Response:
        """Disables an account."""
        try:
            await self.ledger.disable_account(normalized(form.get("name", "")), by=who.name, now=self.now())
        except NotAllowed as error:
            return await self._accounts_page(who, refused=NotAllowed(str(error)))
        return go("/console/accounts?done=disabled")

    async def _accounts_page(
        self, who: Colleague, *, done: str = "", refused: NotAllowed | None = None, form: Form | None = None
    ) -> Response:
        return page(
            "accounts.html",
            409 if refused else 200,
            here="/console/accounts",
            agent=who,
            accounts=await self.ledger.accounts(),
            by_provider=self.door.by_provider,
            done=done,
            refused=str(refused or ""),
            wrong=refused.field if refused else "",
            typed=form or {},
        )

    # ── one of them ──
    async def colleague(self, request: Request, who: Colleague) -> Response:
        """One account, and where its holder is signed in."""
        return await self._colleague_page(request, who, done=_done(request))

    async def enable(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Opens a disabled account again."""
        account = await self._named(request)
        await self.ledger.enable_account(account.name, by=who.name, now=self.now())
        return _back(account, "enabled")

    async def role(self, request: Request, who: Colleague, form: Form) -> Response:
        """Changes what they may do."""
        account = await self._named(request)
        try:
            role = checked_role(form.get("role", ""))
            await self.ledger.change_role(account.name, role, by=who.name, now=self.now())
        except NotAllowed as error:
            return await self._colleague_page(request, who, refused=error)
        return _back(account, "role-changed") if account.name != who.name else go("/console")

    async def email(self, request: Request, who: Colleague, form: Form) -> Response:
        """Changes by which address the sign-in provider may know them."""
        account = await self._named(request)
        try:
            email = checked_email(form.get("email", ""))
            await self.ledger.change_email(account.name, email, by=who.name, now=self.now())
        except NotAllowed as error:
            return await self._colleague_page(request, who, refused=error, typed=form.get("email"))
        return _back(account, "email-changed")

    async def reset(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Gives them a password of ours, and shows it, once."""
        account = await self._named(request)
        password = secrets.token_urlsafe(_CHANCE)
        await self.ledger.reset_password(account.name, await _hashed(password), by=who.name, now=self.now())
        return await self._colleague_page(request, who, password=password)

    async def second_off(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Turns their second factor off, e.g. when their telephone is lost."""
        account = await self._named(request)
        await self.ledger.turn_off_second_factor(account.name, by=who.name, now=self.now())
        return _back(account, "second-off")

    async def end(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Ends one of their sessions."""
        account = await self._named(request)
        await self.ledger.end_sessions(account.name, [request.path_params["session"]], by=who.name, now=self.now())
        return _back(account, "ended")

    async def end_all(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Ends all their sessions."""
        account = await self._named(request)
        ids = [one.id for one in await self.ledger.sessions(account.name, now=self.now())]
        await self.ledger.end_sessions(account.name, ids, by=who.name, now=self.now())
        return _back(account, "ended")

    async def _named(self, request: Request) -> Account:
        number = request.path_params["account"]
        if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
            raise NoSuchAccount("an account is named by a number")
        return await self.ledger.account(int(number))

    async def _colleague_page(
        self,
        request: Request,
        who: Colleague,
        *,
        done: str = "",
        refused: NotAllowed | None = None,
        typed: str | None = None,
        password: str = "",
    ) -> Response:
        account = await self._named(request)
        return page(
            "colleague.html",
            409 if refused else 200,
            here="/console/accounts",
            agent=who,
            account=account,
            sessions=await self.ledger.sessions(account.name, now=self.now()),
            by_provider=self.door.by_provider,
            email=account.email if typed is None else typed,
            password=password,
            done=done,
            refused=str(refused or ""),
            wrong=refused.field if refused else "",
        )


async def _new(form: Form) -> NewAccount:
    name, role, email = (
        checked_name(form.get("name", "")),
        checked_role(form.get("role", "")),
        checked_email(form.get("email", "")),
    )
    password = checked_password(form.get("password", ""), name)
    return NewAccount(name=name, role=role, email=email, password_hash=await _hashed(password))


async def _hashed(password: str) -> str:
    return await asyncio.to_thread(passwords.hashed, password)


def _done(request: Request) -> str:
    return wording.DONE.get(request.query_params.get("done", ""), "")


def _back(account: Account, done: str) -> Response:
    return go(f"/console/accounts/{account.id}?done={done}")
