"""Two bots side by side, each `python -m bots run` with all that it is connected to: in one the victim is a customer
with an open case, in the other there is no such person. Each attack is played on both."""

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt

from tests.process.running import RELAY, Bot, imports, running
from tests.twins.discord import DiscordTwin
from tests.twins.dns import DnsTwin
from tests.twins.mail import MailRelay
from tests.twins.signing import Domain
from tests.twins.slack import SlackTwin
from tests.twins.twilio import Call, Twilio

SUPPORT = "support@acme.test"
JOHN = "john@shop.test"
NUMBER = "+15550142"
HOUSEHOLD = "+15550143"
RECYCLED = "+15550144"
CARLA = "carla@plain.test"  # whose domain publishes nothing: her mail is never more than claimed
DISCORD = "800000000000000011"
CHARGED = "I was charged $777.13 but I downgraded to the $49 plan last week. I already checked the invoice."
CANARIES = ("John", "777.13", "checked the invoice", "Rosa", "888.14", "666.12")
ASK = "Hello, any news about my case?"
HOLD_ON = "One moment, please."
CODE_WISH = "Please link my other account, which code do I need?"
DIRECTORY = (
    {"external_id": "cus_1", "name": "John Miller", "email": JOHN, "phone": NUMBER, "verified_at": "2026-01-01"},
    {"external_id": "cus_2", "name": "Rosa Long", "phone": RECYCLED, "verified_at": "2026-01-01"},
    {"external_id": "cus_3", "name": "Ann Long", "phone": HOUSEHOLD, "verified_at": "2026-01-01"},
    {"external_id": "cus_4", "name": "Rosa Long", "phone": HOUSEHOLD, "verified_at": "2026-01-01"},
)
SHOP = Domain(name="shop.test")
ZONE = SHOP.record() | {
    ("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=reject"],
    ("shop.test", "TXT"): ["v=spf1 ip4:198.51.100.1 -all"],
}
JWT_SECRET = "a secret of the business, long enough"
JWT_SETTINGS = {"WEBCHAT_JWT_ISSUER": "https://acme.test", "WEBCHAT_JWT_AUDIENCE": "throughline"}

OUR_RELAY, STRANGER = "127.0.0.1", "127.0.0.2"
_WHOLE = ("links", "directory", "tombstones", "accounts")
_OPEN = "SELECT 1 FROM messages WHERE state <> 'answered' UNION SELECT 1 FROM outbox WHERE state = 'waiting'"
_DAY = 25 * 3600 * 1_000_000  # a day and a little, as the ledger counts


@dataclass(kw_only=True)
class Stage:
    """One bot, its provider twins, and its ledger's file."""

    bot: Bot
    relay: MailRelay
    twilio: Twilio
    discord: DiscordTwin
    slack: SlackTwin
    http: aiohttp.ClientSession
    token: str = "a2345672a2345672a2345672a2345672"  # of the thread of the victim's mail
    claimed_token: str = "b2345672b2345672b2345672b2345672"  # of Carla's
    used_code: str = "112358"
    protected: Sequence[int] = ()

    # What an attacker does

    async def mails(
        self,
        content: bytes,
        *,
        sender: str = "mallory@evil.test",
        to: str = SUPPORT,
        peer: str = OUR_RELAY,
        end: bytes = b"\r\n.\r\n",
    ) -> list[str]:
        """Hands in a mail byte for byte, from a host of this address; returns how the server answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.bot.smtp_port), local_addr=(peer, 0))
        lines = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"]
        answers = [await reader.readline()]
        for line in ("HELO evil.test", *lines):
            writer.write(line.encode() + b"\r\n")
            answers.append(await reader.readline())
        writer.write(content + end + b"QUIT\r\n")
        answers += [line async for line in reader]
        writer.close()
        await writer.wait_closed()
        return [line[:3].decode() for line in answers]

    async def posts(self, text: str, headers: dict[str, str]) -> list[str]:
        """Writes in web chat; returns what was answered at once, and what the bot then says in it."""
        said = {"id": f"m{time.monotonic_ns()}", "text": text}
        async with self.http.post(f"{self.bot.url}/api/chat/messages", json=said, headers=headers) as answer:
            answered = [str(answer.status), "" if answer.ok else await answer.text()]
        async with self.http.get(f"{self.bot.url}/api/chat/stream", headers=headers) as stream:
            if not stream.ok:
                return [*answered, str(stream.status), await stream.text()]
            await self.quiet()
        async with self.http.get(f"{self.bot.url}/api/chat/stream", headers=headers) as stream:
            return [*answered, str(stream.status), await _last_of_bot(stream)]

    async def session(self) -> dict[str, str]:
        """A visitor's cookie, as their browser sends it."""
        async with self.http.get(f"{self.bot.url}/chat") as page:
            return {"cookie": page.headers["set-cookie"].partition(";")[0]}

    async def texts(self, sender: str, text: str, **fields: str | None) -> str:
        """A text message; returns what is answered by text."""
        before = len(self.twilio.sent)
        _, answer = await self.twilio.texts(sender, text, **fields)
        await self.quiet()
        return " ".join([str(answer.status), *(sent.body for sent in self.twilio.sent[before:])])

    # What can be seen

    async def quiet(self) -> None:
        """Returns when all that was accepted is answered, and all answers are out."""
        with closing(self._ledger()) as ledger:
            while ledger.execute(_OPEN).fetchone():  # noqa: ASYNC110 - nobody wakes us from another process
                await asyncio.sleep(0.005)

    async def witness(self, attack: "Attack") -> list[object]:
        """All that an attack brought to light, and all that was sent to anybody meanwhile; codes and ids masked."""
        mails, texts, posts = len(self.relay.caught), len(self.twilio.sent), len(self.discord.posted)
        slack = len(self.slack.posted)
        seen: list[object] = [await attack(self)]
        await self.quiet()
        for caught in self.relay.caught[mails:]:
            parts = [str(part.get_content()) for part in caught.message.walk() if not part.is_multipart()]
            seen.append((caught.recipients, str(caught.message["Subject"]), *parts))
        # What goes to different people goes in no order.
        seen += sorted((sent.to, sent.body) for sent in self.twilio.sent[texts:])
        seen += sorted(post["content"] for post in self.discord.posted[posts:])
        seen += sorted((post.channel, str(post.user), post.text) for post in self.slack.posted[slack:])
        return [masked(one) for one in seen]

    def said_in(self, channel: str) -> list[str]:
        """Everything that the bot ever said on a channel."""
        with closing(self._ledger()) as ledger:
            rows = ledger.execute("SELECT text FROM outbox WHERE channel = ? ORDER BY id", [channel])
            return [text for (text,) in rows]

    def protect(self) -> None:
        """All handles that there are now are the victim's."""
        with closing(self._ledger()) as ledger:
            self.protected = [number for (number,) in ledger.execute("SELECT id FROM handles")]

    def belongings(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything on record about the protected handles: what they told, own, were sent, asked for and used up."""
        with closing(self._ledger()) as ledger:
            return {table: ledger.execute(query).fetchall() for table, query in self._queries(ledger).items()}

    def _queries(self, ledger: sqlite3.Connection) -> dict[str, str]:
        whose = f"({','.join(map(str, self.protected))})"
        queries = {"handles": f"SELECT * FROM handles WHERE id IN {whose}"}  # noqa: S608 - numbers of our own
        queries |= {table: f"SELECT * FROM {table}" for table in _WHOLE}  # noqa: S608
        for (table,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in ledger.execute(f"PRAGMA table_info({table})")]
            theirs = [name for name in ("handle_id", "last_handle_id", "shown_by") if name in columns]
            if theirs:
                where = " OR ".join(f"{name} IN {whose}" for name in theirs)
                queries[table] = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608
        lines = f"SELECT line FROM messages WHERE handle_id IN {whose}"  # noqa: S608
        nodes = ",".join(f"'h:{number}'" for number in self.protected)
        theirs_or_of_the_directory = f"SELECT key FROM evidence WHERE node LIKE 'd:%' OR node IN ({nodes})"  # noqa: S608
        queries["evidence"] = f"SELECT * FROM evidence WHERE key IN ({theirs_or_of_the_directory})"  # noqa: S608
        return queries | {"wrong_codes": f"SELECT * FROM wrong_codes WHERE line IN ({lines})"}  # noqa: S608

    def a_day_passes(self) -> None:
        """As far as budgets and greetings go."""
        self.rewrites(
            f"UPDATE handles SET opened_at = opened_at - {_DAY} WHERE hint <> ''",  # noqa: S608
            f"UPDATE handles SET answered_at = answered_at - {_DAY}",  # noqa: S608
            f"UPDATE turns SET settled_at = settled_at - {_DAY}",  # noqa: S608
            f"UPDATE outbox SET created_at = created_at - {_DAY}",  # noqa: S608
            f"UPDATE messages SET received_at = received_at - {_DAY}, told_at = told_at - {_DAY}",  # noqa: S608
            f"UPDATE wrong_codes SET at = at - {_DAY}",  # noqa: S608
            f"UPDATE grants SET since = since - {_DAY}",  # noqa: S608
        )

    def rewrites(self, *changes: str) -> None:
        with closing(self._ledger()) as ledger, ledger:
            for change in changes:
                ledger.execute(change)

    def _ledger(self) -> sqlite3.Connection:
        return sqlite3.connect(self.bot.folder / "var" / "throughline.db", timeout=10)

    # What the victim does

    async def greets_the_caller(self) -> bool:
        """Whether the customer, who calls, is greeted by name and by the right issue."""
        call = self.twilio.calls(NUMBER, verstat="TN-Validation-Passed-A")
        heard = await in_the_end(call, await call.dials())
        await call.hangs_up()
        await self.quiet()
        return all(known in heard for known in CANARIES[:3])

    async def mailed(self, content: bytes, **envelope: Any) -> tuple[str, str]:
        """A mail, and what is answered to it: the text, and the token in the address to reply to."""
        before = len(self.relay.caught)
        assert "250" in await self.mails(content, **envelope)
        await self.quiet()
        [answer] = self.relay.caught[before:]
        body = answer.message.get_body(("plain",))
        assert body
        return str(body.get_content()), str(answer.message["Reply-To"]).partition("+")[2].partition("@")[0]


Attack = Callable[[Stage], Awaitable[object]]


@dataclass(kw_only=True)
class Theatre:
    """Both stages."""

    present: Stage
    absent: Stage
    dns: DnsTwin

    async def withstands(self, attack: Attack) -> list[Any]:
        """Plays an attack: it learns nothing of the victim, changes nothing of theirs, and they are known after it."""
        for stage in (self.present, self.absent):
            stage.a_day_passes()
        before = self.present.belongings()
        seen, elsewhere = await asyncio.gather(self.present.witness(attack), self.absent.witness(attack))
        assert seen == elsewhere
        assert not [canary for canary in CANARIES if canary in str(seen)]
        after = self.present.belongings()
        assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
        assert await self.present.greets_the_caller()
        return seen


def masked(seen: object) -> object:
    """Without codes, and without what is random by design: confirmation digits never stand in a forger's answer."""
    if isinstance(seen, str):
        return re.sub(r"(?<!\d)\d{6}(?:\d\d)?(?!\d)", "######", seen)
    return type(seen)(map(masked, seen)) if isinstance(seen, list | tuple) else seen


def letter(
    author: str = f"From: {JOHN}", *, verdicts: Sequence[str] = (), more: Sequence[str] = (), text: str = ASK
) -> bytes:
    """A mail with this From line, below these Authentication-Results."""
    head = [*(f"Authentication-Results: {verdict}" for verdict in verdicts), author, f"To: {SUPPORT}", "Subject: Help"]
    head += [f"Message-ID: <{time.monotonic_ns()}@evil.test>", *more, "", text]
    return "\r\n".join(head).encode()


def judged(domain: str, result: str = "pass") -> str:
    """What our relay says of a mail."""
    return f"{RELAY}; dmarc={result} header.from={domain}"


def login(**changes: object) -> dict[str, object]:
    """The claims of a customer's login."""
    now = int(time.time())
    claims: dict[str, object] = {"sub": "cus_1", "iat": now, "exp": now + 300, "iss": "https://acme.test"}
    claims |= {"aud": "throughline", **changes}
    return {name: value for name, value in claims.items() if value is not None}


def bearer(claims: dict[str, object], key: Any = JWT_SECRET, algorithm: str = "HS256", **header: object) -> str:
    """A signed token, as a header has it."""
    headers = {name: value for name, value in ({"kid": "hs"} | header).items() if value is not None}
    return f"Bearer {jwt.encode(claims, key, algorithm, headers=headers)}"


async def in_the_end(call: Call, heard: str) -> str:
    """What a caller hears who holds on for as long as they are asked to: on a busy machine that may be seconds."""
    while call.redirect:
        heard = f"{heard.removesuffix(HOLD_ON)}{await call.holds_on()}"
    return heard


async def _last_of_bot(stream: aiohttp.ClientResponse) -> str:
    """What the bot said last of what a page shows when it opens; every message of ours is answered."""
    said = ""
    customers = bots = 0
    async for line in stream.content:
        if line.startswith(b"data: "):
            event = json.loads(line[6:])
            customers += event["from"] == "customer"
            bots += event["from"] != "customer"
            said = event["text"] if event["from"] != "customer" else said
            if bots >= customers:
                return str(said)
    return ""


@asynccontextmanager
async def theatre(folder: Path, keys: dict[str, str]) -> AsyncIterator[Theatre]:
    """Both bots, ready; `keys` are those that logins are signed with."""
    async with AsyncExitStack() as stack:
        dns = await stack.enter_async_context(DnsTwin(zone=dict(ZONE)).open())
        present, absent = [folder / name for name in ("present", "absent")]
        present.mkdir()
        absent.mkdir()
        await imports(present, *DIRECTORY)
        settings = {"MAIL_DNS": dns.address, "WEBCHAT_JWT_KEYS": json.dumps(keys), **JWT_SETTINGS}
        stages = await asyncio.gather(*(_stage(stack, place, settings) for place in (present, absent)))
        await _victims(stages[0])
        yield Theatre(present=stages[0], absent=stages[1], dns=dns)


async def _stage(stack: AsyncExitStack, folder: Path, settings: dict[str, str]) -> Stage:
    twilio = await stack.enter_async_context(
        Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100")
    )
    discord = await stack.enter_async_context(DiscordTwin())
    slack = await stack.enter_async_context(SlackTwin())
    relay = await stack.enter_async_context(MailRelay().open())
    http = await stack.enter_async_context(aiohttp.ClientSession())
    connected = {
        "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "TWILIO_AUTH_TOKEN": twilio.auth_token,
        "TWILIO_FROM_NUMBER": twilio.number,
        "VOICE_MODE": "gather",
        "TWILIO_API_BASE": twilio.base,
        "DISCORD_BOT_TOKEN": discord.token,
        "DISCORD_API_BASE": discord.api_base,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "SMTP_RELAY_HOST": "127.0.0.1",
        "SMTP_RELAY_PORT": str(relay.port),
        "SMTP_RELAY_STARTTLS": "false",
    }
    bot = await stack.enter_async_context(running(folder, **settings, **connected))
    twilio.deliver_to = bot.url
    await discord.until(sessions=1)
    await slack.connections.get()
    return Stage(bot=bot, relay=relay, twilio=twilio, discord=discord, slack=slack, http=http)


async def _victims(stage: Stage) -> None:
    """The customers live a little: John by every channel, others by their telephones, Carla by unsigned mail."""
    _, stage.token = await stage.mailed(letter(verdicts=[judged("shop.test")], text=CHARGED), sender=JOHN)
    carla = "I was charged $666.12 twice."
    _, stage.claimed_token = await stage.mailed(letter(f"From: {CARLA}", text=carla), sender=CARLA)
    await stage.texts(RECYCLED, "I was charged $888.14 twice.")
    stage.rewrites(f"UPDATE handles SET heard_at = heard_at - 60 * {_DAY} WHERE address = '{RECYCLED}'")  # noqa: S608
    await stage.texts(NUMBER, "Hello")
    await stage.posts("Hello", {"authorization": bearer(login())})
    stage.discord.says(DISCORD, CODE_WISH)
    await stage.discord.until(posts=1)
    stage.used_code = re.findall(r"(?<!\d)\d{6}(?!\d)", stage.discord.posted[-1]["content"])[-1]
    asked = await stage.texts(NUMBER, stage.used_code)
    assert "are one" in await stage.texts(NUMBER, re.findall(r"answer with (\d\d)", asked)[0])
    stage.slack.users["U1JOHN"] = {"profile": {"email": JOHN}}
    await stage.slack.emits(stage.slack.says("U1JOHN", "Hello"))
    await stage.slack.next_post()
    assert await stage.greets_the_caller()
    stage.protect()
