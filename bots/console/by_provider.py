"""Signing in by the company's own provider. What it does not vouch for is answered 401 with the sign-in; why stands in
the log."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console import asking
from bots.console.door import Door
from bots.console.held import place
from bots.console.pages import go, page
from core.accounts import NotAllowed, Provided

log = logging.getLogger(__name__)

HERE = "/console/login/provider"
BACK = f"{HERE}/back"

_COOKIE = "throughline_provider"
_LIFE = 600  # seconds
_FAILED = "The company's account did not sign you in. Try again, or ask an admin to look into the log."
_UNKNOWN = "The company's account is yours, but no account here is. Ask an admin for one with your e-mail address."


class NotVouchedFor(Exception):
    """The provider does not say who this is; the message, which holds nothing that was sent to us, tells why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """Where the browser is sent, and what it brings back from there."""

    address: str
    ticket: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Vouched:
    """Who it is, and the page that they wanted."""

    who: Provided
    to: str


class Provider(Protocol):
    """Says who somebody is."""

    async def begins(self, to: str) -> Begun:
        """The way there. Raises NotVouchedFor."""
        ...

    async def ends(self, answer: Mapping[str, str], ticket: str) -> Vouched:
        """Who came back from there. Raises NotVouchedFor."""
        ...


def discovery(issuer: str) -> str:
    """Where a provider of OpenID Connect says what it has."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


@dataclass(frozen=True, kw_only=True)
class ByProvider:
    """There, and back. `domains`: whoever has a mail address of one of these gets an account, as an agent."""

    door: Door
    provider: Provider
    domains: Collection[str]

    def routes(self) -> Sequence[BaseRoute]:
        """Both."""
        return [Route(HERE, self.there, methods=["GET"]), Route(BACK, self.back, methods=["GET"])]

    async def there(self, request: Request) -> Response:
        """Sends the browser to the provider."""
        try:
            begun = await self.provider.begins(place(request.query_params.get("next", "/console")))
        except NotVouchedFor as error:
            return self._refused(error, _FAILED)
        return self._with_ticket(go(begun.address), begun.ticket)

    async def back(self, request: Request) -> Response:
        """Begins a session, or asks for the code."""
        keeper = self.door.keeper
        try:
            vouched = await self.provider.ends(request.query_params, request.cookies.get(_COOKIE, ""))
            who = await keeper.ledger.provided(vouched.who, domains=self.domains, now=keeper.now())
        except NotVouchedFor as error:
            return self._refused(error, _FAILED)
        except NotAllowed as error:
            return self._refused(error, _UNKNOWN)
        passed, to = await keeper.passes(who), place(vouched.to)
        if passed.ticket:
            return self._with_ticket(asking.for_code(200, "", ticket=passed.ticket, to=to), "")
        await keeper.notes(passed.name, "sign in", "by the provider")
        # A redirect would still count as the provider's, and the session's strict cookie would stay behind.
        return self._with_ticket(self.door.gives(page("welcome.html", agent=None, to=to), passed.session), "")

    def _refused(self, error: Exception, told: str) -> Response:
        log.warning("a sign-in by the provider was refused: %s", error)
        return self._with_ticket(self.door.asks(401, told), "")

    def _with_ticket(self, response: Response, ticket: str) -> Response:
        # Lax, unlike the session's: it has to come along when the provider sends the browser back.
        response.set_cookie(
            _COOKIE,
            ticket,
            max_age=_LIFE if ticket else 0,
            path=HERE,
            httponly=True,
            samesite="lax",
            secure=self.door.base_url.startswith("https://"),
        )
        return response
