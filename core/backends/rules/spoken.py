"""Numbers as voice transcripts write them, brought into figures."""

import re
from functools import cache

from core.backends.rules.lexicon import strings, table
from core.backends.rules.text import fold

_LANGUAGES = ("en", "es", "de", "fr", "pt", "it", "nl")
_RUN = 4  # fewer spoken digits in a row are just words
_UNITS = tuple(strings(table("languages")["en"], "numbers"))
_TENS = dict(zip(strings(table("languages")["en"], "tens"), range(20, 100, 10), strict=True))
_SMALL = {word: number for number, word in enumerate(_UNITS)} | _TENS
_NUMBER = rf"(?:{'|'.join([*_SMALL, 'hundred', 'thousand'])})"
_NUMBERS = rf"{_NUMBER}(?:(?:[ -]|\s+and\s+){_NUMBER}){{0,8}}"
_PRICE = re.compile(
    rf"\b(?P<whole>{_NUMBERS}|\d{{1,6}})\s+dollars?(?:\s+(?:and\s+)?(?P<cents>{_NUMBERS}|\d{{1,2}})(?:\s+cents?\b|\b))?",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\s+(?:dash|hyphen|minus)\s+", re.IGNORECASE)


@cache
def _digit_of() -> dict[str, str]:
    spoken = {word: str(n) for code in _LANGUAGES for n, word in enumerate(strings(table("languages")[code], "digits"))}
    return spoken | {"oh": "0"}


@cache
def _digits() -> re.Pattern[str]:
    one = f"(?:{'|'.join(_digit_of())})"
    return re.compile(rf"\b{one}(?:[\s,-]+{one}){{{_RUN - 1},14}}\b")


def in_figures(text: str) -> str:
    """ "w four eight two nine" as "w 4829", "forty nine dollars" as "$49", "k x dash 4" as "k x-4"."""
    text = _JOINT.sub("-", text)
    text = _PRICE.sub(_price, text) if "dollar" in text.lower() else text
    return _replaced(text, _digits())


def _replaced(text: str, pattern: re.Pattern[str]) -> str:
    pieces, at = [], 0
    for match in pattern.finditer(fold(text)):
        pieces += [text[at : match.start()], _figures(match[0])]
        at = match.end()
    return "".join([*pieces, text[at:]])


def _figures(words: str) -> str:
    return "".join(_digit_of()[word] for word in re.split(r"[\s,-]+", words))


def _price(match: re.Match[str]) -> str:
    whole, cents = match["whole"], match["cents"]
    if whole.isdigit() and not cents:
        return match[0]
    return f"${number(whole)}" + (f".{number(cents):02d}" if cents else "")


def number(words: str) -> int:
    """A number in English words or figures, e.g. "one hundred and forty nine"."""
    total = current = 0
    for word in re.split(r"[\s-]+", words.lower()):
        if word.isdigit():
            current += int(word)
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word == "thousand":
            total, current = total + max(current, 1) * 1000, 0
        else:
            current += _SMALL.get(word, 0)
    return total + current


def pattern_of_number() -> str:
    """A small number in figures or English words, as a regular expression."""
    return rf"(?:\d{{1,3}}|(?:{'|'.join(_SMALL)}))"
