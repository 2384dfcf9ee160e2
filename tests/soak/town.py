"""A town of customers who write on every channel at once, to providers that repeat themselves as the real ones do.

Each message has a number of its own in it, by which it is found on record.
"""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Self

import aiohttp
import aiosmtplib

from core.backends.ledger.database import Database
from tests.crash.house import again
from tests.process.running import RELAY, free_port
from tests.soak.audit import waits
from tests.twins.discord import DiscordTwin
from tests.twins.mail import MailRelay
from tests.twins.openai import KEY, MODEL, OpenAITwin, openai_twin
from tests.twins.slack import SlackTwin
from tests.twins.twilio import Call, Twilio
from tests.twins.twiml import BadTwiml

CHANNELS = ("sms", "web", "slack", "discord", "email", "voice")
CUSTOMERS = 60  # on each channel
KNOWN = 20  # on Discord
_SAID = (
    "I was charged $99 but I downgraded to the $49 plan.",
    "My parcel with order W4829137 has not arrived.",
    "The kettle does not switch on, I already tried another socket.",
    "Thank you, that helped.",
    "I want to talk to a human.",
    "How do I change my address?",
    "This is the third time I write about it!",
)
_UNHEARD = (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError)


class NotTaken(Exception):
    """The bot did not take a message; its sender keeps it."""


class Town:
    """`async with Town() as town`; `said` counts what senders have handed over, or their providers hold, by channel."""

    def __init__(self) -> None:
        self.said: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
        self.model = OpenAITwin()
        self.dice = random.Random(7)  # noqa: S311 - a town, not a secret
        self.ports = {"WEB_PORT": str(free_port()), "SMTP_LISTEN_PORT": str(free_port())}
        self._numbers = itertools.count(10_001)
        self._twins = AsyncExitStack()

    async def __aenter__(self) -> Self:
        twilio = Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100")
        self.twilio = await self._twins.enter_async_context(twilio)
        self.twilio.now = lambda: datetime.now(UTC)
        self.slack = await self._twins.enter_async_context(SlackTwin())
        self.discord = await self._twins.enter_async_context(DiscordTwin())
        self.relay = await self._twins.enter_async_context(MailRelay().open())
        await self._twins.enter_async_context(openai_twin(self.model))
        self.model.says(reply="I have noted it. Could you tell me your order number?")
        self.twilio.deliver_to = self.url
        self.browser = await self._twins.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=30))
        )
        return self

    async def __aexit__(self, *_reason: object) -> None:
        await self._twins.aclose()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['WEB_PORT']}"

    @property
    def settings(self) -> Mapping[str, str]:
        """Of every process of the bot."""
        return {
            **self.ports,
            "BURST_SECONDS": "0.5",
            "VOICE_MODE": "gather",
            "TWILIO_ACCOUNT_SID": self.twilio.account_sid,
            "TWILIO_AUTH_TOKEN": self.twilio.auth_token,
            "TWILIO_FROM_NUMBER": self.twilio.number,
            "TWILIO_API_BASE": self.twilio.base,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "DISCORD_BOT_TOKEN": self.discord.token,
            "DISCORD_API_BASE": self.discord.api_base,
            "DISCORD_GATEWAY_URL": self.discord.gateway_url,
            "SMTP_RELAY_HOST": "127.0.0.1",
            "SMTP_RELAY_PORT": str(self.relay.port),
            "SMTP_RELAY_STARTTLS": "false",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.model.url}/v1",
            "OPENAI_MODEL": MODEL,
            "OPENAI_TIMEOUT": "3",
            "TURNS_AN_HOUR": "100000",
            "SENT_AN_HOUR": "100000",
            "MODEL_TURNS_AN_HOUR": "100000",
        }

    async def talk(self, channel: str, pause: Callable[[], float]) -> None:
        """Customers of one channel write, one after the other, until cancelled; what was begun is handed over."""
        speak = getattr(self, f"_by_{channel}")
        while True:
            await asyncio.sleep(pause())
            number = next(self._numbers)
            text = f"{self.dice.choice(_SAID)} My note {number}."
            await asyncio.shield(self._handing(channel, number, speak(self.dice.randrange(CUSTOMERS), text)))

    async def introduce(self, database: Database) -> None:
        """Everybody on Discord says hello, so that what they say to nobody is found in conversations that are known."""
        await self.discord.until(sessions=1)
        for customer in range(KNOWN):
            self.discord.says(_discord(customer), "Hello!")
        await self.discord.until(posts=KNOWN)
        while any(await waits(database)):
            pass

    async def _handing(self, channel: str, number: int, speaking: Any) -> None:
        await speaking
        self.said[channel].append(number)

    def received(self) -> Mapping[str, Counter[str]]:
        """The messages of ours that providers have, by channel: by Message-ID where copies have the same one."""
        discord = [one for one in self.discord.posted if one.get("content")]
        counts: Mapping[str, Sequence[object]] = {
            "sms": self.twilio.sent,
            "slack": self.slack.posted,
            "discord": discord,
        }
        mails = Counter(str(mail.message["Message-ID"]) for mail in self.relay.caught)
        return {name: Counter({"": len(posted)}) for name, posted in counts.items()} | {"email": mails}

    async def _by_sms(self, customer: int, text: str) -> None:
        """Twilio asks once; what was cut off it only lists. What was refused, its sender's telephone sends again."""
        sender = f"+1555{2_000_000 + customer}"
        record = self.twilio.archive.keeps(sender, text, at=datetime.now(UTC))
        told = {"MessageSid": record.sid, "SmsSid": record.sid, "AccountSid": self.twilio.account_sid, "From": sender,
                "To": self.twilio.number, "Body": text, "NumMedia": "0", "SmsStatus": "received"}  # fmt: skip
        await again(lambda: self._delivered(self.twilio.sign("/twilio/sms", told)), NotTaken, *_UNHEARD)

    async def _delivered(self, delivery: Any) -> None:
        answer = await self.twilio.deliver(delivery)
        if answer.status >= 300:
            raise NotTaken

    async def _by_web(self, _customer: int, text: str) -> None:
        cookie = await again(self._visits, NotTaken, *_UNHEARD)
        message = {"id": f"m{_number(text)}", "text": text}
        await again(lambda: self._posts(cookie, message), NotTaken, *_UNHEARD)

    async def _visits(self) -> str:
        async with self.browser.get(f"{self.url}/chat") as page:
            if page.status != 200:
                raise NotTaken
            return page.headers["set-cookie"].partition(";")[0]

    async def _posts(self, cookie: str, message: Mapping[str, str]) -> None:
        headers = {"cookie": cookie, "content-type": "application/json"}
        async with self.browser.post(
            f"{self.url}/api/chat/messages", data=json.dumps(message), headers=headers
        ) as sent:
            if sent.status >= 300:
                raise NotTaken

    async def _by_slack(self, customer: int, text: str) -> None:
        await again(lambda: self.slack.emits(self.slack.says(f"U{customer:03}ANN", text)), ConnectionError)

    async def _by_discord(self, customer: int, text: str) -> None:
        self.discord.now = datetime.now(UTC)
        self.discord.says(_discord(customer % KNOWN), text)

    async def _by_email(self, customer: int, text: str) -> None:
        mail, number = EmailMessage(), _number(text)
        mail["Authentication-Results"] = f"{RELAY}; dmarc=pass header.from=shop.test"
        mail["From"], mail["To"], mail["Subject"] = f"c{customer}@shop.test", "support@acme.test", "Please help"
        mail["Message-ID"] = f"<m{number}@shop.test>"
        mail.set_content(text)
        port, hand_over = int(self.ports["SMTP_LISTEN_PORT"]), aiosmtplib.send
        await again(
            lambda: hand_over(mail, hostname="127.0.0.1", port=port, start_tls=False, timeout=20),
            aiosmtplib.SMTPException, OSError,
        )  # fmt: skip

    async def _by_voice(self, customer: int, text: str) -> None:
        """Who is cut off, or hears nothing, calls again and says it again."""
        await again(lambda: self._calls(customer, text), BadTwiml, *_UNHEARD)

    async def _calls(self, customer: int, text: str) -> None:
        call = self.twilio.calls(f"+1555{3_000_000 + customer}", verstat="TN-Validation-Passed-A")
        await call.dials()
        await _listens(call)
        await call.says(text)
        await _listens(call)
        await call.hangs_up()


async def _listens(call: Call) -> None:
    while call.redirect:
        await call.holds_on()


def _discord(customer: int) -> str:
    return f"8000000000000{customer:05}"


def _number(text: str) -> str:
    return text.rstrip(".").rpartition(" ")[2]
