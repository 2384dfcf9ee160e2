"""Text messages over Twilio: POST /twilio/sms and /twilio/status.

Answers 200 with empty TwiML once the message is kept, 403 to what Twilio did not sign, 400 to what it cannot mean. The
reply goes out over Twilio's REST interface from the number that was written to. What became of it is told later at
/twilio/status. Files that colleagues send Twilio fetches from /twilio/media/, where an address is good for some hours;
404 otherwise. Messages that no webhook brought, since we were away, are looked for every few minutes.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar, Final

from pydantic import BaseModel, Field

from channels import _twilio as twilio
from channels._sms import enclosing, looking, media, refusals, wording
from channels._sms.examining import examined
from channels._sms.missed import Missed
from channels._sms.rest import Refused, Rest
from channels._sms.taken import Wanted, taken
from core.channel import Ack, Deliver, Finding, Limits, Look, Report, Site
from core.consent import Consent
from core.errors import Malformed, TryAgain, Undeliverable
from core.messages import Attachment, InboundMessage, Raw, Reply
from identity.handles import Handle
from identity.proof import Proof

log = logging.getLogger(__name__)

_MOST_FILES: Final = 10
_FAILED: Final = frozenset({"failed", "undelivered"})
_WISHES: Final[Mapping[str, Consent]] = {"STOP": "stop", "START": "start", "HELP": "help"}


class SmsSettings(twilio.AccountSettings):
    """What SMS reads from the environment."""

    sms_segments: int = Field(
        default=10,
        ge=4,
        le=10,
        description=(
            "The most segments that one reply of the bot may cost, 4 to 10; of a longer one the customer gets the "
            "beginning and is told so."
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One text message to send: from `sender`, a number of ours, or `service`, the SID of a Messaging Service; or from
    that number of that service."""

    to: str
    sender: str
    body: str
    service: str = ""
    files: tuple[enclosing.Enclosed, ...] = ()  # are sent in place of a body


class Sms:
    """Customers who text our number."""

    name: ClassVar[str] = "sms"
    label: ClassVar[str] = "SMS"
    limits: Limits = Limits(inbound_bytes=65_536, text=wording.LONGEST, keywords=True)
    Settings: ClassVar[type[BaseModel]] = SmsSettings
    paths: Sequence[str] = ("/twilio/sms", "/twilio/status")
    timeout: ClassVar[float] = 15.0  # seconds for one request to Twilio
    examined_within: ClassVar[float] = 8.0  # seconds
    sweeps_every: ClassVar[float] = 300.0  # seconds

    def __init__(self, settings: SmsSettings, site: Site) -> None:
        self._number = settings.twilio_from_number
        self._segments = settings.sms_segments
        self._base_url = site.base_url
        self._site = site
        self._is_public = site.base_url.startswith("https://")
        self._addresses = enclosing.Addresses(site.secret, site.base_url, site.accepted)
        self.limits = enclosing.limited(self.limits, public=self._is_public)
        self.pages: Sequence[str] = (f"{enclosing.PATH}{{token}}",) if self._is_public else ()
        self._signatures = twilio.Signatures(settings)
        self._rest = Rest(settings, base=settings.twilio_api_base, seconds=self.timeout)
        self._missed = Missed(
            self._rest, site.var / "sms.json", self._number, site.now, address=f"{site.base_url}{self.paths[0]}"
        )

    def verify(self, raw: Raw) -> None:
        """Raises Unverified unless Twilio signed it."""
        self._signatures.check(raw)

    def parse(self, raw: Raw) -> InboundMessage | None:
        """The customer's message; None for receipts, our own echo, short codes and alphanumeric senders."""
        fields = twilio.form(raw)
        sid, sender = fields.get("MessageSid", ""), fields.get("From", "")
        if _is_receipt(raw, fields) and sid:
            return None
        if not sid or not sender:
            raise Malformed("Twilio SMS: MessageSid or From is missing")
        if sender == self._number or not twilio.is_number(sender):
            return None
        return InboundMessage(
            external_id=sid,
            handle=Handle(channel=self.name, address=sender, key=f"phone:{sender}"),
            proof=Proof.PROVEN,
            text=fields.get("Body", "").strip(),
            conversation=sender,
            route=self._route(fields),
            received_at=raw.received_at,
            sent_at=_moment(fields.get("DateSent", "")),
            attachments=_attachments(fields),
            wish=_WISHES.get(fields.get("OptOutType", "")),
        )

    def report(self, raw: Raw) -> Report | None:
        """What became of a message of ours, where it did not arrive."""
        fields = twilio.form(raw)
        status, code = fields.get("MessageStatus") or fields.get("SmsStatus", ""), fields.get("ErrorCode", "")
        if status not in _FAILED:
            return None
        number = int(code) if re.fullmatch(r"\d{1,6}", code, re.ASCII) else 0
        failure, stopped = refusals.failure(number), number == refusals.OPTED_OUT
        return Report(provider_id=fields.get("MessageSid", ""), failure=failure, opted_out=stopped)

    def render(self, reply: Reply) -> Sequence[Text]:
        """Plain text, cheap to send, in as few messages as it fits. Then an MMS with the files."""
        to, sender, service = reply.route["to"], reply.route["from"], reply.route.get("service", "")
        bodies = wording.bodies(reply, self._segments)
        texts = [Text(to=to, sender=sender, body=body, service=service) for body in bodies]
        files = tuple(enclosing.Enclosed(reply.id, number) for number in range(len(reply.files)))
        return [*texts, Text(to=to, sender=sender, body="", service=service, files=files)] if files else texts

    def look(self, reply: Reply) -> Look:
        """How it will arrive, and what it costs."""
        bodies = wording.bodies(reply, self._segments)
        return Look(messages=bodies, remarks=list(looking.remarks(reply.text, bodies)))

    async def send(self, wire: Text) -> str:
        """Sends one text message and returns its SID. Raises TryAgain or Undeliverable."""
        if wire.files and not self._is_public:
            raise Undeliverable("SMS: Twilio cannot fetch files from us; set PUBLIC_BASE_URL to an https address")
        return await self._rest.text(
            to=wire.to,
            sender=wire.sender,
            service=wire.service,
            body=wire.body,
            status_callback=f"{self._base_url}{self.paths[1]}" if self._is_public else "",
            media=self._addresses.of(wire.files, self._site.now()),
        )

    async def taken(self, wire: Text, since: datetime) -> Sequence[str] | None:
        """The messages of these words to this number that Twilio lists, but for those that did not arrive."""
        return await taken(self._rest, Wanted(to=wire.to, body=wire.body, files=len(wire.files)), since)

    async def get(self, raw: Raw) -> Ack:
        """A file of ours, to whoever has its address: Twilio, while it lasts."""
        wanted = self._addresses.opened(raw.path, raw.received_at)
        return enclosing.handed(await self._site.sent_file(*wanted) if wanted else None)

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:
        """Empty TwiML: nothing is answered here, the reply comes from the outbox."""
        if message:
            self._missed.note(message.external_id, twilio.form(raw).get("To", ""))
        return Ack(body="<Response/>", media_type="text/xml")

    async def listen(self, deliver: Deliver) -> None:
        """Looks for what was missed, at once and then every few minutes."""
        while True:
            try:
                await self._missed.sweep(deliver)
            except (TryAgain, Refused) as error:
                log.warning("SMS: whether messages were missed is not known: %s", error)
            await asyncio.sleep(self.sweeps_every)

    async def fetch(self, file: Attachment) -> bytes:
        """A file of an MMS, from Twilio. Raises Malformed or TryAgain."""
        return await media.fetched(self._rest, file)

    async def examine(self) -> Sequence[Finding]:
        """The account, the number, and where its messages go."""
        try:
            async with asyncio.timeout(self.examined_within):
                return await examined(self._rest, self._number, self._base_url)
        except TimeoutError:
            return [Finding("Twilio does not answer in time", "See whether this machine reaches it, and ask again.")]

    async def close(self) -> None:
        """Lets go of the connection to Twilio."""
        await self._rest.close()

    def _route(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        """Back from the number that was written to, within its Messaging Service where it has one."""
        service, number = fields.get("MessagingServiceSid", ""), fields.get("To", "")
        route = {"to": fields["From"], "from": number or ("" if service else self._number)}
        return route | ({"service": service} if service else {})


def _is_receipt(raw: Raw, fields: Mapping[str, str]) -> bool:
    status = fields.get("SmsStatus", "received")
    return raw.path.endswith("/status") or "MessageStatus" in fields or status not in ("received", "receiving")


def _moment(date: str) -> datetime | None:
    """Only what was missed says when it was sent."""
    try:
        found = parsedate_to_datetime(date)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _attachments(fields: Mapping[str, str]) -> tuple[Attachment, ...]:
    count = fields.get("NumMedia") or "0"
    if not re.fullmatch(r"\d{1,3}", count, re.ASCII):
        raise Malformed("Twilio SMS: NumMedia is no number")
    there = [n for n in range(min(int(count), _MOST_FILES)) if f"MediaUrl{n}" in fields]
    return tuple(media.attachment(n + 1, fields[f"MediaUrl{n}"], fields.get(f"MediaContentType{n}", "")) for n in there)


CHANNEL = Sms
