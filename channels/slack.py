"""Slack: direct messages and mentions, through Socket Mode (no public address needed) or signed HTTP events.

Source: https://docs.slack.dev/apis/events-api
"""

import asyncio
import hashlib
import hmac
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError, model_validator
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from channels._markdown.slack import MRKDWN
from channels._markdown.split import split
from channels._markdown.tree import read
from channels._slack.members import Members
from core.channel import Ack, Checked, Deliver, Limits, Site
from core.errors import Malformed, SendProblem, TryAgain, Undeliverable, Unverified
from core.messages import Attachment, InboundMessage, Raw, Reply, Route, Voucher
from identity.handles import Handle
from identity.proof import Proof

_OLDEST_REQUEST = timedelta(minutes=5)
_ANSWER_SECONDS = 15

# Subtypes in which a customer talks; all others are edits, deletions, joins and what bots say.
_HEARD = (None, "file_share", "me_message", "thread_broadcast")

# Slack shows an ephemeral message only to members, in a channel that the bot is in too.
_UNSHOWN = ("user_not_in_channel", "not_in_channel", "channel_not_found")

_PASSING = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
_BAD_TOKEN = ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive")
_ADVICE = {
    **dict.fromkeys(_BAD_TOKEN, "set a valid SLACK_BOT_TOKEN"),
    "missing_scope": "give the Slack app the scope that docs.slack.dev names for the method and install it again",
    **dict.fromkeys((*_UNSHOWN, "is_archived"), "see that the channel is open and the bot in it"),
}


class SlackSettings(BaseModel):
    """What Slack needs: a bot token, and one of the two ways in."""

    model_config = ConfigDict(hide_input_in_errors=True)

    slack_bot_token: SecretStr = Field(description="Bot token of the Slack app; it begins with xoxb-.")
    slack_app_token: SecretStr = Field(
        SecretStr(""),
        description="App-level token (xapp-, scope connections:write) for Socket Mode: no public address.",
    )
    slack_signing_secret: SecretStr = Field(
        SecretStr(""), description="Signing secret of the Slack app, for events over HTTP without an app-level token."
    )
    slack_api_url: HttpUrl = Field(HttpUrl("https://slack.com/api/"), description="Where Slack's Web API is found.")

    @model_validator(mode="after")
    def _fits_together(self) -> "SlackSettings":
        app_token = self.slack_app_token.get_secret_value()
        if self.slack_bot_token.get_secret_value().startswith("xapp-") or app_token.startswith("xox"):
            raise ValueError(
                "SLACK_BOT_TOKEN or SLACK_APP_TOKEN holds the other's token; xoxb- is the bot's, xapp- the app's"
            )
        if not (app_token or self.slack_signing_secret.get_secret_value()):
            raise ValueError("SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is missing; the first is for Socket Mode")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One call of Slack's Web API. `instead` is what goes to the customer directly if the channel cannot show it."""

    method: str  # chat.postMessage | chat.postEphemeral
    payload: Mapping[str, object]
    instead: Mapping[str, object] = field(default_factory=dict)


class Slack:
    """Slack, for one workspace or organisation."""

    name: ClassVar[str] = "slack"
    label: ClassVar[str] = "Slack"
    limits: ClassVar[Limits] = Limits(inbound_bytes=1_000_000, text=3_000)
    Settings: ClassVar[type[BaseModel]] = SlackSettings
    ping_seconds: ClassVar[float] = 5  # a lost connection is noticed, and the next attempt made, after this long

    def __init__(self, settings: SlackSettings, site: Site) -> None:
        self._site = site
        self._bot_token = settings.slack_bot_token.get_secret_value()
        self._app_token = settings.slack_app_token.get_secret_value()
        self._signing_secret = settings.slack_signing_secret.get_secret_value().encode()
        self.paths: Sequence[str] = () if self._app_token else ("/slack/events",)
        # Slack's client would repeat a call whose connection broke, and so say things twice; the outbox decides.
        self._web = AsyncWebClient(
            self._bot_token, base_url=str(settings.slack_api_url), timeout=_ANSWER_SECONDS, retry_handlers=[]
        )
        self._members = Members(self._web, site.now)

    def verify(self, raw: Raw) -> None:
        """Checks Slack's signature (v0) over time and body. Raises Unverified (403)."""
        stamp = raw.headers.get("x-slack-request-timestamp", "")
        signature = raw.headers.get("x-slack-signature", "")
        if not re.fullmatch(r"[0-9]{1,11}", stamp) or not re.fullmatch(r"v0=[0-9a-f]{64}", signature):
            raise Unverified("Slack: the request carries no well-formed signature; it is refused")
        if abs(raw.received_at - datetime.fromtimestamp(int(stamp), UTC)) > _OLDEST_REQUEST:
            raise Unverified("Slack: the request was signed more than five minutes ago; check this machine's clock")
        right = hmac.new(self._signing_secret, b"v0:%b:%b" % (stamp.encode(), raw.body), hashlib.sha256).hexdigest()
        if not self._signing_secret or not hmac.compare_digest(f"v0={right}", signature):
            raise Unverified("Slack: the signature is wrong; check SLACK_SIGNING_SECRET")

    def parse(self, raw: Raw) -> InboundMessage | None:
        """A direct message to the bot or a mention of it; the same for an HTTP request and a Socket Mode payload."""
        try:
            delivery = _Delivery.model_validate_json(raw.body)
            return _message(delivery, raw.received_at) if _customer_talks(delivery) else None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise Malformed(f"Slack: {first['loc'] or 'the body'} cannot be read: {first['msg']}") from error

    async def check(self, message: InboundMessage, raw: Raw) -> Checked:  # noqa: ARG002 - Slack is asked, not the delivery
        """The email that our own workspace vouches for. Whose message it is Slack has said already."""
        home, _, user = message.handle.address.partition("/")
        email = await self._members.email(home, user)
        return Checked(proof=message.proof, vouchers=(Voucher(key=f"email:{email}"),) if email else ())

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:
        """200; with the challenge that Slack sends when the address is first entered."""
        return Ack(body="" if message else _Delivery.model_validate_json(raw.body).challenge)

    async def listen(self, deliver: Deliver) -> None:
        """Socket Mode, until cancelled; without an app-level token there is nothing to listen to."""
        if not self._app_token:
            await asyncio.Event().wait()
        handler = AsyncSocketModeHandler(
            self._bolt(deliver), self._app_token, web_client=self._web, ping_interval=self.ping_seconds
        )
        _ask_for_a_new_address_each_time(handler.client)
        try:
            await handler.client.connect()  # type: ignore[no-untyped-call]
            await asyncio.Event().wait()
        finally:
            await handler.client.close()  # type: ignore[no-untyped-call]

    def _bolt(self, deliver: Deliver) -> AsyncApp:
        in_order = asyncio.Lock()

        async def keep(body: dict[str, object]) -> BoltResponse:
            async with in_order:
                await deliver(Raw(body=json.dumps(body).encode(), received_at=self._site.now()))
            return BoltResponse(status=200)

        # Bolt's own authorization comes after this point. It would ask auth.test and, when that fails, acknowledge
        # a message that nobody has kept; an exception here leaves it unacknowledged, and Slack delivers it again.
        return AsyncApp(token=self._bot_token, signing_secret="", before_authorize=keep)

    def render(self, reply: Reply) -> Sequence[Post]:
        """Messages of at most 3,000 characters of mrkdwn; ephemeral where others read the channel."""
        parts = split(read(reply.text), MRKDWN.show, self.limits.text)
        return [self._post(reply, part, text) for part, text in enumerate(parts)]

    def _post(self, reply: Reply, part: int, text: str) -> Post:
        place = {key: reply.route[key] for key in ("channel", "thread_ts") if key in reply.route}
        mark = {"event_type": "throughline_reply", "event_payload": {"id": reply.id, "part": part}}
        message = {"text": text, "unfurl_links": False, "unfurl_media": False, "metadata": mark}
        if "ephemeral" not in reply.route:
            return Post(method="chat.postMessage", payload=place | message)
        shown = place | {"user": reply.route["user"], "text": text}
        return Post(method="chat.postEphemeral", payload=shown, instead=message)

    async def send(self, wire: Post) -> str:
        """Posts it; returns Slack's `ts` of the message."""
        try:
            answer = await self._call(wire)
        except SlackApiError as refusal:
            raise _refused(refusal, wire.method) from refusal
        except (aiohttp.ClientError, OSError, ValueError, AttributeError, TypeError) as broken:
            # The last three are how Slack's client fails on an answer that is no JSON object.
            raise TryAgain(f"Slack: {wire.method} broke off ({type(broken).__name__}); it is tried again") from broken
        return str(answer.get("ts") or answer.get("message_ts"))

    async def _call(self, wire: Post) -> AsyncSlackResponse:
        try:
            return await self._web.api_call(wire.method, json=dict(wire.payload))
        except SlackApiError as refusal:
            if not wire.instead or _error_of(refusal) not in _UNSHOWN:
                raise
        opened = await self._web.api_call("conversations.open", json={"users": wire.payload["user"]})
        return await self._web.api_call("chat.postMessage", json={**wire.instead, "channel": opened["channel"]["id"]})


def _ask_for_a_new_address_each_time(client: SocketModeClient) -> None:
    # A Socket Mode address is good for one connection, soon after it was given out. Slack's client goes on trying the
    # one it has when connecting fails; so it is taken away as soon as it is used.
    async def forget_address(*_: object) -> None:
        client.wss_uri = None

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(forget_address)
    trace.freeze()
    client.aiohttp_client_session.trace_configs.append(trace)


class _File(BaseModel):
    # A file of a Slack Connect stranger, or a deleted one, carries an id and hardly more.
    name: str | None = None
    mimetype: str | None = None
    size: int | None = None
    url_private: str | None = None


class _Event(BaseModel):
    type: str
    user: str
    channel: str = Field(min_length=1)
    ts: str = Field(pattern=r"^\d{1,11}\.\d{1,9}$")
    text: str | None = None
    thread_ts: str | None = None
    team: str | None = None
    user_team: str | None = None
    files: list[_File] | None = None


class _Delivery(BaseModel):
    type: str = ""
    challenge: str = ""
    team_id: str = ""
    enterprise_id: str | None = None
    is_ext_shared_channel: bool = False
    authorizations: list[dict[str, object]] | None = None
    event: dict[str, object] = Field(default_factory=dict)

    @property
    def bots(self) -> list[str]:
        """The user ids under which we ourselves are in the workspace."""
        return [str(a.get("user_id")) for a in self.authorizations or () if a.get("is_bot")]


def _customer_talks(delivery: _Delivery) -> bool:
    event = delivery.event
    kind = event.get("type")
    return (
        delivery.type == "event_callback"
        and (kind == "app_mention" or (kind == "message" and _is_direct(event.get("channel"))))
        and event.get("subtype") in _HEARD
        and not event.get("bot_id")
        and event.get("user") not in (None, "", *delivery.bots)
    )


def _is_direct(channel: object) -> bool:
    """Whether only the customer and the bot read it; a mention tells by its channel's first letter alone."""
    return isinstance(channel, str) and channel.startswith("D")


def _message(delivery: _Delivery, received_at: datetime) -> InboundMessage:
    event = _Event.model_validate(delivery.event)
    home = _home(delivery, event)
    address, is_ours = f"{home}/{event.user}", _is_ours(delivery, event, home)
    return InboundMessage(
        # The same for the message and the app_mention that one message gives rise to.
        external_id=f"{delivery.team_id}:{event.channel}:{event.ts}",
        handle=Handle(channel=Slack.name, address=address, key=f"slack:{address}"),
        proof=Proof.PROVEN,
        text=_plain(event.text or "", delivery.bots),
        conversation=_conversation(event),
        route=_route(event),
        received_at=received_at,
        sent_at=datetime.fromtimestamp(float(event.ts), UTC),
        attachments=tuple(map(_attachment, event.files or ())),
        public=not _is_direct(event.channel),
        vouchers=None if is_ours else (),
        unchecked=is_ours,
    )


def _home(delivery: _Delivery, event: _Event) -> str:
    """The organisation or workspace whose user is writing; somebody else's, in a channel shared with strangers."""
    team = event.user_team or event.team or delivery.team_id
    if delivery.enterprise_id and (team == delivery.team_id or not delivery.is_ext_shared_channel):
        return delivery.enterprise_id
    return team


def _is_ours(delivery: _Delivery, event: _Event, home: str) -> bool:
    """Whether a member of our own workspace or organisation may be writing, for whom it may vouch."""
    is_said = event.user_team or event.team or not delivery.is_ext_shared_channel
    return bool(is_said) and home in (delivery.team_id, delivery.enterprise_id)


def _conversation(event: _Event) -> str:
    """A mention is answered to its writer alone, so two people in one thread have two conversations."""
    if _is_direct(event.channel):
        return event.channel
    return ":".join(filter(None, (event.channel, event.thread_ts, event.user)))


def _route(event: _Event) -> Route:
    place = {"channel": event.channel} | ({"thread_ts": event.thread_ts} if event.thread_ts else {})
    return place if _is_direct(event.channel) else place | {"user": event.user, "ephemeral": "1"}


def _attachment(file: _File) -> Attachment:
    kind = file.mimetype or "application/octet-stream"
    return Attachment(name=file.name or "file", media_type=kind, size=file.size or 0, url=file.url_private or "")


_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def _plain(text: str, bots: Sequence[str]) -> str:
    """What the customer typed, without the mention that called us."""
    us = "|".join(map(re.escape, bots)) or r"[UW]\w+"
    text = re.sub(rf"\A\s*<@(?:{us})(?:\|[^<>]*)?>[\s:,]*", "", text)
    return html.unescape(_MARKUP.sub(_as_typed, text)).strip()


def _as_typed(found: re.Match[str]) -> str:
    sigil, target, label = found.groups()
    return label or f"@{target}" if sigil == "!" else sigil + (label or target)


def _error_of(refusal: SlackApiError) -> str:
    found = getattr(refusal.response, "data", None)
    return str(found.get("error", "")) if isinstance(found, dict) else ""


def _refused(refusal: SlackApiError, method: str) -> SendProblem:
    answer: object = refusal.response
    if not isinstance(answer, AsyncSlackResponse):
        return TryAgain(f"Slack: {method} got an answer that is no JSON; it is tried again")
    error = _error_of(refusal) or f"HTTP {answer.status_code}"
    if answer.status_code == 429 or answer.status_code >= 500 or error in _PASSING:  # noqa: PLR2004 - HTTP
        seconds = str(answer.headers.get("Retry-After", ""))
        after = timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
        return TryAgain(f"Slack: {method} failed for now: {error}", after=after)
    return Undeliverable(f"Slack: {method} was refused: {error}; {_ADVICE.get(error, 'see docs.slack.dev')}")


CHANNEL = Slack
