"""The files of a letter, as parts of it."""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from core.messages import Attachment

MOST_BYTES: Final = 15_000_000  # of one letter: in base64 they are a third larger, and many mailboxes take 25 MB
_LINE: Final = 57  # bytes, 76 characters in base64
_PIECE: Final = 60  # characters of a parameter's value in a line
_SIMPLE: Final = re.compile(r"[A-Za-z0-9 ._()+-]{1,60}")


def enclosed(body: Sequence[str], files: Sequence[Attachment], boundary: str) -> Sequence[str]:
    """The lines of a multipart/mixed: the body, which begins with its own headers, and the files."""
    parts = [f"--{boundary}", *body]
    for file in files:
        parts += [f"--{boundary}", *_headers(file), "", *_base64(file.content)]
    return [*parts, f"--{boundary}--", ""]


def _headers(file: Attachment) -> Iterator[str]:
    yield f"Content-Type: {file.media_type}"
    yield "Content-Transfer-Encoding: base64"
    yield "Content-Disposition: attachment;\n " + ";\n ".join(_parameter("filename", file.name))


def _parameter(name: str, value: str) -> Iterator[str]:
    """As RFC 2231 has it, in pieces that no line is too long for."""
    if _SIMPLE.fullmatch(value):
        yield f'{name}="{value}"'
        return
    pieces = re.findall(rf"(?:%..|[^%]){{1,{_PIECE // 3}}}", "utf-8''" + quote(value, safe="", errors="replace"))
    for number, piece in enumerate(pieces):
        yield f"{name}*{number}*={piece}"


def _base64(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), _LINE):
        yield base64.b64encode(content[start : start + _LINE]).decode("ascii")
