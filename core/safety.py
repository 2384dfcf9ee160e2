"""What may leave us and what may be kept: links only to hosts that we vouch for, no payment cards on record. Pure."""

import re
from collections.abc import Collection
from dataclasses import replace
from urllib.parse import urlsplit

from core.messages import Raw

_LINK = re.compile(
    r"!?\[([^\]\n]{0,300})\]\(([^)\s]{1,2000})\)"
    r"|\b[a-z][a-z0-9+.-]{1,20}://[^\s<>()\[\]\"']{1,2000}|\bwww\.[^\s<>()\[\]\"']{1,2000}"
    r"|(?<![\w@./-])(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}/[^\s<>()\[\]\"']{0,2000}",
    re.IGNORECASE,
)
# After so many of "=" it is the mark between a mail's parts, which could not be told apart without it.
_CARD = re.compile(r"(?<![\d.,-])(?<!={15})\d(?:[ -]?\d){12,18}(?![\d-])")
_SHORTEST, _LONGEST = 13, 19
_WRITTEN = 262_144  # bytes


def only_known_links(text: str, hosts: Collection[str]) -> str:
    """`text` without pictures, and without links but https ones to these hosts; their words stay."""
    return _LINK.sub(lambda found: _shown(found, hosts), text)


def _shown(found: re.Match[str], hosts: Collection[str]) -> str:
    label, address = (found[1], found[2]) if found[2] else ("", found[0])
    if found[0].startswith("!"):
        return label
    return found[0] if _is_known(address, hosts) else label


def _is_known(address: str, hosts: Collection[str]) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    return parts.scheme == "https" and not parts.username and any(host == h or host.endswith(f".{h}") for h in hosts)


def without_cards(text: str) -> str:
    """`text` with the numbers of payment cards blotted out but for their last four: they are never kept."""
    return _CARD.sub(_blotted, text)


def kept(raw: Raw) -> Raw:
    """A delivery as it is kept. A longer one carries files; its beginning is what somebody wrote."""
    beginning = without_cards(raw.body[:_WRITTEN].decode("latin-1")).encode("latin-1")
    return replace(raw, body=beginning + raw.body[_WRITTEN:])


def _blotted(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"****{digits[-4:]}" if _SHORTEST <= len(digits) <= _LONGEST and _is_card(digits) else found[0]


def _is_card(digits: str) -> bool:
    """Luhn's check, and a first digit that card numbers have."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return digits[0] in "23456" and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0  # noqa: PLR2004
