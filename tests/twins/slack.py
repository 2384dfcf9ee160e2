"""Slack as the bot sees it: Web API, Socket Mode and signed events, on a loopback socket, as strict as the real one.

It refuses what Slack refuses: the wrong kind of token, a body it cannot read, a missing argument, an unknown channel, a
Socket Mode address used twice. It can limit the rate, fail, refuse connections, drop them and deliver again.
"""

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from aiohttp import ClientSession, WSMsgType, web

from tests.twins.slack_files import Shelf
from tests.twins.slack_rooms import Refused, Rooms
from tests.twins.slack_workspace import AGENTS, BOT, CHANNEL, JSON, TEAM, by_http, fits, kind_of

__all__ = ["AGENTS", "BOT", "CHANNEL", "JSON", "TEAM", "Envelope", "Posted", "SlackTwin"]

SCOPES = (
    "app_mentions:read,assistant:write,chat:write,commands,files:write,im:history,im:write,users:read,users:read.email"
)
LONGEST_TEXT = 40_000
_REQUIRED = {
    "auth.test": (),
    "files.getUploadURLExternal": ("filename", "length"),
    "files.completeUploadExternal": ("files",),
    "apps.connections.open": (),
    "chat.postMessage": ("channel", "text"),
    "chat.postEphemeral": ("channel", "user", "text"),
    "conversations.open": ("users",),
    "users.info": ("user",),
    "chat.update": ("channel", "ts", "text"),
    "conversations.info": ("channel",),
    "conversations.history": ("channel",),
    "conversations.replies": ("channel", "ts"),
    "reactions.add": ("channel", "timestamp", "name"),
    "views.open": ("trigger_id", "view"),
    "assistant.threads.setStatus": ("channel_id", "thread_ts"),
    "assistant.threads.setSuggestedPrompts": ("channel_id", "thread_ts", "prompts"),
}
_TELLING = ("auth.test", "conversations.info")
_READING = ("files.getUploadURLExternal", "users.info", *(f"conversations.{o}" for o in ("info", "history", "replies")))
_COMPLAINTS = {
    "text": "no_text",
    **dict.fromkeys(("filename", "length", "files", "trigger_id", "view"), "invalid_arguments"),
    "channel": "channel_not_found",
    "user": "user_not_found",
    "users": "no_users",
    "timestamp": "bad_timestamp",
    "ts": "thread_not_found",
    "name": "no_reaction",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """A message as it arrived. `user` is who alone sees an ephemeral one."""

    channel: str
    text: str
    ts: str
    user: str = ""
    thread_ts: str = ""
    arguments: JSON


@dataclass(kw_only=True, slots=True)
class Envelope:
    """One payload on its way through Socket Mode. `answer` is what came with its acknowledgement."""

    id: str
    payload: JSON
    acked: asyncio.Event
    attempts: int = 0
    answer: JSON | None = None

    def frame(self) -> JSON:
        """As it is sent; each time after the first says why it comes again."""
        again = {"retry_attempt": self.attempts, "retry_reason": "timeout" if self.attempts else ""}
        return {"type": kind_of(self.payload), "envelope_id": self.id, "payload": self.payload, **again}


class SlackTwin(Shelf):
    """One workspace with one app in it. Use it as an async context; `api_url` is what SLACK_API_URL is set to."""

    bot_token = "xoxb-1-twin"
    app_token = "xapp-1-twin"
    signing_secret = "a signing secret of the twin"

    def __init__(self) -> None:
        super().__init__()
        self.scopes = SCOPES
        self.called: asyncio.Queue[str] = asyncio.Queue()  # each method that was called
        self.replaced: asyncio.Queue[JSON] = asyncio.Queue()  # what came to response URLs and to chat.update
        self.panes: asyncio.Queue[JSON] = asyncio.Queue()  # what was said to the assistant's threads
        self.enterprise = ""  # the organisation that the workspace is of
        self.slow = {"users.info"}  # these methods answer once the gate is set
        self.gate = asyncio.Event()
        self.gate.set()
        self.questions: asyncio.Queue[None] = asyncio.Queue()  # one entry for each users.info that has come in
        self.posted: list[Posted] = []
        self.opened = 0  # Socket Mode addresses given out
        self.break_off: set[str] = set()  # the next call of these methods is carried out, but its answer is lost
        self.refuse_sockets = 0  # so many of the next connections are answered 503
        self.connections: asyncio.Queue[None] = asyncio.Queue()  # one entry each time Socket Mode is up
        self.disconnections: asyncio.Queue[None] = asyncio.Queue()
        self.envelopes: list[Envelope] = []
        self._posts: asyncio.Queue[Posted] = asyncio.Queue()
        self._troubles: defaultdict[str, list[web.Response]] = defaultdict(list)
        self._tickets: set[str] = set()
        self._peers: set[object] = set()
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.WriteTransport | None = None

    async def __aenter__(self) -> "SlackTwin":
        app = web.Application(client_max_size=20_000_000)
        app.router.add_post("/api/{method}", self._api)
        app.router.add_get("/api/{method}", self._api)
        app.router.add_get("/link/", self._link)
        app.router.add_post("/hooks/1", self._hook)
        app.router.add_post("/upload/{file}", self.take_upload)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.api_url = f"http://{host}:{port}/api/"
        self._link_url = f"ws://{host}:{port}/link/"
        self.hooks = f"http://{host}:{port}/hooks/1"
        self.uploads_at = f"http://{host}:{port}/upload/"
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.drop()
        await self._runner.cleanup()

    # What a test makes happen.

    def rate_limit(self, method: str, *, seconds: int, times: int = 1) -> None:
        """The next calls of a method are answered 429."""
        limited = {"ok": False, "error": "ratelimited"}
        self._troubles[method] += [
            web.json_response(limited, status=429, headers={"Retry-After": str(seconds)}) for _ in range(times)
        ]

    def fail(self, method: str, status: int = 503, body: str = "", media_type: str = "text/html") -> None:
        """The next call of a method is answered by a broken server."""
        self._troubles[method].append(web.Response(status=status, text=body, content_type=media_type))

    def refuse(self, method: str, error: str) -> None:
        """The next call of a method is refused with this error."""
        self._troubles[method].append(web.json_response({"ok": False, "error": error}))

    def drop(self) -> None:
        """The Socket Mode connection breaks without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Slack ends the connection; by default it asks for a new one, as it does every few hours."""
        assert self._socket is not None
        await self._socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})

    @property
    def web_connections(self) -> int:
        """How many connections have been made to the Web API."""
        return len(self._peers)

    async def next_post(self) -> Posted:
        """The next message that the bot posts."""
        return await self._posts.get()

    # What happens in the workspace is told.

    async def emits(self, callback: JSON) -> Envelope:
        """Sends a payload through Socket Mode: now, and again on each new connection until it is acknowledged."""
        envelope = Envelope(id=f"env-{len(self.envelopes)}", payload=callback, acked=asyncio.Event())
        self.envelopes.append(envelope)
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_json(envelope.frame())
        return envelope

    async def calls(self, url: str, callback: JSON, at: datetime, **headers: str) -> tuple[int, str]:
        """Sends a payload over HTTP, signed at a time; `headers` replace the right ones. Returns status and body."""
        body, kind = by_http(callback)
        signed = (
            self.signed(body, at)
            | {"content-type": kind}
            | {name.replace("_", "-"): value for name, value in headers.items()}
        )
        async with ClientSession() as session, session.post(url, data=body, headers=signed) as answer:
            return answer.status, await answer.text()

    def signed(self, body: bytes, at: datetime) -> dict[str, str]:
        """The headers of a request from Slack."""
        stamp = str(int(at.timestamp()))
        mac = hmac.new(self.signing_secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
        return {
            "content-type": "application/json",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={mac.hexdigest()}",
        }

    # Socket Mode.

    async def _link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.remove(ticket)
        if self.refuse_sockets:
            self.refuse_sockets -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.WriteTransport)
        self._transport = request.transport
        await self._greet(socket)
        await self._hear_acks(socket)
        self.disconnections.put_nowait(None)
        return socket

    async def _greet(self, socket: web.WebSocketResponse) -> None:
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        self._socket = socket
        for envelope in self.envelopes:
            if not envelope.acked.is_set():
                envelope.attempts += 1
                await socket.send_json(envelope.frame())
        self.connections.put_nowait(None)

    async def _hear_acks(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            sent = {envelope.id: envelope for envelope in self.envelopes}
            envelope = sent.get(frame.json().get("envelope_id")) if frame.type is WSMsgType.TEXT else None
            if envelope is None:
                await socket.close(code=4000, message=b"not an acknowledgement")
                break
            envelope.answer = frame.json().get("payload")
            envelope.acked.set()

    # The Web API.

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.called.put_nowait(method)
        self._peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        if method == "users.info":
            self.questions.put_nowait(None)
        if method in self.slow:
            await self.gate.wait()
        if self._troubles[method]:
            return self._troubles[method].pop(0)
        try:
            self._check_token(method, request.headers.get("Authorization", ""))
            arguments = {} if _is_unread(method, request) else await _arguments(request)
            _check_arguments(method, arguments)
            found: JSON = {"ok": True} | self._methods[method](self, arguments)
        except Refused as refused:
            found = {"ok": False, "error": str(refused)}
        if method in self.break_off and request.transport:
            self.break_off.remove(method)
            request.transport.close()
        return web.json_response(found, headers={"x-oauth-scopes": self.scopes} if method in _TELLING else {})

    async def _hook(self, request: web.Request) -> web.Response:
        self.replaced.put_nowait(await request.json())
        return web.json_response({"ok": True})

    def _check_token(self, method: str, authorization: str) -> None:
        if method not in _REQUIRED:
            raise Refused("unknown_method")
        token = authorization.removeprefix("Bearer ")
        if not token:
            raise Refused("not_authed")
        if token not in (self.bot_token, self.app_token):
            raise Refused("invalid_auth")
        if (token == self.app_token) != (method == "apps.connections.open"):
            raise Refused("not_allowed_token_type")

    def _who_am_i(self, _arguments: JSON) -> JSON:
        organisation = {"enterprise_id": self.enterprise} if self.enterprise else {}
        return {
            "team_id": TEAM,
            "team": "Acme",
            "user_id": BOT,
            "user": "throughline",
            "bot_id": "B0BOT",
        } | organisation

    def _open_socket(self, _arguments: JSON) -> JSON:
        self.opened += 1
        ticket = f"ticket-{self.opened}"
        self._tickets.add(ticket)
        return {"url": f"{self._link_url}?ticket={ticket}"}

    def _post_message(self, arguments: JSON) -> JSON:
        channel = arguments["channel"]
        if BOT not in self.readers(channel):
            raise Refused("not_in_channel")
        if not {"event_type", "event_payload"} <= dict(arguments.get("metadata", {})).keys():
            raise Refused("invalid_metadata_format")
        posted = self._keep(arguments)
        return {"channel": channel, "ts": posted.ts, "message": {"text": posted.text}}

    def _post_ephemeral(self, arguments: JSON) -> JSON:
        if arguments["user"] not in self.readers(arguments["channel"]):
            raise Refused("user_not_in_channel")
        return {"message_ts": self._keep(arguments).ts}

    def _update(self, arguments: JSON) -> JSON:
        if arguments["ts"] not in {posted.ts for posted in self.posted if not posted.user}:
            raise Refused("message_not_found")
        self.replaced.put_nowait(arguments)
        self.shown[arguments["ts"]] |= arguments
        return {"channel": arguments["channel"], "ts": arguments["ts"]}

    def _pane(self, arguments: JSON) -> JSON:
        if len(arguments.get("prompts", [])) > 4:
            raise Refused("too_many_prompts")
        self.panes.put_nowait(arguments)
        return {}

    def _open_direct(self, arguments: JSON) -> JSON:
        if not arguments["users"].startswith("U"):
            raise Refused("user_not_found")
        return {"channel": {"id": f"D{arguments['users']}"}}

    _methods: Mapping[str, Callable[["SlackTwin", JSON], JSON]] = {
        "auth.test": _who_am_i,
        "apps.connections.open": _open_socket,
        "chat.postMessage": _post_message,
        "chat.postEphemeral": _post_ephemeral,
        "conversations.open": _open_direct,
        "users.info": Rooms.user,
        "chat.update": _update,
        "files.getUploadURLExternal": Shelf.upload_address,
        "files.completeUploadExternal": Shelf.complete_upload,
        "conversations.info": Rooms.channel,
        "conversations.history": Rooms.history,
        "conversations.replies": Rooms.replies,
        "reactions.add": Rooms.react,
        "views.open": Rooms.open_form,
        "assistant.threads.setStatus": _pane,
        "assistant.threads.setSuggestedPrompts": _pane,
    }

    def _keep(self, arguments: JSON) -> Posted:
        posted = Posted(
            channel=arguments["channel"],
            text=arguments["text"],
            ts=f"{1_772_442_000 + len(self.posted)}.000200",
            user=arguments.get("user", ""),
            thread_ts=arguments.get("thread_ts", ""),
            arguments=arguments,
        )
        self.posted.append(posted)
        if not posted.user:
            self.shown[posted.ts] = arguments | {"ts": posted.ts, "user": BOT}
        self._posts.put_nowait(posted)
        return posted


def _is_unread(method: str, request: web.Request) -> bool:
    """Slack's methods that only read take no JSON."""
    return method in _READING and request.content_type == "application/json"


async def _arguments(request: web.Request) -> JSON:
    if request.method == "GET":
        return dict(request.query)
    if request.content_type == "application/json":
        try:
            found = await request.json()
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(found, dict):
            raise Refused("json_not_object")
        return found
    form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return form | ({"metadata": json.loads(form["metadata"])} if "metadata" in form else {})


def _check_arguments(method: str, arguments: JSON) -> None:
    for name in _REQUIRED[method]:
        if not arguments.get(name):
            raise Refused(_COMPLAINTS[name])
    if len(arguments.get("text", "")) > LONGEST_TEXT:
        raise Refused("msg_too_long")
    for block in arguments.get("blocks", []):
        if not fits(block):
            raise Refused("invalid_blocks")
