"""DKIM (RFC 6376, RFC 8463) for our own mail: the header that says that it is ours and was not changed on the way."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import Relaxed  # type: ignore[import-untyped]

_SHORTEST_KEY: Final = 2048  # bits of RSA
_LINE: Final = 70
# One that a mail does not have is signed as missing, so that nobody can add it. From stands twice for the same reason:
# the second one is missing.
_SIGNED: Final = (
    b"from:from:reply-to:to:subject:date:message-id:in-reply-to:\r\n "
    b"references:mime-version:content-type:auto-submitted:x-auto-response-suppress"
)
_NAMES: Final = _SIGNED.replace(b"\r\n ", b"").split(b":")

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
_Field = tuple[bytes, bytes]


class UnusableKey(Exception):
    """No mail can be signed with a key; the message says why."""


def private_key(pem: bytes) -> PrivateKey:
    """A key in PEM. Raises UnusableKey."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise UnusableKey("is no private key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise UnusableKey("is neither an RSA nor an Ed25519 key")
    if isinstance(key, RSAPrivateKey) and key.key_size < _SHORTEST_KEY:
        raise UnusableKey(f"has {key.key_size} bits; receivers want {_SHORTEST_KEY}")
    return key


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """Signs mail for a domain by the key whose public half stands at this selector in its DNS."""

    domain: str
    selector: str
    key: PrivateKey

    def sign(self, mail: bytes, now: datetime) -> bytes:
        """The mail, whose lines end in CRLF, with its signature on top."""
        head, _, body = mail.partition(b"\r\n\r\n")
        digest = hashlib.sha256(Relaxed.canonicalize_body(body)).digest()
        tags = {
            "v": "1",
            "a": f"{'rsa' if isinstance(self.key, RSAPrivateKey) else 'ed25519'}-sha256",
            "c": "relaxed/relaxed",
            "d": self.domain,
            "s": self.selector,
            "t": str(int(now.timestamp())),
            "h": _SIGNED.decode(),
            "bh": _base64(digest),
            "b": "",
        }
        signature = ";\r\n ".join(f"{tag}={value}" for tag, value in tags.items()).encode()
        hashed = b"".join(_hashed([*_fields(head), (b"dkim-signature", signature)])).removesuffix(b"\r\n")
        written = _base64(self._signature(hashed)).encode()
        lines = [written[at : at + _LINE] for at in range(0, len(written), _LINE)]
        return b"DKIM-Signature: " + signature + b"\r\n ".join(lines) + b"\r\n" + mail

    def _signature(self, hashed: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(hashed, PKCS1v15(), SHA256())
        return self.key.sign(hashlib.sha256(hashed).digest())


def _fields(head: bytes) -> list[_Field]:
    """The fields of a header block that are signed, unfolded, in the order in which they are. None stands twice."""
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    pairs = (line.partition(b":") for line in unfolded.split(b"\r\n"))
    present = {name.lower(): value for name, _, value in pairs}
    return [(name, present[name]) for name in dict.fromkeys(_NAMES) if name in present]


def _hashed(fields: list[_Field]) -> Iterator[bytes]:
    return (name + b":" + value for name, value in Relaxed.canonicalize_headers(fields))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
