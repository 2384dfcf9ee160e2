"""Short signed names that come back to us in addresses and Message-IDs, whose letters' case may change on the way."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

_BYTES: Final = 10
_LETTERS: Final = 16  # that many bytes in base32
_SEALED: Final = re.compile(r"([a-z2-7]{16})([a-z2-7]{16})", re.ASCII)


class Seal:
    """Seals names with this channel's secret, and opens what is sealed with one of `accepted` too. `use` keeps what is
    sealed for one use from passing for another."""

    def __init__(self, secret: bytes, use: str, accepted: Sequence[bytes] = ()) -> None:
        self._keys = [hashlib.sha256(one + use.encode()).digest() for one in (secret, *accepted)]

    def close(self, name: str, holder: str = "") -> str:
        """The name with its signature, of use to this holder only."""
        return name + _sign(self._keys[0], name, holder)

    def open(self, sealed: str, holder: str = "") -> str | None:
        """The name, if we sealed it for this holder."""
        match = _SEALED.fullmatch(sealed.lower())
        if not match:
            return None
        ours = [hmac.compare_digest(match[2], _sign(key, match[1], holder)) for key in self._keys]
        return match[1] if any(ours) else None


def _sign(key: bytes, name: str, holder: str) -> str:
    return _letters(hmac.digest(key, f"{name} {holder}".strip().encode(), "sha256"))


def short_name(*parts: str) -> str:
    """A name of 16 letters for these parts, always the same."""
    return _letters(hashlib.sha256("\n".join(parts).encode()).digest())


def _letters(digest: bytes) -> str:
    return base64.b32encode(digest[:_BYTES]).decode().lower()[:_LETTERS]
