"""Pictures, known by their first bytes and by nothing that anybody says of them.

Only kinds that cannot hold a script: PNG, JPEG, GIF and WebP. SVG is none of them.
"""

import struct
from typing import Final, NamedTuple

_MOST_POINTS: Final = 50_000_000  # a small file may unpack to more than a browser can bear
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # JPEG's markers without a length


class _Size(NamedTuple):
    width: int
    height: int


def media_type(content: bytes) -> str:
    """What kind of picture it is; "" for what is none, and for one that is too large to be shown."""
    kind, size = _kind(content)
    return kind if size and 0 < size.width * size.height <= _MOST_POINTS else ""


def _kind(content: bytes) -> tuple[str, _Size | None]:
    if content.startswith(_PNG) and content[12:16] == b"IHDR":
        return "image/png", _unpacked(">II", content[16:24])
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", _jpeg(content)
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif", _unpacked("<HH", content[6:10])
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp", _webp(content[12:16], content[20:30])
    return "", None


def _unpacked(shape: str, found: bytes) -> _Size | None:
    return _Size(*struct.unpack(shape, found)) if len(found) == struct.calcsize(shape) else None


def _jpeg(content: bytes) -> _Size | None:
    """From the frame's header, to which the lengths of all that comes before it lead."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:  # noqa: PLR2004 - a marker's first byte
        marker = content[at + 1]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return _Size(width, height)
        at += _length_of(marker, content[at + 2 : at + 4])
    return None


def _length_of(marker: int, following: bytes) -> int:
    if marker == 0xFF:  # noqa: PLR2004 - a byte that fills up
        return 1
    return 2 if marker in _ALONE else 2 + max(int.from_bytes(following, "big"), 2)


def _webp(chunk: bytes, start: bytes) -> _Size | None:
    if len(start) < 10:  # noqa: PLR2004 - the shortest header of the three kinds
        return None
    if chunk == b"VP8 ":
        return _Size(*(side & 0x3FFF for side in struct.unpack("<HH", start[6:10])))
    if chunk == b"VP8L":
        bits = int.from_bytes(start[1:5], "little")
        return _Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8X":
        return _Size(int.from_bytes(start[4:7], "little") + 1, int.from_bytes(start[7:10], "little") + 1)
    return None
