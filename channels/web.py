"""Web chat: GET /chat, POST /api/chat/messages, GET /api/chat/stream.

A browser is known by the cookie that /chat sets, which proves nothing (claimed), or by a token that the business
signed for its signed-in customer (confirmed). POST answers 202 once the message is kept, 400 to what is no message,
401 to a bad token or none, 413 over 64 kB. The stream is server-sent events: {id, text, from: bot|agent|customer}; a
reply with markup also has `elements`, a list of strings and of [tag, attributes, elements], which pages build as DOM.
"""

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from typing import Any, ClassVar, Self

import jwt
from pydantic import BaseModel, Field, field_validator, model_validator

from channels._markdown.html import elements, is_plain
from channels._markdown.tree import read, seen
from channels._web.keys import examined
from core.channel import Ack, Finding, Limits, Line, Site
from core.errors import Malformed, Unverified
from core.messages import InboundMessage, Raw, Reply, Voucher
from identity.handles import Handle
from identity.proof import Proof

_COOKIE = "throughline_chat"
_LONGEST_LOGIN = timedelta(minutes=15)
_SHORTEST_KEY = 32  # bytes
_LONGEST_TEXT = 16_000
_HEARTBEAT = 20.0  # seconds; proxies close streams that are silent
_MESSAGE_ID = re.compile(r"[\x21-\x39\x3b-\x7e]{1,128}")
_CSP = "default-src 'none'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class WebSettings(BaseModel):
    """What web chat reads from the environment."""

    webchat_jwt_keys: dict[str, str] = Field(
        default_factory=dict, description='Keys that sign your customers in, as JSON {"kid": "secret or public PEM"}.'
    )
    webchat_jwt_issuer: str = Field("", description="The `iss` that such a token must carry.")
    webchat_jwt_audience: str = Field("", description="The `aud` that such a token must carry.")

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

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in ("webchat_jwt_issuer", "webchat_jwt_audience"):
            if self.webchat_jwt_keys and not getattr(self, name):
                raise ValueError(f"{name.upper()} must be set where WEBCHAT_JWT_KEYS is")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who is behind a request: a session of ours, or a signed-in customer with what the business vouches for."""

    conversation: str
    subject: str = ""
    vouchers: tuple[Voucher, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line for a conversation's open pages."""

    conversation: str
    id: str
    text: str
    sender: str


class Web:
    """Customers who write on the company's website."""

    name: ClassVar[str] = "web"
    label: ClassVar[str] = "chat"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=100_000, live=True)
    Settings: ClassVar[type[BaseModel]] = WebSettings
    paths: Sequence[str] = ("/api/chat/messages",)
    pages: Sequence[str] = ("/chat", "/chat.js", "/chat.css", "/api/chat/stream")

    def __init__(self, settings: WebSettings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._streams: dict[str, set[asyncio.Queue[Line]]] = {}

    def verify(self, raw: Raw) -> None:
        self._visitor(raw)

    def parse(self, raw: Raw) -> InboundMessage | None:
        visitor = self._visitor(raw)
        said = _said(raw.body)
        known = bool(visitor.subject)
        address = visitor.subject or visitor.conversation
        return InboundMessage(
            external_id=f"{visitor.conversation}:{said['id']}",
            handle=Handle(channel=self.name, address=address, key=f"web:{address}"),
            proof=Proof.CONFIRMED if known else Proof.CLAIMED,
            text=said["text"],
            conversation=visitor.conversation,
            route={"conversation": visitor.conversation},
            received_at=raw.received_at,
            vouchers=visitor.vouchers,
        )

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:
        if message is not None:
            line = Line(id=message.external_id, text=message.text, sender="customer", at=raw.received_at)
            self._show(message.conversation, line)
        return Ack(status=202, body='{"accepted": true}', media_type="application/json")

    def render(self, reply: Reply) -> Sequence[Event]:
        return [Event(conversation=reply.route["conversation"], id=reply.id, text=reply.text, sender=reply.sender)]

    async def send(self, wire: Event) -> str:
        """Shows a line on every open page of the conversation; a page that opens later finds it in the transcript."""
        line = Line(id=wire.id, text=wire.text, sender=wire.sender, at=self._site.now())
        self._show(wire.conversation, line)
        return wire.id

    async def examine(self) -> Sequence[Finding]:
        """The keys that sign customers in."""
        return examined(
            self._settings.webchat_jwt_keys,
            issuer=self._settings.webchat_jwt_issuer,
            audience=self._settings.webchat_jwt_audience,
        )

    async def get(self, raw: Raw) -> Ack:
        if raw.path == "/api/chat/stream":
            headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
            return Ack(
                body=self._stream(self._visitor(raw).conversation), media_type="text/event-stream", headers=headers
            )
        return self._page(raw)

    def _page(self, raw: Raw) -> Ack:
        name, media_type = {
            "/chat": ("chat.html", "text/html; charset=utf-8"),
            "/chat.js": ("chat.js", "text/javascript; charset=utf-8"),
            "/chat.css": ("chat.css", "text/css; charset=utf-8"),
        }[raw.path]
        headers = {
            "content-security-policy": _CSP + "; script-src 'self'; style-src 'self'",
            "cache-control": "no-store",
        }
        if raw.path == "/chat" and self._session(raw) is None:
            headers["set-cookie"] = self._new_cookie()
        body = files("channels").joinpath("_web", name).read_text(encoding="utf-8")
        return Ack(
            body=body.replace("{brand}", self._site.brand or self._site.name), media_type=media_type, headers=headers
        )

    def _new_cookie(self) -> str:
        session = secrets.token_urlsafe(18)
        secure = "; Secure" if self._site.base_url.startswith("https://") else ""
        return f"{_COOKIE}={session}.{self._seal(session)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400{secure}"

    def _seal(self, session: str) -> str:
        return hmac.new(self._site.secret, session.encode(), hashlib.sha256).hexdigest()[:32]

    def _visitor(self, raw: Raw) -> Visitor:
        """A token, where one is there, decides alone: a bad one never falls back to the cookie."""
        authorization = raw.headers.get("authorization")
        if authorization is not None:
            return self._signed_in(authorization, raw.received_at)
        session = self._session(raw)
        if session is None:
            raise Unverified("no chat session: open /chat first, or send Authorization: Bearer", status=401)
        return Visitor(conversation=session)

    def _session(self, raw: Raw) -> str | None:
        try:
            cookie = SimpleCookie(raw.headers.get("cookie", "")).get(_COOKIE)
        except CookieError:
            return None
        session, _, seal = (cookie.value if cookie else "").partition(".")
        is_ours = session and hmac.compare_digest(seal.encode(), self._seal(session).encode())
        return session if is_ours else None

    def _signed_in(self, authorization: str, now: datetime) -> Visitor:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unverified("Authorization must be Bearer and a token", status=401)
        claims = self._claims(token.strip(), now)
        subject = claims["sub"]
        return Visitor(conversation=f"login {subject}", subject=subject, vouchers=_vouchers(claims))

    def _claims(self, token: str, now: datetime) -> dict[str, Any]:
        try:
            key, algorithms = self._key(jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=algorithms,
                audience=self._settings.webchat_jwt_audience,
                issuer=self._settings.webchat_jwt_issuer,
                # The times are checked below, by the clock that was handed in.
                options={
                    "require": ["exp", "iat", "sub", "iss", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError, TypeError) as error:
            raise Unverified(f"the token is refused: {error}", status=401) from None
        _check_times(claims, now)
        if not isinstance(claims["sub"], str) or not claims["sub"].strip():
            raise Unverified("the token is refused: sub is empty", status=401)
        return claims

    def _key(self, header: Mapping[str, Any]) -> tuple[str, list[str]]:
        """The key that a token names. Its kind alone decides the algorithm: the token cannot choose."""
        kid = header.get("kid")
        key = self._settings.webchat_jwt_keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise jwt.InvalidTokenError("its kid is not one of WEBCHAT_JWT_KEYS")
        return key, ["RS256", "ES256", "EdDSA"] if key.lstrip().startswith("-----BEGIN") else ["HS256"]

    def _show(self, conversation: str, line: Line) -> None:
        for queue in self._streams.get(conversation, ()):
            queue.put_nowait(line)

    async def _stream(self, conversation: str) -> AsyncIterator[str]:
        """What was said so far, then every new line, each once."""
        queue: asyncio.Queue[Line] = asyncio.Queue()
        self._streams.setdefault(conversation, set()).add(queue)
        shown: set[str] = set()
        try:
            yield ": connected\n\n"
            for line in await self._site.transcript(conversation):
                shown.add(line.id)
                yield _event(line)
            while True:
                news = await _next(queue)
                if news is None:
                    yield ": still here\n\n"
                elif news.id not in shown:
                    shown.add(news.id)
                    yield _event(news)
        finally:
            self._streams[conversation].discard(queue)
            if not self._streams[conversation]:
                del self._streams[conversation]


def _said(body: bytes) -> dict[str, str]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is no JSON: {error}") from None
    if not isinstance(said, dict) or not isinstance(said.get("id"), str) or not isinstance(said.get("text"), str):
        raise Malformed('the body must be {"id": "...", "text": "..."}')
    if not _MESSAGE_ID.fullmatch(said["id"]):
        raise Malformed("id must be 1 to 128 visible ASCII characters without a colon")
    if not said["text"].strip() or len(said["text"]) > _LONGEST_TEXT:
        raise Malformed(f"text must have 1 to {_LONGEST_TEXT} characters")
    return {"id": said["id"], "text": said["text"].replace("\x00", "").encode(errors="replace").decode()}


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    try:
        issued, expires = (datetime.fromtimestamp(float(claims[name]), UTC) for name in ("iat", "exp"))
        begins = datetime.fromtimestamp(float(claims.get("nbf", claims["iat"])), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Unverified("the token is refused: iat and exp must be numbers", status=401) from None
    leeway = timedelta(seconds=30)
    if not timedelta(0) < expires - issued <= _LONGEST_LOGIN:
        raise Unverified("the token is refused: it may live for 15 minutes at most", status=401)
    if expires <= now or max(issued, begins) > now + leeway:
        raise Unverified("the token is refused: it is expired, or not valid yet", status=401)


def _vouchers(claims: Mapping[str, Any]) -> tuple[Voucher, ...]:
    """An email or phone of a token counts only where the business says that it verified it."""
    found = []
    for claim, verified in (("email", "email_verified"), ("phone_number", "phone_number_verified")):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip() and claims.get(verified) is True:
            kind = "email" if claim == "email" else "phone"
            found.append(Voucher(key=f"{kind}:{value.strip().lower()}", person=claims["sub"]))
    return tuple(found)


async def _next(queue: asyncio.Queue[Line]) -> Line | None:
    try:
        return await asyncio.wait_for(queue.get(), _HEARTBEAT)
    except TimeoutError:
        return None


def _event(line: Line) -> str:
    shown = line.id.rpartition(":")[2]  # a customer's line carries the session before it, which no script may see
    said = {"id": shown, "text": line.text, "from": line.sender}
    return f"data: {json.dumps(said if line.sender == 'customer' else said | _face(line.text))}\n\n"


def _face(text: str) -> dict[str, object]:
    """A reply's Markdown; with the elements that the page shows it by, where it is more than one line of words."""
    nodes = elements(read(text))
    return {"text": seen(text)} | ({} if is_plain(nodes) else {"elements": nodes})


CHANNEL = Web
