"""Telephone calls over Twilio, heard and spoken by its Gather: POST /twilio/voice and /twilio/voice/status.

Each request of a call is one step: what the caller said or keyed in. It is answered 200 with TwiML as soon as the
reply is there, with "one moment" when it takes long, 403 when Twilio did not sign it, 400 when Twilio cannot mean it.
Everything that one step hands to the next stands in the address of the next, which Twilio signs.
"""

import asyncio
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as ET

from pydantic import BaseModel, Field

from channels import _twilio as twilio
from channels._markdown.speech import speakable
from core.channel import Ack, Limits, Site
from core.errors import Malformed
from core.messages import InboundMessage, Raw, Reply
from identity.handles import Handle
from identity.proof import Proof

ATTESTED: Final = "TN-Validation-Passed-A"  # its variants, such as -Diverted, vouch for less
_OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_MOST_PROMPTS = 2  # repeated to somebody silent
_MOST_WAITS = 3
_CODE_DIGITS = 6
_MOST_CALLS = 1_000
_KEPT = timedelta(minutes=15)

# The languages that Twilio both hears and speaks under one tag.
_TAGS: Final = {
    "da": "da-DK", "de": "de-DE", "en": "en-US", "es": "es-ES", "fi": "fi-FI", "fr": "fr-FR", "it": "it-IT",
    "ja": "ja-JP", "ko": "ko-KR", "nb": "nb-NO", "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-BR", "ru": "ru-RU",
    "sv": "sv-SE",
}  # fmt: skip


class Phrases(NamedTuple):
    """What the telephone itself has to say in one language."""

    moment: str
    again: str
    goodbye: str
    sorry: str


_PHRASES: Final = {
    "en": Phrases(
        "One moment, please.",
        "Sorry, I did not hear anything. How can I help you?",
        "I still cannot hear you. Goodbye.",
        "I am sorry, I cannot answer right now. Everything you told me is kept. Goodbye.",
    ),
    "de": Phrases(
        "Einen Moment, bitte.",
        "Entschuldigung, ich habe nichts gehört. Wie kann ich Ihnen helfen?",
        "Ich kann Sie leider nicht hören. Auf Wiederhören.",
        "Es tut mir leid, ich kann gerade nicht antworten. Was Sie gesagt haben, ist notiert. Auf Wiederhören.",
    ),
    "es": Phrases(
        "Un momento, por favor.",
        "Perdone, no he oído nada. ¿En qué puedo ayudarle?",
        "Sigo sin oírle. Adiós.",
        "Lo siento, ahora no puedo responder. Todo lo que me ha dicho queda guardado. Adiós.",
    ),
    "fr": Phrases(
        "Un instant, s'il vous plaît.",
        "Pardon, je n'ai rien entendu. Comment puis-je vous aider ?",
        "Je ne vous entends toujours pas. Au revoir.",
        "Je suis désolé, je ne peux pas répondre maintenant. Ce que vous avez dit est conservé. Au revoir.",
    ),
    "it": Phrases(
        "Un momento, per favore.",
        "Mi scusi, non ho sentito nulla. Come posso aiutarla?",
        "Non la sento ancora. Arrivederci.",
        "Mi dispiace, ora non posso rispondere. Quello che mi ha detto è conservato. Arrivederci.",
    ),
    "pt": Phrases(
        "Um momento, por favor.",
        "Desculpe, não ouvi nada. Como posso ajudar?",
        "Ainda não consigo ouvir. Até logo.",
        "Lamento, não consigo responder agora. Tudo o que me disse fica guardado. Até logo.",
    ),
}


class VoiceSettings(twilio.AccountSettings):
    """What voice reads from the environment."""

    voice_trust: Literal["attested", "callerid", "code"] = Field(
        default="attested",
        description=(
            "What proves a caller: attested (the carrier signed the number), callerid (any number shown; anybody can "
            "fake one and would hear of that customer's case), or code (only a code keyed in)."
        ),
    )
    voice_mode: Literal["gather"] = Field(default="gather", description="How calls are heard: gather, Twilio's own.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One request of a call, read. `silences` and `waits` count the requests at this step that brought nothing."""

    call: str
    number: int
    text: str
    digits: str
    caller: str  # E.164, or "anonymous"
    proof: Proof
    language: str
    silences: int
    waits: int
    over: bool

    @property
    def opening(self) -> bool:
        """Whether the call begins here."""
        return self.number == 0 and not self.heard

    @property
    def heard(self) -> bool:
        """Whether the caller said or keyed in something."""
        return bool(self.text or self.digits)

    @property
    def brings_message(self) -> bool:
        """Whether the engine has to know."""
        return not self.waits and (self.heard or (self.opening and not self.over))


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """What is to be said in a call in answer to one of its steps. `digits` is how many are asked for; 0 for speech."""

    call: str
    step: int
    text: str
    language: str
    digits: int = 0
    ends: bool = False


@dataclass(kw_only=True, slots=True)
class _Line:
    """A call as it stands: what is still to be said, and the answer to its latest request."""

    touched_at: datetime
    unsaid: list[Speech] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    answer: asyncio.Task[str] | None = None

    def say(self, speech: Speech) -> None:
        self.unsaid.append(speech)
        self.arrived.set()

    def take(self) -> list[Speech]:
        taken, self.unsaid = self.unsaid, []
        return taken

    async def reply(self, step: int, patience: float) -> bool:
        """Whether there is a reply to this step within `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                while not any(speech.step >= step for speech in self.unsaid):
                    self.arrived.clear()
                    await self.arrived.wait()
        except TimeoutError:
            return False
        return True


class Voice:
    """Customers who call our number."""

    name: ClassVar[str] = "voice"
    label: ClassVar[str] = "phone"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=twilio.LONGEST_SAY, live=True, reachable=False)
    Settings: ClassVar[type[BaseModel]] = VoiceSettings
    paths: Sequence[str] = ("/twilio/voice", "/twilio/voice/status")
    patience: ClassVar[float] = 10.0  # seconds; Twilio gives up on a request after 15

    def __init__(self, settings: VoiceSettings, site: Site) -> None:
        self._trust = settings.voice_trust
        self._site = site
        self._signatures = twilio.Signatures(settings.twilio_auth_token)
        self._lines: OrderedDict[str, _Line] = OrderedDict()

    def verify(self, raw: Raw) -> None:
        """Raises Unverified unless Twilio signed it."""
        self._signatures.check(raw)

    def parse(self, raw: Raw) -> InboundMessage | None:
        """What the caller said, or that a call begins; None for silence, waiting and the end of a call."""
        step = self._read(raw)
        if _is_status(raw) or not step.brings_message:
            return None
        return InboundMessage(
            external_id=f"{step.call}:{step.number}",
            handle=Handle(channel=self.name, address=step.caller, key=f"phone:{step.caller}"),
            proof=step.proof,
            text=step.text,
            digits=step.digits,
            conversation=step.call,
            route={"call": step.call, "step": str(step.number)},
            received_at=raw.received_at,
            opening=step.opening,
        )

    def render(self, reply: Reply) -> Sequence[Speech]:
        """What is to be spoken. It becomes TwiML when the caller's line asks for it."""
        return [
            Speech(
                call=reply.route["call"],
                step=int(reply.route["step"]),
                text=speakable(reply.text, reply.language),
                language=reply.language,
                digits=reply.expects_digits,
                ends=reply.ends,
            )
        ]

    async def send(self, wire: Speech) -> str:
        """Hands it to the request that waits for it; with none waiting, the call's next request speaks it first."""
        self._line(wire.call).say(wire)
        return f"{wire.call}:{wire.step}"

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:  # noqa: ARG002 - the port
        """TwiML with the reply, or what to do until it is there. A redelivered request gets the same answer."""
        step = self._read(raw)
        if step.over:
            self._lines.pop(step.call, None)
        if step.over or _is_status(raw):
            return Ack(status=204)
        line = self._line(step.call)
        if line.answer is None or line.url != raw.url:
            line.url, line.answer = raw.url, asyncio.create_task(self._answer(step, line))
        return Ack(body=await asyncio.shield(line.answer), media_type="text/xml")

    async def _answer(self, step: Step, line: _Line) -> str:
        phrases = _phrases(step.language)
        if step.brings_message or step.waits:
            if await line.reply(step.number, self.patience):
                return self._speak(step, line.take())
            if step.waits < _MOST_WAITS:
                return self._put_off(step, [*line.take(), _phrase(step, phrases.moment)])
            return self._speak(step, [*line.take(), _phrase(step, phrases.sorry, ends=True)])
        if line.unsaid:
            return self._speak(step, line.take())
        if step.silences < _MOST_PROMPTS:
            return self._speak(step, [_phrase(step, phrases.again)], silences=step.silences + 1)
        return self._speak(step, [_phrase(step, phrases.goodbye, ends=True)])

    def _speak(self, step: Step, speeches: Sequence[Speech], *, silences: int = 0) -> str:
        last = speeches[-1]
        response = ET.Element("Response")
        parent = response if last.ends else ET.SubElement(response, "Gather", self._gather(step, last, silences))
        for speech in speeches:
            twilio.say(parent, speech.text, _tag(speech.language))
        if last.ends:
            ET.SubElement(response, "Hangup")
        return twilio.twiml(response)

    def _gather(self, step: Step, last: Speech, silences: int) -> dict[str, str]:
        number = step.number if silences else step.number + 1
        language = step.language if silences else last.language
        return {
            "input": "dtmf speech",
            "action": self._url(step, number, language=language, silences=silences),
            "method": "POST",
            "actionOnEmptyResult": "true",
            "speechTimeout": "auto",
            "numDigits": str(last.digits or _CODE_DIGITS),
            "language": _tag(language),
        }

    def _put_off(self, step: Step, speeches: Sequence[Speech]) -> str:
        response = ET.Element("Response")
        for speech in speeches:
            twilio.say(response, speech.text, _tag(speech.language))
        redirect = ET.SubElement(response, "Redirect", {"method": "POST"})
        redirect.text = self._url(step, step.number, language=step.language, waits=step.waits + 1)
        return twilio.twiml(response)

    def _url(self, step: Step, number: int, *, language: str, silences: int = 0, waits: int = 0) -> str:
        query = {"step": str(number), "lang": language}
        if step.proof is Proof.PROVEN:
            query["proof"] = self._seal(step.call)
        query |= {name: str(count) for name, count in (("silent", silences), ("wait", waits)) if count}
        return f"{self._site.base_url}{self.paths[0]}?{urlencode(query)}"

    def _seal(self, call: str) -> str:
        return hmac.new(self._site.secret, f"{call}:proven".encode(), hashlib.sha256).hexdigest()

    def _read(self, raw: Raw) -> Step:
        fields, query = twilio.form(raw), dict(parse_qsl(urlsplit(raw.url).query))
        call, caller = fields.get("CallSid", ""), fields.get("From", "")
        if not call:
            raise Malformed("Twilio voice: CallSid is missing")
        return Step(
            call=call,
            number=_count(query, "step"),
            text=fields.get("SpeechResult", "").strip(),
            digits=fields.get("Digits", ""),
            caller=caller if twilio.is_number(caller) else "anonymous",
            proof=self._proof(call, caller, fields.get("StirVerstat", ""), query.get("proof", "")),
            language=query.get("lang", "en"),
            silences=_count(query, "silent"),
            waits=_count(query, "wait"),
            over=fields.get("CallStatus") in _OVER,
        )

    def _proof(self, call: str, caller: str, verstat: str, seal: str) -> Proof:
        if self._trust == "code" or not twilio.is_number(caller):
            return Proof.CLAIMED
        sealed = hmac.compare_digest(seal.encode(), self._seal(call).encode())
        return Proof.PROVEN if self._trust == "callerid" or verstat == ATTESTED or sealed else Proof.CLAIMED

    def _line(self, call: str) -> _Line:
        now = self._site.now()
        line = self._lines.setdefault(call, _Line(touched_at=now))
        line.touched_at = now
        self._lines.move_to_end(call)
        while len(self._lines) > _MOST_CALLS or now - next(iter(self._lines.values())).touched_at > _KEPT:
            self._lines.popitem(last=False)
        return line


def _phrases(language: str) -> Phrases:
    return _PHRASES[_spoken(language)]


def _spoken(language: str) -> str:
    """The language in which the telephone's own phrases are said to somebody who speaks `language`."""
    return language[:2] if language[:2] in _PHRASES else "en"


def _phrase(step: Step, text: str, *, ends: bool = False) -> Speech:
    return Speech(call=step.call, step=step.number, text=text, language=_spoken(step.language), ends=ends)


def _tag(language: str) -> str:
    return _TAGS.get(language[:2], _TAGS["en"])


def _is_status(raw: Raw) -> bool:
    return urlsplit(raw.path).path.endswith("/status")


def _count(query: Mapping[str, str], name: str) -> int:
    count = query.get(name, "0")
    if not re.fullmatch(r"\d{1,6}", count, re.ASCII):
        raise Malformed(f"Twilio voice: {name} in the address is no number")
    return int(count)


CHANNEL = Voice
