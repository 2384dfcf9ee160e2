"""Socket Mode: a connection that we open, on which Slack delivers and delivers again what is not acknowledged.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from channels._slack.web import NO_TOKEN, Trouble, error_of

log = logging.getLogger(__name__)

# Keeps one payload; returns what is answered with the acknowledgement. Raises when nothing could be kept.
Keep = Callable[[bytes], Awaitable[Mapping[str, object]]]
Pause = Callable[[float], Awaitable[None]]

_CROWDED: Final = 30.0  # seconds before the next attempt when the app has too many connections open
_NO_ADDRESS: Final = (*NO_TOKEN, "not_allowed_token_type", "missing_scope", "access_denied", "no_permission")
SWITCHED_OFF: Final = (
    "Socket Mode is switched off; switch it on at api.slack.com/apps under Socket Mode and start again, or leave this "
    "empty and set SLACK_SIGNING_SECRET"
)


def app_token_refused(error: str) -> str:
    """What to do about an app-level token that Slack does not take."""
    return (
        f"Slack refuses it ({error}); make one with the scope connections:write at api.slack.com/apps under Basic "
        "Information, App-Level Tokens"
    )


class Connection:
    """One connection, made again whenever it is lost."""

    def __init__(
        self, bot_token: str, app_token: str, api_url: str, trouble: Trouble, told: Callable[[str], None]
    ) -> None:
        """`told` hears how it does: "" while it stands, or why not."""
        self.ping_seconds = 5.0  # a lost connection is noticed, and the next attempt made, after this long
        self.pause: Pause = asyncio.sleep
        self._bot_token = bot_token
        self._app_token = app_token
        self._api_url = api_url
        self._trouble = trouble
        self._told = told

    async def hold(self, keep: Keep) -> None:
        """Runs until cancelled."""
        addresses = _Addresses(self._bot_token, self._api_url, self._trouble, self.pause, self._told)
        handler = AsyncSocketModeHandler(
            self._bolt(keep), self._app_token, web_client=addresses, ping_interval=self.ping_seconds
        )
        handler.client.on_message_listeners.append(addresses.hear)
        _ask_for_a_new_address_each_time(handler.client)
        try:
            await handler.client.connect()  # type: ignore[no-untyped-call]
            await asyncio.Event().wait()
        finally:
            await handler.client.close()  # type: ignore[no-untyped-call]

    def _bolt(self, keep: Keep) -> AsyncApp:
        in_order = asyncio.Lock()

        async def keep_one(body: dict[str, object]) -> BoltResponse:
            async with in_order:
                answer = await keep(json.dumps(body).encode())
            kind: dict[str, Any] = {"content-type": ["application/json"]} if answer else {}
            return BoltResponse(status=200, body=json.dumps(answer) if answer else "", headers=kind)

        # Bolt's own authorization comes after this point. It would ask auth.test and, when that fails, acknowledge
        # a message that nobody has kept; an exception here leaves it unacknowledged, and Slack delivers it again.
        return AsyncApp(token=self._bot_token, signing_secret="", before_authorize=keep_one)


class _Addresses(AsyncWebClient):
    """Asks for the address of each connection, and hears why Slack ends one."""

    def __init__(self, token: str, api_url: str, trouble: Trouble, pause: Pause, told: Callable[[str], None]) -> None:
        super().__init__(token, base_url=api_url, retry_handlers=[])
        self._trouble = trouble
        self._pause = pause
        self._told = told
        self._is_crowded = self._is_lost = False

    async def apps_connections_open(self, *, app_token: str, **more: Any) -> AsyncSlackResponse:
        if self._is_crowded:
            self._is_crowded = False
            await self._pause(_CROWDED)
        try:
            return await super().apps_connections_open(app_token=app_token, **more)
        except SlackApiError as refusal:
            if error_of(refusal) in _NO_ADDRESS:
                self._trouble.tell("SLACK_APP_TOKEN", app_token_refused(error_of(refusal)))
            self._lost(error_of(refusal) or type(refusal).__name__)
            raise
        except Exception as away:
            self._lost(type(away).__name__)
            raise

    async def hear(self, frame: aiohttp.WSMessage) -> None:
        """Looks at a frame before the client does."""
        if self._is_lost:
            self._is_lost = False
            self._told("")
        match _reason(frame.data):
            case "link_disabled":
                self._trouble.tell("SLACK_APP_TOKEN", SWITCHED_OFF)
            case "too_many_websockets":
                self._is_crowded = True
                log.warning("Slack: this app has too many connections open (it may have ten); is it running elsewhere?")

    def _lost(self, why: str) -> None:
        self._is_lost = True
        self._told(f"Slack gives no address for a connection ({why})")


def _reason(frame: str) -> str:
    """Why Slack ends the connection; "" for any other frame."""
    if '"disconnect"' not in frame:
        return ""
    try:
        told = json.loads(frame)
    except ValueError:
        return ""
    return str(told.get("reason")) if isinstance(told, dict) and told.get("type") == "disconnect" else ""


def _ask_for_a_new_address_each_time(client: SocketModeClient) -> None:
    # A Socket Mode address is good for one connection, soon after it was given out. Slack's client goes on trying the
    # one it has when connecting fails; so it is taken away as soon as it is used.
    async def forget_address(*_: object) -> None:
        client.wss_uri = None

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(forget_address)
    trace.freeze()
    client.aiohttp_client_session.trace_configs.append(trace)
