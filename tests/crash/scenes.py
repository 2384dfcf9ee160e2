"""The scenes: what is said on each channel while the process dies, by senders that repeat themselves as the real ones
do. A scene opens its twins, and plays until every customer has been answered."""

import asyncio
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import aiohttp
import aiosmtplib

from bots.demo.outside import AUDIENCE, ISSUER, KID, login
from channels._markdown.speech import speakable
from tests.crash.audit import Outside, kept
from tests.crash.house import TOKEN, House, again
from tests.crash.words import CHARGED, HUMAN, REFUND, THANKS
from tests.process.running import RELAY
from tests.twins.company import KEY as COMPANY_KEY
from tests.twins.company import company
from tests.twins.discord import DiscordTwin
from tests.twins.mail import MailRelay
from tests.twins.slack import SlackTwin
from tests.twins.twilio import Twilio

ANSWER = "Hi Ann, the $50 is on its way back to you. Maria"
ANN = "+15550142"
_SECRET = "a key that signs logins, long enough to be one"
UNHEARD = (aiohttp.ClientError, OSError, TimeoutError)


def now() -> datetime:
    """By the clock on the wall: the real process goes by it."""
    return datetime.now(UTC)


class Scene(ABC):
    """One channel. `first` is what is played before the fuses count, for senders that need an acquaintance."""

    name: ClassVar[str]
    channels: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.twins = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_reason: object) -> None:
        await self.twins.aclose()

    @abstractmethod
    async def open(self) -> None:
        """Opens the twins."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """Of the process."""

    async def first(self, house: House) -> None:
        """What happens before the fuses count."""
        assert house.starts >= 0

    @abstractmethod
    async def play(self, house: House) -> None:
        """Says everything, and returns when everything was answered."""

    @abstractmethod
    def outside(self) -> Outside:
        """What the provider has in the end."""

    async def faults(self, house: House) -> Sequence[str]:
        """What else it left that it should not have left."""
        return []

    def killed(self) -> None:
        """The process was killed."""
        assert self.folder.exists()


class Texts(Scene):
    """SMS. Twilio does not deliver a webhook again that was cut off; it lists the message."""

    name = "sms"
    channels = "sms"

    async def open(self) -> None:
        self.twilio = await self.twins.enter_async_context(
            Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100")
        )
        self.twilio.now = now

    @property
    def settings(self) -> Mapping[str, str]:
        twin = self.twilio
        return {"CHANNELS": self.channels, "TWILIO_ACCOUNT_SID": twin.account_sid, "TWILIO_AUTH_TOKEN": twin.auth_token,
                "TWILIO_FROM_NUMBER": twin.number, "TWILIO_API_BASE": twin.base}  # fmt: skip

    async def first(self, house: House) -> None:
        await house.until((house.folder / "var" / "sms.json").exists)  # what came before is nobody's to answer

    async def play(self, house: House) -> None:
        self.twilio.deliver_to = house.url
        for count, text in enumerate((CHARGED, HUMAN), start=1):
            await self.texts(house, text)
            await house.has(count, lambda: {one.body for one in self.twilio.sent})

    async def texts(self, house: House, text: str, number: str = ANN) -> None:
        record = self.twilio.archive.keeps(number, text, at=now())
        told = {"MessageSid": record.sid, "SmsSid": record.sid, "AccountSid": self.twilio.account_sid, "From": number,
                "To": self.twilio.number, "Body": text, "NumMedia": "0", "SmsStatus": "received"}  # fmt: skip
        delivery = self.twilio.sign("/twilio/sms", told)
        try:
            await again(lambda: self.twilio.deliver(delivery), aiohttp.ClientConnectorError)
        except aiohttp.ClientError:
            return  # cut off: never delivered again

    def outside(self) -> Outside:
        return Outside(got=[one.body for one in self.twilio.sent], said=2)


class Chat(Scene):
    """Web chat of a signed-in customer who is paid back. The page sends the same id until it is taken, and follows the
    stream again where it broke."""

    name = "web"
    channels = "web"

    async def open(self) -> None:
        self.company = await self.twins.enter_async_context(company())
        self.shown: dict[str, str] = {}
        self.doubled: list[str] = []
        entry = f'url = "{self.company.url}"\nheaders = {{ Authorization = "{COMPANY_KEY}" }}\n'
        self.actions = self.folder / "actions.toml"
        self.actions.write_text(f"[refund]\n{entry}limit = 50\n\n[flag]\n{entry}")

    @property
    def settings(self) -> Mapping[str, str]:
        return {"CHANNELS": "web", "PUBLIC_BASE_URL": "", "ACTIONS_FILE": str(self.actions),
                "WEBCHAT_JWT_KEYS": json.dumps({KID: _SECRET}), "WEBCHAT_JWT_ISSUER": ISSUER,
                "WEBCHAT_JWT_AUDIENCE": AUDIENCE}  # fmt: skip

    @staticmethod
    def signed() -> Mapping[str, str]:
        return login(_SECRET, subject="cus_1", email="ann@shop.test")

    async def play(self, house: House) -> None:
        async with aiohttp.ClientSession(house.url, headers=self.signed()) as page:
            following = asyncio.create_task(again(lambda: self.follow(page), *UNHEARD))
            try:
                for text in (REFUND, THANKS):
                    message = {"id": uuid.uuid4().hex, "text": text}
                    await again(partial(self.post, page, message), *UNHEARD)
                    await house.quiet()  # thanks are not answered once a colleague has the case
                    await house.has(len((await kept(house.address)).replies), lambda: self.shown)
            finally:
                following.cancel()
                await asyncio.wait([following])

    async def post(self, page: aiohttp.ClientSession, message: Mapping[str, str]) -> None:
        async with page.post("/api/chat/messages", json=message) as answer:
            answer.raise_for_status()

    async def follow(self, page: aiohttp.ClientSession) -> None:
        seen: set[str] = set()
        async with page.get("/api/chat/stream", timeout=aiohttp.ClientTimeout(total=None)) as stream:
            stream.raise_for_status()
            async for line in stream.content:
                said = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {"from": "customer"}
                if said["from"] == "customer":
                    continue
                self.doubled += [said["text"]] * (said["id"] in seen)
                seen.add(said["id"])
                self.shown[said["id"]] = said["text"]
        raise ConnectionError("the stream ended")

    def outside(self) -> Outside:
        return Outside(got=[*self.shown.values(), *self.doubled], said=2, asked=self.company.attempts)


class Slack(Scene):
    """Slack over Socket Mode: an envelope that was not acknowledged comes again on the next connection."""

    name = "slack"
    channels = "slack"

    async def open(self) -> None:
        self.slack = await self.twins.enter_async_context(SlackTwin())

    @property
    def settings(self) -> Mapping[str, str]:
        twin = self.slack
        return {"CHANNELS": self.channels, "SLACK_BOT_TOKEN": twin.bot_token, "SLACK_APP_TOKEN": twin.app_token,
                "SLACK_API_URL": twin.api_url}  # fmt: skip

    async def play(self, house: House) -> None:
        for count, text in enumerate((CHARGED, HUMAN), start=1):
            with suppress(ConnectionResetError):  # on the next connection, then
                await self.slack.emits(self.slack.says("U1ANN", text))
            await house.has(count, lambda: {one.text for one in self.slack.posted})

    def outside(self) -> Outside:
        return Outside(got=[one.text for one in self.slack.posted], said=2)


class Discord(Scene):
    """Discord: a process that is gone cannot resume its session; what was said meanwhile stands in the conversation.
    By the time the process is back, nonces are forgotten."""

    name = "discord"
    channels = "discord"
    user = "800000000000000011"

    async def open(self) -> None:
        self.discord = await self.twins.enter_async_context(DiscordTwin())
        self.discord.now = now()

    @property
    def settings(self) -> Mapping[str, str]:
        twin = self.discord
        return {"CHANNELS": self.channels, "DISCORD_BOT_TOKEN": twin.token, "DISCORD_API_BASE": twin.api_base,
                "DISCORD_GATEWAY_URL": twin.gateway_url}  # fmt: skip

    async def first(self, house: House) -> None:
        await house.until(lambda: self.discord.identified)
        self.discord.says(self.user, "Hello, is anybody there?")
        await house.until(lambda: self.discord.posted)
        await house.quiet()

    async def play(self, house: House) -> None:
        for count, text in enumerate((CHARGED, HUMAN), start=2):
            self.discord.now = now()
            self.discord.says(self.user, text)
            await house.has(count, lambda: {one["content"] for one in self.discord.posted})

    def killed(self) -> None:
        self.discord.forgets_nonces()

    def outside(self) -> Outside:
        return Outside(got=[one["content"] for one in self.discord.posted], said=3)


class Mail(Scene):
    """Mail: a server keeps a mail until it is taken with 250, and hands it over again after anything else."""

    name = "email"
    channels = "email"
    verdict = "pass"

    async def open(self) -> None:
        self.relay = await self.twins.enter_async_context(MailRelay().open())

    @property
    def settings(self) -> Mapping[str, str]:
        return {"CHANNELS": "email", "SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(self.relay.port),
                "SMTP_RELAY_STARTTLS": "false"}  # fmt: skip

    async def play(self, house: House) -> None:
        for count, text in enumerate((CHARGED, HUMAN), start=1):
            await self.mails(house, text, count)
            await house.has(count, self.read)

    async def mails(self, house: House, text: str, number: int) -> None:
        mail = EmailMessage()
        mail["Authentication-Results"] = f"{RELAY}; dmarc={self.verdict} header.from=shop.test"
        mail["From"], mail["To"], mail["Subject"] = "ann@shop.test", "support@acme.test", "Please help"
        mail["Message-ID"] = f"<m{number}@shop.test>"
        mail.set_content(text)
        port = int(house.settings["SMTP_LISTEN_PORT"])
        hand_over = aiosmtplib.send
        await again(
            lambda: hand_over(mail, hostname="127.0.0.1", port=port, start_tls=False, timeout=20),
            aiosmtplib.SMTPException, OSError,
        )  # fmt: skip

    def read(self) -> Mapping[str, str]:
        """What is in her mailbox: its server drops a second mail with the same Message-ID."""
        return {str(one.message["Message-ID"]): self.words(one.message) for one in self.relay.caught}

    @staticmethod
    def words(message: EmailMessage) -> str:
        body = message.get_body(("plain",))
        return str(body.get_content()) if body else ""

    def outside(self) -> Outside:
        return Outside(got=[self.words(one.message) for one in self.relay.caught], said=2)


class Calls(Texts):
    """The telephone, by Gather: a request of Twilio's that breaks off is asked again, as its address may order; who
    hears nothing says it again."""

    name = "voice"
    channels = "voice"

    @property
    def settings(self) -> Mapping[str, str]:
        return {**super().settings, "VOICE_MODE": "gather"}

    async def first(self, house: House) -> None:
        self.twilio.deliver_to = house.url

    async def play(self, house: House) -> None:
        self.call = self.twilio.calls(ANN, verstat="TN-Validation-Passed-A")
        await again(self.call.dials, *UNHEARD)
        for text in (CHARGED, HUMAN):
            await self.listen()
            await again(partial(self.call.says, text), *UNHEARD)
        await self.listen()

    async def listen(self) -> None:
        while self.call.redirect:
            await again(self.call.holds_on, *UNHEARD)

    def outside(self) -> Outside:
        return Outside(got=self.call.heard, said=3, as_heard=lambda text: speakable(text, "en"))


class Console(Mail):
    """A colleague answers at the console; a browser that could not send is told to send again, the same page."""

    name = "console"

    @property
    def settings(self) -> Mapping[str, str]:
        return {**super().settings, "PUBLIC_BASE_URL": ""}

    async def first(self, house: House) -> None:
        await self.mails(house, f"{CHARGED} {HUMAN}", 1)
        await house.until(self.read)
        await house.quiet()

    async def play(self, house: House) -> None:
        said = {"origin": house.url, "sec-fetch-site": "same-origin"}
        async with aiohttp.ClientSession(house.url, headers=said, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            await again(lambda: self.post(browser, "/console/login", name="", password=TOKEN), *UNHEARD)
            reply = {"reply": ANSWER, "id": uuid.uuid4().hex}
            await again(lambda: self.post(browser, "/console/cases/1/reply", **reply), *UNHEARD)
            await house.has(2, self.read)
            resolve = {"resolution": "Paid back the difference.", "satisfaction": ""}
            await again(lambda: self.post(browser, "/console/cases/1/resolve", **resolve), *UNHEARD)

    async def post(self, browser: aiohttp.ClientSession, path: str, **form: str) -> None:
        sent = aiohttp.FormData(form)
        async with browser.post(path, data=sent) as answer:
            if answer.status >= 500:
                raise ConnectionError(str(answer.status))

    def outside(self) -> Outside:
        return Outside(got=[self.words(one.message) for one in self.relay.caught], said=1)
