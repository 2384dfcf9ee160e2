"""Files for tests: a real picture, and a document."""

import struct
import zlib

from core.messages import Attachment


def png(width: int = 2, height: int = 2) -> bytes:
    """A black picture."""
    rows = zlib.compress(b"".join(b"\0" + b"\0" * 3 * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (b"IHDR", b"IDAT", b"IEND"), (head, rows, b"")))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


PNG = png()
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40


def file(name: str, content: bytes, media_type: str) -> Attachment:
    return Attachment(name=name, media_type=media_type, size=len(content), content=content)


PICTURE = file("Kettle Ö.png", PNG, "image/png")
DOCUMENT = file("invoice 12.pdf", PDF, "application/pdf")
FILES = (PICTURE, DOCUMENT)
