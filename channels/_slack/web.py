"""Slack's Web API, over one session that is kept; and what ends the channel until somebody mends it."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.errors import Misconfigured, SendProblem, TryAgain, Undeliverable

PATIENCE: Final = aiohttp.ClientTimeout(total=15)
NO_TOKEN: Final = ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "team_disabled")
# Slack shows an ephemeral message only to members, in a channel that the bot is in too.
UNSHOWN: Final = ("user_not_in_channel", "not_in_channel", "channel_not_found")

_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500  # and above: HTTP statuses
_OUT_OF_ORDER: Final = ("internal_error", "fatal_error", "service_unavailable", "request_timeout")
_PASSING: Final = ("ratelimited", "rate_limited", "team_added_to_org", "accesslimited", *_OUT_OF_ORDER)
_ADVICE: Final[Mapping[str, str]] = {
    **dict.fromkeys(NO_TOKEN, "set a valid SLACK_BOT_TOKEN"),
    "missing_scope": "give the Slack app the scope that docs.slack.dev names for the method and install it again",
    **dict.fromkeys((*UNSHOWN, "is_archived"), "see that the channel is open and the bot in it"),
}


class Refused(Undeliverable):
    """Slack said no, and will again. `error` is its word for it."""

    def __init__(self, method: str, error: str) -> None:
        super().__init__(f"Slack: {method} was refused: {error}; {_ADVICE.get(error, 'see docs.slack.dev')}")
        self.error = error


class Trouble:
    """The first thing that no further try can mend."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._what = Misconfigured("SLACK_BOT_TOKEN", "")

    def tell(self, setting: str, what: str) -> None:
        """Ends the channel."""
        if not self._told.is_set():
            self._what = Misconfigured(setting, what)
            self._told.set()

    async def awaited(self) -> Misconfigured:
        """What it is, once there is something."""
        await self._told.wait()
        return self._what


class Web:
    """Calls methods with the bot's token. After a 429 a method is left alone for as long as Slack asks."""

    def __init__(self, token: str, base_url: str, now: Callable[[], datetime], trouble: Trouble) -> None:
        # Slack's client would repeat a call whose connection broke, and so say things twice; the outbox decides.
        seconds = int(PATIENCE.total or 0)
        self.client = AsyncWebClient(token, base_url=base_url, timeout=seconds, retry_handlers=[])
        self._now = now
        self._trouble = trouble
        self._not_before: dict[str, datetime] = {}

    async def call(self, method: str, payload: Mapping[str, object] | None = None) -> AsyncSlackResponse:
        """Slack's answer to a call. Raises TryAgain or Refused."""
        return await self._answer(method, json=dict(payload or {}))

    async def ask(self, method: str, question: Mapping[str, str]) -> AsyncSlackResponse:
        """Slack's answer by a method that only reads; those take no JSON. Raises TryAgain or Refused."""
        return await self._answer(method, http_verb="GET", params=dict(question))

    async def _answer(self, method: str, **question: Any) -> AsyncSlackResponse:
        self._leave_alone(method)
        try:
            self.session()
            return await self.client.api_call(method, **question)
        except SlackApiError as refusal:
            raise self._problem(method, refusal) from refusal
        except (aiohttp.ClientError, OSError, ValueError, AttributeError, TypeError) as broken:
            # The last three are how Slack's client fails on an answer that is no JSON object.
            what = f"Slack: {method} broke off ({type(broken).__name__}); it is tried again"
            sent = not isinstance(broken, aiohttp.ClientConnectorError)
            raise TryAgain(what, maybe_sent=sent, away=True) from broken

    def session(self) -> aiohttp.ClientSession:
        """The session, opened where there is none."""
        if self.client.session is None or self.client.session.closed:
            self.client.session = aiohttp.ClientSession(timeout=PATIENCE)
        return self.client.session

    async def close(self) -> None:
        """Lets go of the session."""
        if self.client.session is not None:
            await self.client.session.close()

    def _leave_alone(self, method: str) -> None:
        left = self._not_before.get(method, self._now()) - self._now()
        if left > timedelta(0):
            raise TryAgain(f"Slack: {method} waits, as Slack asked", after=left)

    def _problem(self, method: str, refusal: SlackApiError) -> SendProblem:
        problem = refused(method, refusal)
        if isinstance(problem, TryAgain) and problem.after:
            self._not_before[method] = self._now() + problem.after
        if isinstance(problem, Refused) and problem.error in NO_TOKEN:
            self._trouble.tell("SLACK_BOT_TOKEN", token_refused(problem.error))
        return problem


def token_refused(error: str) -> str:
    """What to do about a bot token that Slack does not take."""
    return (
        f"Slack refuses it ({error}): the app was removed or the token revoked; install the app again at "
        "api.slack.com/apps under OAuth & Permissions and copy the new token"
    )


def refused(method: str, refusal: SlackApiError) -> SendProblem:
    """What a refusal means for us."""
    answer: object = refusal.response
    if not isinstance(answer, AsyncSlackResponse):
        what = f"Slack: {method} got an answer that is no JSON; it is tried again"
        return TryAgain(what, maybe_sent=True, away=True)
    error = error_of(refusal) or f"HTTP {answer.status_code}"
    if not error_of(refusal) and answer.status_code < _SERVER_ERROR and answer.status_code != _TOO_MANY:
        # A page of something between us and Slack.
        return TryAgain(f"Slack: {method} got {error} without a word", maybe_sent=True, away=True)
    if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERROR or error in _PASSING:
        seconds = str(answer.headers.get("Retry-After", ""))
        after = timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
        away = answer.status_code >= _SERVER_ERROR or error in _OUT_OF_ORDER
        return TryAgain(f"Slack: {method} failed for now: {error}", after=after, away=away)
    return Refused(method, error)


def error_of(refusal: SlackApiError) -> str:
    """Slack's word for what is wrong, "" where it gave none."""
    found = getattr(refusal.response, "data", None)
    return str(found.get("error", "")) if isinstance(found, dict) else ""
