"""A shop with a console, served over HTTP on loopback, and channels whose customers can be looked over the shoulder."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel

from bots import web
from bots.console import passwords
from bots.console.app import Ports, console
from bots.console.by_provider import BACK, Provider
from bots.console.door import Door
from bots.console.login import COOKIE, Doorkeeper
from core.accounts import NewAccount, Role
from core.casework import Casework
from core.channel import Limits
from core.curating import Curating
from core.delivery import Delivery
from core.desk import Desk
from core.drafting import Drafting
from core.erasing import Forgetting
from core.errors import Undeliverable
from core.files import Files
from core.gaps import Gaps
from core.health import Health
from core.hours import ALWAYS
from core.lookout import Lookout
from core.messages import InboundMessage, Raw, Reply
from core.previewing import Previewing
from core.privacy import Erasures, Privacy
from core.quick import QuickActions
from core.reporting import Reporting
from core.searching import Search
from core.status import About, Setting, Status
from core.tasks import Tasks
from tests.shop import HOUSE, Shop
from tests.site import make_channel

TOKEN = "the token of the first start"
SECRET = b"the console's own secret, 32 bytes or more"
BOSS = "boss"  # the admin among colleagues


class Mailbox:
    """A channel whose provider shows what arrived; `refuses` makes it refuse for good."""

    label: ClassVar[str] = "mailbox"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=100_000, file_bytes=15_000_000)
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
    """The shop, its channels, and the console's address. `pauses` is how long each sign-in had to wait, in seconds."""

    shop: Shop
    desk: Desk
    delivery: Delivery
    channels: dict[str, Any]
    health: Health
    url: str = ""
    ports: Ports = field(init=False)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def browser(self, *, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """A browser that has not signed in: it says where its forms come from, and follows where it is sent."""
        said = {"origin": self.url, "sec-fetch-site": "same-origin"} | headers
        transport = httpx.AsyncHTTPTransport(local_address=address)
        client = httpx.AsyncClient(base_url=self.url, headers=said, follow_redirects=True, transport=transport)
        self.clients.append(client)
        return client

    async def signed_in(self, name: str = "", password: str = TOKEN) -> httpx.AsyncClient:
        """A browser in which somebody has given the token, or a name and a password."""
        browser = self.browser()
        answer = await browser.post("/console/login", data={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        return browser

    async def hires(self, name: str, role: Role = Role.AGENT) -> None:
        """Gives somebody an account; the admin has one first."""
        if name != BOSS and not await self.shop.ledger.has_accounts():
            await self.hires(BOSS, Role.ADMIN)
        account = NewAccount(name=name, role=role, password_hash=passwords.hashed(password_of(name)))
        await self.shop.ledger.add_account(account, by=BOSS, now=self.shop.now)

    async def colleague(self, name: str, role: Role = Role.AGENT) -> httpx.AsyncClient:
        """The browser of a colleague who has been given an account, and has signed in."""
        await self.hires(name, role)
        return await self.signed_in(name, password_of(name))

    def copy(self, browser: httpx.AsyncClient) -> httpx.AsyncClient:
        """The browser of somebody who has got hold of this one's cookie."""
        return self.browser(cookie=f"{COOKIE}={browser.cookies[COOKIE]}")

    async def waits(self, seconds: float) -> None:
        """Takes the place of the clock on the wall."""
        self.pauses.append(seconds)

    def doorkeeper(self, token: str = TOKEN) -> Doorkeeper:
        """Who keeps the console's door."""
        return Doorkeeper(
            ledger=self.shop.ledger, token=token, secret=SECRET, now=lambda: self.shop.now, pause=self.waits
        )

    async def delivered(self) -> None:
        """Waits until everything that was posted has been sent or given up."""
        while self.delivery._tasks:
            await next(iter(self.delivery._tasks))


@asynccontextmanager
async def opened(
    shop: Shop,
    *,
    public_url: str = "",
    read_by: Mapping[str, Any] | None = None,
    shown_by: Mapping[str, Any] | None = None,
    by: Callable[[str], Provider] | None = None,
    domains: Sequence[str] = (),
    both: bool = False,
) -> AsyncIterator[Office]:
    """A console over a shop, until the block is left. `read_by`: channels that know how to take deliveries apart,
    `shown_by` such that know how a reply will look. `by`
    makes the sign-in provider that sends people back to that address. `both`: nobody is without a second factor."""
    channels: dict[str, Any] = {name: Mailbox(name) for name in HOUSE.channels}
    health = Health(lambda: shop.now)
    delivery = Delivery(shop.ledger, channels, lambda: shop.now, noted=health.note)
    desk = Desk(
        ledger=shop.ledger,
        memory=shop.memory,
        house=HOUSE,
        actions=shop.engine.actions,
        post=delivery.post,
        now=lambda: shop.now,
        new_id=shop.engine.new_id,
    )
    casework = Casework(ledger=shop.ledger, now=lambda: shop.now)
    office = Office(shop=shop, desk=desk, delivery=delivery, channels=channels, health=health)
    listening = web.listen("127.0.0.1", 0)
    office.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    provider = by(f"{office.url}{BACK}") if by else None
    door = Door(
        keeper=office.doorkeeper(), base_url=public_url or office.url, by_provider=provider is not None, both=both
    )
    readers = read_by or {"email": make_channel("email", Path("var"))}
    files = Files(ledger=shop.ledger, channels=readers, now=lambda: shop.now)
    office.ports = Ports(
        desk=desk,
        casework=casework,
        accounts=shop.ledger,
        files=files,
        search=Search(ledger=shop.ledger, now=lambda: shop.now),
        lookout=lookout(shop),
        drafting=Drafting(
            desk=desk,
            ledger=shop.ledger,
            briefing=lambda: shop.engine.briefing,
            writer=shop.engine.writer,
            patience=0.2,
        ),
        previewing=Previewing(desk=desk, ledger=shop.ledger, channels=shown_by or channels),
        quick=QuickActions(desk=desk, ledger=shop.ledger),
        tasks=Tasks(ledger=shop.ledger, now=lambda: shop.now),
        gaps=Gaps(ledger=shop.ledger, knowledge=lambda: shop.engine.knowledge, now=lambda: shop.now),
        insights=Reporting(ledger=shop.ledger, now=lambda: shop.now),
        playbook=Curating(ledger=shop.ledger, memory=shop.memory, enough=HOUSE.pattern_customers, now=lambda: shop.now),
        privacy=privacy(shop),
        status=status(office, readers),
        provider=provider,
        domains=domains,
    )
    extra = console(office.ports, door)
    app = web.application(
        [], shop.engine.accept, _ready, note=_note, base_url=office.url, now=lambda: shop.now, extra=extra
    )
    async with web.serving(app, listening):
        yield office
        for client in office.clients:
            await client.aclose()
    await delivery.close()


def privacy(shop: Shop) -> Privacy:
    """What customers may ask of us."""

    async def no_letters(_addresses: object) -> int:
        return 0

    forgetting = Forgetting(ledger=shop.ledger, memory=shop.memory, letters=no_letters)
    return Privacy(ledger=shop.ledger, erasures=Erasures(forgetting, lambda: shop.now, shop.engine.new_id))


def status(office: Office, readers: Mapping[str, Any]) -> Status:
    """How everything does, of which Slack is off."""
    shop = office.shop
    off = {"slack": "SLACK_BOT_TOKEN is not set"}
    return Status(
        ledger=shop.ledger,
        memory=shop.memory,
        health=office.health,
        house=HOUSE,
        settings=[Setting(name=name, label=HOUSE.label(name), off=off.get(name, "")) for name in HOUSE.channels],
        channels={**office.channels, **readers},
        about=About(
            version="1.2.3", model="gpt-x at models.test", retention={"What was said": "30 days"}, most_for_memory=100
        ),
        post=office.delivery.post,
        hear=shop.engine.accept,
        free=lambda: 123_000_000_000,
        now=lambda: shop.now,
    )


def lookout(shop: Shop) -> Lookout:
    """Who tells open pages what is new, soon enough for a test."""
    return Lookout(ledger=shop.ledger, hours=ALWAYS, patience=timedelta(minutes=15), now=lambda: shop.now, every=0.02)


def password_of(name: str) -> str:
    """What a colleague signs in with."""
    return f"the long password of {name}"


async def _note(*_: object) -> None: ...


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
