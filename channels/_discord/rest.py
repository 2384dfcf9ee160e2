"""Discord's REST API, over one session that is kept.

Source: https://docs.discord.com/developers/topics/rate-limits
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final, TypeAlias

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from core.errors import SendProblem, TryAgain, Undeliverable
from core.messages import Attachment

Json: TypeAlias = Mapping[str, object] | list[Mapping[str, object]]

CLOSED: Final = (50007, 50278)  # this user takes no direct messages from the bot
PORTAL: Final = "discord.com/developers/applications, page Bot"
REFUSED_TOKEN: Final = f"Discord refuses this token; copy the bot's current one from {PORTAL}"
_PATIENCE: Final = aiohttp.ClientTimeout(total=15)  # seconds
_PATIENCE_WITH_FILES: Final = aiohttp.ClientTimeout(total=120)
_LONGEST_WAIT: Final = 5.0  # seconds for a place in a bucket; for longer ones the outbox waits
_MOST_BUCKETS: Final = 1_000
_SERVER_ERROR: Final = 500  # and above: HTTP statuses
_TOO_FAST: Final = (40003, 20028, 20029)  # opens direct messages too fast, or writes too fast
_REFUSALS: Final = {
    401: f"DISCORD_BOT_TOKEN: {REFUSED_TOKEN}",
    403: "the bot may not write there; for a direct message the customer must share a server with it and allow them",
    404: "this conversation or customer no longer exists",
}
# Parts of a path that name whose it is: limits count for each of them.
_OWN: Final = {"channels": 1, "webhooks": 2, "interactions": 2}


class Refused(Undeliverable):
    """Discord refused for good; `code` is its own for why, 0 where it gave none."""

    def __init__(self, message: str, *, status: int, code: int) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Trouble(BaseModel):
    """What Discord says instead of an answer."""

    code: int = 0
    message: str = ""
    retry_after: float = Field(0, ge=0, le=86_400)  # seconds
    everywhere: bool = Field(False, alias="global")


class Rest:
    """Asks, waits its turn where a limit is near, and tells apart what to try again."""

    def __init__(self, base: str, token: str, site: str) -> None:
        self._base = base
        self._token = token
        self._agent = f"DiscordBot ({site}, 1)"
        self._limits = _RateLimits()
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, method: str, path: str, payload: object = None, *, files: Sequence[Attachment] = (), **query: str
    ) -> Json:
        """What Discord answers; {} where it has nothing to say. Raises TryAgain or Refused."""
        body: dict[str, Any] = {"data": _form(payload, files)} if files else {"json": payload}
        await self._limits.wait(method, path)
        try:
            # What goes by an interaction's token needs no other, and does not count for the bot's own limit.
            async with self._opened().request(
                method,
                f"{self._base}/{path}",
                params=query,
                timeout=_PATIENCE_WITH_FILES if files else _PATIENCE,
                headers={}
                if path.startswith(("webhooks/", "interactions/"))
                else {"Authorization": f"Bot {self._token}"},
                allow_redirects=False,
                **body,
            ) as response:
                return self._answer(method, path, response, await response.read())
        except (aiohttp.ClientError, OSError) as away:
            what = f"Discord at {self._base} does not answer: {type(away).__name__}"
            sent = method == "POST" and not isinstance(away, aiohttp.ClientConnectorError)
            raise TryAgain(what, maybe_sent=sent, away=True) from away

    async def close(self) -> None:
        """Lets go of the session."""
        if self._session:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=_PATIENCE, headers={"User-Agent": self._agent})
        return self._session

    def _answer(self, method: str, path: str, response: aiohttp.ClientResponse, body: bytes) -> Json:
        answer = _read(body)
        trouble = _trouble(answer)
        self._limits.learn(method, path, response, trouble)
        if response.ok and answer is not None:
            return answer
        raise _problem(response, trouble)


class _RateLimits:
    """How long each bucket of Discord's, and the whole API, has to be left alone."""

    def __init__(self) -> None:
        self._bucket: dict[str, str] = {}  # of a kind of request
        self._until: dict[tuple[str, str], float] = {}  # by bucket and whose, on the loop's clock
        self._all_until = 0.0

    async def wait(self, method: str, path: str) -> None:
        """Returns when it is our turn. Raises TryAgain when that takes long."""
        now, key = asyncio.get_running_loop().time(), self._key(method, path)
        own = path.startswith(("webhooks/", "interactions/"))
        seconds = max(self._until.get(key, 0.0), 0.0 if own else self._all_until) - now
        if seconds > _LONGEST_WAIT:
            raise TryAgain("Discord asked for a pause", after=timedelta(seconds=seconds))
        await asyncio.sleep(max(seconds, 0))

    def learn(self, method: str, path: str, response: aiohttp.ClientResponse, trouble: _Trouble | None) -> None:
        """Takes note of what an answer says of the limits."""
        now, headers = asyncio.get_running_loop().time(), response.headers
        if bucket := headers.get("X-RateLimit-Bucket"):
            self._bucket[_kind(method, path)[0]] = bucket
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            seconds = _pause(response, trouble)
            # A page instead of JSON: the proxy before Discord has banned this address.
            if trouble is None or trouble.everywhere or "X-RateLimit-Global" in headers:
                self._all_until = now + seconds
        elif headers.get("X-RateLimit-Remaining") == "0":
            seconds = _number(headers.get("X-RateLimit-Reset-After", ""))
        else:
            return
        self._until = (
            {key: until for key, until in self._until.items() if until > now} if self._is_full() else self._until
        )
        self._until[self._key(method, path)] = now + seconds

    def _is_full(self) -> bool:
        return len(self._until) >= _MOST_BUCKETS

    def _key(self, method: str, path: str) -> tuple[str, str]:
        kind, whose = _kind(method, path)
        return self._bucket.get(kind, kind), whose


def _form(payload: object, files: Sequence[Attachment]) -> aiohttp.FormData:
    """A message with files. Names are written as they are: Discord does not read them in percent signs."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(payload), content_type="application/json")
    for number, file in enumerate(files):
        form.add_field(f"files[{number}]", BytesIO(file.content), filename=file.name, content_type=file.media_type)
    return form


def _kind(method: str, path: str) -> tuple[str, str]:
    """A request without whose it is, and whose."""
    head, *rest = path.split("/")
    own = _OWN.get(head, 0)
    return f"{method} {head}/{'/'.join(rest[own:])}", "/".join(rest[:own])


def _read(body: bytes) -> Json | None:
    """None for a page of the proxies before Discord, or an answer cut short."""
    try:
        read = json.loads(body) if body else {}
    except ValueError:
        return None
    return read if isinstance(read, dict | list) else None


def _trouble(answer: Json | None) -> _Trouble | None:
    if not isinstance(answer, dict):
        return None
    try:
        return _Trouble.model_validate(answer)
    except ValidationError:  # not an error, but an answer whose fields happen to be called alike
        return _Trouble()


def _problem(response: aiohttp.ClientResponse, trouble: _Trouble | None) -> SendProblem:
    said, code = f"Discord answered {response.status}", trouble.code if trouble else 0
    said += f" ({code}: {trouble.message})" if trouble and trouble.message else ""
    if response.status == HTTPStatus.TOO_MANY_REQUESTS or code in _TOO_FAST:
        seconds = _pause(response, trouble)
        return TryAgain(f"{said}: too many messages", after=timedelta(seconds=seconds) if seconds else None)
    passing = response.ok or response.status == HTTPStatus.REQUEST_TIMEOUT or response.status >= _SERVER_ERROR
    if passing or trouble is None:
        return TryAgain(f"{said}: out of order for now", maybe_sent=response.ok, away=passing)
    advice = _REFUSALS.get(response.status, "the message is refused")
    return Refused(f"{said}: {advice}", status=response.status, code=code)


def _pause(response: aiohttp.ClientResponse, trouble: _Trouble | None) -> float:
    """Seconds to wait; 0 where Discord does not say."""
    return (trouble.retry_after if trouble else 0) or _number(response.headers.get("Retry-After", ""))


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,9})?", text) else 0.0
