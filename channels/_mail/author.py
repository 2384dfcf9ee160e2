"""Who a mail says it is from. Reply-To, Sender and Cc never count."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import idna

from channels._mail.headers import Headers, readable
from channels._mail.lexer import Token, tokens

_MARKS: Final = "<>@,;:"
_LOCAL: Final = re.compile(r"[^\s<>()\[\]\\,;:@\"\x00-\x1f\x7f-\x9f]{1,64}")
_DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_MOST_DOMAIN: Final = 253


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """The address in From. `certain` means that nobody could read another one there."""

    address: str
    certain: bool
    name: str = ""

    @property
    def domain(self) -> str:
        """The part behind the @, as ASCII."""
        return self.address.rpartition("@")[2]


def author_of(headers: Headers, envelope_sender: str) -> Author | None:
    """The one author of a mail; where From is doubtful, the best guess, the envelope's sender last."""
    written = headers.all("from")
    sole = _sole_mailbox(written[0]) if len(written) == 1 else None
    if sole:
        return Author(address=sole[1], name=sole[0], certain=headers.regular)
    guesses = [*(a for value in written for a in _addresses(value)), *_addresses(envelope_sender)]
    return Author(address=guesses[0], certain=False) if guesses else None


def ascii_domain(domain: str) -> str | None:
    """A domain in lower case and IDNA form, or None if it is none."""
    try:
        # The codec of the standard library turns "faß" into another company's "fass"; this one does not.
        known = domain.lower() if domain.isascii() else idna.encode(domain[:_MOST_DOMAIN], uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    return known if len(known) <= _MOST_DOMAIN and _DOMAIN.fullmatch(known) else None


def normal_address(local: str, domain: str) -> str | None:
    """An address as we keep it, in lower case; None if mail cannot go there."""
    host = ascii_domain(domain)
    return f"{unicodedata.normalize('NFC', local).lower()}@{host}" if host and _LOCAL.fullmatch(local) else None


def _sole_mailbox(value: str) -> tuple[str, str] | None:
    match _read(value):
        case [Token("word", local), Token("mark", "@"), Token("word", domain)]:
            names: list[Token] = []
        case [*names, Token("mark", "<"), Token("word", local), Token("mark", "@"), Token("word", domain), closing]:
            if closing.text != ">" or any(token.kind == "mark" for token in names):
                return None
        case _:
            return None
    address = normal_address(local, domain)
    return (readable(" ".join(token.text for token in names)), address) if address else None


def _addresses(value: str) -> Iterator[str]:
    found = _read(value) or [Token("word", value.strip())]
    for before, at, after in zip(found, found[1:], found[2:], strict=False):
        if at == Token("mark", "@") and (address := normal_address(before.text, after.text)):
            yield address


def _read(value: str) -> list[Token]:
    try:
        return list(tokens(value, marks=_MARKS))
    except ValueError:
        return []
