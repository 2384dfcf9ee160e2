"""How ordinary words are spelt: the vocabulary of the data files beside this, and slips of the keyboard."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from core.backends.rules.lexicon import table
from core.backends.rules.text import fold

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ENDINGS = ("'s", "s", "es", "ed", "d", "ing", "er", "ers", "ly", "n", "en", "e", "er", "em", "a", "o", "as", "os")
_TABLES = (
    "examples",
    "steps",
    "phrases",
    "categories",
    "slots",
    "moods",
    "wordings",
    "languages",
    "recalling",
    "tried",
)
_STEM = 2  # letters
_SMALL_LETTERS = re.compile(r"(?<![\w'’-])[^\W\d_A-Z]{5,24}(?![\w'’-])")


@lru_cache(maxsize=8_192)
def is_known(word: str) -> bool:
    """Whether a folded word is in the vocabulary, in some form of it."""
    if word in _vocabulary() or len(word) < len("abc"):
        return True
    parts = re.split(r"['’-]", word)
    if len(parts) > 1 and all(is_known(part) for part in parts if part):
        return True
    stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    forms = ({stem, f"{stem}e", re.sub(r"(\w)\1$", r"\1", stem)} for stem in stems if len(stem) > _STEM)
    return any(not _vocabulary().isdisjoint(form) for form in forms)


@lru_cache(maxsize=4_096)
def is_mistyped(word: str) -> bool:
    """Whether an ordinary word comes out by swapping two letters, or by one letter more, less or other."""
    cuts = _cuts(word)
    shorter = {a + b[1:] for a, b in cuts if b}
    other = {a + letter + b[1:] for a, b in cuts if b for letter in _LETTERS}
    longer = {a + letter + b for a, b in cuts for letter in _LETTERS}
    return not _vocabulary().isdisjoint({*_swapped(word), *shorter, *other, *longer})


def mended(text: str) -> str:
    """The text with ordinary words whose neighbouring letters were swapped put right: "brkoen" as "broken"."""
    return _SMALL_LETTERS.sub(lambda word: _mended(word[0]), text)


@lru_cache(maxsize=4_096)
def _mended(word: str) -> str:
    folded = fold(word)
    if is_known(folded):
        return word
    return next((form for form in _swapped(folded) if form in _vocabulary()), word)


def _swapped(word: str) -> list[str]:
    return [a + b[1] + b[0] + b[2:] for a, b in _cuts(word) if len(b) > 1]


def _cuts(word: str) -> list[tuple[str, str]]:
    return [(word[:at], word[at:]) for at in range(len(word) + 1)]


@cache
def _vocabulary() -> frozenset[str]:
    """Every word in the data files beside this module."""
    return frozenset(word for name in _TABLES for word in _words_in(table(name)))


def _words_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from re.findall(r"[^\W\d_]{2,}", fold(value))
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from _words_in(held)
    elif isinstance(value, list):
        for held in value:
            yield from _words_in(held)
