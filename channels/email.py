"""Email: an SMTP server of ours takes it, the company's relay sends it."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from channels._mail import looking
from channels._mail.author import Author, ascii_domain, author_of, normal_address
from channels._mail.bounces import bounce
from channels._mail.checks import Client, MailChecks, could_pass
from channels._mail.enclosing import MOST_BYTES
from channels._mail.examining import Post, examined
from channels._mail.headers import Headers, readable
from channels._mail.letter import Letter, Letterhead
from channels._mail.lookup import Lookup, servers
from channels._mail.loops import is_automatic
from channels._mail.notices import Notices
from channels._mail.outbox import Folder
from channels._mail.pages import MOST_SHOWN, PAGE_HEADERS, is_newcomer, page_of, pages_for
from channels._mail.proof import comes_from, networks, weigh_mail
from channels._mail.reading import Mail, read_mail
from channels._mail.relay import Relay, Sending
from channels._mail.seal import Seal, short_name
from channels._mail.server import Door, House, serve
from channels._mail.signing import Signer, UnusableKey, private_key
from channels._mail.statuses import meaning
from channels._mail.subjects import bare_subject, is_reply
from channels._mail.threads import answered, message_id, references
from channels._mail.tls import Certificate
from channels._mail.trim import own_words
from core.channel import Ack, Checked, Deliver, Finding, Limits, Look, Report, Site
from core.errors import Malformed, Misconfigured, Unverified
from core.messages import InboundMessage, Raw, Reply, Route
from core.rooms import Act, Call
from identity.handles import Handle
from identity.proof import Proof

_log = logging.getLogger(__name__)

_LONGEST_LOCAL: Final = 31  # of the support address: with the reply token it stays within SMTP's 64
_MOST_NAME: Final = 100
_MOST_DATE: Final = 100
_JUST_SENT = timedelta(seconds=5)
_MOST_READ: Final = 100_000


def _mailbox(value: str) -> str:
    local, _at, domain = value.rpartition("@")
    address = normal_address(local, domain)
    if not address or not address.isascii() or "+" in local or len(local) > _LONGEST_LOCAL:
        raise ValueError("is no plain address such as support@acme.test, of at most 31 characters before the @")
    return address


def _mailboxes(value: str) -> str:
    named = [one.strip() for one in value.split(",") if one.strip()]
    found = [normal_address(*one.rpartition("@")[::2]) for one in named]
    if unknown := [one for one, address in zip(named, found, strict=True) if not address]:
        raise ValueError(f"{unknown[0]} is no mailbox such as eve@acme.test; give them with commas in between")
    return ",".join(dict.fromkeys(filter(None, found)))


def _relays(value: str) -> str:
    networks(value)
    return value


def _selector(value: str) -> str:
    if value and ascii_domain(value) != value.lower():
        raise ValueError("is no name of a DNS record such as mail2026")
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
    staff_notify: Annotated[str, AfterValidator(_mailboxes)] = Field(
        "", description="Mailboxes of colleagues, separated by commas, that are told when a case waits for a person."
    )
    mail_authserv_id: str = Field(
        "", description="The name by which your own mail server signs its Authentication-Results header."
    )
    mail_trusted_relays: Annotated[str, AfterValidator(_relays)] = Field(
        "", description="The addresses or CIDRs of your own mail servers, separated by commas; their verdicts count."
    )
    smtp_tls_cert: str = Field(
        "", description="The PEM file with the certificate, and its chain, by which we offer TLS (STARTTLS)."
    )
    smtp_tls_key: str = Field("", description="The PEM file with the key of that certificate.")
    dkim_selector: Annotated[str, AfterValidator(_selector)] = Field(
        "", description="The name in DNS, in front of ._domainkey, of the key that signs our mail; empty to sign none."
    )
    dkim_key_file: str = Field("", description="The PEM file with that key, RSA or Ed25519.")
    mail_dns: Annotated[str, AfterValidator(_servers)] = Field(
        "", description="The DNS servers, ADDRESS:PORT and commas, that mail is checked with; empty for the system's."
    )


class Email:
    """Mail in by aiosmtpd, out by aiosmtplib. Reply-To and Cc neither identify anybody nor get an answer."""

    name: ClassVar[str] = "email"
    label: ClassVar[str] = "email"
    limits: ClassVar[Limits] = Limits(
        inbound_bytes=25_000_000,
        text=100_000,
        answers_to_claimed=1,
        file_bytes=MOST_BYTES,
        patience=timedelta(days=5),  # RFC 5321 section 4.5.4.1
    )
    Settings: ClassVar[type[BaseModel]] = Mailbox

    def __init__(self, settings: Mailbox, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._trusted = networks(settings.mail_trusted_relays)
        self._checks = MailChecks(servers(settings.mail_dns), partial(site.noted, "checking"))
        local, _at, domain = settings.support_address.partition("@")
        self._head = Letterhead(
            brand=site.brand or site.name,
            local=local,
            domain=domain,
            threads=Seal(site.secret, "thread", site.accepted),
            letters=Seal(site.secret, "letter", site.accepted),
        )
        self._notices = Notices(
            head=self._head,
            seal=Seal(site.secret, "notice", site.accepted),
            mailboxes=[one for one in settings.staff_notify.split(",") if one],
            send=self._post_letter,
        )
        self.has_room = bool(settings.staff_notify)
        self._folder = Folder(path=site.var / "mail")
        self._sending = self._relay(domain) if settings.smtp_relay_host else None
        signer = _signer(settings, domain)
        self._outbox = Relay(self._sending, signer) if self._sending else self._folder
        self._certificate = _certificate(settings)
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
        to_nobody = self._notices.answered_by(answered(mail.headers))
        if ours or to_nobody or is_automatic(mail.headers, mail.media_type, author.address, envelope_sender):
            return None
        return self._message(raw, mail, author)

    async def check(self, message: InboundMessage, raw: Raw) -> Checked:
        """What DMARC, DKIM and SPF say of a mail's author, where no server of our own has vouched for it."""
        domain = message.handle.address.rpartition("@")[2]
        return Checked(proof=await self._checks.weigh(raw.body, domain, self._client(raw)))

    def report(self, raw: Raw) -> Report | None:
        """A letter that came back for good. Only who was sent it can name it: its Message-ID is sealed."""
        told = bounce(raw.body)
        if not told or not told.permanent:
            return None
        ours = next((one.lower() for one in told.message_ids if self._head.is_ours(one)), "")
        why = ": ".join(filter(None, (meaning(told.status), told.reason)))
        return Report(provider_id=ours, failure=f"It came back: {why or 'nobody says why'}") if ours else None

    def render(self, reply: Reply) -> Sequence[Letter]:
        """One letter, with its files."""
        return [self._head.compose(reply)]

    def look(self, reply: Reply) -> Look:
        """How its text and its HTML will look; mail programs show either."""
        return looking.look(reply)

    async def send(self, wire: Letter) -> str:
        """Sends by the relay, or keeps a file; the id is the Message-ID."""
        await self._post_letter(wire)
        return wire.message_id

    def join(self, act: Act) -> None:
        """Nobody acts by mail: what answers a notice is not read."""

    async def call(self, call: Call) -> str:
        """Mails the colleagues whom STAFF_NOTIFY names. Raises TryAgain or Undeliverable."""
        return await self._notices.call(call)

    async def listen(self, deliver: Deliver) -> None:
        """Takes mail until cancelled. Raises Misconfigured when the port cannot be had."""

        async def keep(content: bytes, sender: str, recipients: Sequence[str], peer: str) -> bool:
            envelope = {"mail-from": sender, "rcpt-to": ",".join(recipients)}
            return await deliver(Raw(body=content, received_at=self._site.now(), headers=envelope, peer=peer))

        house = House(
            door=Door(self._head.receives, keep),
            hostname=self._head.domain,
            most_bytes=self.limits.inbound_bytes,
            tls=self._certificate.context if self._certificate else None,
        )
        await serve(house, (self._settings.smtp_listen_host, self._settings.smtp_listen_port), self._open)

    async def started(self) -> int:
        """The port that is listened on, once it is."""
        await self._opened.wait()
        return self._port

    async def examine(self) -> Sequence[Finding]:
        """Our port, the relay, whom we trust, and what the support address's domain publishes."""
        return await examined(self._post())

    async def close(self) -> None:
        """Takes leave of the relay."""
        await self._outbox.close()

    async def get(self, raw: Raw) -> Ack:
        """The newest kept letters, for the newcomer at this very machine. Raises Unverified for everybody else."""
        if not is_newcomer(raw, self.pages):
            raise Unverified("Kept mail is shown at http://127.0.0.1 on this machine only; read it in var/mail.")
        letters = await self._folder.newest(MOST_SHOWN)
        return Ack(body=page_of(letters, self._site.brand), media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)

    async def _post_letter(self, letter: Letter) -> None:
        await self._outbox.send(letter, self._site.now())

    def _open(self, port: int) -> None:
        self._port = port
        self._opened.set()
        _log.info("Mail is taken at %s:%d.", self._settings.smtp_listen_host, port)

    def _post(self) -> Post:
        chosen = self._settings
        return Post(
            domain=self._head.domain,
            listening=(chosen.smtp_listen_host, chosen.smtp_listen_port),
            sending=self._sending,
            authserv_id=chosen.mail_authserv_id,
            relays=self._trusted,
            selector=chosen.dkim_selector,
            key_file=chosen.dkim_key_file,
            lookup=Lookup(servers(chosen.mail_dns)),
        )

    def _relay(self, domain: str) -> Sending:
        return Sending(
            host=self._settings.smtp_relay_host,
            port=self._settings.smtp_relay_port,
            user=self._settings.smtp_relay_user,
            password=self._settings.smtp_relay_password.get_secret_value(),
            starttls=self._settings.smtp_relay_starttls,
            name=domain,
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
        named = "" if unchecked else mail.headers.first("message-id")
        named = named or hashlib.sha256(raw.body).hexdigest()
        external_id = short_name(named, author.address, proof.name)
        thread = self._head.thread_of(raw.headers.get("rcpt-to", ""), answered(mail.headers), author.address)
        conversation = thread or external_id
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


def _signer(settings: Mailbox, domain: str) -> Signer | None:
    """Raises Misconfigured."""
    selector, file = settings.dkim_selector, settings.dkim_key_file
    if not selector and not file:
        return None
    if not selector or not file:
        missing, given = ("DKIM_SELECTOR", "DKIM_KEY_FILE") if file else ("DKIM_KEY_FILE", "DKIM_SELECTOR")
        raise Misconfigured(missing, f"is empty though {given} is set; set it too, or empty both.")
    try:
        return Signer(domain=domain, selector=selector, key=private_key(Path(file).read_bytes()))
    except UnusableKey as error:
        raise Misconfigured("DKIM_KEY_FILE", f"{file} {error}; give another one.") from error
    except OSError as error:
        raise Misconfigured("DKIM_KEY_FILE", f"{file} cannot be read: {error.strerror}.") from error


def _certificate(settings: Mailbox) -> Certificate | None:
    """Raises Misconfigured."""
    chain, key = settings.smtp_tls_cert, settings.smtp_tls_key
    if not chain and not key:
        return None
    if not chain or not key:
        missing, given = ("SMTP_TLS_CERT", "SMTP_TLS_KEY") if key else ("SMTP_TLS_KEY", "SMTP_TLS_CERT")
        raise Misconfigured(missing, f"is empty though {given} is set; set it too, or empty both.")
    return Certificate(Path(chain), Path(key))


def _words(mail: Mail) -> str:
    """The author's words, after the subject of a new thread where that says more than they do."""
    subject = readable(mail.headers.first("subject"))
    answers = is_reply(subject) or bool(mail.headers.first("in-reply-to") or mail.headers.first("references"))
    text = own_words(mail.text, answers=answers)
    told = answers or subject.casefold() in text[:_MOST_READ].casefold()
    return text if told else f"{bare_subject(subject)}\n\n{text}".strip()


def _route(headers: Headers, author: Author, conversation: str) -> Route:
    return {
        "to": author.address,
        "subject": bare_subject(readable(headers.first("subject"))),
        "in_reply_to": message_id(headers),
        "references": references(headers),
        "token": conversation,
    }


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
