"""The outside services and the customers' ends of them: a browser that chats, a telephone, a mail server."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid
from xml.etree import ElementTree as ET

import aiohttp
import aiosmtplib
import jwt
from aiosmtpd.smtp import SMTP, Envelope, Session
from twilio.request_validator import RequestValidator

from core.errors import Problem

ISSUER, AUDIENCE, KID = "https://login.acme.test", "throughline", "demo"
MX = "mx.acme.test"
SUPPORT = "support@acme.test"
_LOGIN_LIFE = timedelta(minutes=10)


def login(key: str, *, subject: str, email: str) -> dict[str, str]:
    """The headers of a customer whom the company's website has signed in."""
    now = datetime.now(UTC)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "email": email, "email_verified": True}
    times = {"iat": now, "exp": now + _LOGIN_LIFE}
    return {"authorization": f"Bearer {jwt.encode(claims | times, key, algorithm='HS256', headers={'kid': KID})}"}


@dataclass(kw_only=True)
class Chat:
    """Somebody's open chat page."""

    page: aiohttp.ClientSession
    heard: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    async def says(self, text: str) -> str:
        """Sends a message and returns what is shown next."""
        message = {"id": uuid.uuid4().hex, "text": text}
        async with self.page.post("/api/chat/messages", json=message) as answer:
            await _expect(answer)
        return await self.heard.get()

    async def listen(self) -> None:
        """Follows the page's stream of events."""
        async with self.page.get("/api/chat/stream", timeout=aiohttp.ClientTimeout(total=None)) as stream:
            await _expect(stream)
            async for line in stream.content:
                said = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {"from": "customer"}
                if said["from"] != "customer":
                    self.heard.put_nowait(said["text"])


@asynccontextmanager
async def chatting(url: str, headers: Mapping[str, str]) -> AsyncIterator[Chat]:
    """A chat page, open until the block is left."""
    async with aiohttp.ClientSession(url, headers=headers) as page:
        chat = Chat(page=page)
        listening = asyncio.create_task(chat.listen())
        try:
            yield chat
        finally:
            listening.cancel()


@dataclass(frozen=True, kw_only=True)
class Account:
    """The company's account with the telephone company, which signs what it delivers."""

    sid: str
    token: str
    number: str


@dataclass(kw_only=True)
class Call:
    """One telephone call, as Twilio reports it step by step to the webhook `url`."""

    phone: aiohttp.ClientSession
    account: Account
    caller: str
    url: str
    next_step: str = ""
    sid: str = field(default_factory=lambda: f"CA{uuid.uuid4().hex}")

    async def dials(self) -> str:
        """Rings, with the carrier's word that the caller's number is theirs; returns what is said."""
        self.next_step = self.url
        return await self._step({"CallStatus": "ringing", "StirVerstat": "TN-Validation-Passed-A"})

    async def says(self, words: str) -> str:
        """The caller speaks; returns what is answered."""
        return await self._step({"CallStatus": "in-progress", "SpeechResult": words, "Confidence": "0.93"})

    async def hangs_up(self) -> None:
        """The call is over."""
        await self._post(f"{self.url}/status", {"CallStatus": "completed", "CallDuration": "31"})

    async def _step(self, told: Mapping[str, str]) -> str:
        """What is spoken until Twilio has to listen again."""
        spoken: list[str] = []
        verbs = ET.fromstring(await self._post(self.next_step, told))  # noqa: S314 - the bot's own
        while True:
            spoken += [say.text or "" for say in verbs.iter("Say")]
            if (redirect := verbs.findtext("Redirect")) is None:
                break
            verbs = ET.fromstring(await self._post(redirect, {"CallStatus": "in-progress"}))  # noqa: S314
        gather = verbs.find("Gather")
        self.next_step = gather.get("action", "") if gather is not None else self.next_step
        return " ".join(spoken)

    async def _post(self, url: str, told: Mapping[str, str]) -> str:
        call = {"CallSid": self.sid, "AccountSid": self.account.sid, "From": self.caller, "To": self.account.number}
        fields = {**call, **told, "Direction": "inbound", "ApiVersion": "2010-04-01"}
        signature = RequestValidator(self.account.token).compute_signature(url, fields)
        async with self.phone.post(url, data=fields, headers={"X-Twilio-Signature": signature}) as answer:
            return await _expect(answer)


@dataclass(kw_only=True)
class MailServer:
    """The company's mail server: judges who wrote, hands mail to the bot, and takes the bot's mail to its readers."""

    bot_port: int
    port: int = 0
    arrived: "asyncio.Queue[EmailMessage]" = field(default_factory=asyncio.Queue)

    async def brings(self, sender: str, text: str, *, dmarc: str) -> EmailMessage:
        """A mail comes in, with what the server found out about its sender; returns the bot's answer."""
        mail = EmailMessage()
        mail["Authentication-Results"] = f"{MX}; dmarc={dmarc} header.from={sender.partition('@')[2]}"
        mail["From"], mail["To"], mail["Subject"] = sender, SUPPORT, text
        mail["Message-ID"] = make_msgid(domain="shop.test")
        mail.set_content(text)
        await aiosmtplib.send(
            mail, hostname="127.0.0.1", port=self.bot_port, start_tls=False, sender=sender, recipients=[SUPPORT]
        )
        return await self.arrived.get()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Takes a mail of the bot's."""
        content = envelope.content or b""
        text = content if isinstance(content, bytes) else content.encode()
        self.arrived.put_nowait(message_from_bytes(text, policy=policy.default))
        return "250 2.0.0 taken"


@asynccontextmanager
async def mail_server(bot_port: int) -> AsyncIterator[MailServer]:
    """A mail server on a free port, until the block is left."""
    ours = MailServer(bot_port=bot_port)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(ours, hostname=MX), "127.0.0.1", 0)
    async with server:
        ours.port = server.sockets[0].getsockname()[1]
        yield ours


def text_of(mail: EmailMessage) -> str:
    """What its reader sees."""
    body = mail.get_body(("plain",))
    return str(body.get_content()).strip() if body else ""


async def _expect(answer: aiohttp.ClientResponse) -> str:
    if not answer.ok:
        raise Problem(f"{answer.method} {answer.url.path} was answered {answer.status}: {await answer.text()}")
    return await answer.text() if answer.content_type != "text/event-stream" else ""
