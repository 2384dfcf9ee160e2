"""Speech: text for a voice, without a sign that it would stumble over or take for markup."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from channels._markdown.plain import Plain
from channels._markdown.tree import BULLET, Item, Link, read, words_of
from identity.masking import HIDDEN


class _Words(NamedTuple):
    """What is said instead of a sign."""

    ending: str
    number: str
    and_: str


_WORDS: Final[Mapping[str, _Words]] = {
    "en": _Words("ending in", "number", "and"),
    "de": _Words("mit den Endziffern", "Nummer", "und"),
    "es": _Words("terminado en", "número", "y"),
    "fr": _Words("se terminant par", "numéro", "et"),
    "it": _Words("che termina con", "numero", "e"),
    "pt": _Words("terminado em", "número", "e"),
    "nl": _Words("eindigend op", "nummer", "en"),
}
# Digits that name something. Not an amount, a year, a time or a part of a date: those are read as one number.
_NAMING: Final = re.compile(
    r"(?<![\d.,:/$€£¥])(?:(?<=#)|(?!(?:19|20)\d\d(?!\d)))\d{4,20}"
    r"(?!\d|[.,:/]\d|\s?(?:[$€£¥%]|(?i:eur|usd|gbp|chf|dollar|pound|d[oó]lar)))"
)
_CODE: Final = re.compile(r"(?=.*\d)[A-Z\d][A-Z\d-]{2,19}")  # letters and digits that mean nothing together
_NUMBER: Final = re.compile(r"#\s?(?=\d)")
_UNSPOKEN: Final = re.compile(r"[*_`#|~^\\\[\]{}<>\"“”„«»•]+")
_SPACES: Final = re.compile(r"[^\S\n]+")
_EDGES: Final = re.compile(r" ?\n ?")
_SENTENCE_ENDS: Final = ".!?…:;,。！？"


def speakable(text: str, language: str) -> str:
    """`text` for the ear, in a language such as "en" or "de-AT".

    No Markdown, no web addresses; an item of a list is a sentence; what names something is said sign by sign. Neither
    &, < nor > is in it, so that it stands in SSML as it is.
    """
    words = _WORDS.get(language[:2], _WORDS["en"])
    said = _SPEECH.show(read(text)).replace(HIDDEN, "").replace("&", f" {words.and_} ")
    said = _ending(words).sub(lambda found: f"{words.ending} {_spelled(found[1])}", said)
    said = _NUMBER.sub(f" {words.number} ", _NAMING.sub(_named, said))
    said = "".join(sign for sign in _UNSPOKEN.sub(" ", said) if sign == "°" or unicodedata.category(sign) not in _DRAWN)
    return _EDGES.sub("\n", _SPACES.sub(" ", said)).strip()


_DRAWN: Final = ("So", "Sk", "Cf", "Co", "Cn")  # categories of emoji, marks, and signs that have no sound


class _Speech(Plain):
    quoting: ClassVar[str] = ""

    def item(self, item: Item) -> str:
        said = "\n".join(map(self.block, item.children)).rstrip()
        number = "" if item.marker == BULLET else item.marker
        return f"{number} {said}".strip() + "." * (said[-1:] not in _SENTENCE_ENDS)

    def code(self, code: str) -> str:
        return _spelled(code) if _CODE.fullmatch(code) else code

    def link(self, link: Link) -> str:
        """Its words. An address is said by its host alone, which can be remembered."""
        words = words_of(link.children)
        if words != link.address:
            return words
        return _host(link.address)


@cache
def _ending(words: _Words) -> re.Pattern[str]:
    """A masked number: "…9137", also where it is said to be an ending already, as in "order ending …9137"."""
    first = re.escape(words.ending.split(maxsplit=1)[0])
    return re.compile(rf"(?:\b{first}(?: \w+){{0,2}} )?…(\w{{4}})\b")


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:  # a broken IPv6 address
        return ""


def _named(digits: re.Match[str]) -> str:
    apart = " " if digits.string[: digits.start()][-1:].isalpha() else ""
    return apart + _spelled(digits[0])


def _spelled(signs: str) -> str:
    return ", ".join(sign for sign in signs if sign.isalnum())


_SPEECH: Final = _Speech()
