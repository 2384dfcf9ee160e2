"""What crosses the border between a channel and the engine. Immutable; no vendor's field name gets past here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.consent import Consent
from identity.handles import Handle
from identity.proof import Proof

_PLAUSIBLE_DELAY = timedelta(days=3)

# Where a reply goes, in the channel's own words (a mailbox and its thread, a Slack channel and its thread, a CallSid).
# Opaque to the engine, kept as JSON.
Route = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """One delivery as it arrived, before anything is believed. `url` is the public one, which signatures cover."""

    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    url: str = ""
    path: str = ""
    peer: str = ""  # the address of the peer that delivered it, e.g. the mail relay


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that came with a message, or goes with a reply. `content` is empty where it is not at hand: a channel may
    give only an address to fetch it from, and of what we sent the ledger reads it when it is asked for."""

    name: str
    media_type: str
    size: int  # bytes
    content: bytes = b""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voucher:
    """The channel's provider vouches that this handle also holds a key, e.g. `email:ann@shop.test` from a signed login.

    `person` is the login's subject, where one speaks.
    """

    key: str
    person: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An answer that is offered with a reply: a button, where the channel has them. Pressing it says `says`."""

    label: str  # as the button reads, in the conversation's language
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundMessage:
    """One message of a customer, normalised. `(handle.channel, external_id)` is unique: redelivery changes nothing."""

    external_id: str
    handle: Handle
    proof: Proof  # how well the channel vouches for the handle, before we ask whether we know it
    text: str  # the customer's own words, without quotes and signatures
    conversation: str  # what carries it: reply-token thread, CallSid, chat session, direct-message id
    route: Route
    received_at: datetime
    sent_at: datetime | None = None  # the provider's time, where it gives one; decides which value of a fact is newer
    attachments: tuple[Attachment, ...] = ()
    vouchers: tuple[Voucher, ...] | None = ()  # None: it could not be asked; what it said before still holds
    display_name: str = ""  # as typed by the sender: a hint for staff, never an identity
    digits: str = ""  # keyed on a telephone
    public: bool = False  # others read this channel: the reply has to be private
    opening: bool = False  # a call begins; nothing has been said yet
    unchecked: bool = False  # the channel has yet to ask others about it, after the message is kept
    replaces: str = ""  # the external id of the message that this one corrects, or takes back when it has no text
    wish: Consent | None = None  # the network took it for this wish, and has answered it by itself
    trace: str = ""  # its correlation id, given when it is kept; no business of its channel

    @property
    def told_at(self) -> datetime:
        """When it was said, by the provider's clock; by ours where that one is missing or plainly wrong."""
        if self.sent_at is None or not timedelta(0) <= self.received_at - self.sent_at <= _PLAUSIBLE_DELAY:
            return self.received_at
        return self.sent_at

    @property
    def channel(self) -> str:
        """The name of the channel it came through."""
        return self.handle.channel

    @property
    def takes_back(self) -> bool:
        """The customer deleted what `replaces` names; nothing is said instead."""
        return bool(self.replaces) and not self.text and not self.attachments


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What we say, before it takes a channel's shape. `text` is a small Markdown: paragraphs, lists, **bold**, links.

    A reply is always private: to something said in public it goes by direct message or ephemerally. `id` is unique and
    stable over retries: channels derive Message-ID, nonce and the like from it. `expects_digits` is how many digits the
    next input is asked to have, for a keypad; 0 for free speech. `rates` is the case that the text asks to be rated.
    `choices` are answers to press, for channels with buttons; the text says all that they do. `files` go with it; the
    text may be empty then. Their names are somebody's words: made plain, and with no path in them.
    """

    id: str
    route: Route
    text: str
    language: str = "en"
    sender: str = "bot"  # "bot" | "agent"
    asks: tuple[str, ...] = ()  # slot ids that this reply asks for
    secret: str = ""  # a code in the text: kept from the record, and from everybody but who is answered
    expects_digits: int = 0
    ends: bool = False  # nothing more is awaited: hang up
    hands_over: bool = False  # a colleague goes on with it: who is on the telephone may be put through
    rates: int | None = None
    choices: tuple[Choice, ...] = ()
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Interruption:
    """Somebody spoke against a reply. `heard` is the beginning of its text that reached them."""

    channel: str
    conversation: str
    reply: str  # its id
    heard: str
