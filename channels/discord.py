"""Discord: direct messages, and mentions of the bot in servers, which are answered by direct message.

Heard through discord.py's gateway. Sent over REST without it, so that a worker without a gateway can send too, and
because a cancelled request of discord.py's leaves its lock for global rate limits taken for ever.
"""

import asyncio
import hashlib
import json
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, ClassVar

import aiohttp
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    WebsocketUrl,
    field_validator,
)
from yarl import URL

from channels._markdown.discord import DISCORD
from channels._markdown.split import split
from channels._markdown.tree import read
from core.channel import Deliver, Limits, Site
from core.errors import Malformed, Misconfigured, SendProblem, TryAgain, Undeliverable
from core.messages import Attachment, InboundMessage, Raw, Reply, Route
from identity.handles import Handle
from identity.proof import Proof

with warnings.catch_warnings():  # discord.py imports audioop, which Python 3.11 and 3.12 announce to remove
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    from discord.gateway import DiscordWebSocket
    from discord.http import Route as Endpoint

# Or else the library warns at every start that it cannot speak.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

log = logging.getLogger(__name__)

TEXT_LIMIT = 2_000  # characters in one message
NONCE_LIMIT = 25  # characters
SPOKEN = {0, 19}  # message types: an ordinary message, and a reply to one; the others are Discord's own notices
SUPPRESS_EMBEDS = 1 << 2  # message flag: no previews of links
SERVER_ERROR = 500  # and above: HTTP statuses
LONGEST_PAUSE = 120.0  # seconds
LAST_WORDS = 5.0  # seconds in which what was already heard is still recorded when the listener stops
SEND_TIMEOUT = aiohttp.ClientTimeout(total=15)  # seconds
PORTAL = "discord.com/developers/applications, page Bot"

# What an outage looks like in the library; anything else is a fault.
OUTAGES = (discord.DiscordException, aiohttp.ClientError, OSError)

REFUSED_TOKEN = f"Discord refuses this token; copy the bot's current one from {PORTAL}"
REFUSALS = {
    401: f"DISCORD_BOT_TOKEN: {REFUSED_TOKEN}",
    403: "this customer takes no direct messages from the bot: they must share a server with it and allow them there",
    404: "this conversation or customer no longer exists",
}

Snowflake = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]


class DiscordSettings(BaseModel):
    """What the channel reads from the environment."""

    model_config = ConfigDict(hide_input_in_errors=True)  # the token must not reach a log

    discord_bot_token: SecretStr = Field(description="Token of the Discord bot, from its application's page Bot.")
    discord_api_base: HttpUrl = Field(
        HttpUrl("https://discord.com/api/v10"), description="Where Discord's REST API is found."
    )
    discord_gateway_url: WebsocketUrl = Field(
        WebsocketUrl("wss://gateway.discord.gg/"), description="Where Discord's gateway is found."
    )

    @field_validator("discord_bot_token")
    @classmethod
    def is_bare(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]+", token.get_secret_value()):
            raise ValueError("must be the token alone, without spaces and without the word Bot")
        return token


class User(BaseModel):
    """A user object of Discord's. `bot` and `system` are never customers."""

    id: Snowflake
    username: str = ""
    global_name: str | None = None
    bot: bool = False
    system: bool = False


class File(BaseModel):
    """An attachment object of Discord's. The address expires after about a day."""

    filename: str
    size: int
    url: str
    content_type: str | None = None


class Message(BaseModel):
    """What MESSAGE_CREATE carries, as far as we read it."""

    id: Snowflake
    channel_id: Snowflake
    guild_id: Snowflake | None = None  # none: a direct message
    webhook_id: Snowflake | None = None
    type: int
    author: User
    content: str
    mentions: list[User] = []
    attachments: list[File] = []
    timestamp: AwareDatetime
    edited_timestamp: AwareDatetime | None = None

    def is_for(self, bot_id: str) -> bool:
        """Whether a customer says this to us."""
        nobody = self.webhook_id or self.author.bot or self.author.system or self.author.id == bot_id
        said = self.type in SPOKEN and self.edited_timestamp is None
        return said and not nobody and (self.guild_id is None or any(user.id == bot_id for user in self.mentions))


class Delivery(BaseModel):
    """The body of our Raw: a message, and which bot heard it."""

    bot_id: Snowflake
    message: Message


class Answer(BaseModel):
    """Discord's answer to a request: an object with an id, or an error."""

    id: str = ""
    code: int = 0
    message: str = ""
    retry_after: float = Field(0, ge=0, le=86_400)  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One message to send: into a channel, or by direct message to a user."""

    channel: str = ""
    user: str = ""
    content: str
    nonce: str  # Discord drops a second message with the same nonce for some minutes


class Gateway(discord.Client):
    """One session at the gateway, resumed by the library for as long as Discord lets it."""

    def __init__(self, heard: Callable[[bytes], None], *, pause: float) -> None:
        """`heard` gets each message as a Delivery; `pause` is how many seconds go before a further IDENTIFY."""
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            enable_debug_events=True,
        )
        self.heard = heard
        self.pause = pause
        self.identified = False

    async def on_socket_raw_receive(self, frame: str) -> None:
        event = json.loads(frame)
        if event["t"] == "MESSAGE_CREATE" and self.user:
            self.heard(json.dumps({"bot_id": str(self.user.id), "message": event["d"]}).encode())

    async def on_connect(self) -> None:
        self.identified = True

    async def before_identify_hook(self, _shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await asyncio.sleep(self.pause)


class Discord:
    """The channel."""

    name: ClassVar[str] = "discord"
    label: ClassVar[str] = "Discord"
    limits: ClassVar[Limits] = Limits(inbound_bytes=262_144, text=TEXT_LIMIT)
    Settings: ClassVar[type[BaseModel]] = DiscordSettings

    def __init__(self, settings: DiscordSettings, site: Site) -> None:
        self.token = settings.discord_bot_token.get_secret_value()
        self.api_base = str(settings.discord_api_base).rstrip("/")
        self.gateway_url = str(settings.discord_gateway_url)
        self.site = site
        self.pause = 5.0  # seconds before a new session: Discord takes one IDENTIFY in five

    def parse(self, raw: Raw) -> InboundMessage | None:
        """The customer's message in a Delivery. Raises Malformed."""
        try:
            delivery = Delivery.model_validate_json(raw.body)
        except ValidationError as wrong:
            first = wrong.errors()[0]
            where = ".".join(map(str, first["loc"])) or "body"
            raise Malformed(f"Discord's message cannot be read: {where}: {first['msg']}") from wrong
        return _inbound(delivery, raw) if delivery.message.is_for(delivery.bot_id) else None

    def render(self, reply: Reply) -> Sequence[Post]:
        """The messages of a reply, each within Discord's limit."""
        where = {"channel": reply.route.get("channel", ""), "user": reply.route.get("user", "")}
        return [
            Post(**where, content=part, nonce=hashlib.sha256(f"{reply.id}/{n}".encode()).hexdigest()[:NONCE_LIMIT])
            for n, part in enumerate(split(read(reply.text), DISCORD.show, TEXT_LIMIT))
        ]

    async def send(self, wire: Post) -> str:
        """Posts a message and returns its id. Raises TryAgain or Undeliverable."""
        headers = {"Authorization": f"Bot {self.token}", "User-Agent": f"DiscordBot ({self.site.base_url}, 1)"}
        try:
            async with aiohttp.ClientSession(timeout=SEND_TIMEOUT, headers=headers) as session:
                channel = wire.channel or await self._create(session, "users/@me/channels", {"recipient_id": wire.user})
                return await self._create(session, f"channels/{channel}/messages", _payload(wire))
        except (aiohttp.ClientError, OSError) as away:
            raise TryAgain(f"Discord at {self.api_base} does not answer: {type(away).__name__}") from away

    async def _create(self, session: aiohttp.ClientSession, path: str, payload: dict[str, object]) -> str:
        async with session.post(f"{self.api_base}/{path}", json=payload, allow_redirects=False) as response:
            answer = _answer(await response.read())
        if response.ok and answer.id:
            return answer.id
        raise _refusal(response, answer)

    async def listen(self, deliver: Deliver) -> None:
        """Runs until cancelled; a lost connection is made again for ever. Raises Misconfigured."""
        inbox: asyncio.Queue[Raw] = asyncio.Queue()
        recorder = asyncio.create_task(self._record(inbox, deliver))
        try:
            await self._stay_connected(inbox)
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(inbox.join(), LAST_WORDS)
            recorder.cancel()
            await asyncio.wait([recorder])

    async def _stay_connected(self, inbox: asyncio.Queue[Raw]) -> None:
        # The library reads both addresses from class attributes.
        Endpoint.BASE = self.api_base
        DiscordWebSocket.DEFAULT_GATEWAY = URL(self.gateway_url)
        pause = self.pause
        while True:
            gateway = Gateway(lambda body: inbox.put_nowait(self._raw(body)), pause=self.pause)
            lost = await self._hold(gateway)
            pause = self.pause if gateway.identified else min(pause * 2, LONGEST_PAUSE)
            log.warning("Discord's gateway is lost (%s); connecting again in %g seconds.", lost, pause)
            await asyncio.sleep(pause)

    async def _hold(self, gateway: Gateway) -> str:
        """Holds one session for as long as it lasts, and says why it ended. Raises Misconfigured."""
        try:
            async with gateway:
                await gateway.start(self.token)
        except Exception as lost:
            if hint := _misconfiguration(lost):
                raise Misconfigured("DISCORD_BOT_TOKEN", hint) from lost
            # What the library dies of when its very first connection to the gateway fails.
            if isinstance(lost, AttributeError) and not gateway.identified:
                return f"no connection to {self.gateway_url}"
            if not isinstance(lost, OUTAGES):
                log.exception("Discord's library failed; its session is dropped.")
            return f"{type(lost).__name__}: {next(iter(str(lost).splitlines()), '')[:200]}"
        return "closed"

    def _raw(self, body: bytes) -> Raw:
        return Raw(body=body, received_at=self.site.now())

    async def _record(self, inbox: asyncio.Queue[Raw], deliver: Deliver) -> None:
        """Delivers one message after the other; Discord sends nothing twice, so we try until it is recorded."""
        while True:
            raw = await inbox.get()
            await self._deliver(raw, deliver)
            inbox.task_done()

    async def _deliver(self, raw: Raw, deliver: Deliver) -> None:
        while True:
            try:
                await deliver(raw)
            except Exception:
                log.exception("A message from Discord could not be recorded; trying again in %g seconds.", self.pause)
            else:
                return
            await asyncio.sleep(self.pause)


def _misconfiguration(lost: Exception) -> str:
    """What to do about a refusal that no further try can change; empty when there is hope."""
    if isinstance(lost, discord.PrivilegedIntentsRequired):
        return f'the bot may not read messages: switch on the intent "Message Content" at {PORTAL}'
    return REFUSED_TOKEN if isinstance(lost, discord.LoginFailure) else ""


def _inbound(delivery: Delivery, raw: Raw) -> InboundMessage:
    said, author = delivery.message, delivery.message.author
    public = said.guild_id is not None
    route: Route = {"user": author.id} if public else {"channel": said.channel_id}
    return InboundMessage(
        external_id=said.id,
        handle=Handle(channel=Discord.name, address=author.id, key=f"discord:{author.id}"),
        proof=Proof.PROVEN,
        text=re.sub(rf"<@!?{delivery.bot_id}>\s*", "", said.content).strip(),
        conversation=f"{said.channel_id}/{author.id}" if public else said.channel_id,
        route=route,
        received_at=raw.received_at,
        sent_at=said.timestamp,
        attachments=tuple(
            Attachment(name=f.filename, media_type=f.content_type or "application/octet-stream", size=f.size, url=f.url)
            for f in said.attachments
        ),
        display_name=author.global_name or author.username,
        public=public,
    )


def _payload(wire: Post) -> dict[str, object]:
    return {
        "content": wire.content,
        "nonce": wire.nonce,
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_EMBEDS,
    }


def _answer(body: bytes) -> Answer:
    try:
        return Answer.model_validate_json(body)
    except ValidationError:  # a page of the proxies before Discord, or an answer cut short
        return Answer()


def _refusal(response: aiohttp.ClientResponse, answer: Answer) -> SendProblem:
    said = f"Discord answered {response.status}" + (f" ({answer.code}: {answer.message})" if answer.message else "")
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        header = response.headers.get("Retry-After", "")
        seconds = answer.retry_after or (int(header) if re.fullmatch(r"[0-9]{1,5}", header) else 0)
        return TryAgain(f"{said}: too many messages", after=timedelta(seconds=seconds) if seconds else None)
    if response.ok or response.status == HTTPStatus.REQUEST_TIMEOUT or response.status >= SERVER_ERROR:
        return TryAgain(f"{said}: out of order for now")
    return Undeliverable(f"{said}: {REFUSALS.get(response.status, 'the message is refused')}")


CHANNEL = Discord
