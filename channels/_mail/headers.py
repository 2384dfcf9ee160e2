"""The header block of a mail or of a part of one: bytes -> fields, and their encoded words -> text."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

from core.errors import Malformed

MOST_BLOCK_BYTES: Final = 64 * 1024
_MOST_HEADER_BYTES: Final = 8 * 1024
_MOST_ENCODED: Final = 1000  # characters in which encoded words are looked for

_NAME: Final = re.compile(rb"[!-9;-~]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ONE_BYTE: Final = ("iso8859-", "cp125", "koi8-")
# Mail programs write the first, and mean the second.
_LARGER: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "windows-874": "cp874",
    "iso2022_jp": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
}
# Codecs that Python counts as text and that nobody's mail is written in; some take quadratic time.
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of a header block in their order, names in lower case, values unfolded.

    `regular` is false where another program could see other fields in these bytes than we do.
    """

    fields: Sequence[tuple[str, str]] = ()
    regular: bool = True

    def all(self, name: str) -> list[str]:
        """The values of every field of this name, topmost first."""
        return [value for field, value in self.fields if field == name]

    def first(self, name: str) -> str:
        """The value of the topmost field of this name, or ""."""
        return next(iter(self.all(name)), "")


def read_headers(block: bytes) -> Headers:
    """The fields of a block whose lines end in LF. Raises Malformed where it or one header is too large."""
    if len(block) > MOST_BLOCK_BYTES:
        raise Malformed(f"The mail's headers are larger than {MOST_BLOCK_BYTES} bytes; read the raw mail by hand.")
    fields: list[tuple[str, bytearray]] = []
    regular = b"\r" not in block and b"\0" not in block
    for line in filter(None, block.split(b"\n")):
        if line[:1] in b" \t" and fields:
            fields[-1][1].extend(line)
            regular = regular and not line.isspace()
            continue
        name, colon, value = line.partition(b":")
        regular = regular and bool(colon) and _NAME.fullmatch(name) is not None
        if colon:
            fields.append((name.strip().lower().decode("ascii", "replace"), bytearray(value)))
    if any(len(value) > _MOST_HEADER_BYTES for _name, value in fields):
        raise Malformed(f"One of the mail's headers is over {_MOST_HEADER_BYTES} bytes; read the raw mail by hand.")
    return Headers([(name, one_line(decode(bytes(value)))) for name, value in fields], regular)


def decode(content: bytes, charset: str = "") -> str:
    """Text of a declared charset; UTF-8, else Windows-1252, where it is not declared, not known or plainly wrong."""
    known = _codec(charset)
    try:
        if known != "utf-8" and not known.startswith(_ONE_BYTE):
            return content.decode(known, "replace")
        return content.decode()
    except UnicodeDecodeError:
        return _not_quite_utf_8(content, known)
    except (LookupError, ValueError):  # a codec that is none of text
        return _not_quite_utf_8(content, "utf-8")


def _codec(charset: str) -> str:
    declared = charset.strip().lower().removeprefix("x-").removesuffix("-i")
    try:
        known = codecs.lookup(_LARGER.get(declared, declared) or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    known = _LARGER.get(known, known)
    return "utf-8" if known == "ascii" or known.replace("_", "-") in _NO_CHARSETS else known


def _not_quite_utf_8(content: bytes, known: str) -> str:
    """What says it is UTF-8 may be cut off or damaged in places; where most is wrong it is something else."""
    if known != "utf-8":
        return content.decode("cp1252" if known == "iso8859-1" else known, "replace")
    text = content.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(content) - len(text)  # letters of several bytes make the text shorter, wrong bytes do not
    return text if right > wrong else content.decode("cp1252", "replace")


def readable(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded, on one line."""
    try:
        parts = decode_header(value[:_MOST_ENCODED])
    except (HeaderParseError, ValueError):
        return one_line(value)
    return one_line("".join(p if isinstance(p, str) else decode(p, charset or "") for p, charset in parts))


def one_line(text: str) -> str:
    """Text without line ends and other control signs, its words one space apart."""
    return " ".join(plain(text).split())


def plain(text: str) -> str:
    """Text without control signs, but with line ends and tabs."""
    return _CONTROL.sub(" ", text)
