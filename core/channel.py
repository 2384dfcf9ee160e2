"""The port through which a channel meets the engine: three methods, two of them pure.

A module in channels/ ends in `CHANNEL = ItsClass` and is loaded by name when it is enabled. Its constructor takes
`(settings, site)`; `Settings` declares what it reads from the environment, by the names that stand in .env.example.
"""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from core.messages import Attachment, Choice, InboundMessage, Interruption, Raw, Reply, Route, Voucher
from identity.proof import Proof

Wire = TypeVar("Wire")
Wire_contra = TypeVar("Wire_contra", contravariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the channel's platform can take. `live`: somebody is waiting on the line, so nothing is gathered first."""

    inbound_bytes: int  # a larger delivery is refused (413, or 552 for mail)
    text: int  # characters that one wire may carry
    live: bool = False
    answers_to_claimed: int = 0  # new conversations a day that one claimed address is answered in; 0 for all
    keywords: bool = False  # STOP, START and HELP, alone in a message, are law on this network
    reachable: bool = True  # can be written to after the conversation; a telephone call that ended cannot
    patience: timedelta = timedelta(hours=2)  # about how long a reply that does not go out is tried
    file_bytes: int = 0  # that the files of one reply may have together; 0 where it takes none
    file_types: Set[str] = frozenset()  # media types of files that it takes; empty for all


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack:
    """An HTTP answer: to a provider after its message is kept, or to a browser. A body in parts is streamed."""

    status: int = 200
    body: str | bytes | AsyncIterable[str] = ""
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a conversation, as its customer saw it."""

    id: str
    text: str
    sender: str  # "customer" | "bot" | "agent"
    at: datetime
    choices: tuple[Choice, ...] = ()  # that were offered with it
    files: tuple[Attachment, ...] = ()  # that went with it; their content is to be had from the site


@dataclass(frozen=True, kw_only=True, slots=True)
class SentFile:
    """A file that went with a reply, with its content."""

    conversation: str  # of the reply
    file: Attachment


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """How far a conversation was heard. `known` are the provider's ids of its newest messages, the newest first."""

    conversation: str
    route: Route  # of the newest
    known: Sequence[str]


async def _no_file(_reply: str, _number: int) -> SentFile | None:
    return None


async def to_nobody(_conversation: str) -> None:
    """Tells nobody: there is no other process."""


async def _nowhere() -> Sequence[Place]:
    return []


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What a channel may know of the installation. `secret` is this channel's own, derived from SECRET_KEY; what was
    sealed with one of `accepted` opens too."""

    name: str  # the bot's
    brand: str
    base_url: str  # as the outside sees us, no slash at the end; what signatures cover
    secret: bytes
    var: Path  # everything a process writes lies below it
    now: Callable[[], datetime]
    transcript: Callable[[str], Awaitable[Sequence[Line]]]  # the lines of one of this channel's conversations
    accepted: Sequence[bytes] = ()
    languages: Sequence[str] = ("en",)  # that it speaks, the first one by default
    # The file of this number, from 0, of one of this channel's replies, by the reply's id; None where there is none.
    sent_file: Callable[[str, int], Awaitable[SentFile | None]] = _no_file
    # This channel's conversations of the last weeks, the one heard last first: where to look for what was missed.
    places: Callable[[], Awaitable[Sequence[Place]]] = _nowhere
    # Tells this channel in other processes that something was said in one of its conversations: see Refreshes.
    announce: Callable[[str], Awaitable[None]] = to_nobody
    # Told how something of the channel's own does, "listening" or "checking", and why not well: "" when it does.
    noted: Callable[[str, str], None] = lambda _what, _why: None


# Keeps one delivery: parses it, records it, or parks it for a human when it cannot be read. Returns once that is
# durable; True if the message was new. Raises only when nothing could be kept, so that the provider delivers again.
Deliver = Callable[[Raw], Awaitable[bool]]


@runtime_checkable
class Channel(Protocol[Wire]):
    """What every channel is."""

    name: ClassVar[str]
    label: ClassVar[str]  # as customers call it: "chat", "phone", "Slack"; greetings say it in their language
    Settings: ClassVar[type[BaseModel]]

    @property
    def limits(self) -> Limits:
        """What its platform can take; of its class, unless its settings matter."""
        ...

    def parse(self, raw: Raw) -> InboundMessage | None:
        """The customer's message in a delivery; None when no customer is talking (an echo, a receipt, a list).

        Pure. Raises Malformed.
        """
        ...

    def render(self, reply: Reply) -> Sequence[Wire]:
        """What is sent for a reply, in order. Pure: the same reply always gives the same wires."""
        ...

    async def send(self, wire: Wire) -> str:
        """Hands one wire to the provider and returns the provider's id of it. Raises TryAgain or Undeliverable."""
        ...


@runtime_checkable
class Webhook(Protocol):
    """A channel whose provider calls us. The host answers 413 and 403 before parsing, 400 to Malformed, and
    `acknowledge` only after the message is durable."""

    paths: Sequence[str]  # POSTed to by the provider; empty when this mode is off

    def verify(self, raw: Raw) -> None:
        """Raises Unverified."""
        ...

    async def acknowledge(self, raw: Raw, message: InboundMessage | None) -> Ack:
        """The answer to the provider; a live channel may wait here for the reply."""
        ...


@runtime_checkable
class Listener(Protocol):
    """A channel that keeps a connection or a server of its own open."""

    async def listen(self, deliver: Deliver) -> None:
        """Runs until cancelled; reconnects by itself. Acknowledges to its provider after `deliver` returned."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a check found out: the proof of a message, and what its provider vouches for."""

    proof: Proof
    vouchers: tuple[Voucher, ...] = ()


@runtime_checkable
class Speaks(Protocol):
    """A channel on which somebody waits while a reply is worded, so that it can begin before it is finished."""

    async def begin(self, reply: Reply) -> None:
        """Says the beginning of a reply: longer each time, under the id and with the first words of the reply that is
        sent in the end. Of that one it says what it has not said yet."""
        ...


class Socket(Protocol):
    """A WebSocket that somebody opened to us."""

    async def receive(self) -> str | None:
        """The next text that comes; None when no more will."""
        ...

    async def send(self, text: str) -> None:
        """Sends a text; nothing, when nobody is there any more."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Ears:
    """What a channel tells of a conversation on a socket: messages, kept when `hear` returns, and interruptions."""

    hear: Deliver
    interrupted: Callable[[Interruption], Awaitable[None]]


@runtime_checkable
class Converses(Protocol):
    """A channel whose provider opens a WebSocket to us for a whole conversation."""

    sockets: Sequence[str]  # paths; empty when this mode is off

    def verify(self, raw: Raw) -> None:
        """Raises Unverified unless the opening of a socket is the provider's."""
        ...

    async def converse(self, socket: Socket, ears: Ears) -> None:
        """Goes on until one side ends it."""
        ...


@runtime_checkable
class Checks(Protocol):
    """A channel that has to ask others about a message: asked after it is kept, for those that are `unchecked`."""

    async def check(self, message: InboundMessage, raw: Raw) -> Checked:
        """What others say of a message. When it fails, or takes too long and is cancelled, the message stays as it was
        parsed: no better proven, and with no news of what is vouched for."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What became of something that we sent, by the provider's id of it. `failure` is one line for staff."""

    provider_id: str
    failure: str = ""  # "" when it arrived
    opted_out: bool = False  # its receiver told the network to take no more of us


@runtime_checkable
class Reports(Protocol):
    """A channel whose provider tells later whether a message arrived."""

    def report(self, raw: Raw) -> Report | None:
        """The report in a delivery in which no customer talks; None where there is none. Pure."""
        ...


@runtime_checkable
class Recounts(Protocol[Wire_contra]):
    """A channel whose provider can be asked what it took of us, for when we do not know how far we got."""

    async def taken(self, wire: Wire_contra, since: datetime) -> Sequence[str] | None:
        """The provider's ids of what it took after that moment and may be this wire, the oldest first. None of them
        where it has no such thing, or shows it once however often it is sent; None where it cannot tell.

        Raises TryAgain."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """A channel that gives only the address of a file, and can fetch it for staff."""

    async def fetch(self, file: Attachment) -> bytes:
        """Its content. Raises Problem, in a line for staff."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a reply will arrive: the words of each message that leaves us, to the letter, and a page of HTML that shows
    about how it looks there and loads nothing. `remarks` tell staff what it costs, and what is shown differently."""

    messages: Sequence[str]
    page: str = ""  # "" where words are all that there is
    remarks: Sequence[str] = ()


@runtime_checkable
class Previews(Protocol):
    """A channel that can tell how a reply will look there. Pure, as `render` is."""

    def look(self, reply: Reply) -> Look:
        """How this reply would arrive."""
        ...


@runtime_checkable
class Typing(Protocol):
    """A channel that can show that an answer is being written."""

    async def typing(self, route: Route) -> None:
        """Shows it for as long as the platform does. May fail: nothing depends on it."""
        ...


@runtime_checkable
class Closes(Protocol):
    """A channel that keeps connections between one message and the next."""

    async def close(self) -> None:
        """Lets go of them; nothing is sent afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `doctor` looked at. `advice` is what to do, to the button to press; "" when all is well."""

    what: str  # never with a secret in it
    advice: str = ""
    _: KW_ONLY
    fatal: bool = False  # the channel cannot work like this


@runtime_checkable
class Examined(Protocol):
    """A channel that can be asked whether its provider would let it work."""

    async def examine(self) -> Sequence[Finding]:
        """Credentials, scopes, webhooks, DNS: asked of the provider, nothing is changed there. Never raises for what it
        finds, and takes a few seconds at most."""
        ...


@runtime_checkable
class Serves(Protocol):
    """A listener with a server on a port of its own."""

    async def started(self) -> int:
        """The port, once it is listened on."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A channel that shows conversations to whoever has them open, in this process or in another one."""

    async def refresh(self, conversation: str = "") -> None:
        """Shows what was said in a conversation, or in any that is open here, as far as it is not shown yet."""
        ...


@runtime_checkable
class Pages(Protocol):
    """A channel that shows something in a browser."""

    pages: Sequence[str]  # paths that it answers to GET

    async def get(self, raw: Raw) -> Ack:
        """The page, or a stream of server-sent events. Raises Unverified."""
        ...


@runtime_checkable
class Embedded(Protocol):
    """A channel whose paths scripts of other websites use, in their visitors' browsers."""

    origins: Sequence[str]  # theirs, as scheme://host:port; "*" for any
    script_headers: Sequence[str]  # that these scripts may send, and read in answers
