"""Discord on loopback: the REST API and the gateway that a bot needs, as strict as Discord is.

People write with `says`; what the bot posts stands in `posted`. The network is troubled with `troubles` (the next
posts), `refusals` (the next connections), `drop`, `ask_to_reconnect`, `invalidate` and `revoke`.
"""

import asyncio
import itertools
import json
import zlib
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import WSMsgType, web

BOT_ID = "900000000000000001"
GUILD_ID = "600000000000000031"
GUILD_CHANNEL = "700000000000000099"
BOT = {"id": BOT_ID, "username": "throughline", "discriminator": "4711", "avatar": None, "bot": True, "flags": 0}

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED = range(4001, 4006)
INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4012, 4013, 4014
GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
MEMBERS_AND_PRESENCES = 1 << 1 | 1 << 8
KNOWN_INTENTS = (1 << 26) - 1


@dataclass(kw_only=True)
class Trouble:
    """What happens to one post instead of an answer. `after_posting`: Discord took it, but its answer is lost."""

    status: int = 200
    retry_after: float = 0.0  # seconds, with 429
    cuts_off: bool = False
    after_posting: bool = False
    page: str = ""  # HTML of the proxies before Discord, instead of JSON

    @property
    def is_posted(self) -> bool:
        return self.after_posting or (self.status == 200 and not self.cuts_off)


@dataclass(kw_only=True)
class Session:
    """One session of the gateway, alive until invalidated; its events are kept for a RESUME."""

    id: str
    intents: int
    events: list[dict[str, Any]] = field(default_factory=list)
    line: "Line | None" = None


class Line:
    """One connection to the gateway, compressed as zlib-stream."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.request = request
        self.deflate = zlib.compressobj()
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def write(self) -> None:
        """Sends what is queued, in order, until cancelled."""
        while True:
            text = json.dumps(await self.frames.get()).encode()
            packed = self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
            with suppress(ConnectionError):
                await self.socket.send_bytes(packed)

    def send(self, op: int, d: Any, *, t: str | None = None, s: int | None = None) -> None:
        self.frames.put_nowait({"op": op, "d": d, "s": s, "t": t})

    def abort(self) -> None:
        if self.request.transport:
            self.request.transport.abort()


class DiscordTwin:
    """`async with DiscordTwin() as twin`; a channel is pointed at `api_base` and `gateway_url`."""

    def __init__(self) -> None:
        self.token = "a-token-of-our-twin"
        self.allowed_intents = KNOWN_INTENTS & ~MEMBERS_AND_PRESENCES
        self.posted: list[dict[str, Any]] = []  # payloads as stored, with the channel's id
        self.troubles: deque[Trouble] = deque()
        self.refusals = 0  # connections to the gateway that are refused before one is taken
        self.closed_to_bots: set[str] = set()  # users who take no direct messages
        self.identified = self.resumed = self.requests = 0
        self._channels: dict[str, str] = {}  # direct-message channel -> user
        self._nonces: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, Session] = {}
        self._ids = itertools.count(1_000_000_000_000_000_001)
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.api_base = f"http://{host}:{port}/api/v10"
        self.gateway_url = f"ws://{host}:{port}/gateway/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop()
        await self._runner.cleanup()

    async def until(self, *, posts: int = 0, sessions: int = 0, resumed: int = 0) -> None:
        """Returns when that many messages were posted and that many sessions began and resumed."""
        while len(self.posted) < posts or self.identified < sessions or self.resumed < resumed:
            self._changed.clear()
            await self._changed.wait()

    # People

    def direct(self, user_id: str) -> str:
        """The channel of direct messages between a user and the bot."""
        channel = "7" + user_id[1:]
        self._channels[channel] = user_id
        return channel

    def says(self, user_id: str, text: str, *, in_guild: bool = False, **more: Any) -> dict[str, Any]:
        """A user writes to the bot, or in a server; `more` goes into the message. Returns the message."""
        author = {"id": user_id, "username": f"user{user_id[-2:]}", "discriminator": "0", "avatar": None}
        where = (
            {"channel_id": GUILD_CHANNEL, "guild_id": GUILD_ID} if in_guild else {"channel_id": self.direct(user_id)}
        )
        mentions = [BOT] if f"<@{BOT_ID}>" in text else []
        message = self._message(text) | {"author": author, "mentions": mentions} | where | more
        self._dispatch("MESSAGE_CREATE", message)
        return message

    def repeats(self, message: dict[str, Any]) -> None:
        """The gateway delivers a message again."""
        self._dispatch("MESSAGE_CREATE", message)

    def edits(self, message: dict[str, Any], text: str) -> None:
        """The author edits a message."""
        edited = {"content": text, "edited_timestamp": datetime.now(UTC).isoformat()}
        self._dispatch("MESSAGE_UPDATE", message | edited)

    # Trouble at the gateway

    def drop(self) -> None:
        """The connection breaks without a word."""
        for line in self._lines():
            line.abort()

    def ask_to_reconnect(self) -> None:
        for line in self._lines():
            line.send(RECONNECT, None)

    def invalidate(self) -> None:
        """The session is over; what was not delivered in it is lost."""
        lines = self._lines()
        self._sessions.clear()
        for line in lines:
            line.send(INVALID_SESSION, False)

    async def revoke(self) -> None:
        """The token was reset on Discord's site: the session ends, and the token is worth nothing."""
        lines = self._lines()
        self._sessions.clear()
        self.token = "another-token"
        for line in lines:
            await line.socket.close(code=AUTHENTICATION_FAILED, message=b"Authentication failed.")

    def _lines(self) -> list[Line]:
        return [session.line for session in self._sessions.values() if session.line]

    # REST

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            return web.Response(status=403, text="<html>error code: 1010</html>", content_type="text/html")
        if request.headers.get("Authorization") != f"Bot {self.token}":
            return _error(401, 0, "401: Unauthorized")
        if request.method == "POST" and request.headers.get("Content-Type") != "application/json":
            return _error(400, 50035, "Invalid Form Body")
        match request.method, request.match_info["path"].split("/"):
            case "GET", ["users", "@me"]:
                return _json(BOT)
            case "GET", ["oauth2", "applications", "@me"]:
                return _json(_application())
            case "POST", ["users", "@me", "channels"]:
                return self._opened(await request.json())
            case "POST", ["channels", channel, "messages"]:
                return await self._post(request, channel)
        return _error(404, 0, "404: Not Found")

    def _opened(self, body: dict[str, Any]) -> web.Response:
        user_id = str(body.get("recipient_id"))
        if user_id == BOT_ID or not user_id.isdecimal():
            return _error(400, 50033, "Invalid Recipient(s)")
        return _json({"id": self.direct(user_id), "type": 1})

    async def _post(self, request: web.Request, channel: str) -> web.StreamResponse:
        body = await request.json()
        trouble = self.troubles.popleft() if self.troubles else Trouble()
        answer = self._refused(channel, body)
        if answer is None and trouble.is_posted:
            answer = _json(self._stored(channel, body))
        if trouble.cuts_off and request.transport:
            request.transport.abort()
        if trouble.page:
            headers = {"Retry-After": str(int(trouble.retry_after))} if trouble.retry_after else {}
            return web.Response(status=trouble.status, text=trouble.page, content_type="text/html", headers=headers)
        if trouble.status == 429:
            return _limited(trouble.retry_after)
        return answer or _error(trouble.status, 0, "trouble")

    def _refused(self, channel: str, body: dict[str, Any]) -> web.Response | None:
        content, nonce = body.get("content", ""), body.get("nonce", "")
        if channel != GUILD_CHANNEL and channel not in self._channels:
            return _error(404, 10003, "Unknown Channel")
        if self._channels.get(channel) in self.closed_to_bots:
            return _error(403, 50007, "Cannot send messages to this user")
        if not content.strip():
            return _error(400, 50006, "Cannot send an empty message")
        if len(content) > 2000 or len(nonce) > 25:
            return _error(400, 50035, "Invalid Form Body")
        return None

    def _stored(self, channel: str, body: dict[str, Any]) -> dict[str, Any]:
        nonce = body.get("nonce", "")
        if body.get("enforce_nonce") and nonce in self._nonces:
            return self._nonces[nonce]
        message = self._message(body["content"]) | {"channel_id": channel, "author": BOT, "nonce": nonce}
        self._nonces[nonce] = message
        self.posted.append(body | {"channel": channel, "id": message["id"]})
        self._changed.set()
        self._dispatch("MESSAGE_CREATE", message)
        return message

    def _message(self, content: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        empty: dict[str, Any] = {
            name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")
        }
        told = {"id": str(next(self._ids)), "type": 0, "content": content, "timestamp": now, "edited_timestamp": None}
        return empty | told | {"tts": False, "mention_everyone": False, "pinned": False, "flags": 0}

    # Gateway

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        if (request.query.get("v"), request.query.get("encoding")) != ("10", "json"):
            await socket.close(code=INVALID_VERSION)
        elif request.query.get("compress") != "zlib-stream":
            await socket.close(code=DECODE_ERROR)
        else:
            await self._serve(Line(socket, request))
        return socket

    async def _serve(self, line: Line) -> None:
        writer = asyncio.create_task(line.write())
        line.send(HELLO, {"heartbeat_interval": 41_250})
        session: Session | None = None
        try:
            async for frame in line.socket:
                session = await self._take(
                    line, session, _decoded(frame.data) if frame.type == WSMsgType.TEXT else None
                )
        finally:
            writer.cancel()
            if session and session.line is line:
                session.line = None

    async def _take(self, line: Line, session: Session | None, frame: dict[str, Any] | None) -> Session | None:
        """One frame of the client's. Returns the connection's session."""
        match frame:
            case None:
                await line.socket.close(code=DECODE_ERROR)
            case {"op": 1}:
                line.send(ACK, None)
            case {"op": 2 | 6} if session:
                await line.socket.close(code=ALREADY_AUTHENTICATED)
            case {"op": 2, "d": {"token": str(), "properties": dict(), "intents": int()} as asked}:
                return await self._identify(line, asked)
            case {"op": 6, "d": {"token": str(), "session_id": _, "seq": _} as asked}:
                return await self._resume(line, asked)
            case _:
                await line.socket.close(code=UNKNOWN_OPCODE if session else NOT_AUTHENTICATED)
        return session

    async def _identify(self, line: Line, asked: dict[str, Any]) -> Session | None:
        if asked["token"] != self.token:
            await line.socket.close(code=AUTHENTICATION_FAILED)
        elif asked["intents"] & ~KNOWN_INTENTS:
            await line.socket.close(code=INVALID_INTENTS)
        elif asked["intents"] & ~self.allowed_intents:
            await line.socket.close(code=DISALLOWED_INTENTS)
        else:
            return self._begin(line, asked["intents"])
        return None

    def _begin(self, line: Line, intents: int) -> Session:
        session = Session(id=f"session{self.identified}", intents=intents, line=line)
        self._sessions[session.id] = session
        self.identified += 1
        guilds = [{"id": GUILD_ID, "unavailable": True}]
        ready = {
            "v": 10,
            "user": BOT,
            "guilds": guilds,
            "session_id": session.id,
            "application": {"id": "1", "flags": 0},
        }
        _tell(session, "READY", ready | {"resume_gateway_url": self.gateway_url})
        _tell(session, "GUILD_CREATE", {"id": GUILD_ID, "name": "Acme", "unavailable": False, "member_count": 3})
        self._changed.set()
        return session

    async def _resume(self, line: Line, asked: dict[str, Any]) -> Session | None:
        if asked["token"] != self.token:
            await line.socket.close(code=AUTHENTICATION_FAILED)
            return None
        session = self._sessions.get(asked["session_id"])
        if session is None:
            line.send(INVALID_SESSION, False)
            return None
        session.line = line
        for event in session.events[asked["seq"] or 0 :]:
            line.frames.put_nowait(event)
        _tell(session, "RESUMED", {})
        self.resumed += 1
        self._changed.set()
        return session

    def _dispatch(self, name: str, message: dict[str, Any]) -> None:
        needed = GUILD_MESSAGES if "guild_id" in message else DIRECT_MESSAGES
        for session in self._sessions.values():
            if session.intents & needed:
                _tell(session, name, message if _is_readable(message, session) else message | {"content": ""})


def _is_readable(message: dict[str, Any], session: Session) -> bool:
    to_us = "guild_id" not in message or BOT in message["mentions"] or message["author"] == BOT
    return to_us or bool(session.intents & MESSAGE_CONTENT)


def _tell(session: Session, name: str, message: dict[str, Any]) -> None:
    event = {"op": DISPATCH, "t": name, "s": len(session.events) + 1, "d": message}
    session.events.append(event)
    if session.line:
        session.line.frames.put_nowait(event)


def _decoded(text: str) -> dict[str, Any] | None:
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) and len(text) <= 4096 else None


def _json(body: dict[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Exactly application/json, as Discord sends it: with a charset behind it discord.py takes the body for text."""
    typed = {"Content-Type": "application/json"} | dict(headers or {})
    return web.Response(body=json.dumps(body).encode(), status=status, headers=typed)


def _error(status: int, code: int, message: str) -> web.Response:
    return _json({"message": message, "code": code}, status=status)


def _limited(retry_after: float) -> web.Response:
    headers = {"Retry-After": str(int(retry_after) + 1), "Via": "1.1 twin", "X-RateLimit-Scope": "user"}
    told = {"message": "You are being rate limited.", "retry_after": retry_after, "global": False}
    return _json(told, status=429, headers=headers)


def _application() -> dict[str, Any]:
    told = {"id": "1", "name": "Throughline", "description": "", "icon": None, "verify_key": "00", "flags": 0}
    return told | {"bot_public": False, "bot_require_code_grant": False, "owner": BOT | {"bot": False}}
