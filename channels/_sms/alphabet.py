"""What a text costs: its signs in GSM-7 or in UCS-2, and the segments that it is billed and sent in.

GSM-7 is 3GPP TS 23.038's basic alphabet and its extension table; Twilio uses no national one.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How much goes into a segment that is alone, or one of several, in units: septets, or halves of UTF-16."""

    alone: int
    joined: int
    doubled: frozenset[str] | None  # what takes two units; None: whatever UTF-16 writes as a pair

    def units(self, sign: str) -> int:
        """Of one sign, which is never parted."""
        return 1 + (sign > "\uffff" if self.doubled is None else sign in self.doubled)

    def used(self, text: str) -> int:
        """Units in a text of several segments, with those left empty before a sign that had no room."""
        used = 0
        for sign in text:
            units = self.units(sign)
            used += units + (used % self.joined + units > self.joined)
        return used


GSM: Final = Alphabet(160, 153, _EXTENDED)
UCS2: Final = Alphabet(70, 67, None)

_TYPOGRAPHY: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−⁃", "-"),
        **dict.fromkeys("•◦▪‣●■", "*"),
        **dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000", " "),
        **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad", ""),
        "…": "...", "‹": "<", "›": ">", "→": "->", "←": "<-", "×": "x", "·": ".", "º": "o", "ª": "a",
        "™": "(TM)", "®": "(R)", "©": "(C)", "½": "1/2", "¼": "1/4", "¾": "3/4",
    }
)  # fmt: skip
_PICTURE: Final = (
    "(?:[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff][\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]*)+"
)
# Beside words; what is written together with one may be part of a name.
_DECORATION: Final = re.compile(rf"^{_PICTURE}(?:[ \t]+|$)|[ \t]+{_PICTURE}(?=[\s.,;:!?)]|$)", re.MULTILINE)


def alphabet(text: str) -> Alphabet:
    """The one that a text is sent in: a single sign outside GSM-7 puts all of it into UCS-2."""
    return GSM if _BASIC.issuperset(text) or (_BASIC | _EXTENDED).issuperset(text) else UCS2


def segments(text: str) -> int:
    """How many a message takes."""
    its = alphabet(text)
    if sum(map(its.units, text)) <= its.alone:
        return 1
    return -(-its.used(text) // its.joined)


def cheap(text: str, *, plain: bool) -> str:
    """`text` with typographic quotes, dashes, dots and spaces as GSM-7 has them. Letters stay as they are.

    `plain`: pictures that stand beside words go too, if nothing else needs UCS-2.
    """
    text = unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY)
    if not plain or alphabet(text) is GSM:
        return text
    bare = _DECORATION.sub("", text)
    return bare if bare.strip() and alphabet(bare) is GSM else text
