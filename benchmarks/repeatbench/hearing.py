"""A message of the benchmark -> what the channel's own adapter would have made of it.

The trimming, the addresses and the proofs are the adapters'; what a provider would have said of the sender (a DMARC
verdict, an attestation, a signed token) stands in `auth`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from benchmarks.repeatbench.protocol import ChannelName, Inbound, Person, Sender
from channels import _twilio as twilio
from channels._mail.author import normal_address
from channels._mail.subjects import bare_subject, is_reply
from channels._mail.trim import own_words
from channels._markdown.plain import PLAIN
from channels._markdown.tree import read
from channels._sms.alphabet import cheap
from core.messages import InboundMessage, Raw, Route
from core.record import DirectoryRow, Profile
from identity.handles import Handle
from identity.masking import HIDDEN
from identity.proof import Proof

_SAME_CALL: Final = timedelta(minutes=5)  # between two messages of a call that has no name
_MENTION: Final = re.compile(r"\A\s*<@[!&]?\w+(?:\|[^<>]*)?>[\s:,]*")
_KINDS: Final = {"email": "email", "sms": "phone", "voice": "phone"}
_VALUE: Final = ("value", "ltv", "lifetime_value")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What a channel makes of a message: whose it is, how sure that is, what carries it, and the words."""

    address: str
    proof: Proof
    conversation: str
    text: str


@dataclass(kw_only=True)
class Hearing:
    """Hears for all six channels. Knows which threads there were and which calls are going on."""

    _threads: set[str] = field(default_factory=set)
    _calls: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def hear(self, message: Inbound, now: datetime) -> tuple[InboundMessage, Raw] | None:
        """The message as it is accepted, and its delivery; None when the channel would hear no customer in it."""
        said = self._channels[message.channel](self, message, now)
        if said is None:
            return None
        channel, sender = message.channel, message.sender
        heard = InboundMessage(
            external_id=_name(message, said),
            handle=Handle(channel=channel, address=said.address, key=key_of(channel, said.address)),
            proof=said.proof,
            text=said.text,
            conversation=said.conversation,
            route=_route(message),
            received_at=now,
            sent_at=message.ts,
            display_name=sender.display_name[:80],
            digits=re.sub(r"\D", "", message.dtmf) if channel == "voice" else "",
            public=sender.public,
            opening=channel == "voice" and not (said.text or message.dtmf),
        )
        return heard, Raw(body=message.text.encode(errors="replace"), received_at=now)

    def _mail(self, message: Inbound, _now: datetime) -> _Said | None:
        address = mailbox(message.sender.address)
        if not address:
            return None
        proof = _vouched(message.sender, Proof.PROVEN)
        # What our letters carry in their reply address, sealed for this mailbox. Where no thread is named, a mail
        # program would still answer the letter; who is not proven has to name it.
        carried = message.thread or (bare_subject(message.subject) if proof is Proof.PROVEN else _name(message))
        thread = _digest(carried, address, proof.name)
        text = _letter(message, follows=thread in self._threads)
        self._threads.add(thread)
        return _Said(address=address, proof=proof, conversation=thread, text=text)

    def _text(self, message: Inbound, _now: datetime) -> _Said | None:
        number = phone(message.sender.address)
        if not twilio.is_number(number):
            return None
        return _Said(address=number, proof=Proof.PROVEN, conversation=number, text=message.text.strip())

    def _call(self, message: Inbound, now: datetime) -> _Said:
        number = phone(message.sender.address)
        known = twilio.is_number(number)
        proof = _vouched(message.sender, Proof.PROVEN) if known else Proof.CLAIMED
        caller = number if known else "anonymous"
        call = self._named_call(message, f"{message.sender.address} {proof.name}", now)
        return _Said(address=caller, proof=proof, conversation=call, text=message.text.strip())

    def _named_call(self, message: Inbound, caller: str, now: datetime) -> str:
        """The call by its name; one without a name goes on while no long silence falls."""
        if message.thread:
            return _digest(message.thread, caller)
        name, last = self._calls.get(caller, ("", now))
        if not name or now - last > _SAME_CALL:
            name = _name(message)
        self._calls[caller] = name, now
        return name

    def _chat(self, message: Inbound, _now: datetime) -> _Said | None:
        sender = message.sender
        if sender.auth == "fail":  # a bad token is refused with 401
            return None
        proof = _vouched(sender, Proof.CONFIRMED)
        carried = f"{'login' if proof is Proof.CONFIRMED else 'session'} {sender.address}"
        return _Said(address=sender.address, proof=proof, conversation=carried, text=message.text.strip())

    def _slack(self, message: Inbound, _now: datetime) -> _Said:
        return _on_platform(message, slack_address(message.sender.workspace, message.sender.address))

    def _discord(self, message: Inbound, _now: datetime) -> _Said:
        return _on_platform(message, message.sender.address)

    _channels: "Mapping[ChannelName, Callable[[Hearing, Inbound, datetime], _Said | None]]" = field(
        init=False,
        repr=False,
        default_factory=lambda: {
            "email": Hearing._mail,
            "sms": Hearing._text,
            "voice": Hearing._call,
            "web": Hearing._chat,
            "slack": Hearing._slack,
            "discord": Hearing._discord,
        },
    )


def _vouched(sender: Sender, most: Proof) -> Proof:
    return most if sender.auth == "pass" else Proof.CLAIMED


def _on_platform(message: Inbound, address: str) -> _Said:
    """The platform's own account: private, or a mention that others read and that is answered to its writer alone."""
    place = f"with {address}"
    if message.sender.public:
        place = ":".join((message.to, message.thread, address))
    text = _MENTION.sub("", message.text).strip()
    return _Said(address=address, proof=Proof.PROVEN, conversation=place, text=text)


def _letter(message: Inbound, *, follows: bool) -> str:
    """The author's own words, after the subject of a new thread where that says more than they do."""
    text = own_words(message.text.replace("\r\n", "\n"))
    subject = message.subject.strip()
    told = not subject or follows or is_reply(subject) or subject.casefold() in text.casefold()
    return text if told else f"{bare_subject(subject)}\n\n{text}".strip()


def _name(message: Inbound, said: _Said | None = None) -> str:
    """A mail's id belongs to its author and proof: who forges one cannot take another's place."""
    if message.channel != "email":
        return message.msg_id
    proof = said.proof if said else _vouched(message.sender, Proof.PROVEN)
    return _digest(message.msg_id, mailbox(message.sender.address), proof.name)


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]


def _route(message: Inbound) -> Route:
    return {"to": message.sender.address}


def key_of(channel: str, address: str) -> str:
    """What the directory or another channel may vouch for."""
    return f"{_KINDS.get(channel, channel)}:{address}"


def mailbox(address: str) -> str:
    """A mailbox as the email channel keeps it; "" for none."""
    local, _at, domain = address.strip().rpartition("@")
    return normal_address(local, domain) or ""


def phone(address: str) -> str:
    """A telephone number without what people put between its digits."""
    return re.sub(r"[\s().-]", "", address)


def slack_address(workspace: str, user: str) -> str:
    """A Slack account: a user of one workspace."""
    return user if not workspace or user.startswith(f"{workspace}/") else f"{workspace}/{user}"


def shown(channel: str, text: str) -> str:
    """A reply's text as its reader sees it; on the telephone as it is written, before numbers are spelt for the ear."""
    text = PLAIN.show(read(text))
    if channel == "voice":
        return text.replace(HIDDEN, "")
    return cheap(text, plain=True) if channel == "sms" else text


def rows_of(people: Sequence[Person]) -> list[DirectoryRow]:
    """The directory as `customers import` takes it: an address that is not verified links nothing."""
    return [DirectoryRow(profile=_profile(person), keys=_keys(person)) for person in people]


def _keys(person: Person) -> list[str]:
    return list(dict.fromkeys(key_of(h.channel, _known(h.channel, h.value)) for h in person.handles if h.verified))


def _known(channel: ChannelName, value: str) -> str:
    if channel == "email":
        return mailbox(value) or value.strip().lower()
    return phone(value) if channel in ("sms", "voice") else value.strip()


def _profile(person: Person) -> Profile:
    told = {name.lower(): str(value) for name, value in person.profile.items() if value is not None}
    values = [told[name] for name in _VALUE if name in told]
    return Profile(
        external_id=person.id,
        name=person.name,
        plan=told.get("plan", ""),
        value=_number(values[0]) if values else 0.0,
        since=told.get("since", ""),
        language=told.get("language", "").lower(),
        email=_first(person, "email"),
        phone=_first(person, "sms", "voice"),
    )


def _number(value: str) -> float:
    try:
        return float(re.sub(r"[,$€£\s]", "", value) or 0)
    except ValueError:
        return 0.0


def _first(person: Person, *channels: ChannelName) -> str:
    found = (_known(h.channel, h.value) for h in person.handles if h.verified and h.channel in channels)
    return next(found, "")
