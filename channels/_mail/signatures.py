"""DKIM (RFC 6376): which signatures of a mail speak for its author, and whether they hold."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import dkim  # type: ignore[import-untyped]
from dkim.util import InvalidTagValueList, parse_tag_value  # type: ignore[import-untyped]

from channels._mail.author import ascii_domain
from channels._mail.lookup import Lookup

_log = logging.getLogger(__name__)

_ALGORITHMS: Final = (b"rsa-sha256", b"ed25519-sha256")  # dkimpy takes SHA-1 too, which RFC 8301 forbids
_MOST_TRIED: Final = 5
_READ_BY_US: Final = (b"from", b"subject", b"content-type", b"content-transfer-encoding")

_Tags = Mapping[bytes, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One DKIM-Signature, the topmost being number 0, with the domain that it speaks for."""

    number: int
    domain: str
    tags: _Tags

    @property
    def key_name(self) -> str:
        """Where its public key stands in DNS."""
        return f"{self.tags.get(b's', b'').decode('ascii', 'replace')}._domainkey.{self.domain}"

    @property
    def whole(self) -> bool:
        """Whether it covers the author and the whole body; dkimpy also passes one that does not."""
        return b"l" not in self.tags and self.tags.get(b"a") in _ALGORITHMS and b"from" in self.covered

    @property
    def covered(self) -> frozenset[bytes]:
        """The headers that it signs."""
        return frozenset(name.strip().lower() for name in self.tags.get(b"h", b"").split(b":"))

    @property
    def for_subdomain(self) -> bool:
        """Whether it is signed in the name of a subdomain of its domain."""
        identity = self.tags.get(b"i", b"@" + self.domain.encode())
        return identity.rpartition(b"@")[2].lower() != self.domain.encode()


def signatures(values: Iterable[bytes]) -> Iterator[Signature]:
    """The readable ones among the values of a mail's DKIM-Signature headers, topmost first."""
    for number, value in enumerate(values):
        tags = _tags(value)
        if domain := ascii_domain(tags.get(b"d", b"").decode("ascii", "replace")):
            yield Signature(number=number, domain=domain, tags=tags)


class SignedMail:
    """A mail with its signatures."""

    def __init__(self, mail: bytes) -> None:
        self._mail = dkim.DKIM(mail)

    def signatures(self) -> list[Signature]:
        """Those that cover all that we read of the mail."""
        return [signature for signature in signatures(self._values(b"dkim-signature")) if self._covers(signature)]

    async def bears(self, signature: Signature, lookup: Lookup) -> bool:
        """Whether this signature holds. Raises DNSException when its key cannot be asked for."""
        keys = await lookup.texts(signature.key_name)
        if len(keys) != 1 or not _serves(_tags(keys[0]), signature):
            return False
        try:
            return bool(await asyncio.to_thread(self._mail.verify, signature.number, lambda *_, **__: keys[0]))
        except Exception as error:  # noqa: BLE001 - dkimpy raises whatever a hostile mail makes it stumble over
            _log.info("a mail's signature does not hold: %s", type(error).__name__)
            return False

    def _covers(self, signature: Signature) -> bool:
        """Nobody on the way can have added what we take for the author's words."""
        once = all(len(self._values(name)) <= 1 for name in _READ_BY_US)
        subject = b"subject" in signature.covered or not self._values(b"subject")
        return once and subject and signature.whole

    def _values(self, header: bytes) -> list[bytes]:
        return [value for name, value in self._mail.headers if name.lower() == header]


async def is_signed(mail: bytes, aligned: Callable[[str], bool], lookup: Lookup) -> bool:
    """Whether a signature of a domain that is `aligned` holds. Raises DNSException when its key cannot be asked for."""
    try:
        signed = await asyncio.to_thread(SignedMail, mail)
    except dkim.DKIMException:
        return False
    candidates = [signature for signature in signed.signatures() if aligned(signature.domain)]
    for signature in candidates[:_MOST_TRIED]:
        if await signed.bears(signature, lookup):
            return True
    return False


def _serves(key: _Tags, signature: Signature) -> bool:
    """Whether a key may be used for this: not one that is being tried out, nor for a subdomain that it excludes."""
    flags = [flag.strip() for flag in key.get(b"t", b"").split(b":")]
    hashes = [name.strip() for name in key.get(b"h", b"sha256").split(b":")]
    return b"y" not in flags and not (b"s" in flags and signature.for_subdomain) and b"sha256" in hashes


def _tags(value: bytes) -> _Tags:
    try:
        tags: _Tags = parse_tag_value(value)
    except InvalidTagValueList:
        return {}
    return tags
