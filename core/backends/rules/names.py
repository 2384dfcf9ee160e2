"""Names that nobody listed: a word that is in no language's vocabulary, or has a capital where none is due."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from core.backends.rules.language import language_of
from core.backends.rules.lexicon import strings, table, words_of
from core.backends.rules.text import fold

_WORD = re.compile(r"[^\W\d_][\w'’-]{2,24}")
_MORE = re.compile(r"(?: (?:[A-Z][\w-]{1,15}|\d{1,3})\b){1,2}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n]\s*[\"'“]?|^\W+)$")
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
_SIGNED = 4  # words of a line that is a name
SURE, ASKED, IN_PASSING = 3, 2, 5  # what must speak for a name


def plan_named(text: str, *, without: Iterable[str] = (), least: int = SURE) -> str:
    """What a plan is called in a text that is about one, or tells which one it is; "" where nothing looks like it."""
    body = _without_signature(text)
    taken = {word for value in without for word in fold(value).split()}
    weighed = [
        (weight, -start, name) for weight, start, name in _candidates(body) if not taken & set(fold(name).split())
    ]
    weight, _, name = max(weighed, default=(0, 0, ""))
    return name if weight >= least else ""


def is_misspelt(word: str) -> bool:
    """Whether a word is an ordinary one but for one slip."""
    return not _is_known(fold(word)) and _is_mistyped(fold(word))


def is_ordinary(text: str) -> bool:
    """Whether every word of a text is in some vocabulary."""
    return all(_is_known(fold(word[0])) for word in _WORD.finditer(text))


def _candidates(text: str) -> Iterator[tuple[int, int, str]]:
    folded = fold(text)
    capitals = language_of(text, languages=("en", "de"), current="en") != "de"
    for word in _WORD.finditer(text):
        name = fold(word[0])
        if name in _never():
            continue
        capital = word[0][0].isupper() and not text.isupper()
        first = _SENTENCE_START.search(text[: word.start()]) is not None
        unknown = not _is_known(name) and not (word[0].islower() and _is_mistyped(name))
        cued = _is_cued(folded[: word.start()], folded[word.end() :])
        weight = 2 * unknown + _capital_weight(capital, first=first, means_little=not capitals) * unknown + cued
        weight += 2 * (not unknown and capital and capitals and not first)
        if unknown or (capital and cued and not first and capitals):
            more = _MORE.match(text[word.end() :]) if capital else None
            yield weight, word.start(), word[0] + (more[0] if more else "")


def _capital_weight(capital: bool, *, first: bool, means_little: bool) -> int:
    """At the start of a sentence, and in German, many a word has one."""
    if not capital or (first and means_little):
        return 0
    return 1 if first or means_little else 2


def _is_cued(before: str, after: str) -> bool:
    section = table("slots")["plan_name"]
    leads = "|".join(map(re.escape, [*strings(section, "before"), *words_of("slots", "plan", "nouns")]))
    follows = "|".join(map(re.escape, strings(section, "after")))
    return bool(re.search(rf"(?<!\w)(?:{leads})\W+$", before) or re.match(rf"\W+(?:{follows})(?!\w)", after))


def _without_signature(text: str) -> str:
    lines = text.splitlines()
    kept = [line for at, line in enumerate(lines) if not at or not _is_signature(line)]
    return "\n".join(kept)


def _is_signature(line: str) -> bool:
    words = _WORD.findall(line)
    return len(words) <= _SIGNED and all(word[0].isupper() for word in words)


@cache
def _never() -> frozenset[str]:
    section = table("slots")["product"]
    listed = [*strings(table("slots")["plan_name"], "never"), *strings(section, "no_maker"), *strings(section, "nouns")]
    return frozenset(fold(word) for word in listed) | words_of("slots", "plan", "nouns")


@lru_cache(maxsize=8_192)
def _is_known(word: str) -> bool:
    if word in _vocabulary() or len(word) < len("abc"):
        return True
    parts = re.split(r"['’-]", word)
    if len(parts) > 1 and all(_is_known(part) for part in parts if part):
        return True
    stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    forms = ({stem, f"{stem}e", re.sub(r"(\w)\1$", r"\1", stem)} for stem in stems if len(stem) > _STEM)
    return any(not _vocabulary().isdisjoint(form) for form in forms)


@lru_cache(maxsize=4_096)
def _is_mistyped(word: str) -> bool:
    """Whether an ordinary word comes out by swapping two letters, or by one letter more, less or other."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    shorter = {a + b[1:] for a, b in cuts if b}
    other = {a + letter + b[1:] for a, b in cuts if b for letter in _LETTERS}
    longer = {a + letter + b for a, b in cuts for letter in _LETTERS}
    return not _vocabulary().isdisjoint(swapped | shorter | other | longer)


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
