"""Email: an SMTP server of ours takes it, the company's relay sends it."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from channels._mail.author import Author, author_of, normal_address
from channels._mail.checks import Client, MailChecks, could_pass
from channels._mail.examining import Post, Sending, examined
from channels._mail.headers import Headers, readable
from channels._mail.letter import Letter, Letterhead, bare_subject, is_reply
from channels._mail.lookup import Lookup, servers
from channels._mail.loops import is_automatic
from channels._mail.outbox import Folder, Relay
from channels._mail.pages import MOST_SHOWN, PAGE_HEADERS, is_newcomer, page_of, pages_for
from channels._mail.proof import comes_from, networks, weigh_mail
from channels._mail.reading import Mail, read_mail
from channels._mail.seal import Seal, short_name
from channels._mail.server import Door, serve
from channels._mail.trim import own_words
from core.channel import Ack, Checked, Deliver, Finding, Limits, Site
from core.errors import Malformed, Unverified
from core.messages import InboundMessage, Raw, Reply, Route
from identity.handles import Handle
from identity.proof import Proof

_log = logging.getLogger(__name__)

_LONGEST_LOCAL: Final = 31  # of the support address: with the reply token it stays within SMTP's 64
_MOST_REFERENCES: Final = 10
_MOST_NAME: Final = 100
_MOST_DATE: Final = 100
_JUST_SENT = timedelta(seconds=5)
_MOST_READ: Final = 100_000
_ID: Final = re.compile(r"<[!-;=?-~]{3,248}>")


def _mailbox(value: str) -> str:
    local, _at, domain = value.rpartition("@")
    address = normal_address(local, domain)
    if not address or not address.isascii() or "+" in local or len(local) > _LONGEST_LOCAL:
        raise ValueError("is no plain address such as support@acme.test, of at most 31 characters before the @")
    return address


def _relays(value: str) -> str:
    networks(value)
    return value


def _servers(value: str) -> str:
    servers(value)
    return value


class Mailbox(BaseModel):
    """Where customers' mail comes in, and where ours goes out."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    smtp_listen_host: str = Field("127.0.0.1", description="The address on which we take customers' mail by SMTP.")
    smtp_listen_port: int = Field(8025, ge=0, le=65535, description="The port on which we take customers' mail.")
    smtp_relay_host: str = Field(
        "", description="The mail server that sends our replies; while it is empty they are kept under var/mail."
    )
    smtp_relay_port: int = Field(587, ge=1, le=65535, description="The port of that mail server.")
    smtp_relay_user: str = Field("", description="The name by which we sign in there, if it wants one.")
    smtp_relay_password: SecretStr = Field(SecretStr(""), description="The password for that name.")
    smtp_relay_starttls: bool = Field(
        True, description="Whether mail is sent there by TLS only (STARTTLS); false never tries TLS."
    )
    support_address: Annotated[str, AfterValidator(_mailbox)] = Field(
        "support@localhost", description="The address that customers write to; mail to address+anything@ is ours too."
    )
    mail_authserv_id: str = Field(
        "", description="The name by which your own mail server signs its Authentication-Results header."
    )
    mail_trusted_relays: Annotated[str, AfterValidator(_relays)] = Field(
        "", description="The addresses or CIDRs of your own mail servers, separated by commas; their verdicts count."
    )
    mail_dns: Annotated[str, AfterValidator(_servers)] = Field(
        "", description="The DNS servers, ADDRESS:PORT and commas, that mail is checked with; empty for the system's."
    )


class Email:
    """Mail in by aiosmtpd, out by aiosmtplib. Reply-To and Cc neither identify anybody nor get an answer."""

    name: ClassVar[str] = "email"
    label: ClassVar[str] = "email"
    limits: ClassVar[Limits] = Limits(inbound_bytes=25_000_000, text=100_000, answers_to_claimed=1)
    Settings: ClassVar[type[BaseModel]] = Mailbox

    def __init__(self, settings: Mailbox, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._trusted = networks(settings.mail_trusted_relays)
        self._checks = MailChecks(servers(settings.mail_dns))
        local, _at, domain = settings.support_address.partition("@")
        self._head = Letterhead(
            brand=site.brand,
            local=local,
            domain=domain,
            threads=Seal(site.secret, "thread"),
            letters=Seal(site.secret, "letter"),
        )
        self._folder = Folder(path=site.var / "mail")
        self._outbox = self._relay(domain) if settings.smtp_relay_host else self._folder
        self.pages = pages_for(site.base_url) if self._outbox is self._folder else ()
        self._opened = asyncio.Event()
        self._port = settings.smtp_listen_port

    def parse(self, raw: Raw) -> InboundMessage | None:
        """A customer's mail. The envelope stands in the headers `mail-from` and `rcpt-to`."""
        mail = read_mail(raw.body)
        envelope_sender = raw.headers.get("mail-from")
        author = author_of(mail.headers, envelope_sender or "")
        if not author:
            raise Malformed("The mail does not say who it is from; read the raw mail by hand.")
        ours = self._head.receives(author.address) or self._head.is_ours(mail.headers.first("message-id"))
        if ours or is_automatic(mail.headers, mail.media_type, author.address, envelope_sender):
            return None
        return self._message(raw, mail, author)

    async def check(self, message: InboundMessage, raw: Raw) -> Checked:
        """What DMARC, DKIM and SPF say of a mail's author, where no server of our own has vouched for it."""
        domain = message.handle.address.rpartition("@")[2]
        return Checked(proof=await self._checks.weigh(raw.body, domain, self._client(raw)))

    def render(self, reply: Reply) -> Sequence[Letter]:
        """One letter."""
        return [self._head.compose(reply)]

    async def send(self, wire: Letter) -> str:
        """Sends by the relay, or keeps a file; the id is the Message-ID."""
        await self._outbox.send(wire, self._site.now())
        return wire.message_id

    async def listen(self, deliver: Deliver) -> None:
        """Takes mail until cancelled. Raises Misconfigured when the port cannot be had."""

        async def keep(content: bytes, sender: str, recipients: Sequence[str], peer: str) -> bool:
            envelope = {"mail-from": sender, "rcpt-to": ",".join(recipients)}
            return await deliver(Raw(body=content, received_at=self._site.now(), headers=envelope, peer=peer))

        await serve(
            Door(self._head.receives, keep),
            (self._settings.smtp_listen_host, self._settings.smtp_listen_port),
            hostname=self._head.domain,
            most_bytes=self.limits.inbound_bytes,
            opened=self._open,
        )

    async def started(self) -> int:
        """The port that is listened on, once it is."""
        await self._opened.wait()
        return self._port

    async def examine(self) -> Sequence[Finding]:
        """Our port, the relay, whom we trust, and what the support address's domain publishes."""
        return await examined(self._post())

    async def get(self, raw: Raw) -> Ack:
        """The newest kept letters, for the newcomer at this very machine. Raises Unverified for everybody else."""
        if not is_newcomer(raw, self.pages):
            raise Unverified("Kept mail is shown at http://127.0.0.1 on this machine only; read it in var/mail.")
        letters = await self._folder.newest(MOST_SHOWN)
        return Ack(body=page_of(letters, self._site.brand), media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)

    def _open(self, port: int) -> None:
        self._port = port
        self._opened.set()
        _log.info("Mail is taken at %s:%d.", self._settings.smtp_listen_host, port)

    def _post(self) -> Post:
        chosen, name = self._settings, self._head.domain
        sending = Sending(
            host=chosen.smtp_relay_host,
            port=chosen.smtp_relay_port,
            user=chosen.smtp_relay_user,
            password=chosen.smtp_relay_password.get_secret_value(),
            starttls=chosen.smtp_relay_starttls,
            name=name,
        )
        return Post(
            domain=name,
            listening=(chosen.smtp_listen_host, chosen.smtp_listen_port),
            sending=sending if sending.host else None,
            authserv_id=chosen.mail_authserv_id,
            relays=self._trusted,
            selector=getattr(chosen, "dkim_selector", ""),
            key_file=getattr(chosen, "dkim_key_file", ""),
            lookup=Lookup(servers(chosen.mail_dns)),
        )

    def _relay(self, domain: str) -> Relay:
        return Relay(
            host=self._settings.smtp_relay_host,
            port=self._settings.smtp_relay_port,
            user=self._settings.smtp_relay_user,
            password=self._settings.smtp_relay_password.get_secret_value(),
            starttls=self._settings.smtp_relay_starttls,
            domain=domain,
        )

    def _message(self, raw: Raw, mail: Mail, author: Author) -> InboundMessage:
        proof = weigh_mail(
            mail.headers,
            author,
            peer=raw.peer,
            authserv_id=self._settings.mail_authserv_id,
            relays=self._trusted,
        )
        unchecked = proof is Proof.CLAIMED and could_pass(mail.headers, author, self._client(raw))
        # The author and the proof belong to the name: who forges a Message-ID cannot take another's place. Before the
        # proof is known it is the whole mail.
        message_id = "" if unchecked else mail.headers.first("message-id")
        named = message_id or hashlib.sha256(raw.body).hexdigest()
        external_id = short_name(named, author.address, proof.name)
        conversation = self._head.thread_of(raw.headers.get("rcpt-to", ""), author.address) or external_id
        return InboundMessage(
            external_id=external_id,
            handle=Handle(channel=self.name, address=author.address, key=f"email:{author.address}"),
            proof=proof,
            text=_words(mail),
            conversation=conversation,
            route=_route(mail.headers, author, conversation),
            received_at=raw.received_at,
            sent_at=_sent_at(mail.headers, raw.received_at),
            attachments=mail.attachments,
            display_name=author.name[:_MOST_NAME],
            unchecked=unchecked,
        )

    def _client(self, raw: Raw) -> Client | None:
        """Who brought a mail, where it was not a relay of our own."""
        if comes_from(raw.peer, self._trusted):
            return None
        return Client(host=raw.peer, sender=raw.headers.get("mail-from", ""))


def _words(mail: Mail) -> str:
    """The author's words, after the subject of a new thread where that says more than they do."""
    subject = readable(mail.headers.first("subject"))
    answers = is_reply(subject) or bool(mail.headers.first("in-reply-to") or mail.headers.first("references"))
    text = own_words(mail.text, answers=answers)
    told = answers or subject.casefold() in text[:_MOST_READ].casefold()
    return text if told else f"{bare_subject(subject)}\n\n{text}".strip()


def _route(headers: Headers, author: Author, conversation: str) -> Route:
    message_id = "".join(_ids(headers.first("message-id"))[:1])
    earlier = _ids(headers.first("references") or headers.first("in-reply-to"))
    return {
        "to": author.address,
        "subject": bare_subject(readable(headers.first("subject"))),
        "in_reply_to": message_id,
        "references": " ".join([*earlier[-_MOST_REFERENCES:], message_id]).strip(),
        "token": conversation,
    }


def _ids(value: str) -> list[str]:
    return [name for name in value.split() if _ID.fullmatch(name)]


def _sent_at(headers: Headers, received_at: datetime) -> datetime | None:
    """The time in Date, unless it names no zone or lies in the future."""
    try:
        sent_at = parsedate_to_datetime(headers.first("date")[:_MOST_DATE])
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    # Date has whole seconds: of a mail that has just been sent, our own clock knows the order better.
    is_older = sent_at.tzinfo is not None and sent_at < received_at - _JUST_SENT
    return sent_at if is_older else None


CHANNEL = Email
