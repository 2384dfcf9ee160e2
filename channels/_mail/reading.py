"""A mail's bytes -> its headers, its text and its files, in bounded time whatever the bytes are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels._mail.headers import Headers, decode, plain
from channels._mail.markup import text_of
from channels._mail.parts import Part, read_parts
from core.errors import Malformed
from core.messages import Attachment

_MOST_TEXT: Final = 1_000_000  # bytes that are read for the text; the files and the raw mail keep the rest
_MOST_MARKUP: Final = 500_000
_MOST_LINES: Final = 20_000
_TEXTS: Final = ("text/plain", "text/html")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One mail. `text` still has its quotes and signatures; its lines end in LF."""

    headers: Headers
    media_type: str
    text: str
    attachments: tuple[Attachment, ...]


def read_mail(raw: bytes) -> Mail:
    """Reads a mail. Raises Malformed, and nothing else."""
    try:
        whole = read_parts(raw)
        text = _Texts().of(whole)
        files = tuple(_attachment(part) for part in whole.leaves() if not _is_text(part))
    except Malformed:
        raise
    except Exception as error:
        raise Malformed(f"The mail cannot be read ({type(error).__name__}); read the raw mail by hand.") from error
    return Mail(headers=whole.headers, media_type=whole.media_type, text=text, attachments=files)


class _Texts:
    """Collects text until enough of it is read."""

    def __init__(self) -> None:
        self._left = _MOST_TEXT

    def of(self, part: Part) -> str:
        if part.media_type == "multipart/alternative":
            return self._best(part.parts)
        if part.parts:
            return "\n\n".join(filter(str.strip, map(self.of, part.parts)))
        return self._leaf(part) if _is_text(part) else ""

    def _best(self, versions: Sequence[Part]) -> str:
        """The plain version, else the richest that has words."""
        plain_ones = [part for part in versions if part.media_type == "text/plain"]
        rich_ones = [part for part in versions if part.media_type != "text/plain"]
        return next(filter(str.strip, map(self.of, [*plain_ones, *reversed(rich_ones)])), "")

    def _leaf(self, part: Part) -> str:
        markup = part.media_type == "text/html"
        content = part.content(min(self._left, _MOST_MARKUP) if markup else self._left)
        self._left -= len(content)
        text = plain(decode(content, part.charset).replace("\r\n", "\n").replace("\r", "\n"))
        return "\n".join((text_of(text) if markup else text).split("\n", _MOST_LINES)[:_MOST_LINES])


def _is_text(part: Part) -> bool:
    return part.media_type in _TEXTS and not part.attached and not part.name


def _attachment(part: Part) -> Attachment:
    content = part.content()
    default = "message.eml" if part.media_type == "message/rfc822" else "unnamed"
    return Attachment(name=part.name or default, media_type=part.media_type, size=len(content), content=content)
