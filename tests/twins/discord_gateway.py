"""Discord's gateway on loopback, as strict as it is: sessions, resumption, intents, heartbeats, close codes."""

import asyncio
import json
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

BOT_ID = "900000000000000001"
APPLICATION_ID = "900000000000000002"
GUILD_ID = "600000000000000031"
BOT = {"id": BOT_ID, "username": "throughline", "discriminator": "4711", "avatar": None, "bot": True, "flags": 0}

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED = range(4001, 4006)
INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4012, 4013, 4014
GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
MEMBERS_AND_PRESENCES = 1 << 1 | 1 << 8
KNOWN_INTENTS = (1 << 26) - 1


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


class GatewayTwin:
    """The gateway alone; whoever runs it serves `_gateway` and sets `gateway_url`."""

    def __init__(self) -> None:
        self.gateway_url = ""
        self.token = "a-token-of-our-twin"
        self.allowed_intents = KNOWN_INTENTS & ~MEMBERS_AND_PRESENCES
        self.refusals = 0  # connections to the gateway that are refused before one is taken
        self.identified = self.resumed = 0
        self._sessions: dict[str, Session] = {}
        self._changed = asyncio.Event()

    def drop(self) -> None:
        """The connection breaks without a word."""
        for line in self._lines():
            line.abort()

    def ask_to_reconnect(self) -> None:
        for line in self._lines():
            line.send(RECONNECT, None)

    def forget(self) -> None:
        """The connection breaks, and its session has expired when the bot comes back."""
        lines = self._lines()
        self._sessions.clear()
        for line in lines:
            line.abort()

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
            "application": {"id": APPLICATION_ID, "flags": 0},
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

    def tell(self, name: str, told: dict[str, Any]) -> None:
        """Every session with the intents for it is told."""
        needed = 0 if name == "INTERACTION_CREATE" else GUILD_MESSAGES if "guild_id" in told else DIRECT_MESSAGES
        for session in self._sessions.values():
            if not needed or session.intents & needed:
                _tell(session, name, told if _is_readable(told, session) else told | {"content": ""})


def _is_readable(message: dict[str, Any], session: Session) -> bool:
    if "content" not in message:
        return True
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
