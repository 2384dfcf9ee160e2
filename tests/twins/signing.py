"""A domain that signs its mail, with keys of its own, and the records by which others can tell."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def new_key() -> rsa.RSAPrivateKey:
    """A key as long as mail servers use."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


SIGNED = (b"from", b"subject", b"message-id", b"content-type", b"to")


@dataclass(kw_only=True)
class Domain:
    """A domain with one key. `more` are tags that it adds to each signature, e.g. an expiry.

    It signs wrongly too, when it is told to: without From, with a length, by SHA-1.
    """

    name: str
    selector: str = "s1"
    more: dict[str, str] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=new_key)

    def record(self, flags: str = "") -> dict[tuple[str, str], Sequence[str]]:
        """Its public key, as it stands in DNS."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        value = f"v=DKIM1; k=rsa; {flags}p={base64.b64encode(public).decode()}"
        return {(f"{self.selector}._domainkey.{self.name}", "TXT"): [value]}

    def signs(
        self,
        mail: bytes,
        *,
        headers: Sequence[bytes] = SIGNED,
        length: bool = False,
        algorithm: bytes = b"rsa-sha256",
        identity: bytes | None = None,
    ) -> bytes:
        """The mail with a signature on top."""
        signer = _Signer(mail, signature_algorithm=algorithm)
        signer.more, signer.names_author = self.more, b"from" in headers
        secret = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        name = self.name.encode()
        present = [header for header in {b"from": 1} | dict.fromkeys(headers) if header + b":" in mail.lower()]
        signature: bytes = signer.sign(
            self.selector.encode(), name, secret, include_headers=present, length=length,
            identity=identity, canonicalize=(b"relaxed", b"relaxed"),
        )  # fmt: skip
        return signature + mail


class _Signer(dkim.DKIM):  # type: ignore[misc]
    more: dict[str, str]
    names_author: bool

    def gen_header(
        self, fields: list[tuple[bytes, bytes]], headers: Sequence[bytes], *rest: object, **named: object
    ) -> object:
        # dkimpy signs no mail without its From; it verifies one.
        covered = [header for header in headers if self.names_author or header != b"from"]
        added = [(name.encode(), value.encode()) for name, value in self.more.items()]
        tags = [(name, b":".join(covered) if name == b"h" else value) for name, value in fields]
        return super().gen_header([*tags[:-1], *added, tags[-1]], covered, *rest, **named)
