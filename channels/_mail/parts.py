"""MIME: bytes -> a tree of parts, within limits, by offsets and without copying.

The standard library's parser takes seconds for a large or a deep mail; this one looks only for headers and boundaries.
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Final

from channels._mail.headers import MOST_BLOCK_BYTES, Headers, read_headers, readable
from core.errors import Malformed

_MOST_DEPTH: Final = 10
_MOST_PARTS: Final = 50
_MOST_BOUNDARIES: Final = 1000  # lines that begin like one
_MOST_BOUNDARY: Final = 200
_MOST_PARAMETERS: Final = 2000  # characters; the standard library's reader of them is quadratic
_MOST_NAME: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A mail, or a part of one. `name` is that of a file."""

    headers: Headers
    media_type: str
    charset: str
    name: str
    attached: bool  # declared as an attachment
    flowed: bool = False  # its long lines were broken (RFC 3676)
    without_spaces: bool = False  # and the spaces before the breaks are none of the text's
    raw: memoryview  # its body as transferred
    parts: "tuple[Part, ...]" = field(default=())

    def content(self, most: int | None = None) -> bytes:
        """The body, decoded; of at most about `most` transferred bytes."""
        encoding = self.headers.first("content-transfer-encoding").lower()
        body = bytes(self.raw[:most])
        if encoding == "base64":
            return _base64(body)
        return binascii.a2b_qp(body) if encoding == "quoted-printable" else body

    def leaves(self) -> "Iterator[Part]":
        """The parts that hold something themselves, in order."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def read_parts(mail: bytes) -> Part:
    """The tree of a mail. Raises Malformed beyond the limits."""
    source = mail.replace(b"\r\n", b"\n")
    return _Splitter(source).part(0, len(source), 0)


class _Splitter:
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._view = memoryview(source)
        self._parts = 0
        self._boundaries = 0

    def part(self, start: int, end: int, depth: int) -> Part:
        self._parts += 1
        if depth > _MOST_DEPTH or self._parts > _MOST_PARTS:
            raise Malformed("The mail has too many parts, or parts within parts; read the raw mail by hand.")
        body = self._body(start, end)
        headers = read_headers(self._source[start:body])
        described = _described(headers)
        container = described.get_content_maintype() == "multipart"
        pieces = self._pieces(described, body, end) if container else []
        return Part(
            headers=headers,
            media_type=described.get_content_type() if pieces or not container else "text/plain",
            charset=described.get_content_charset("") or "",
            name=_file_name(described),
            attached=described.get_content_disposition() == "attachment",
            flowed=_parameter(described, "format") == "flowed",
            without_spaces=_parameter(described, "delsp") == "yes",
            raw=self._view[body:end],
            parts=tuple(self.part(a, b, depth + 1) for a, b in pieces),
        )

    def _body(self, start: int, end: int) -> int:
        if self._source.startswith(b"\n", start):
            return min(start + 1, end)
        blank = self._source.find(b"\n\n", start, min(end, start + MOST_BLOCK_BYTES + 2))
        return end if blank < 0 else blank + 2

    def _pieces(self, described: Message, start: int, end: int) -> list[tuple[int, int]]:
        boundary = (described.get_boundary() or "").encode("latin-1", "replace")
        if not 0 < len(boundary) <= _MOST_BOUNDARY:
            return []
        starts: list[int] = []
        pieces: list[tuple[int, int]] = []
        for line, after, closes in self._boundary_lines(b"--" + boundary, start, end):
            if starts:
                pieces.append((starts[-1], max(starts[-1], line - 1)))
            if closes:
                return pieces
            starts.append(after)
        return [*pieces, (starts[-1], end)] if starts else []

    def _boundary_lines(self, mark: bytes, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        line = start if self._source.startswith(mark, start, end) else self._next(mark, start, end)
        while line > 0:
            self._boundaries += 1
            if self._boundaries > _MOST_BOUNDARIES:
                raise Malformed("The mail has too many boundaries; read the raw mail by hand.")
            tail = line + len(mark)
            stop = self._source.find(b"\n", tail, end)
            after = end if stop < 0 else stop + 1
            rest = self._source[tail : min(after, tail + _MOST_BOUNDARY)].strip()
            if rest in (b"", b"--"):
                yield line, after, rest == b"--"
            line = self._next(mark, max(tail, after - 1), end)

    def _next(self, mark: bytes, start: int, end: int) -> int:
        return self._source.find(b"\n" + mark, start, end) + 1


def _described(headers: Headers) -> Message:
    described = Message()
    for name in ("content-type", "content-disposition"):
        if value := headers.first(name):
            described[name] = value[:_MOST_PARAMETERS]
    return described


def _parameter(described: Message, name: str) -> str:
    value = described.get_param(name, "")
    return value.strip().lower() if isinstance(value, str) else ""


def _file_name(described: Message) -> str:
    name = readable(described.get_filename("")).replace("\\", "/")
    return name.rpartition("/")[2][-_MOST_NAME:]


def _base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text + b"==")
    except binascii.Error:  # one letter too many: a mail that was cut off
        return binascii.a2b_base64(text.rstrip(b"= \n")[:-1] + b"==")
