"""Text messages over Twilio: POST /twilio/sms.

Answers 200 with empty TwiML once the message is kept, 403 to what Twilio did not sign, 400 to what it cannot mean. The
reply goes out over Twilio's REST interface from the number that was written to.
"""

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

from channels import _twilio as twilio
from channels._markdown.plain import PLAIN
from channels._markdown.split import split
from channels._markdown.tree import read
from core.channel import Ack, Limits, Site
from core.errors import Malformed
from core.messages import Attachment, InboundMessage, Raw, Reply
from identity.handles import Handle
from identity.proof import Proof

_MOST_FILES: Final = 10


def _address(value: str) -> str:
    parts = urlsplit(value)
    if value and not (parts.scheme in ("http", "https") and parts.netloc):
        raise ValueError("is no address: begin it with https://, or leave it empty for Twilio's own")
    return value


class SmsSettings(twilio.AccountSettings):
    """What SMS reads from the environment."""

    twilio_api_base: Annotated[str, AfterValidator(_address)] = Field(
        default="", description="Where Twilio's REST interface is reached; empty for Twilio's own address."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One text message to send. `sender` is a number of ours, or the SID of a Messaging Service."""

    to: str
    sender: str
    body: str


class Sms:
    """Customers who text our number."""

    name: ClassVar[str] = "sms"
    label: ClassVar[str] = "SMS"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=1_600, keywords=True)
    Settings: ClassVar[type[BaseModel]] = SmsSettings
    paths: Sequence[str] = ("/twilio/sms",)
    timeout: ClassVar[float] = 15.0  # seconds for one request to Twilio

    def __init__(self, settings: SmsSettings, _site: Site) -> None:
        self._number = settings.twilio_from_number
        self._signatures = twilio.Signatures(settings.twilio_auth_token)
        self._rest = twilio.Rest(settings, base=settings.twilio_api_base, seconds=self.timeout)

    def verify(self, raw: Raw) -> None:
        """Raises Unverified unless Twilio signed it."""
        self._signatures.check(raw)

    def parse(self, raw: Raw) -> InboundMessage | None:
        """The customer's message; None for receipts, our own echo, short codes and alphanumeric senders."""
        fields = twilio.form(raw)
        sid, sender = fields.get("MessageSid", ""), fields.get("From", "")
        if not sid or not sender:
            raise Malformed("Twilio SMS: MessageSid or From is missing")
        if _is_receipt(fields) or sender == self._number or not twilio.is_number(sender):
            return None
        ours = fields.get("To") or fields.get("MessagingServiceSid") or self._number
        return InboundMessage(
            external_id=sid,
            handle=Handle(channel=self.name, address=sender, key=f"phone:{sender}"),
            proof=Proof.PROVEN,
            text=fields.get("Body", "").strip(),
            conversation=sender,
            route={"to": sender, "from": ours},
            received_at=raw.received_at,
            attachments=_attachments(fields),
        )

    def render(self, reply: Reply) -> Sequence[Text]:
        """Plain text, cheap to send, in as few messages as it fits."""
        return [
            Text(to=reply.route["to"], sender=reply.route["from"], body=piece)
            for piece in split(read(reply.text), lambda tree: twilio.gsm(PLAIN.show(tree)), self.limits.text, _units)
        ]

    async def send(self, wire: Text) -> str:
        """Sends one text message and returns its SID. Raises TryAgain or Undeliverable."""
        return await self._rest.text(to=wire.to, sender=wire.sender, body=wire.body)

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:  # noqa: ARG002 - the port
        """Empty TwiML: nothing is answered here, the reply comes from the outbox."""
        return Ack(body="<Response/>", media_type="text/xml")


def _units(text: str) -> int:
    """A text's length as Twilio counts it: a sign beyond the basic alphabets is two."""
    return len(text.encode("utf-16-le")) // 2


def _is_receipt(fields: Mapping[str, str]) -> bool:
    return "MessageStatus" in fields or fields.get("SmsStatus", "received") not in ("received", "receiving")


def _attachments(fields: Mapping[str, str]) -> tuple[Attachment, ...]:
    count = fields.get("NumMedia") or "0"
    if not (count.isascii() and count.isdigit()):
        raise Malformed("Twilio SMS: NumMedia is no number")
    there = [n for n in range(min(int(count), _MOST_FILES)) if f"MediaUrl{n}" in fields]
    return tuple(_attachment(fields[f"MediaUrl{n}"], fields.get(f"MediaContentType{n}", "")) for n in there)


def _attachment(url: str, media_type: str) -> Attachment:
    name = urlsplit(url).path.rpartition("/")[2] + (mimetypes.guess_extension(media_type) or "")
    return Attachment(name=name, media_type=media_type or "application/octet-stream", size=0, url=url)


CHANNEL = Sms
