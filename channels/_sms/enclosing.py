"""Files of our own in an MMS: Twilio fetches each from an address of ours that is sealed, and runs out."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from channels._sms.media import ENDINGS
from core.channel import Ack, Limits, SentFile

PATH: Final = "/twilio/media/"
MOST_BYTES: Final = 4_800_000  # of one MMS: Twilio takes 5 MB with all that is around them
# What MMS takes, as far as the attributes of a telephone go.
TYPES: Final = frozenset(ENDINGS) - {"audio/mp4", "image/heic", "image/webp", "text/plain"}
_LASTS: Final = timedelta(hours=12)  # a message may wait at Twilio for ten
_TOKEN: Final = re.compile(r"([\w-]{1,64})\.(\d{1,2})\.(\d{1,12})\.([0-9a-f]{32})", re.ASCII)
_LONGEST_NAME: Final = 20  # characters, of which Twilio advises to use the plainest
_GONE: Final = Ack(status=404, body="there is no such file")


class Enclosed(NamedTuple):
    """A file of a reply, by its number from 0."""

    reply: str
    number: int


def limited(usual: Limits, *, public: bool) -> Limits:
    """What a channel takes beside text, as Twilio can reach us or not."""
    return replace(usual, file_bytes=MOST_BYTES if public else 0, file_types=TYPES)


class Addresses:
    """Seals addresses, and knows its own seal, and those made with one of `accepted`."""

    def __init__(self, secret: bytes, base_url: str, accepted: Sequence[bytes] = ()) -> None:
        self._secrets = (secret, *accepted)
        self._base_url = base_url

    def of(self, files: Sequence[Enclosed], now: datetime) -> Sequence[str]:
        """Where Twilio finds these files for some hours from now."""
        until = str(int((now + _LASTS).timestamp()))
        named = [f"{file.reply}.{file.number}.{until}" for file in files]
        return [f"{self._base_url}{PATH}{name}.{self._seals(name)[0]}" for name in named]

    def opened(self, path: str, now: datetime) -> Enclosed | None:
        """What an address names; None if it is not ours, or has run out."""
        token = path.removeprefix(PATH)
        found = _TOKEN.fullmatch(token)
        if not found or not any(hmac.compare_digest(found[4], seal) for seal in self._seals(token.rpartition(".")[0])):
            return None
        return Enclosed(found[1], int(found[2])) if now < datetime.fromtimestamp(int(found[3]), UTC) else None

    def _seals(self, name: str) -> Sequence[str]:
        text = f"media {name}".encode()
        return [hmac.new(secret, text, hashlib.sha256).hexdigest()[:32] for secret in self._secrets]


def handed(found: SentFile | None) -> Ack:
    """The file, under a type that Twilio takes."""
    if found is None or found.file.media_type not in TYPES:
        return _GONE
    headers = {
        "content-disposition": f'inline; filename="{_plainest(found.file.name)}"',
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "cache-control": "no-store",
    }
    return Ack(body=found.file.content, media_type=found.file.media_type, headers=headers)


def _plainest(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    plain, ending = (
        re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-") for part in (stem or name, ending if stem else "")
    )
    ending = ending[:4]
    return f"{plain[: _LONGEST_NAME - 5] or 'file'}{'.' if ending else ''}{ending}"
