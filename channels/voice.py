"""Telephone calls over Twilio: POST /twilio/voice and /twilio/voice/status, and the socket /twilio/relay.

A call begins with a request, which is answered 200 with TwiML, 403 when Twilio did not sign it, 400 when Twilio cannot
mean it. Who calls, and how well the carrier vouches for the number, is learnt there. From then on the call is held by
ConversationRelay, over a socket that is opened for it once; or by Gather, one request for each step: where VOICE_MODE
says so, and where the socket breaks.

What one step hands to the next stands in the address of the next, which Twilio signs or which only we make.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AfterValidator, BaseModel, Field

from channels import _twilio as twilio
from channels._markdown.looking import on_voice
from channels._markdown.speech import speakable
from channels._voice import frames
from channels._voice.connecting import connect, dial, hang_up
from channels._voice.conversation import Conversation, Patience
from channels._voice.examining import examined
from channels._voice.gathering import Gathering
from channels._voice.line import Line, Lines, Speech, Step
from channels._voice.phrases import phrases, spoken
from core.channel import Ack, Ears, Finding, Limits, Look, Site, Socket
from core.errors import Malformed, Undeliverable
from core.messages import InboundMessage, Raw, Reply
from identity.handles import Handle
from identity.proof import Proof

log = logging.getLogger(__name__)

ATTESTED: Final = "TN-Validation-Passed-A"  # its variants, such as -Diverted, vouch for less
_FETCHED_WITHIN: Final = 2.0  # seconds in which a request that waits has what is to be said
_OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_A_WHILE: Final = 900_000  # seconds; a step has at most six digits
_TALKED: Final = frozenset({"completed", "answered"})  # what Dial tells when somebody took the call


def _telephone(value: str) -> str:
    if value and not twilio.is_number(value):
        raise ValueError("is no telephone number: write it as +15550100")
    return value


class VoiceSettings(twilio.AccountSettings):
    """What voice reads from the environment."""

    voice_trust: Literal["attested", "callerid", "code"] = Field(
        default="attested",
        description=(
            "What proves a caller: attested (the carrier signed the number), callerid (any number shown; anybody can "
            "fake one and would hear of that customer's case), or code (only a code keyed in)."
        ),
    )
    voice_mode: Literal["relay", "gather"] = Field(
        default="relay",
        description="How calls are held: relay (Twilio's ConversationRelay, which answers faster) or gather.",
    )
    handoff_number: Annotated[str, AfterValidator(_telephone)] = Field(
        default="", description="Whom callers are put through to when a colleague takes over; empty: nobody."
    )


class Voice:
    """Customers who call our number."""

    name: ClassVar[str] = "voice"
    label: ClassVar[str] = "phone"
    limits: ClassVar[Limits] = Limits(inbound_bytes=65_536, text=twilio.LONGEST_SAY, live=True, reachable=False)
    Settings: ClassVar[type[BaseModel]] = VoiceSettings
    paths: Sequence[str] = ("/twilio/voice", "/twilio/voice/status")
    sockets: Sequence[str] = ("/twilio/relay",)
    patience: ClassVar[float] = 10.0  # seconds; Twilio gives up on a request after 15
    waits: ClassVar[Patience] = Patience()

    def __init__(self, settings: VoiceSettings, site: Site) -> None:
        self._account = settings
        self._trust = settings.voice_trust
        self._relays = settings.voice_mode == "relay"
        self._colleague = settings.handoff_number
        self._site = site
        self._signatures = twilio.Signatures(settings)
        self._lines = Lines(site.now)
        self._gathering = Gathering(self._address, lambda: self.patience, self._dial if self._colleague else None)

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
        """What is to be spoken. It becomes TwiML, or goes over the socket, when it is the caller's turn to listen."""
        return [
            Speech(
                call=reply.route["call"],
                step=int(reply.route["step"]),
                text=speakable(reply.text, reply.language),
                language=reply.language,
                digits=reply.expects_digits,
                ends=reply.ends,
                hands_over=reply.hands_over,
                reply=reply.id,
                written=reply.text,
            )
        ]

    def look(self, reply: Reply) -> Look:
        """What will be spoken."""
        return Look(messages=[speakable(reply.text, reply.language)], remarks=list(on_voice(reply.text)))

    async def begin(self, reply: Reply) -> None:
        """Says the beginning of a reply, where the call is on a socket; elsewhere the whole is waited for."""
        line = self._lines.find(reply.route["call"])
        if line and line.conversation:
            await line.conversation.begin(reply)

    async def send(self, wire: Speech) -> str:
        """Says it, or hands it to the request that waits, and returns when that has it: before, it must not stand on
        record as said. With none waiting, the call's next one speaks it first.

        Raises Undeliverable when the caller is gone.
        """
        line = self._lines.find(wire.call)
        if self._relays and (line is None or line.relay == "closed"):
            raise Undeliverable("the call had ended before this was said")
        line = self._lines[wire.call]
        if line.conversation:
            await line.conversation.say(wire)
        else:
            line.awaits_reply = False
            line.say(wire)
            await line.is_taken(_FETCHED_WITHIN)
        return f"{wire.call}:{wire.step}"

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:  # noqa: ARG002 - the port
        """TwiML with the reply, or what to do until it is there. A redelivered request gets the same answer."""
        step = self._read(raw)
        if step.over:
            self._lines.drop(step.call)
        if step.over or _is_status(raw):
            return Ack(status=204)
        line = self._lines[step.call]
        if line.answer is None or line.url != raw.url:
            line.url, line.answer = raw.url, asyncio.create_task(self._answer(step, line, raw))
        return Ack(body=await asyncio.shield(line.answer), media_type="text/xml")

    async def examine(self) -> Sequence[Finding]:
        """Whether Twilio would let us work, and calls come here."""
        return await examined(self._account, f"{self._site.base_url}{self.paths[0]}")

    async def converse(self, socket: Socket, ears: Ears) -> None:
        """A call whose beginning we saw goes on over a socket, once."""
        setup = frames.read(await socket.receive() or "")
        line = self._lines.find(setup.call) if isinstance(setup, frames.Setup) else None
        if not isinstance(setup, frames.Setup) or line is None or line.relay != "expected" or not self._is_ours(setup):
            log.warning("a socket for a call that did not begin here is closed")
            return
        line.relay, line.conversation = "open", self._conversation(setup.call, line, socket, ears)
        try:
            await line.conversation.run()
        finally:
            line.hang_up()

    def _conversation(self, call: str, line: Line, socket: Socket, ears: Ears) -> Conversation:
        def delivery(line: Line, frame: str) -> Raw:
            step = _here(call, line)
            url = self._address(step, step.number, language=step.language, at=self.sockets[0])
            url += "&" + urlencode({"call": call, "caller": line.caller})
            return Raw(body=frame.encode(), received_at=self._site.now(), url=url, path=self.sockets[0])

        return Conversation(
            call, line, socket, ears, delivery=delivery, patience=self.waits, dials=bool(self._colleague)
        )

    async def _answer(self, step: Step, line: Line, raw: Raw) -> str:
        if step.after == "dial":
            talked = twilio.form(raw).get("DialCallStatus") in _TALKED
            return hang_up("" if talked else phrases(step.language).nobody, spoken(step.language))
        if step.after == "relay":
            return await self._after_relay(step, line, raw)
        if self._relays and step.opening and line.relay in {"", "expected"}:
            line.relay, line.caller, line.proof = "expected", step.caller, step.proof
            line.language, line.awaits_reply = self._site.languages[0], not line.unsaid
            return self._connect(step)
        return await self._gathering.answer(step, line)

    def _connect(self, step: Step) -> str:
        return connect(
            f"ws{self._site.base_url.removeprefix('http')}{self.sockets[0]}",
            after=self._url({"after": "relay", **self._sealed(step)}),
            languages=self._site.languages,
            parameters={"ticket": self._seals(step.call, "ticket")[0]},
        )

    async def _after_relay(self, step: Step, line: Line, raw: Raw) -> str:
        """The socket is closed and the call is not: put through, ended, or gone on with by Gather."""
        to = _handed_to(twilio.form(raw))
        if not line.relay:
            self._take_up(step, line)
        if to == frames.COLLEAGUE and self._colleague:
            return self._dial(_here(step.call, line))
        if to == frames.NOBODY:
            return hang_up()
        log.warning("the socket of a call was lost; Gather goes on with it")
        line.relay, line.conversation = "lost", None
        next_one = line.number + (not line.awaits_reply)
        here = replace(_here(step.call, line), number=next_one, waits=int(line.awaits_reply), after="relay")
        return await self._gathering.answer(here, line)

    def _take_up(self, step: Step, line: Line) -> None:
        """A call of which nothing is known any more, since we were started anew. Its next steps must be none of those
        that it had: they are counted from the clock."""
        line.number = int(self._site.now().timestamp()) % _A_WHILE
        line.caller, line.proof, line.language = step.caller, step.proof, self._site.languages[0]

    def _dial(self, step: Step, speeches: Sequence[Speech] = ()) -> str:
        after = self._url({"after": "dial", "lang": step.language})
        return dial(self._colleague, speeches, after=after)

    def _address(
        self, step: Step, number: int, *, language: str, silences: int = 0, waits: int = 0, at: str = ""
    ) -> str:
        query = {"step": str(number), "lang": language, **self._sealed(step)}
        query |= {name: str(count) for name, count in (("silent", silences), ("wait", waits)) if count}
        return self._url(query, at)

    def _sealed(self, step: Step) -> Mapping[str, str]:
        return {"proof": self._seals(step.call, "proven")[0]} if step.proof is Proof.PROVEN else {}

    def _url(self, query: Mapping[str, str], at: str = "") -> str:
        return f"{self._site.base_url}{at or self.paths[0]}?{urlencode(query)}"

    def _seals(self, call: str, what: str) -> Sequence[str]:
        text, secrets = f"{call}:{what}".encode(), (self._site.secret, *self._site.accepted)
        return [hmac.new(secret, text, hashlib.sha256).hexdigest() for secret in secrets]

    def _is_sealed(self, given: str, call: str, what: str) -> bool:
        return any(hmac.compare_digest(given.encode(), seal.encode()) for seal in self._seals(call, what))

    def _is_ours(self, setup: frames.Setup) -> bool:
        ticket = str((setup.parameters or {}).get("ticket", ""))
        return self._is_sealed(ticket, setup.call, "ticket")

    def _read(self, raw: Raw) -> Step:
        query = dict(parse_qsl(urlsplit(raw.url).query))
        fields = _relayed(raw, query) if urlsplit(raw.path).path in self.sockets else twilio.form(raw)
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
            after=query.get("after", ""),
        )

    def _proof(self, call: str, caller: str, verstat: str, seal: str) -> Proof:
        if self._trust == "code" or not twilio.is_number(caller):
            return Proof.CLAIMED
        sealed = self._is_sealed(seal, call, "proven")
        return Proof.PROVEN if self._trust == "callerid" or verstat == ATTESTED or sealed else Proof.CLAIMED


def _here(call: str, line: Line) -> Step:
    """Where a call stands."""
    return Step(
        call=call, number=line.number, text="", digits="", caller=line.caller, proof=line.proof,
        language=line.language, silences=0, waits=0, over=False,
    )  # fmt: skip


def _relayed(raw: Raw, query: Mapping[str, str]) -> dict[str, str]:
    """What came over the socket of a call, in the words of a request."""
    fields = {"CallSid": query.get("call", ""), "From": query.get("caller", "")}
    match frames.read(raw.body):
        case frames.Prompt(words=words):
            return fields | {"SpeechResult": words}
        case frames.Digit(digit=keyed):
            return fields | {"Digits": keyed}
    raise Malformed("Twilio voice: a frame that says nothing")


def _handed_to(fields: Mapping[str, str]) -> str:
    try:
        given = json.loads(fields.get("HandoffData", ""))
    except ValueError:
        return ""
    return str(given.get("to", "")) if isinstance(given, dict) else ""


def _is_status(raw: Raw) -> bool:
    return urlsplit(raw.path).path.endswith("/status")


def _count(query: Mapping[str, str], name: str) -> int:
    count = query.get(name, "0")
    if not re.fullmatch(r"\d{1,6}", count, re.ASCII):
        raise Malformed(f"Twilio voice: {name} in the address is no number")
    return int(count)


CHANNEL = Voice
