"""Discord on loopback: the REST API and the gateway that a bot needs, as strict as Discord is.

People write with `says`, `commands` and `presses`; what the bot posts stands in `posted`, and what it shows to one
person alone in `interactions.shown`. The network is troubled with `troubles` (the next posts, or by `trouble_at` the
next of another kind), `refusals` (the next connections), `drop`, `forget`, `ask_to_reconnect`, `invalidate`, `revoke`.
"""

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from aiohttp import web

from tests.site import NOW
from tests.twins.discord_gateway import APPLICATION_ID, BOT, BOT_ID, GUILD_ID, GatewayTwin
from tests.twins.discord_interactions import Interactions, Told

__all__ = ["BOT_ID", "GUILD_CHANNEL", "DiscordTwin", "Trouble"]

GUILD_CHANNEL = "700000000000000099"
LARGEST_FILE = 10_485_760  # bytes
LARGEST_REQUEST = 26_214_400
MESSAGE_CONTENT_LIMITED = 1 << 19  # flag of an application


@dataclass(kw_only=True)
class Trouble:
    """What happens to one request instead of an answer. `after_posting`: Discord took it, but its answer is lost."""

    status: int = 200
    retry_after: float = 0.0  # seconds, with 429
    everywhere: bool = False  # the limit is the whole API's
    cuts_off: bool = False
    after_posting: bool = False
    page: str = ""  # HTML of the proxies before Discord, instead of JSON

    @property
    def is_posted(self) -> bool:
        return self.after_posting or (self.status == 200 and not self.cuts_off)


class DiscordTwin(GatewayTwin):
    """`async with DiscordTwin() as twin`; a channel is pointed at `api_base` and `gateway_url`."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.posted: list[dict[str, Any]] = []  # payloads as stored, with the channel's id
        self.typed: list[str] = []  # channels
        self.troubles: deque[Trouble] = deque()
        self.trouble_at: dict[str, deque[Trouble]] = defaultdict(deque)  # by "history", "interactions", "webhooks"
        self.bucket = 0  # posts that one channel takes in `window` seconds; 0: any number
        self.window = 0.1
        self.too_many = 0
        self.closed_to_bots: set[str] = set()  # users who take no direct messages
        self.flags = MESSAGE_CONTENT_LIMITED
        self.endpoint: str | None = None
        self.guilds = [{"id": GUILD_ID, "name": "Acme"}]
        self.requests = 0
        self.interactions = Interactions(self._id, lambda: self.now)
        self._channels: dict[str, str] = {}  # direct-message channel -> user
        self._nonces: dict[str, dict[str, Any]] = {}
        self._history: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._filled: dict[str, tuple[float, int]] = {}  # by channel: when its window ends, and posts in it
        self._count = itertools.count(1)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=LARGEST_REQUEST)
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

    async def until(self, **counts: int) -> None:
        """Returns when that many `posts`, `sessions`, `resumed`, `registered`, `shown`, `acknowledged` there were."""
        while any(self._counted()[what] < count for what, count in counts.items()):
            self._changed.clear()
            await self._changed.wait()

    def _counted(self) -> Mapping[str, int]:
        return {
            "posts": len(self.posted),
            "sessions": self.identified,
            "resumed": self.resumed,
            "registered": self.interactions.registrations,
            "shown": len(self.interactions.shown),
            "acknowledged": sum(one.response is not None for one in self.interactions.asked.values()),
        }

    # People

    def direct(self, user_id: str) -> str:
        """The channel of direct messages between a user and the bot."""
        channel = "7" + user_id[1:]
        self._channels[channel] = user_id
        return channel

    def says(self, user_id: str, text: str, *, in_guild: bool = False, **more: Any) -> dict[str, Any]:
        """A user writes to the bot, or in a server; `more` goes into the message. Returns the message."""
        where = (
            {"channel_id": GUILD_CHANNEL, "guild_id": GUILD_ID} if in_guild else {"channel_id": self.direct(user_id)}
        )
        mentions = [BOT] if f"<@{BOT_ID}>" in text else []
        message = self._message(text) | {"author": _user(user_id), "mentions": mentions} | where | more
        self._history[message["channel_id"]].append(message)
        self.tell("MESSAGE_CREATE", message)
        return message

    def leaves(self, user_id: str) -> None:
        """A user deletes their account: their direct messages are gone."""
        del self._channels[self.direct(user_id)]

    def forgets_nonces(self) -> None:
        """Some minutes pass: Discord takes a message with the same nonce again."""
        self._nonces.clear()

    def repeats(self, message: dict[str, Any]) -> None:
        """The gateway delivers a message again."""
        self.tell("MESSAGE_CREATE", message)

    def edits(self, message: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
        """The author edits a message."""
        edited = message | {"content": text, "edited_timestamp": self._stamp()} | more
        self.tell("MESSAGE_UPDATE", edited)
        return edited

    def previews(self, message: dict[str, Any]) -> None:
        """Discord adds a preview of a link to a message, or pins it: nobody edited it."""
        self.tell(
            "MESSAGE_UPDATE", message | {"embeds": [{"type": "link", "url": "https://acme.test"}], "pinned": True}
        )

    def deletes(self, message: dict[str, Any]) -> None:
        """The author deletes a message."""
        self.tell("MESSAGE_DELETE", {k: v for k, v in message.items() if k in {"id", "channel_id", "guild_id"}})

    def commands(
        self, user_id: str, name: str, *, in_guild: bool = False, locale: str = "en-US", **options: str
    ) -> dict[str, Any]:
        """A user gives a command."""
        told = self.interactions.command(_user(user_id), self._place(user_id, in_guild), name, locale, **options)
        self.tell("INTERACTION_CREATE", told)
        return told

    def presses(self, user_id: str, message: dict[str, Any], label: str, *, in_guild: bool = False) -> dict[str, Any]:
        """A user presses a button under one of the posts."""
        told = self.interactions.press(_user(user_id), self._place(user_id, in_guild), message, label)
        self.tell("INTERACTION_CREATE", told)
        return told

    def _place(self, user_id: str, in_guild: bool) -> dict[str, Any]:
        if in_guild:
            channel = {"id": GUILD_CHANNEL, "type": 0, "name": "help", "position": 0, "nsfw": False, "permissions": "0"}
            return {"channel_id": GUILD_CHANNEL, "channel": channel, "context": 0}
        direct = self.direct(user_id)
        return {"channel_id": direct, "channel": {"id": direct, "type": 1, "recipients": []}, "context": 1}

    # REST

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        path = request.match_info["path"].split("/")
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            return web.Response(status=403, text="<html>error code: 1010</html>", content_type="text/html")
        if path[0] in ("interactions", "webhooks"):
            return await self._by_token(request, path)
        if request.headers.get("Authorization") != f"Bot {self.token}":
            return _error(401, 0, "401: Unauthorized")
        if not (_is_json(request) or _is_message_with_files(request, path)):
            return _error(400, 50035, "Invalid Form Body")
        about_us: dict[str, object] = {"users/@me": BOT, "users/@me/guilds": self.guilds}
        about_us |= dict.fromkeys(("oauth2/applications/@me", "applications/@me"), self._application())
        if request.method == "GET" and (told := about_us.get("/".join(path))) is not None:
            return _json(told)
        return await self._by_bot(request, path)

    async def _by_bot(self, request: web.Request, path: list[str]) -> web.StreamResponse:
        match request.method, path:
            case "GET" | "PUT", ["applications", application, "commands"] if application == APPLICATION_ID:
                return await self._commands(request)
            case "POST", ["users", "@me", "channels"]:
                return self._opened(await request.json())
            case "POST", ["channels", channel, "messages"]:
                return await self._post(request, channel)
            case "GET", ["channels", channel, "messages"]:
                return self._troubled("history") or self._page(channel, request.query)
            case "POST", ["channels", channel, "typing"]:
                self.typed.append(channel)
                return web.Response(status=204)
        return _error(404, 0, "404: Not Found")

    async def _by_token(self, request: web.Request, path: list[str]) -> web.StreamResponse:
        """Whoever has an interaction's token needs no other."""
        if trouble := self._troubled(path[0]):
            return trouble
        if not (_is_json(request) or _is_message_with_files(request, path)):
            return _error(400, 50035, "Invalid Form Body")
        body, _ = await _message_of(request)
        match request.method, path:
            case "POST", ["interactions", made, token, "callback"]:
                return self._told(self.interactions.respond(made, token, body))
            case method, ["webhooks", application, token, *rest] if application == APPLICATION_ID:
                return self._told(self.interactions.follow(method, token, rest, body))
        return _error(404, 0, "404: Not Found")

    def _told(self, told: Told) -> web.Response:
        self._changed.set()
        status, body = told
        return web.Response(status=204) if status == 204 else _json(body, status=status)

    async def _commands(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            status, told = self.interactions.register(await request.json())
            self._changed.set()
            return _json(told["commands"] if status == 200 else told, status=status)
        hidden = () if request.query.get("with_localizations") == "true" else ("description_localizations",)
        return _json([{k: v for k, v in one.items() if k not in hidden} for one in self.interactions.commands])

    def _opened(self, body: dict[str, Any]) -> web.Response:
        user_id = str(body.get("recipient_id"))
        if user_id == BOT_ID or not user_id.isdecimal():
            return _error(400, 50033, "Invalid Recipient(s)")
        return _json({"id": self.direct(user_id), "type": 1})

    def _page(self, channel: str, query: Mapping[str, str]) -> web.Response:
        """The messages after one, at most so many, the newest of them first."""
        if channel not in self._channels:
            return _error(403, 50001, "Missing Access")
        limit = int(query.get("limit", "50"))
        if not 1 <= limit <= 100:
            return _error(400, 50035, "Invalid Form Body")
        later = [one for one in self._history[channel] if int(one["id"]) > int(query.get("after", "0"))]
        return _json(later[:limit][::-1])

    async def _post(self, request: web.Request, channel: str) -> web.StreamResponse:
        body, files = await _message_of(request)
        trouble = self.troubles.popleft() if self.troubles else Trouble()
        answer = self._refused(channel, body, files)
        if answer is None and (full := self._full(channel)):
            return full
        if answer is None and trouble.is_posted:
            answer = _json(self._stored(channel, body, files), headers=self._room(channel))
        if trouble.cuts_off and request.transport:
            request.transport.abort()
        return _answered(trouble) or answer or _error(trouble.status, 0, "trouble")

    def _troubled(self, kind: str) -> web.Response | None:
        waiting = self.trouble_at[kind]
        trouble = waiting.popleft() if waiting else Trouble()
        return _answered(trouble) or (None if trouble.is_posted else _error(trouble.status, 0, "trouble"))

    def _full(self, channel: str) -> web.Response | None:
        """Counts a post; what is too much for its bucket is refused."""
        now = asyncio.get_running_loop().time()
        until, count = self._filled.get(channel, (0.0, 0))
        until, count = (until, count + 1) if now < until else (now + self.window, 1)
        if not self.bucket or count <= self.bucket:
            self._filled[channel] = until, count
            return None
        self.too_many += 1
        return _limited(Trouble(retry_after=until - now))

    def _room(self, channel: str) -> dict[str, str]:
        if not self.bucket:
            return {}
        until, count = self._filled[channel]
        left = f"{max(until - asyncio.get_running_loop().time(), 0):.3f}"
        told = {"Bucket": "b1", "Limit": self.bucket, "Remaining": self.bucket - count, "Reset-After": left}
        return {f"X-RateLimit-{name}": str(value) for name, value in told.items()}

    def _refused(self, channel: str, body: dict[str, Any], files: Mapping[str, bytes]) -> web.Response | None:
        content, nonce = body.get("content", ""), body.get("nonce", "")
        if channel != GUILD_CHANNEL and channel not in self._channels:
            return _error(404, 10003, "Unknown Channel")
        if self._channels.get(channel) in self.closed_to_bots:
            return _error(403, 50007, "Cannot send messages to this user")
        if any(len(file) > LARGEST_FILE for file in files.values()) or len(files) > 10:
            return _error(413, 40005, "Request entity too large")
        if not (content.strip() or files):
            return _error(400, 50006, "Cannot send an empty message")
        rows = [row["components"] for row in body.get("components", [])]
        buttons = [one for row in rows for one in row]
        names = [one["custom_id"] for one in buttons]
        crowded = len(rows) > 5 or any(not 0 < len(row) <= 5 for row in rows) or len(set(names)) < len(names)
        long = any(len(one["custom_id"]) > 100 or not 0 < len(one["label"]) <= 80 for one in buttons)
        if len(content) > 2000 or len(nonce) > 25 or crowded or long:
            return _error(400, 50035, "Invalid Form Body")
        return None

    def _stored(self, channel: str, body: dict[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
        nonce = body.get("nonce", "")
        if body.get("enforce_nonce") and nonce in self._nonces:
            return self._nonces[nonce]
        told = {"channel_id": channel, "author": BOT, "nonce": nonce, "components": body.get("components", [])}
        message = self._message(body["content"]) | told
        self._nonces[nonce] = message
        self._history[channel].append(message)
        self.posted.append(message | body | {"channel": channel, "files": dict(files)})
        self._changed.set()
        self.tell("MESSAGE_CREATE", message)
        return message

    def _message(self, content: str) -> dict[str, Any]:
        empty: dict[str, Any] = {
            name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")
        }
        told = {"id": self._id(), "type": 0, "content": content, "timestamp": self._stamp(), "edited_timestamp": None}
        return empty | told | {"tts": False, "mention_everyone": False, "pinned": False, "flags": 0}

    def _stamp(self) -> str:
        return self.now.isoformat()

    def _id(self) -> str:
        return str((int(self.now.timestamp() * 1000) - 1_420_070_400_000 << 22) + next(self._count))

    def _application(self) -> dict[str, Any]:
        told = {"id": APPLICATION_ID, "name": "Throughline", "description": "", "icon": None, "verify_key": "00"}
        owned = {"bot_public": False, "bot_require_code_grant": False, "owner": BOT | {"bot": False}}
        return told | owned | {"flags": self.flags, "interactions_endpoint_url": self.endpoint}


def _user(user_id: str) -> dict[str, Any]:
    return {"id": user_id, "username": f"user{user_id[-2:]}", "discriminator": "0", "avatar": None}


def _is_json(request: web.Request) -> bool:
    return not request.can_read_body or request.headers.get("Content-Type") == "application/json"


def _is_message_with_files(request: web.Request, path: list[str]) -> bool:
    posted = request.content_type == "multipart/form-data" and request.method == "POST"
    return posted and (path[-1] == "messages" or path[0] == "webhooks")


async def _message_of(request: web.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A message, and its files by their names."""
    if request.content_type != "multipart/form-data":
        return (await request.json() if request.can_read_body else {}), {}
    form = await request.post()
    told = form["payload_json"]
    assert isinstance(told, bytes | bytearray | str)
    body: dict[str, Any] = json.loads(told)
    sent = {name: field for name, field in form.items() if isinstance(field, web.FileField)}
    files = [sent[f"files[{one['id']}]"] for one in body["attachments"]]
    assert [one["filename"] for one in body["attachments"]] == [file.filename for file in files]
    return body, {file.filename: file.file.read() for file in files}


def _json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Exactly application/json, as Discord sends it: with a charset behind it discord.py takes the body for text."""
    typed = {"Content-Type": "application/json"} | dict(headers or {})
    return web.Response(body=json.dumps(body).encode(), status=status, headers=typed)


def _error(status: int, code: int, message: str) -> web.Response:
    return _json({"message": message, "code": code}, status=status)


def _answered(trouble: Trouble) -> web.Response | None:
    if trouble.page:
        headers = {"Retry-After": str(int(trouble.retry_after))} if trouble.retry_after else {}
        return web.Response(status=trouble.status, text=trouble.page, content_type="text/html", headers=headers)
    return _limited(trouble) if trouble.status == 429 else None


def _limited(trouble: Trouble) -> web.Response:
    headers = {"Retry-After": str(int(trouble.retry_after) + 1), "Via": "1.1 twin"}
    headers |= {"X-RateLimit-Global": "true"} if trouble.everywhere else {"X-RateLimit-Scope": "user"}
    told = {"message": "You are being rate limited.", "retry_after": trouble.retry_after, "global": trouble.everywhere}
    return _json(told, status=429, headers=headers)
