"""Twilio's REST interface, as far as text messages use it, over one session that is kept."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from channels._sms.refusals import refusal
from channels._twilio import TWILIO, AccountSettings
from core.errors import Problem, TryAgain

_SERVER_ERROR: Final = 500  # and above: HTTP statuses
_TOO_MANY: Final = 429


class Refused(Problem):
    """Twilio answered a question with an error of this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Twilio answered {status}")
        self.status = status


class _Http(AsyncTwilioHttpClient):  # type: ignore[misc]
    """The library's own client ignores its timeout, knows no other host, and drops Retry-After."""

    session: aiohttp.ClientSession | None

    def __init__(self, base: str, seconds: float) -> None:
        super().__init__(pool_connections=False)  # it would need a running loop
        self.base = base.rstrip("/") or TWILIO
        self._limit = aiohttp.ClientTimeout(total=seconds)

    def opened(self) -> aiohttp.ClientSession:
        """The session; it is kept."""
        if self.session is None or self.session.closed:
            self.session = aiohttp.ClientSession(timeout=self._limit, cookie_jar=aiohttp.DummyCookieJar())
        return self.session

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: tuple[str, str],
        data: Mapping[str, str | Sequence[str]] | None = None,
        params: Mapping[str, str] | None = None,
        **_unused: object,
    ) -> Response:
        """Twilio's answer below 500, but not 429. Raises TryAgain."""
        headers = {**headers, "Authorization": aiohttp.encode_basic_auth(*auth)}
        sends = self.opened().request(
            method, self.at_base(url), data=_fields(data), params=params, headers=headers, allow_redirects=False
        )
        try:
            async with sends as answer:
                raise_if_busy(answer)
                return Response(answer.status, await answer.text(errors="replace"), answer.headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise away(error, maybe_sent=method == "POST") from error

    def at_base(self, url: str) -> str:
        """An address of Twilio's, where TWILIO_API_BASE has it."""
        parts = urlsplit(url)
        return self.base + parts.path + (f"?{parts.query}" if parts.query else "")


def _fields(data: Mapping[str, str | Sequence[str]] | None) -> Sequence[tuple[str, str]] | None:
    """A form in which a name may stand several times."""
    if data is None:
        return None
    listed = {name: [value] if isinstance(value, str) else value for name, value in data.items()}
    return [(name, value) for name, values in listed.items() for value in values]


def raise_if_busy(answer: aiohttp.ClientResponse) -> None:
    """Raises TryAgain for what passes."""
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
        what = f"Twilio is busy ({answer.status}); it is tried again"
        raise TryAgain(what, after=_pause(answer.headers), away=answer.status >= _SERVER_ERROR)


def away(error: Exception, *, maybe_sent: bool = False) -> TryAgain:
    """What a broken connection means; a message that was on its way may have been taken."""
    unsent = isinstance(error, aiohttp.ClientConnectorError)
    what = f"Twilio cannot be reached ({type(error).__name__}); it is tried again"
    return TryAgain(what, maybe_sent=maybe_sent and not unsent, away=True)


def _unreadable() -> TryAgain:
    """Of an answer that says that a message was taken, and cannot be read."""
    return TryAgain("Twilio gave an unreadable answer; it is tried again", maybe_sent=True, away=True)


def _pause(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if re.fullmatch(r"\d{1,5}", seconds, re.ASCII) else None


class Rest:
    """One account. `base` replaces https://api.twilio.com; `seconds` per request."""

    def __init__(self, account: AccountSettings, *, base: str, seconds: float) -> None:
        self.account = account.twilio_account_sid
        self.http = _Http(base, seconds)
        self._token = account.twilio_auth_token.get_secret_value()
        self._client = Client(self.account, self._token, http_client=self.http)

    @property
    def credentials(self) -> str:
        """For the header Authorization; for Twilio's own host only."""
        return aiohttp.encode_basic_auth(self.account, self._token)

    @property
    def path(self) -> str:
        """Where all that is the account's lies."""
        return f"/2010-04-01/Accounts/{self.account}"

    async def close(self) -> None:
        """Lets go of the session."""
        await self.http.close()

    async def text(
        self, *, to: str, sender: str, service: str, body: str, status_callback: str, media: Sequence[str] = ()
    ) -> str:
        """Sends one message and returns its SID. At least one of `sender`, a number, and `service`, the SID of a
        Messaging Service, is given; so is one of `body` and `media`, addresses of files.

        Raises TryAgain or Undeliverable.
        """
        how = {"from_": sender, "messaging_service_sid": service, "status_callback": status_callback, "body": body}
        given = {name: value for name, value in how.items() if value} | ({"media_url": list(media)} if media else {})
        try:
            sid = (await self._client.messages.create_async(to=to, **given)).sid
        except TwilioException as error:
            raise refusal(getattr(error, "code", 0) or 0) from error
        except (ValueError, AttributeError) as error:  # a success whose body is no JSON object
            raise _unreadable() from error
        if not isinstance(sid, str):
            raise _unreadable()
        return sid

    async def ask(self, path: str, **query: str) -> Mapping[str, object]:
        """What Twilio has on record. Raises TryAgain or Refused."""
        answer = await self._client.request_async("GET", TWILIO + path, params=query)
        if answer.status_code != 200:  # noqa: PLR2004 - HTTP
            raise Refused(answer.status_code)
        try:
            read = json.loads(answer.text)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise TryAgain("Twilio gave an unreadable answer; it is tried again")
        return read
