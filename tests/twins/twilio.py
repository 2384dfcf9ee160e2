"""A twin of Twilio: REST interface, signed webhooks, a telephone that obeys TwiML; and a host for one channel."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, Self
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web

from core.channel import Channel, Report, Reports, Webhook
from core.errors import Malformed, Unverified
from core.messages import InboundMessage, Raw
from tests.site import NOW
from tests.twins.twilio_archive import Archive, Sent
from tests.twins.twiml import BadTwiml, checked

PUBLIC: Final = "https://support.acme.test"
LONGEST_BODY: Final = 1_600
LARGEST_MMS: Final = 5_000_000
MEDIA_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "application/pdf", "text/csv", "text/calendar",
                                "text/vcard", "video/mp4", "audio/mpeg"})  # fmt: skip


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The app on a free port of this machine; gives its address, without a slash at the end."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """What the next REST request meets instead of an answer. `hangs`: nothing, for ever."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    hangs: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One signed webhook request, as often as it is sent. `path` includes the query."""

    path: str
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the host answered."""

    status: int
    media_type: str
    body: str
    headers: Mapping[str, str]  # names in lower case


class Refused(Exception):
    """Twilio's refusal of a REST request."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Twilio:
    """One account with one number. Use as a context manager; `deliver_to` is where its webhooks go, set it first."""

    def __init__(self, *, account_sid: str, auth_token: str, number: str, public: str = PUBLIC) -> None:
        self.account_sid, self.auth_token, self.number, self.public = account_sid, auth_token, number, public
        self.services: set[str] = set()  # SIDs of Messaging Services
        self.opted_out: set[str] = set()
        self.troubles: deque[Trouble] = deque()
        self.sent: list[Sent] = []
        self.fetched: list[str] = []  # addresses of files
        self.outbox: asyncio.Queue[Sent] = asyncio.Queue()
        self.archive = Archive(account_sid, number)
        self.connections: set[object] = set()  # that requests came over
        self.now: Callable[[], datetime] = lambda: NOW
        self.break_off = False  # the next message is taken, but the answer is lost
        self.base = ""
        self.deliver_to = ""
        self._sids = itertools.count(1)
        self._closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self._create)
        app.router.add_get("/2010-04-01/Accounts/{account}.json", self._account)
        app.router.add_get("/2010-04-01/Accounts/{account}/{what:.+}", self._look_up)
        app.router.add_get("/store/{message}/{file}", self.archive.store)
        self._serving = serving(app)
        self.base = await self._serving.__aenter__()
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_reason: object) -> None:
        self._closed.set()
        await self._http.close()
        await self._serving.__aexit__(None, None, None)

    # Its REST interface

    async def _create(self, request: web.Request) -> web.Response:
        if self.troubles:
            return await self._meet(self.troubles.popleft())
        form = await request.post()
        fields = {name: str(value) for name, value in form.items()}
        try:
            self._admit(request)
            sent = self._take(fields, await self._fetched([str(url) for url in form.getall("MediaUrl", [])]))
        except Refused as refusal:
            more = f"https://www.twilio.com/docs/errors/{refusal.code}"
            said = {"code": refusal.code, "message": str(refusal), "more_info": more, "status": refusal.status}
            return web.json_response(said, status=refusal.status)
        if self.break_off and request.transport:
            self.break_off = False
            request.transport.close()
        return web.json_response(self._resource(sent), status=201)

    async def _account(self, request: web.Request) -> web.StreamResponse:
        return await self._known(request) or web.json_response(self.archive.shows_account())

    async def _look_up(self, request: web.Request) -> web.StreamResponse:
        self.archive.public = self.public
        return await self._known(request) or await self.archive.answer(request)

    async def _known(self, request: web.Request) -> web.StreamResponse | None:
        """What stands instead of an answer; None for who may have one."""
        if self.troubles:
            return await self._meet(self.troubles.popleft())
        try:
            self._admit(request)
        except Refused as refusal:
            return web.json_response({"code": refusal.code, "status": refusal.status}, status=refusal.status)
        return None

    async def _meet(self, trouble: Trouble) -> web.Response:
        if trouble.hangs:
            await self._closed.wait()
        return web.Response(status=trouble.status, headers=trouble.headers, text=trouble.body)

    def _admit(self, request: web.Request) -> None:
        self.connections.add(request.transport)
        credentials = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {credentials}":
            raise Refused(401, 20003, "Authenticate")
        if request.match_info["account"] != self.account_sid:
            raise Refused(404, 20404, "The requested resource was not found")

    async def _fetched(self, urls: Sequence[str]) -> tuple[tuple[str, bytes], ...]:
        """The files of an MMS. Twilio fetches them from the outside, with HEAD and GET and without a name."""
        self.fetched += urls
        if len(urls) > 10:
            raise Refused(400, 21623, "Number of media files exceeds allowed limit")
        found = []
        for url in urls:
            here = self.deliver_to + url.removeprefix(self.public)
            async with self._http.head(here) as known, self._http.get(here) as answer:
                if not url.startswith(self.public) or (known.status, answer.status) != (200, 200):
                    raise Refused(400, 21620, "Invalid media URL(s)")
                found.append((answer.content_type, await answer.read()))
        if any(kind not in MEDIA_TYPES for kind, _ in found):
            raise Refused(400, 12300, "Invalid Content-Type")
        if sum(len(content) for _, content in found) > LARGEST_MMS:
            raise Refused(400, 11751, "Media exceeds mms size limit")
        return tuple(found)

    def _take(self, fields: Mapping[str, str], media: tuple[tuple[str, bytes], ...]) -> Sent:
        to, body = fields.get("To", ""), fields.get("Body", "")
        number, service = fields.get("From", ""), fields.get("MessagingServiceSid", "")
        known = number in {"", self.number} and service in {"", *self.services}
        sender, reports_to = number or service, fields.get("StatusCallback", "")
        refusals = (
            (not to, 21604, "A 'To' phone number is required."),
            (not sender, 21603, "A 'From' phone number is required."),
            (not (body or media), 21602, "Message body is required."),
            (not _is_number(to), 21211, f"Invalid 'To' Phone Number: {to}"),
            (not known, 21660, f"Mismatch between the number {sender} and account"),
            (sender == to, 21266, "'To' and 'From' number cannot be the same"),
            (len(body) > LONGEST_BODY, 21617, "The concatenated message body exceeds the 1600 character limit"),
            (bool(reports_to) and not reports_to.startswith("https://"), 21609, "Invalid StatusCallback URL"),
            (to in self.opted_out, 21610, "Attempt to send to unsubscribed recipient"),
        )
        for applies, code, message in refusals:
            if applies:
                raise Refused(400, code, message)
        within = service if number else ""
        sent = Sent(sid=self._sid("SM"), to=to, sender=sender, body=body, service=within, reports_to=reports_to,
                    media=media)  # fmt: skip
        self.sent.append(sent)
        self.archive.took(sent, self.now())
        self.outbox.put_nowait(sent)
        return sent

    def _resource(self, sent: Sent) -> dict[str, str | None]:
        return {"sid": sent.sid, "account_sid": self.account_sid, "to": sent.to, "from": sent.sender, "body": sent.body,
                "status": "queued", "direction": "outbound-api", "num_segments": "1", "error_code": None}  # fmt: skip

    def _sid(self, kind: str) -> str:
        return f"{kind}{next(self._sids):032x}"

    # Its webhooks

    async def texts(self, sender: str, body: str, **changes: str | None) -> tuple[Delivery, Answer]:
        """Somebody texts the number. `changes` overrides fields; None leaves one out."""
        sid = self._sid("SM")
        fields = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": self.account_sid,
                  "From": sender, "To": self.number, "Body": body, "NumMedia": "0", "NumSegments": "1",
                  "SmsStatus": "received", "FromCity": "", "ApiVersion": "2010-04-01", **changes}  # fmt: skip
        delivery = self.sign("/twilio/sms", {name: value for name, value in fields.items() if value is not None})
        return delivery, await self.deliver(delivery)

    async def reports(self, sid: str, status: str, code: int = 0, **changes: str) -> tuple[Delivery, Answer]:
        """Twilio tells what became of a message that it took."""
        fields = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": "+15550100",
                  "From": self.number, "AccountSid": self.account_sid, "ApiVersion": "2010-04-01",
                  **({"ErrorCode": str(code)} if code else {}), **changes}  # fmt: skip
        delivery = self.sign("/twilio/status", fields)
        return delivery, await self.deliver(delivery)

    def calls(self, caller: str, *, verstat: str = "") -> "Call":
        """Somebody dials the number; `verstat` is what the carrier says about theirs."""
        return Call(self, self._sid("CA"), caller, verstat)

    def sign(self, path: str, fields: Mapping[str, str]) -> Delivery:
        """A request signed as https://www.twilio.com/docs/usage/webhooks/webhooks-security has it."""
        text = self.public + path + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(self.auth_token.encode(), text.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }
        return Delivery(path=path, body=urlencode(fields), headers=headers)

    async def deliver(self, delivery: Delivery) -> Answer:
        """Sends it; again, if it was sent before."""
        async with self._http.post(
            self.deliver_to + delivery.path, data=delivery.body.encode(), headers=delivery.headers
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(
                status=answer.status, media_type=answer.content_type, body=await answer.text(), headers=headers
            )


class Hook(Webhook, Channel[Any], Protocol):
    """A channel whose provider calls us."""


class Host:
    """The near end: one channel behind the four steps of a webhook. What it accepts is in `inbox`."""

    def __init__(self, hook: Hook, public: str = PUBLIC) -> None:
        self.hook, self.public = hook, public
        self.inbox: asyncio.Queue[InboundMessage] = asyncio.Queue()
        self.reports: list[Report] = []
        self._known: set[str] = set()
        self.app = web.Application()
        for path in hook.paths:
            self.app.router.add_post(path, self._receive)

    async def _receive(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        url = self.public + request.raw_path
        raw = Raw(body=await request.read(), received_at=NOW, headers=headers, url=url, path=request.path)
        try:
            self.hook.verify(raw)
            message = self.hook.parse(raw)
        except (Unverified, Malformed) as problem:
            return web.Response(status=getattr(problem, "status", 400), text=str(problem))
        self._accept(message)
        if message is None and isinstance(self.hook, Reports) and (report := self.hook.report(raw)):
            self.reports.append(report)
        ack = await self.hook.acknowledge(raw, message)
        assert isinstance(ack.body, str)
        return web.Response(status=ack.status, text=ack.body, content_type=ack.media_type)

    def _accept(self, message: InboundMessage | None) -> None:
        if message is not None and message.external_id not in self._known:
            self._known.add(message.external_id)
            self.inbox.put_nowait(message)


@dataclass
class Call:
    """One call. Each method is one request; `heard` is all that was spoken so far."""

    twilio: Twilio
    sid: str
    caller: str
    verstat: str
    heard: list[str] = field(default_factory=list)
    gather: ET.Element | None = None
    redirect: str = ""
    ended: bool = False
    last: Delivery | None = None

    async def dials(self) -> str:
        """The call begins; returns what is said."""
        return await self._request("/twilio/voice", {"StirVerstat": self.verstat} if self.verstat else {}, "ringing")

    async def says(self, words: str) -> str:
        """The caller answers by voice."""
        return await self._request(self._action(), {"SpeechResult": words, "Confidence": "0.93"})

    async def keys(self, digits: str) -> str:
        """The caller answers on the keypad; Twilio takes no more than it was told to."""
        asked = int(self._gathering().get("numDigits", "128"))
        return await self._request(self._action(), {"Digits": digits[:asked]})

    async def stays_silent(self) -> str:
        """The caller says nothing."""
        if self._gathering().get("actionOnEmptyResult") != "true":
            raise BadTwiml("silence falls through this Gather, and the call ends")
        return await self._request(self._action(), {})

    async def holds_on(self) -> str:
        """Twilio follows a Redirect."""
        return await self._request(self.redirect.removeprefix(self.twilio.public), {})

    async def hangs_up(self) -> Answer:
        """The call ends, and the status callback says so."""
        self.ended = True
        fields = self._fields("completed") | {"CallDuration": "31", "CallbackSource": "call-progress-events"}
        return await self.twilio.deliver(self.twilio.sign("/twilio/voice/status", fields))

    def _gathering(self) -> ET.Element:
        if self.gather is None:
            raise BadTwiml("nobody listens on this line")
        return self.gather

    def _action(self) -> str:
        return self._gathering().get("action", "").removeprefix(self.twilio.public)

    def _fields(self, status: str) -> dict[str, str]:
        return {"CallSid": self.sid, "AccountSid": self.twilio.account_sid, "From": self.caller,
                "Caller": self.caller, "To": self.twilio.number, "CallStatus": status, "Direction": "inbound",
                "ApiVersion": "2010-04-01"}  # fmt: skip

    async def _request(self, path: str, fields: Mapping[str, str], status: str = "in-progress") -> str:
        self.last = self.twilio.sign(path, self._fields(status) | dict(fields))
        return self.obeys(await self.twilio.deliver(self.last))

    def obeys(self, answer: Answer) -> str:
        """Carries out an answer as strictly as Twilio and returns what was spoken. Raises BadTwiml."""
        if answer.status != 200 or answer.media_type not in ("text/xml", "application/xml"):
            raise BadTwiml(f"{answer.status} {answer.media_type}: {answer.body}")
        response = checked(answer.body)
        self.gather, self.redirect = None, ""
        spoken: list[str] = []
        for verb in response:
            spoken.extend(self._carry_out(verb))
        self.ended = all(verb.tag not in ("Gather", "Redirect") for verb in response)
        self.heard += spoken
        return " ".join(spoken)

    def _carry_out(self, verb: ET.Element) -> list[str]:
        if verb.tag == "Say":
            return [verb.text or ""]
        if verb.tag == "Redirect":
            self.redirect = self._own(verb.text or "")
        if verb.tag == "Gather":
            self._own(verb.get("action", ""))
            self.gather = verb
            return [say.text or "" for say in verb]
        return []

    def _own(self, url: str) -> str:
        if not url.startswith(f"{self.twilio.public}/"):
            raise BadTwiml(f"{url} is no absolute address of ours")
        return url


def _is_number(address: str) -> bool:
    return re.fullmatch(r"\+[1-9][0-9]{6,14}", address) is not None
