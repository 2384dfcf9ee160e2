"""Our own check of a mail's author, where no server of the operator's vouches: DMARC (RFC 7489) over DKIM and SPF."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from dns.exception import DNSException
from publicsuffixlist import PublicSuffixList

from channels._mail.author import Author, ascii_domain
from channels._mail.headers import Headers
from channels._mail.lookup import Lookup, Server
from channels._mail.senders import may_send
from channels._mail.signatures import is_signed, signatures
from identity.proof import Proof

_log = logging.getLogger(__name__)

POLICIES: Final = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Who brought a mail: the address of the host, and the sender that its envelope names."""

    host: str
    sender: str

    @property
    def domain(self) -> str:
        """The domain that SPF speaks about, "" for none."""
        # Of `a@evil.test@shop.test` pyspf takes what follows the first sign.
        _local, _at, domain = self.sender.partition("@")
        return ascii_domain(domain) or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Dmarc:
    """What a domain publishes about alignment. `recorded` is false where it publishes nothing."""

    recorded: bool = False
    strict_dkim: bool = False
    strict_spf: bool = False


class MailChecks:
    """Asks DNS about a mail. It sets itself no deadline but for each question.

    `told` hears how DNS does: "" when it answered, or why it did not.
    """

    def __init__(self, servers: Sequence[Server], told: Callable[[str], None] = lambda _why: None) -> None:
        self._lookup = Lookup(servers)
        self._told = told

    async def weigh(self, mail: bytes, domain: str, client: Client | None) -> Proof:
        """How well a mail of one author at this domain is vouched for.

        `client` is None where the mail came by way of a server of our own, so that SPF says nothing about its author.
        """
        try:
            policy = await self._dmarc(domain)
        except DNSException as error:
            self._note(error)
            return Proof.CLAIMED
        self._told("")
        dkim_aligned = partial(is_aligned, domain, strict=policy.strict_dkim)
        if await self._holds(is_signed(mail, dkim_aligned, self._lookup)):
            return Proof.PROVEN if policy.recorded else Proof.PLAUSIBLE
        if client and policy.recorded and is_aligned(domain, client.domain, strict=policy.strict_spf):
            return (
                Proof.PROVEN if await self._holds(may_send(client.host, client.sender, self._lookup)) else Proof.CLAIMED
            )
        return Proof.CLAIMED

    async def _holds(self, check: Awaitable[bool]) -> bool:
        try:
            return await check
        except DNSException as error:
            self._note(error)
            return False

    def _note(self, error: DNSException) -> None:
        _log.info("DNS did not tell about a mail's sender: %s", type(error).__name__)
        self._told(f"DNS did not tell about a mail's sender: {type(error).__name__}")

    async def _dmarc(self, domain: str) -> _Dmarc:
        for place in dict.fromkeys((domain, organisation(domain) or domain)):
            if records := [t for t in await self._lookup.texts(f"_dmarc.{place}") if is_dmarc(t)]:
                return _read(records[0]) if len(records) == 1 else _Dmarc()
        return _Dmarc()


def could_pass(headers: Headers, author: Author, client: Client | None) -> bool:
    """Whether asking DNS could raise the proof of a mail: there is one author, and something speaks for its domain."""
    if not author.certain:
        return False
    signed_by = [s.domain for s in signatures(v.encode() for v in headers.all("dkim-signature"))]
    return any(is_aligned(author.domain, domain) for domain in [*signed_by, client.domain if client else ""])


def is_aligned(author: str, domain: str, *, strict: bool = False) -> bool:
    """Whether a domain may speak for an author's: it is the same, or unless `strict` of the same organisation."""
    if strict or author == domain:
        return author == domain
    registered = organisation(author)
    return registered is not None and registered == organisation(domain)


def organisation(domain: str) -> str | None:
    """The registered domain that a domain belongs to; None for a public suffix."""
    registered: str | None = _public_suffixes().privatesuffix(domain)
    return registered


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def is_dmarc(record: bytes) -> bool:
    """Whether a TXT record is a DMARC policy."""
    version, _, value = record.partition(b";")[0].partition(b"=")
    return version.strip() == b"v" and value.strip() == b"DMARC1"


def _read(record: bytes) -> _Dmarc:
    tags = tags_of(record.lower())
    if tags.get("p") not in POLICIES:
        return _Dmarc()
    return _Dmarc(recorded=True, strict_dkim=tags.get("adkim") == "s", strict_spf=tags.get("aspf") == "s")


def tags_of(record: bytes) -> Mapping[str, str]:
    """The tags of a record such as `v=DMARC1; p=none`."""
    pairs = (part.partition("=") for part in record.decode("ascii", "replace").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
