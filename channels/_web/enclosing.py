"""The files of our lines: where a page finds one, and how it is handed to whom the conversation belongs."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

from core import pictures
from core.channel import Ack, Line, SentFile
from core.messages import Attachment

PATH: Final = "/api/chat/files/{reply}/{number}"
MOST_BYTES: Final = 50_000_000  # of one reply
_NAMED: Final = re.compile(r"/api/chat/files/([\w-]{1,64})/(\d{1,2})", re.ASCII)
_UNKNOWN: Final = "application/octet-stream"
# Whatever is in it: a browser that is led here saves it, and would run nothing of it.
_ALONE: Final = {
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}


class Wanted(NamedTuple):
    """A file of a reply, by its number from 0."""

    reply: str
    number: int


def wanted(path: str) -> Wanted | None:
    """What a request asks for; None where nothing is called so."""
    found = _NAMED.fullmatch(path)
    return Wanted(found[1], int(found[2])) if found else None


def shown(line: Line) -> list[Mapping[str, object]]:
    """The files of a line, as pages are told of them."""
    return [
        {
            "name": file.name,
            "size": file.size,
            "path": f"api/chat/files/{quote(line.id, safe='')}/{number}",
            "picture": file.media_type.startswith("image/"),
        }
        for number, file in enumerate(line.files)
    ]


def handed(found: SentFile | None, conversation: str) -> Ack:
    """The file, to whom the conversation belongs; 404 to everybody else."""
    if found is None or found.conversation != conversation:
        return Ack(status=404, body="there is no such file", headers=_ALONE)
    kept = {"content-disposition": _saved_as(found.file)}
    kind = pictures.media_type(found.file.content) or _UNKNOWN
    return Ack(body=found.file.content, media_type=kind, headers={**_ALONE, **kept})


def _saved_as(file: Attachment) -> str:
    return f"attachment; filename*=UTF-8''{quote(file.name, safe='', errors='replace')}"
