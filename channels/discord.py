"""Discord: direct messages, mentions in servers, commands and buttons; every answer is private.

Heard through discord.py's gateway. Sent over REST without it, so that a worker without a gateway can send too.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, WebsocketUrl, field_validator

from channels._discord import posting, reading
from channels._discord.cursors import Cursors
from channels._discord.examining import examined
from channels._discord.gateway import stay_connected
from channels._discord.hearing import Hearing
from channels._discord.posting import MOST_BYTES, TEXT_LIMIT, Post, Posting
from channels._discord.rest import Rest
from core.channel import Deliver, Finding, Limits, Look, Site
from core.messages import InboundMessage, Raw, Reply, Route


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


class Discord:
    """The channel."""

    name: ClassVar[str] = "discord"
    label: ClassVar[str] = "Discord"
    limits: ClassVar[Limits] = Limits(inbound_bytes=262_144, text=TEXT_LIMIT, file_bytes=MOST_BYTES)
    Settings: ClassVar[type[BaseModel]] = DiscordSettings

    def __init__(self, settings: DiscordSettings, site: Site) -> None:
        self.pause = 5.0  # seconds before a new session: Discord takes one IDENTIFY in five
        self.last_words = 5.0  # seconds in which what was already heard is still recorded when the listener stops
        self._token = settings.discord_bot_token.get_secret_value()
        self._api_base = str(settings.discord_api_base).rstrip("/")
        self._gateway_url = str(settings.discord_gateway_url)
        self._site = site
        self._rest = Rest(self._api_base, self._token, site.base_url)
        self._cursors = Cursors()
        (site.var / "discord" / "heard.json").unlink(missing_ok=True)  # earlier versions kept numbers of conversations
        self._posting = Posting(self._rest, self._cursors, site.now)

    def parse(self, raw: Raw) -> InboundMessage | None:
        """What a customer says, edits or deletes, the command they give or the button they press. Raises Malformed."""
        return reading.inbound(reading.delivery(raw.body), raw, self._site.languages)

    def render(self, reply: Reply) -> Sequence[Post]:
        """The messages of a reply, each within Discord's limit."""
        return posting.render(reply)

    def look(self, reply: Reply) -> Look:
        """How it will look: Discord's markup, and its words as a page."""
        return posting.look(reply)

    async def send(self, wire: Post) -> str:
        """Posts a message and returns its id. Raises TryAgain or Undeliverable."""
        return await self._posting.send(wire)

    async def taken(self, wire: Post, since: datetime) -> Sequence[str] | None:
        """What its conversation has of a message: the nonce alone keeps it from being said twice for some minutes."""
        return await self._posting.taken(wire, since)

    async def typing(self, route: Route) -> None:
        """Shows that an answer is being written."""
        await self._posting.typing(route)

    async def listen(self, deliver: Deliver) -> None:
        """Runs until cancelled; a lost connection is made again for ever. Raises Misconfigured."""
        hearing = Hearing(self._rest, self._cursors, self._posting, deliver, self._site, pause=self.pause)
        told = partial(self._site.noted, "listening")
        try:
            await stay_connected(self._token, self._api_base, self._gateway_url, hearing.event, told, pause=self.pause)
        finally:
            await hearing.close(patience=self.last_words)

    async def examine(self) -> Sequence[Finding]:
        """Whether Discord would let us work."""
        return await examined(self._rest)

    async def close(self) -> None:
        """Lets go of the connections that are kept."""
        await self._rest.close()


CHANNEL = Discord
