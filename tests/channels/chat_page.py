"""Web chat on a real port, with the bot's end of it in the test's hand."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import jwt

from bots import web as host
from channels.web import Web, WebSettings
from core.channel import Line, SentFile, Site
from core.messages import Attachment, Choice, InboundMessage, Raw, Reply
from tests.site import NOW, SAMPLES, site

GIVEN = json.loads((SAMPLES / "web" / "settings.json").read_text())
KEY = GIVEN["webchat_jwt_keys"]["k1"]
STAMP = int(NOW.timestamp())
CLAIMS = {
    "sub": "cus_7",
    "iss": GIVEN["webchat_jwt_issuer"],
    "aud": GIVEN["webchat_jwt_audience"],
    "iat": STAMP,
    "exp": STAMP + 600,
}


def token(*, key: str = KEY, algorithm: str = "HS256", kid: str | None = "k1", **changes: object) -> str:
    """What the business signs for its customer."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


@dataclass(kw_only=True)
class Engine:
    """Keeps what is said, as the ledger would; it can be away."""

    heard: list[InboundMessage] = field(default_factory=list)
    lines: list[tuple[str, Line]] = field(default_factory=list)  # with their conversations
    now: datetime = NOW
    is_away: bool = False

    async def hear(self, message: InboundMessage, _raw: Raw) -> bool:
        if self.is_away:
            raise ConnectionError("the ledger is away")
        if any(message.external_id == other.external_id for other in self.heard):
            return False
        self.heard.append(message)
        line = Line(id=message.external_id, text=message.text, sender="customer", at=message.received_at)
        self.lines.append((message.conversation, line))
        return True

    async def sent_file(self, reply: str, number: int) -> SentFile | None:
        """Reads it where the ledger would."""
        found = [(whose, line) for whose, line in self.lines if line.id == reply and number < len(line.files)]
        return SentFile(conversation=found[0][0], file=found[0][1].files[number]) if found else None

    async def transcript(self, conversation: str) -> Sequence[Line]:
        return [line for whose, line in self.lines if whose == conversation]


class Page:
    """A browser, and the bot's end of the channel: what was heard, and what it says."""

    def __init__(self, channel: Web, browser: aiohttp.ClientSession, engine: Engine, url: str) -> None:
        self.channel, self.browser, self.engine, self.url = channel, browser, engine, url

    @property
    def heard(self) -> list[InboundMessage]:
        return self.engine.heard

    async def posts(self, body: object, **headers: str) -> int:
        async with self.browser.post("/api/chat/messages", json=body, headers=headers) as answer:
            return answer.status

    async def posts_bytes(self, body: bytes, **headers: str) -> int:
        given = {"content-type": "application/json"} | headers
        async with self.browser.post("/api/chat/messages", data=body, headers=given) as answer:
            return answer.status

    async def gets(self, path: str, **headers: str) -> int:
        async with self.browser.get(path, headers=headers) as answer:
            return answer.status

    async def headers_of(self, path: str, **headers: str) -> Mapping[str, str]:
        async with self.browser.get(path, headers=headers) as answer:
            assert answer.status == 200
            return answer.headers

    @asynccontextmanager
    async def stream(self, path: str = "/api/chat/stream", **headers: str) -> AsyncIterator["Stream"]:
        async with self.browser.get(path, headers=headers) as answer:
            assert answer.content_type == "text/event-stream"
            stream = Stream(answer)
            assert (await answer.content.readline()).startswith(b":")
            yield stream

    async def bot_says(
        self,
        id: str,  # noqa: A002 - the reply's
        text: str,
        *,
        choices: tuple[Choice, ...] = (),
        files: tuple[Attachment, ...] = (),
    ) -> None:
        conversation = self.heard[-1].conversation
        reply = Reply(id=id, route=self.heard[-1].route, text=text, choices=choices, files=files)
        line = Line(id=id, text=text, sender="bot", at=self.engine.now, choices=choices, files=files)
        self.engine.lines.append((conversation, line))
        for wire in self.channel.render(reply):
            await self.channel.send(wire)


class Stream:
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def event(self) -> Mapping[str, str]:
        """The fields of the next event; none of them at the end."""
        fields: dict[str, str] = {}
        while line := (await self._answer.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif line == "\n" and fields:
                return fields
        return {}

    async def next(self) -> dict[str, Any]:
        event = await self.event()
        assert event, "the stream ended"
        return cast("dict[str, Any]", json.loads(event["data"])) if "data" in event else await self.next()


def _site(var: Path, engine: Engine) -> Site:
    return replace(site(var), transcript=engine.transcript, sent_file=engine.sent_file, now=lambda: engine.now)


@asynccontextmanager
async def opened(var: Path, **settings: object) -> AsyncIterator[Page]:
    """The channel behind the real web server."""
    engine = Engine()

    async def ready() -> dict[str, str]:
        return {}

    async def note(*_: object) -> None: ...

    given: dict[str, Any] = GIVEN | settings
    channel = Web(WebSettings(**given), _site(var, engine))
    app = host.application(
        [channel], engine.hear, ready, note=note, base_url="http://127.0.0.1", now=lambda: engine.now
    )
    jar = aiohttp.CookieJar(unsafe=True)
    # The test installation lives at https, so its cookie is Secure; the loopback is not.
    with host.listen("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with host.serving(app, listening), aiohttp.ClientSession(url, cookie_jar=jar) as browser:
            yield Page(channel, browser, engine, url)


async def cookie(page: Page) -> dict[str, str]:
    """The header by which a browser goes on with a session that is new."""
    return {"cookie": (await page.headers_of("/chat"))["set-cookie"].partition(";")[0]}


async def widget_session(page: Page) -> dict[str, str]:
    """The header by which a widget goes on with a session that is new."""
    async with page.browser.get("/api/chat/session") as answer:
        return {"x-chat-session": (await answer.json())["session"]}


def later(page: Page, **time: float) -> None:
    """Lets time pass."""
    page.engine.now += timedelta(**time)
