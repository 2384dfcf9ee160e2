"""What goes wrong meanwhile: providers that fail, a database that is locked or loses its connections, and input that is
none."""

import asyncio
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import aiohttp
import psycopg

from tests.soak.town import Town
from tests.twins.discord import Trouble as DiscordTrouble
from tests.twins.twilio import Trouble as TwilioTrouble

_LOCKED = 2.0  # seconds
_AWAY = 4.0
_MODEL = ("429", "500", "hangs", "drops", "breaks off", "html", "refuses")


class BrokenBy(Exception):
    """Input that is none was answered with an error of ours."""


class Troubles:
    """Makes trouble, of each kind as often as another. `counts` tells how often which was made."""

    def __init__(self, town: Town, database: str, dice: random.Random) -> None:
        self.town = town
        self.counts: Counter[str] = Counter()
        self._database = database
        self._dice = dice
        self._kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "model": self._model, "sms": self._sms, "slack": self._slack, "slack connection": self._slack_connection,
            "discord": self._discord, "discord connection": self._discord_connection, "relay": self._relay,
            "relay after data": self._relay_after_data, "ledger": self._ledger,
        }  # fmt: skip

    async def keep(self, pause: Callable[[], float]) -> None:
        """Makes one after the other, until cancelled."""
        while True:
            await asyncio.sleep(pause())
            kind = self._dice.choice(list(self._kinds))
            self.counts[kind] += 1
            try:
                await self._kinds[kind]()
            finally:
                self.over()

    def over(self) -> None:
        """Every provider is well again."""
        self.town.model.trouble = ""
        self.town.model.released.set()
        self.town.model.released.clear()
        self.town.relay.answers = {}
        self.town.twilio.troubles.clear()
        self.town.discord.troubles.clear()

    async def _model(self) -> None:
        self.town.model.trouble = self._dice.choice(_MODEL)
        await asyncio.sleep(_AWAY)

    async def _sms(self) -> None:
        for _ in range(8):
            status = self._dice.choice((429, 500, 503))
            self.town.twilio.troubles.append(TwilioTrouble(status=status, headers={"Retry-After": "1"}))
        self.town.twilio.break_off = self._dice.random() < 0.5
        await asyncio.sleep(_AWAY)

    async def _slack(self) -> None:
        for _ in range(5):
            self.town.slack.fail("chat.postMessage", self._dice.choice((500, 503)))
        self.town.slack.rate_limit("chat.postMessage", seconds=1, times=2)
        await asyncio.sleep(_AWAY)

    async def _slack_connection(self) -> None:
        self.town.slack.drop()

    async def _discord(self) -> None:
        for _ in range(5):
            self.town.discord.troubles.append(DiscordTrouble(status=self._dice.choice((500, 502, 503))))
        self.town.discord.troubles.append(DiscordTrouble(status=429, retry_after=0.5))
        await asyncio.sleep(_AWAY)

    async def _discord_connection(self) -> None:
        self.town.discord.drop()

    async def _relay(self) -> None:
        self.town.relay.answers = {self._dice.choice(("MAIL", "RCPT", "DATA")): "451 4.3.0 Try again later"}
        await asyncio.sleep(_AWAY)

    async def _relay_after_data(self) -> None:
        self.town.relay.answers = {"DATA": ""}
        await asyncio.sleep(1)

    async def _ledger(self) -> None:
        if self._database.startswith("postgresql"):
            await self._break_connections()
        else:
            await asyncio.to_thread(self._lock)

    async def _break_connections(self) -> None:
        with suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(self._database, autocommit=True) as own:
                await own.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    def _lock(self) -> None:
        with closing(sqlite3.connect(Path(self._database.removeprefix("sqlite:///")), timeout=10)) as other:
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
                threading.Event().wait(_LOCKED)
            other.rollback()


class BadInput:
    """Sends what no provider and no customer would, over every way in. `counts` tells what was answered."""

    def __init__(self, town: Town, dice: random.Random) -> None:
        self._town = town
        self._dice = dice
        self.counts: Counter[str] = Counter()
        self._ways: Sequence[Callable[[], Awaitable[str]]] = (
            self._unsigned, self._chat, self._stream, self._console, self._smtp, self._odd_mail, self._slack,
            self._relay,
        )  # fmt: skip

    async def once(self) -> None:
        """One piece. Raises BrokenBy where it was answered as a failure of ours."""
        way = self._dice.choice(self._ways)
        try:
            said = await way()
        except (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError):
            said = "no answer"
        self.counts[said] += 1
        if said.startswith("5") and said != "503":
            raise BrokenBy(f"{way.__name__}: {said}")

    def _junk(self) -> bytes:
        return self._dice.choice((
            b"", b"{", b'{"id": 1, "text": ["x"]}', b"\xff\xfe\x00", b"[" * 50_000, b"x" * 70_000, b'{"a": "\\ud800"}',
            b"Body=%ff%fe&From=%00", self._dice.randbytes(2_000),
        ))  # fmt: skip

    async def _asked(self, method: str, path: str, **more: object) -> str:
        async with self._town.browser.request(method, f"{self._town.url}{path}", **more) as answer:  # type: ignore[arg-type]
            return str(answer.status)

    async def _unsigned(self) -> str:
        path = self._dice.choice(("/twilio/sms", "/twilio/voice", "/twilio/status", "/twilio/voice/status"))
        return await self._asked("POST", path, data=self._junk(), headers={"x-twilio-signature": "bm8="})

    async def _chat(self) -> str:
        token = self._dice.choice(("Bearer x.y.z", "Bearer", "Basic x"))
        return await self._asked("POST", "/api/chat/messages", data=self._junk(), headers={"authorization": token})

    async def _stream(self) -> str:
        return await self._asked("GET", "/api/chat/stream", headers={"last-event-id": "\xe4" * 500, "cookie": "=;;="})

    async def _console(self) -> str:
        path = self._dice.choice(("/console/cases/0", "/console/login", "/console/cases/999999999999999999999/reply"))
        return await self._asked("POST", path, data=self._junk())

    async def _slack(self) -> str:
        strange = {"type": self._dice.choice(("events_api", "interactive", "?")), "event": {"type": "message"}}
        with suppress(ConnectionError):
            await self._town.slack.emits(strange)
        return "slack"

    async def _relay(self) -> str:
        try:
            async with self._town.browser.ws_connect(f"{self._town.url}/twilio/relay") as socket:
                await socket.send_bytes(self._junk()[:60_000])
                return f"socket {(await socket.receive(timeout=10)).type.name.lower()}"
        except aiohttp.WSServerHandshakeError as refused:
            return str(refused.status)

    async def _smtp(self) -> str:
        return await self._speaks_smtp([self._junk()[:900].replace(b"\n", b" ") + b"\r\n", b"QUIT\r\n"])

    async def _odd_mail(self) -> str:
        head = self._dice.choice((
            b"From: a@b.test, c@d.test\r\n", b"\xff\xfe: \r\n",
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 30,
            b"From: =?utf-8?q?=ff?= <a@b.test>\r\nContent-Transfer-Encoding: base64\r\n", b"\r\n\r\n",
        ))  # fmt: skip
        return await self._speaks_smtp([
            b"EHLO x\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<support@acme.test>\r\n", b"DATA\r\n",
            head + b"\r\n" + self._junk()[:20_000].replace(b"\r\n.", b"") + b"\r\n.\r\n", b"QUIT\r\n",
        ])  # fmt: skip

    async def _speaks_smtp(self, lines: Sequence[bytes]) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self._town.ports["SMTP_LISTEN_PORT"]))
        try:
            async with asyncio.timeout(20):
                said = await reader.readline()
                for line in lines:
                    writer.write(line)
                    await writer.drain()
                    said = await reader.readline()
                    while said[3:4] == b"-":
                        said = await reader.readline()
            return f"smtp {said[:3].decode(errors='replace')}"
        finally:
            writer.close()
