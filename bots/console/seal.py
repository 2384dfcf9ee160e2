"""What only we can read and nobody can change: AES-GCM under a key of its own for each use."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes
_UNTIL = "until"


class Seal:
    """Seals text for one `use`; what is sealed for one holder opens for no other."""

    def __init__(self, secret: bytes, use: str) -> None:
        self._cipher = AESGCM(hmac.new(secret, f"seal {use}".encode(), hashlib.sha256).digest())

    def close(self, text: str, holder: str = "") -> str:
        """The text, sealed."""
        nonce = secrets.token_bytes(_NONCE)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), holder.encode())).decode()

    def open(self, sealed: str, holder: str = "") -> str | None:
        """The text, if we sealed it for this holder."""
        try:
            given = urlsafe_b64decode(sealed.encode())
            return self._cipher.decrypt(given[:_NONCE], given[_NONCE:], holder.encode()).decode()
        except (InvalidTag, ValueError):
            return None

    def ticket(self, content: Mapping[str, str], *, until: datetime) -> str:
        """Sealed fields that open until then."""
        return self.close(json.dumps({**content, _UNTIL: until.isoformat()}))

    def fields(self, ticket: str, *, now: datetime) -> Mapping[str, str] | None:
        """The fields of a ticket, in time."""
        text = self.open(ticket)
        fields: dict[str, str] = json.loads(text) if text else {}
        return fields if fields and now < datetime.fromisoformat(fields.pop(_UNTIL)) else None
