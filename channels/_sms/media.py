"""The files of an MMS: what they are called, and how they are fetched from Twilio for staff, and from nowhere else."""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from channels._sms.rest import Rest, away, raise_if_busy
from core.errors import Malformed
from core.messages import Attachment

LARGEST: Final = 10_000_000  # bytes; Twilio takes 5 MB
_MOST_HOPS: Final = 2
_UNNAMED: Final = "application/octet-stream"
# Of the types that Twilio takes. The machine's own list would differ from one machine to another.
ENDINGS: Final = {
    "application/pdf": ".pdf", "audio/3gpp": ".3gp", "audio/amr": ".amr", "audio/mp4": ".m4a", "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg", "image/gif": ".gif", "image/heic": ".heic", "image/jpeg": ".jpg", "image/png": ".png",
    "image/webp": ".webp", "text/calendar": ".ics", "text/csv": ".csv", "text/plain": ".txt", "text/vcard": ".vcf",
    "text/x-vcard": ".vcf", "video/3gpp": ".3gp", "video/mp4": ".mp4", "video/quicktime": ".mov",
}  # fmt: skip
_MEDIA: Final = re.compile(r"/Messages/(?:SM|MM)[0-9A-Za-z]+/Media/ME[0-9A-Za-z]+", re.ASCII)
# Where Twilio's answer leads: its own network for files, and Amazon's bucket behind it.
_STORES: Final = re.compile(r"(?:[a-z0-9-]+\.)*twiliocdn\.com")
_BUCKET_HOSTS: Final = re.compile(r"s3[a-z0-9.-]*\.amazonaws\.com")
_BUCKET: Final = "/media.twiliocdn.com/"


def attachment(number: int, url: str, media_type: str) -> Attachment:
    """The file of this number, from 1. An MMS brings no names, so it is called by what it is."""
    kind = media_type.partition("/")[0]
    name = kind if kind in {"image", "audio", "video"} else "file"
    return Attachment(
        name=f"{name}-{number}{ENDINGS.get(media_type, '')}", media_type=media_type or _UNNAMED, size=0, url=url
    )


async def fetched(rest: Rest, file: Attachment) -> bytes:
    """A file's content. Only Twilio's own interface is told who we are. Raises Malformed or TryAgain."""
    url, headers = _at_twilio(rest, file.url), {"Authorization": rest.credentials}
    try:
        for _ in range(_MOST_HOPS + 1):
            async with rest.http.opened().get(url, headers=headers, allow_redirects=False) as answer:
                raise_if_busy(answer)
                if not 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP
                    return await _content(answer, file.media_type)
                url, headers = _at_store(rest, urljoin(url, answer.headers.get("Location", ""))), {}
    except (aiohttp.ClientError, TimeoutError) as error:
        raise away(error) from error
    raise Malformed("Twilio leads on and on, and to no file")


def _at_twilio(rest: Rest, url: str) -> str:
    parts = urlsplit(url)
    ours = parts.path.removeprefix(rest.path) if parts.path.startswith(rest.path) else ""
    hosts = {"api.twilio.com", urlsplit(rest.http.base).hostname}
    if parts.scheme != "https" or parts.hostname not in hosts or not _MEDIA.fullmatch(ours):
        raise Malformed("its address is none of our account's files at Twilio")
    return rest.http.base + parts.path


def _at_store(rest: Rest, url: str) -> str:
    parts, base = urlsplit(url), urlsplit(rest.http.base)
    host = parts.hostname or ""
    stored = _STORES.fullmatch(host) or (_BUCKET_HOSTS.fullmatch(host) and parts.path.startswith(_BUCKET))
    if parts.scheme == "https" and stored and parts.port is None:
        return url
    if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
        return url
    raise Malformed("Twilio leads to a host that is none of its own")


async def _content(answer: aiohttp.ClientResponse, media_type: str) -> bytes:
    if answer.status != 200:  # noqa: PLR2004 - HTTP
        raise Malformed(f"Twilio has it no more, or does not give it ({answer.status})")
    if media_type not in (answer.content_type, _UNNAMED):
        raise Malformed(f"Twilio gave {answer.content_type} instead of {media_type}")
    content = bytearray()
    async for piece in answer.content.iter_chunked(65_536):
        content += piece
        if len(content) > LARGEST:
            raise Malformed("it is larger than any MMS may be")
    return bytes(content)
