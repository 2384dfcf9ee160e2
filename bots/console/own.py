"""One's own account in the console: the password, the second factor, and where one is signed in.

A deed that is refused is answered 409 with the page and the reason; too many wrong passwords 429.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import passwords, second, wording
from bots.console.door import Door, NoSuchPage, Shown, peer
from bots.console.forms import Form
from bots.console.login import COOKIE
from bots.console.pages import go, page
from bots.console.tries import TooManyTries
from core.accounts import AccountLedger, Colleague, Credential, NotAllowed, checked_password

_WAIT = "Too many wrong tries. Try again in 15 minutes."
_NOT_YOURS = "That is not your present password."
_NO_CODE = "That is not the code that the app shows now. See that the clock of your device is right."


@dataclass(frozen=True, kw_only=True)
class OwnAccount:
    """The pages of one's own account. `called` names the console in an app that shows codes."""

    ledger: AccountLedger
    door: Door
    now: Callable[[], datetime]
    called: str

    def routes(self) -> Sequence[BaseRoute]:
        """All of them. The record itself writes the deeds to the audit."""
        pages: dict[str, Shown] = {"account": self.account, "password": self.password, "account/second": self.second}
        deeds = {
            "password": self.change_password,
            "account/second": self.turn_on,
            "account/second/off": self.turn_off,
            "account/sessions/end": self.end_others,
            "account/sessions/{session}/end": self.end,
        }
        return [
            *(
                Route(f"/console/{path}", self.door.shown(_with_account(show)), methods=["GET"])
                for path, show in pages.items()
            ),
            *(
                Route(f"/console/{path}", self.door.done(do, audited=False), methods=["POST"])
                for path, do in deeds.items()
            ),
        ]

    async def account(self, request: Request, who: Colleague) -> Response:
        """What there is to it."""
        return page(
            "account.html",
            agent=who,
            account=await self.ledger.own_account(who.name),
            sessions=await self.ledger.sessions(who.name, now=self.now()),
            this=self.door.keeper.short_id(request.cookies.get(COOKIE, "")),
            left=await self.ledger.recovery_codes_left(who.name),
            done=_done(request),
        )

    # ── the password ──
    async def password(self, request: Request, who: Colleague) -> Response:
        """Where one's own password is changed."""
        return _password_page(who, 200, done=_done(request))

    async def change_password(self, request: Request, who: Colleague, form: Form) -> Response:
        """Changes one's own password; every other session of the account ends."""
        _has_account(who)
        try:
            old = await self.door.keeper.knows(who.name, form.get("password", ""), peer(request))
            if old is None:
                return _password_page(who, 409, wrong=_NOT_YOURS)
            new = await self._changed(old, form.get("new_password", ""))
        except NotAllowed as error:
            return _password_page(who, 409, unfit=str(error))
        except TooManyTries:
            return _password_page(who, 429, wrong=_WAIT)
        return await self.door.goes_on("/console/password?done=changed", new)

    async def _changed(self, old: Credential, password: str) -> Credential:
        kept = await asyncio.to_thread(passwords.hashed, checked_password(password, old.name))
        await self.ledger.change_password(old, kept, now=self.now())
        return Credential(name=old.name, password_hash=kept)

    # ── the second factor ──
    async def second(self, _request: Request, who: Colleague) -> Response:
        """Where it is turned on or off."""
        return await self._second_page(who, 200)

    async def turn_on(self, _request: Request, who: Colleague, form: Form) -> Response:
        """Turns it on with the first code, and shows the recovery codes, once."""
        _has_account(who)
        shared, sealed = self.door.keeper.offers(who.name, form.get("sealed", ""))
        codes = await self.door.keeper.turns_on(who.name, shared, form.get("code", ""))
        if not codes:
            return await self._second_page(who, 409, refused=_NO_CODE, sealed=sealed, code=form.get("code", ""))
        return page("codes.html", agent=who, codes=codes)

    async def turn_off(self, request: Request, who: Colleague, form: Form) -> Response:
        """Turns it off, for who knows the password."""
        _has_account(who)
        try:
            if not await self.door.keeper.knows(who.name, form.get("password", ""), peer(request)):
                return await self._second_page(who, 409, refused=_NOT_YOURS)
        except TooManyTries:
            return await self._second_page(who, 429, refused=_WAIT)
        await self.ledger.turn_off_second_factor(who.name, by=who.name, now=self.now())
        return go("/console/account?done=second-off")

    async def _second_page(
        self, who: Colleague, status: int, *, refused: str = "", sealed: str = "", code: str = ""
    ) -> Response:
        shared, sealed = self.door.keeper.offers(who.name, sealed)
        return page(
            "second.html",
            status,
            agent=who,
            wanted=self.door.both,
            is_on=who.has_second_factor,
            left=await self.ledger.recovery_codes_left(who.name),
            picture=second.picture(second.address(shared, who.name, self.called)),
            shared=second.spaced(shared),
            sealed=sealed,
            refused=refused,
            code=code,
        )

    # ── sessions ──
    async def end(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Ends one of one's own sessions."""
        _has_account(who)
        await self.ledger.end_sessions(who.name, [request.path_params["session"]], by=who.name, now=self.now())
        return go("/console/account?done=ended")

    async def end_others(self, request: Request, who: Colleague, _form: Form) -> Response:
        """Ends all of one's own sessions but this one."""
        _has_account(who)
        this = self.door.keeper.short_id(request.cookies.get(COOKIE, ""))
        others = [one.id for one in await self.ledger.sessions(who.name, now=self.now()) if one.id != this]
        await self.ledger.end_sessions(who.name, others, by=who.name, now=self.now())
        return go("/console/account?done=ended")


def _with_account(show: Shown) -> Shown:
    async def shown(request: Request, who: Colleague) -> Response:
        _has_account(who)
        return await show(request, who)

    return shown


def _has_account(who: Colleague) -> None:
    if who.by_token:
        raise NoSuchPage("the console's token is no account")


def _done(request: Request) -> str:
    return wording.DONE.get(request.query_params.get("done", ""), "")


def _password_page(who: Colleague, status: int, *, done: str = "", wrong: str = "", unfit: str = "") -> Response:
    return page("password.html", status, agent=who, done=done, wrong=wrong, unfit=unfit)
