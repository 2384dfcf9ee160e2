"""Names that nobody listed: a word that is in no language's vocabulary, or has a capital where none is due."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from core.backends.rules.language import language_of
from core.backends.rules.lexicon import strings, table, words_of
from core.backends.rules.spelling import is_known, is_mistyped
from core.backends.rules.text import fold

_WORD = re.compile(r"[^\W\d_][\w'’-]{2,24}")
_MORE = re.compile(r"(?: (?:[A-Z][\w-]{1,15}|\d{1,3})\b){1,2}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n]\s*[\"'“]?|^\W+)$")
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
    return not is_known(fold(word)) and is_mistyped(fold(word))


def is_ordinary(text: str) -> bool:
    """Whether every word of a text is in some vocabulary."""
    return all(is_known(fold(word[0])) for word in _WORD.finditer(text))


def _candidates(text: str) -> Iterator[tuple[int, int, str]]:
    folded = fold(text)
    capitals = language_of(text, languages=("en", "de"), current="en") != "de"
    for word in _WORD.finditer(text):
        name = fold(word[0])
        if name in _never():
            continue
        capital = word[0][0].isupper() and not text.isupper()
        first = _SENTENCE_START.search(text[: word.start()]) is not None
        unknown = not is_known(name) and not (word[0].islower() and is_mistyped(name))
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
