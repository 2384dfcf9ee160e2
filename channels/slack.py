"""Slack: direct messages, mentions, the assistant's pane, buttons and a slash command; every answer is private. And the
channel in which colleagues are called.

Heard through Socket Mode (no public address needed) or signed HTTP requests, which bring the same payloads.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from channels._slack import posting, reading, signing
from channels._slack.answering import Answering
from channels._slack.connecting import Connection
from channels._slack.examining import examined
from channels._slack.members import Members
from channels._slack.objects import Other, read
from channels._slack.phrases import Hello
from channels._slack.posting import TEXT_LIMIT, Post, Posting
from channels._slack.room import Room
from channels._slack.uploading import MOST_BYTES
from channels._slack.web import Trouble, Web
from core.channel import Ack, Checked, Deliver, Finding, Limits, Look, Site
from core.errors import Malformed
from core.messages import InboundMessage, Raw, Reply, Route, Voucher
from core.rooms import Act, Call


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
    slack_agents_channel: str = Field(
        "",
        pattern="^([CG][A-Z0-9]+)?$",
        description="Id (C...) of the Slack channel in which colleagues are called and answer; empty for none.",
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


class Slack:
    """Slack, for one workspace or organisation."""

    name: ClassVar[str] = reading.CHANNEL
    label: ClassVar[str] = "Slack"
    limits: ClassVar[Limits] = Limits(inbound_bytes=1_000_000, text=TEXT_LIMIT, file_bytes=MOST_BYTES)
    Settings: ClassVar[type[BaseModel]] = SlackSettings

    def __init__(self, settings: SlackSettings, site: Site) -> None:
        self._site = site
        api_url = str(settings.slack_api_url)
        self._app_token = settings.slack_app_token.get_secret_value()
        self._signing_secret = settings.slack_signing_secret.get_secret_value().encode()
        self.paths: Sequence[str] = () if self._app_token else ("/slack/events",)
        self._trouble = Trouble()
        bot_token = settings.slack_bot_token.get_secret_value()
        self._web = Web(bot_token, api_url, site.now, self._trouble)
        self._posting = Posting(self._web, api_url)
        self._answering = Answering(self._web, self._posting, Hello(site.name, site.brand, site.languages))
        self._members = Members(self._web.client, site.now)
        self.room = Room(self._web, self._members, settings.slack_agents_channel, site.now, self._answering.start)
        self.has_room = bool(settings.slack_agents_channel)
        self.connection = Connection(
            bot_token, self._app_token, api_url, self._trouble, partial(site.noted, "listening")
        )

    def verify(self, raw: Raw) -> None:
        """Checks Slack's signature (v0) over time and body. Raises Unverified (403)."""
        signing.verify(raw, self._signing_secret)

    def parse(self, raw: Raw) -> InboundMessage | None:
        """What a customer says, edits or deletes, the command they give or the button they press. Raises Malformed."""
        return reading.inbound(read(raw.body), raw, self._site.languages, self.room.channel)

    async def check(self, message: InboundMessage, raw: Raw) -> Checked:  # noqa: ARG002 - Slack is asked, not the delivery
        """The email that our own workspace vouches for. Whose message it is Slack has said already."""
        home, _, user = message.handle.address.partition("/")
        email = await self._members.email(home, user)
        return Checked(proof=message.proof, vouchers=(Voucher(key=f"email:{email}"),) if email else ())

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:  # noqa: ARG002 - a command has none
        """200; with the challenge that Slack sends when the address is first entered, or a command's answer."""
        one = read(raw.body)
        if isinstance(one, Other):
            return Ack(body=one.challenge)
        answer = await self._answered(raw)
        return Ack(body=json.dumps(answer), media_type="application/json") if answer else Ack()

    async def listen(self, deliver: Deliver) -> None:
        """Until cancelled, or what no further try can mend. Raises Misconfigured.

        Without an app-level token there is no connection to keep; the rest is the same.
        """
        work = [asyncio.create_task(self._answering.look_at_token())]
        if self._app_token:
            work.append(asyncio.create_task(self.connection.hold(partial(self._kept, deliver))))
        try:
            raise await self._trouble.awaited()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def render(self, reply: Reply) -> Sequence[Post]:
        """Messages of at most 3,000 characters, the buttons under the last; ephemeral where others read the channel.
        Then the files."""
        return posting.render(reply)

    def look(self, reply: Reply) -> Look:
        """How it will look: Slack's markup, and its words as a page."""
        return posting.look(reply)

    async def send(self, wire: Post) -> str:
        """Posts it; returns Slack's id of it. Raises TryAgain or Undeliverable."""
        return await self._posting.send(wire)

    async def taken(self, wire: Post, since: datetime) -> Sequence[str] | None:
        """What its conversation has of a post, by the mark that posts carry. Slack keeps no ephemeral one."""
        return await self._posting.taken(wire, since)

    async def typing(self, route: Route) -> None:
        """Shows that an answer is written."""
        await self._answering.typing(route)

    def join(self, act: Act) -> None:
        """Is given who acts for colleagues."""
        self.room.join(act)

    async def call(self, call: Call) -> str:
        """Tells the agents' channel of a case; the post's id. Raises TryAgain or Undeliverable."""
        return await self.room.call(call)

    async def examine(self) -> Sequence[Finding]:
        """Whether Slack would let us work."""
        has_secret, base_url = bool(self._signing_secret), self._site.base_url
        room = self.room.findings()
        return await examined(self._web, self._app_token, room, has_secret=has_secret, base_url=base_url)

    async def close(self) -> None:
        """Lets go of the connections that are kept."""
        await self._answering.close()
        await self._web.close()

    async def _kept(self, deliver: Deliver, payload: bytes) -> Mapping[str, object]:
        """Keeps a payload of Socket Mode; returns what is answered."""
        raw = Raw(body=payload, received_at=self._site.now())
        await deliver(raw)
        return await self._answered(raw)

    async def _answered(self, raw: Raw) -> Mapping[str, object]:
        """Begins what follows a delivery that is kept; returns what is said at once. Raises where a colleague's words
        were not kept, so that Slack delivers them again."""
        with suppress(Malformed):  # what cannot be read is parked
            one = read(raw.body)
            if self.room.has(one):
                return await self.room.follow(one)
            self._answering.begin(one)
            return self._answering.at_once(one)
        return {}


CHANNEL = Slack
