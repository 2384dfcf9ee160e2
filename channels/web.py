"""Web chat: /chat, a widget for other pages, POST /api/chat/messages, GET /api/chat/stream.

A browser is known by the cookie that /chat sets, or the session that GET /api/chat/session gives a widget, which prove
nothing (claimed), or by a token that the business signed for its signed-in customer (confirmed).
GET /api/chat/files/{reply}/{number} gives a file of a reply to whoever may see its conversation; 404 otherwise.
POST answers 202 once the message is kept, 400 to what is no message, 401 to a bad token or none, 413 over 64 kB. The
stream is server-sent events: {id, text, from: bot|agent|customer}; a reply with markup also has `elements`, a list of
strings and of [tag, attributes, elements], which pages build as DOM; one with answers to press has `choices`, one with
files has `files`, a list of {name, size, path, picture}, the path from where /chat is. It is 429
to a visitor with too many windows. With ?typing=1 an event `typing` tells that an answer is being written.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from channels._markdown.looking import as_page, on_any
from channels._web import enclosing
from channels._web.keys import examined
from channels._web.logins import Logins
from channels._web.pages import Pages
from channels._web.said import said
from channels._web.sessions import HEADER, Sessions
from channels._web.streams import Streams, Wanted
from channels._web.visitors import Visitors
from core.channel import Ack, Finding, Limits, Line, Look, Site
from core.messages import Attachment, Choice, InboundMessage, Raw, Reply, Route
from identity.handles import Handle
from identity.proof import Proof

_SHORTEST_KEY = 32  # bytes
_LATEST = 20  # lines of a conversation that may be new to a page that is open
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


class WebSettings(BaseModel):
    """What web chat reads from the environment."""

    webchat_jwt_keys: dict[str, str] = Field(
        default_factory=dict, description='Keys that sign your customers in, as JSON {"kid": "secret or public PEM"}.'
    )
    webchat_jwt_issuer: str = Field("", description="The `iss` that such a token must carry.")
    webchat_jwt_audience: str = Field("", description="The `aud` that such a token must carry.")
    webchat_origins: str = Field(
        "", description="Websites that may embed the chat, as https://shop.example, with commas; * for any."
    )

    @field_validator("webchat_jwt_keys", mode="before")
    @classmethod
    def _json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f'is no JSON object like {{"kid": "secret"}} ({error})') from None

    @field_validator("webchat_jwt_keys")
    @classmethod
    def _long(cls, value: dict[str, str]) -> dict[str, str]:
        for kid, key in value.items():
            if len(key.encode()) < _SHORTEST_KEY:
                raise ValueError(f"key {kid} is shorter than {_SHORTEST_KEY} bytes")
        return value

    @field_validator("webchat_origins")
    @classmethod
    def _websites(cls, value: str) -> str:
        for origin in _listed(value):
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no website such as https://shop.example, in lower case, with no path")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in ("webchat_jwt_issuer", "webchat_jwt_audience"):
            if self.webchat_jwt_keys and not getattr(self, name):
                raise ValueError(f"{name.upper()} must be set where WEBCHAT_JWT_KEYS is")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line for a conversation's open pages."""

    conversation: str
    id: str
    text: str
    sender: str
    choices: tuple[Choice, ...] = ()
    files: tuple[Attachment, ...] = ()  # without their content: pages ask for it


class Web:
    """Customers who write on the company's website."""

    name: ClassVar[str] = "web"
    label: ClassVar[str] = "chat"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=100_000, live=True, file_bytes=enclosing.MOST_BYTES)
    Settings: ClassVar[type[BaseModel]] = WebSettings
    paths: Sequence[str] = ("/api/chat/messages",)
    pages: Sequence[str] = (*Pages.paths, "/api/chat/session", "/api/chat/stream", enclosing.PATH)
    script_headers: Sequence[str] = ("authorization", "content-type", "last-event-id", "retry-after", HEADER)

    def __init__(self, settings: WebSettings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._sessions = Sessions(site.secret, site.accepted)
        issuer, audience = settings.webchat_jwt_issuer, settings.webchat_jwt_audience
        logins = Logins(settings.webchat_jwt_keys, issuer=issuer, audience=audience)
        self._visitors = Visitors(self._sessions, logins, secure=site.base_url.startswith("https://"))
        self._streams = Streams()
        self._pages = Pages(site.brand or site.name)
        self.origins: Sequence[str] = _listed(settings.webchat_origins)

    def verify(self, raw: Raw) -> None:
        self._visitors.of(raw)

    def parse(self, raw: Raw) -> InboundMessage | None:
        visitor = self._visitors.of(raw)
        message = said(raw)
        known = bool(visitor.subject)
        address = visitor.subject or visitor.conversation
        return InboundMessage(
            external_id=f"{visitor.conversation}:{message.id}",
            handle=Handle(channel=self.name, address=address, key=f"web:{address}"),
            proof=Proof.CONFIRMED if known else Proof.CLAIMED,
            text=message.text,
            conversation=visitor.conversation,
            route={"conversation": visitor.conversation},
            received_at=raw.received_at,
            vouchers=visitor.vouchers,
        )

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:
        if message is not None:
            line = Line(id=message.external_id, text=message.text, sender="customer", at=raw.received_at)
            self._streams.show(message.conversation, line)
            await self._site.announce(message.conversation)
        return _json({"accepted": True}, status=202, headers=self._visitors.renewal(raw))

    def render(self, reply: Reply) -> Sequence[Event]:
        return [
            Event(
                conversation=reply.route["conversation"],
                id=reply.id,
                text=reply.text,
                sender=reply.sender,
                choices=reply.choices,
                files=tuple(replace(file, content=b"") for file in reply.files),
            )
        ]

    def look(self, reply: Reply) -> Look:
        """How the chat page shows it."""
        return Look(messages=[reply.text], page=as_page(reply.text, reply.language), remarks=list(on_any(reply.text)))

    async def send(self, wire: Event) -> str:
        """Shows a line on every open page of the conversation; a page that opens later finds it in the transcript."""
        now = self._site.now()
        line = Line(id=wire.id, text=wire.text, sender=wire.sender, at=now, choices=wire.choices, files=wire.files)
        self._streams.show(wire.conversation, line)
        await self._site.announce(wire.conversation)
        return wire.id

    async def refresh(self, conversation: str = "") -> None:
        """Shows on the pages that are open here what another process received or sent."""
        for one in [conversation] if conversation else self._streams.conversations:
            if self._streams.is_open(one):
                for line in (await self._site.transcript(one))[-_LATEST:]:
                    self._streams.show(one, line)

    async def taken(self, wire: Event, since: datetime) -> Sequence[str]:  # noqa: ARG002 - the port
        """Nothing that would be shown twice: pages show an id once, however often it comes."""
        return []

    async def typing(self, route: Route) -> None:
        """Tells the open pages of the conversation."""
        self._streams.show_typing(route["conversation"])

    async def examine(self) -> Sequence[Finding]:
        """The keys that sign customers in, and the websites that may embed the chat."""
        keys = examined(
            self._settings.webchat_jwt_keys,
            issuer=self._settings.webchat_jwt_issuer,
            audience=self._settings.webchat_jwt_audience,
        )
        return [*keys, _embedding(self.origins)]

    async def get(self, raw: Raw) -> Ack:
        if raw.path == "/api/chat/stream":
            return self._stream(raw)
        if raw.path == "/api/chat/session":
            return _json({"session": self._sessions.opened(raw.received_at)})
        if raw.path.startswith("/api/chat/files/"):
            return await self._file(raw)
        page = self._pages.page(raw.path)
        if raw.path != "/chat":
            return page
        session = self._visitors.session(raw)
        cookie = self._visitors.renewal(raw) if session else self._visitors.cookie(raw.received_at)
        return Ack(body=page.body, media_type=page.media_type, headers={**page.headers, **cookie})

    async def _file(self, raw: Raw) -> Ack:
        visitor, wanted = self._visitors.of(raw), enclosing.wanted(raw.path)
        return enclosing.handed(await self._site.sent_file(*wanted) if wanted else None, visitor.conversation)

    def _stream(self, raw: Raw) -> Ack:
        visitor = self._visitors.of(raw)
        if self._streams.is_full(visitor.conversation):
            return Ack(status=429, body="the chat is open in too many windows", headers={"retry-after": "60"})
        wanted = Wanted(
            conversation=visitor.conversation,
            seconds=(visitor.until - raw.received_at).total_seconds(),
            seen=raw.headers.get("last-event-id", ""),
            typing=raw.url.endswith("?typing=1"),
        )
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", **self._visitors.renewal(raw)}
        events = self._streams.follow(wanted, self._site.transcript)
        return Ack(body=events, media_type="text/event-stream", headers=headers)


def _listed(value: str) -> list[str]:
    return [origin for one in value.split(",") if (origin := one.strip())]


def _json(body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Ack:
    headers = {"cache-control": "no-store", **(headers or {})}
    return Ack(status=status, body=json.dumps(body), media_type="application/json", headers=headers)


def _embedding(origins: Sequence[str]) -> Finding:
    if "*" in origins:
        advice = "Name your own websites there: any page can show the chat as its own now, and spend its turns."
        return Finding("WEBCHAT_ORIGINS is *: any website may embed the chat.", advice)
    return Finding(f"The chat may be embedded by {', '.join(origins) or 'no other website'}.")


CHANNEL = Web
