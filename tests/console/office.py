"""A shop with a console, served over HTTP on loopback, and channels whose customers can be looked over the shoulder."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel

from bots import web
from bots.console import routes
from bots.console.login import COOKIE, Doorkeeper
from core.channel import Limits
from core.delivery import Delivery
from core.desk import Desk
from core.errors import Undeliverable
from core.messages import InboundMessage, Raw, Reply
from tests.shop import HOUSE, Shop

TOKEN = "the token of the first start"
SECRET = b"the console's own secret, 32 bytes or more"


class Mailbox:
    """A channel whose provider shows what arrived; `refuses` makes it refuse for good."""

    label: ClassVar[str] = "mailbox"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=100_000)
    Settings: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, name: str) -> None:
        self.name = name
        self.refuses = ""
        self.arrived: list[Reply] = []

    def parse(self, raw: Raw) -> InboundMessage | None:
        return None

    def render(self, reply: Reply) -> Sequence[Reply]:
        return [reply]

    async def send(self, wire: Reply) -> str:
        if self.refuses:
            raise Undeliverable(self.refuses)
        self.arrived.append(wire)
        return wire.id


@dataclass(kw_only=True)
class Office:
    """The shop, its channels, and the console's address."""

    shop: Shop
    desk: Desk
    delivery: Delivery
    channels: dict[str, Any]
    url: str = ""
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A browser that has not signed in: it says where its forms come from, and follows where it is sent."""
        said = {"origin": self.url, "sec-fetch-site": "same-origin"} | headers
        client = httpx.AsyncClient(base_url=self.url, headers=said, follow_redirects=True)
        self.clients.append(client)
        return client

    async def signed_in(self) -> httpx.AsyncClient:
        """A browser in which somebody has given the token."""
        browser = self.browser()
        answer = await browser.post("/console/login", data={"token": TOKEN})
        assert answer.status_code == 200, answer.text
        return browser

    def colleague(self, name: str) -> httpx.AsyncClient:
        """The browser of a colleague with a session of their own."""
        session = Doorkeeper(token=TOKEN, secret=SECRET, now=lambda: self.shop.now).session(name)
        browser = self.browser()
        browser.cookies.set(COOKIE, session, domain=urlsplit(self.url).hostname or "", path="/console")
        return browser

    async def delivered(self) -> None:
        """Waits until everything that was posted has been sent or given up."""
        while self.delivery._tasks:
            await next(iter(self.delivery._tasks))


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[Office]:
    """A console over a shop, until the block is left."""
    channels: dict[str, Any] = {name: Mailbox(name) for name in HOUSE.channels}
    delivery = Delivery(shop.ledger, channels, lambda: shop.now)
    desk = Desk(
        ledger=shop.ledger,
        memory=shop.memory,
        house=HOUSE,
        post=delivery.post,
        now=lambda: shop.now,
        new_id=shop.engine.new_id,
    )
    office = Office(shop=shop, desk=desk, delivery=delivery, channels=channels)
    listening = web.listen("127.0.0.1", 0)
    office.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    extra = routes(desk, token=TOKEN, secret=SECRET, base_url=office.url, now=lambda: shop.now)
    app = web.application([], shop.engine.accept, _ready, base_url=office.url, now=lambda: shop.now, extra=extra)
    async with web.serving(app, listening):
        yield office
        for client in office.clients:
            await client.aclose()
    await delivery.close()


async def _ready() -> dict[str, str]:
    return {}


def text_of(page: str) -> str:
    """What a reader sees of a page, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


class Outline(HTMLParser):
    """What a page is made of: every element with its attributes, and the text of links and buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.links: dict[str, str] = {}
        self.buttons: list[str] = []
        self._inside = ""
        self._href = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"a", "button"}:
            self._inside, self._href = tag, dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "a":
            self.links[data.strip()] = self._href
        if self._inside == "button":
            self.buttons.append(data.strip())

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.elements if name == tag)

    def field(self, name: str) -> dict[str, str | None]:
        """The attributes of the form's field with this name."""
        return next(attrs for tag, attrs in self.elements if attrs.get("name") == name and tag in {"input", "textarea"})
