"""A mail's bytes -> its headers, its text and its files, in bounded time whatever the bytes are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels._mail.flowed import unwrapped
from channels._mail.headers import Headers, decode, plain
from channels._mail.markup import text_of
from channels._mail.parts import Part, read_parts
from channels._mail.signed import signature_lines, signed_as
from core.errors import Malformed
from core.messages import Attachment

_MOST_TEXT: Final = 1_000_000  # bytes that are read for the text; the files and the raw mail keep the rest
_MOST_MARKUP: Final = 500_000
_MOST_LINES: Final = 10_000
_MOST_COMPARED: Final = 50_000  # bytes up to which an HTML version is looked through for a signature
_MOST_HEAD: Final = 2000  # bytes in which a page names its charset
_MOST_NOTICE: Final = 300  # characters of a plain version that only points at the other one
_META: Final = re.compile(rb"<meta[^>]{1,200}?charset\s?=\s?[\"']?([\w-]{1,40})", re.IGNORECASE)
_TEXTS: Final = ("text/plain", "text/html")
_DEFAULTS: Final = {"message/rfc822": "message.eml", "text/calendar": "invitation.ics"}
_SIGNATURES: Final = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SIGNED: Final = "-----BEGIN PGP SIGNED MESSAGE-----\n"
_SHOWN: Final = (
    "view", "viewer", "display", "support", "format", "anzeig", "dargestellt", "darstell", "affich", "visuali",
    "mostrar", "weergeven", "visas", "vis ", "wyświetl", "просмотр",
)  # fmt: skip


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
        text = _Texts(named=not any(map(_is_text, whole.leaves()))).of(whole)
        files = tuple(_attachment(part) for part in whole.leaves() if _is_file(part))
    except Malformed:
        raise
    except Exception as error:
        raise Malformed(f"The mail cannot be read ({type(error).__name__}); read the raw mail by hand.") from error
    return Mail(headers=whole.headers, media_type=whole.media_type, text=text, attachments=files)


class _Texts:
    """Collects text until enough of it is read."""

    def __init__(self, *, named: bool) -> None:
        self._left = _MOST_TEXT
        self._named = named  # a text that has a file's name is read too

    def of(self, part: Part) -> str:
        if part.media_type == "multipart/alternative":
            return self._best(part.parts)
        if part.parts:
            return "\n\n".join(filter(str.strip, map(self.of, part.parts)))
        return self._leaf(part) if _is_text(part, named=self._named) else ""

    def _best(self, versions: Sequence[Part]) -> str:
        """The plain version, else the richest that has words."""
        plain_ones = [part for part in versions if part.media_type == "text/plain"]
        rich_ones = [part for part in versions if part.media_type != "text/plain"]
        found = ""
        for text in filter(str.strip, map(self.of, [*plain_ones, *reversed(rich_ones)])):
            found = text
            if not _is_notice(text):
                return signed_as(text, self._signature(rich_ones)) if plain_ones else text
        return found

    def _signature(self, versions: Sequence[Part]) -> Sequence[str]:
        """The lines that one of these marks as a signature, which plain mail cannot."""
        leaves = (leaf for part in versions for leaf in part.leaves() if leaf.media_type == "text/html")
        pages = (leaf for leaf in leaves if len(leaf.raw) <= _MOST_COMPARED and b"ignature" in leaf.content())
        page = next(pages, None)
        return signature_lines(self._leaf(page)) if page else ()

    def _leaf(self, part: Part) -> str:
        markup = part.media_type == "text/html"
        content = part.content(min(self._left, _MOST_MARKUP) if markup else self._left)
        self._left -= len(content)
        charset = part.charset or (_charset_inside(content) if markup else "")
        text = plain(decode(content, charset).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
        if markup:
            text = text_of(text)
        elif text.startswith(_SIGNED):
            text = _without_armour(text)
        elif part.flowed:
            text = unwrapped(text, without_spaces=part.without_spaces)
        return "\n".join(text.split("\n", _MOST_LINES)[:_MOST_LINES])


def _without_armour(text: str) -> str:
    """What was signed with PGP in the text itself."""
    _head, _blank, signed = text.partition("\n\n")
    said, _begin, signature = signed.partition("\n-----BEGIN PGP SIGNATURE-----\n")
    return said + signature.partition("-----END PGP SIGNATURE-----")[2]


def _charset_inside(content: bytes) -> str:
    """The charset that a page names itself."""
    match = _META.search(content[:_MOST_HEAD])
    return match[1].decode("ascii", "replace") if match else ""


def _is_notice(text: str) -> bool:
    """Whether a plain version says only that there is another one."""
    said = text[: _MOST_NOTICE + 1].casefold()
    return len(said) <= _MOST_NOTICE and "html" in said and any(word in said for word in _SHOWN)


def _is_text(part: Part, *, named: bool = False) -> bool:
    return part.media_type in _TEXTS and not part.attached and (named or not part.name)


def _is_file(part: Part) -> bool:
    return not _is_text(part) and part.media_type not in _SIGNATURES


def _attachment(part: Part) -> Attachment:
    content = part.content()
    default = _DEFAULTS.get(part.media_type, "unnamed")
    return Attachment(name=part.name or default, media_type=part.media_type, size=len(content), content=content)
