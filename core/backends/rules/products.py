"""Products and plans by their made-up names: a brand beside an everyday noun, a name beside "plan"."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache, lru_cache

from core.backends.rules.lexicon import strings, table, words_of
from core.backends.rules.names import is_misspelt
from core.backends.rules.spelling import is_known
from core.backends.rules.text import choice, fold

Span = tuple[str, int, int]

_NAME = r"(?P<name>[^\W\d_][\w'-]{2,24})"
_UNKNOWN = re.compile(
    r"\b(?:my|a|an|the|this|our|your|mi|mon|ma|meu|minha|mio|mia|mijn) "
    r"(?P<name>[A-Z][a-zà-ÿ]{3,15}) (?P<noun>[a-z][a-z-]{2,15})\b"
)
_PRICE = r"(?:[$€£]\s?\d{1,5}(?:[.,]\d{2})?|\d{1,5}(?:[.,]\d{2})?[ -]?(?:[$€£]|dollars?|euros?|pounds?|usd|eur))"
_BRAND_MIN = 4
_ALIKE = 0.83


def products(text: str) -> Iterator[Span]:
    """ "Zelvora kettle", in the customer's spelling."""
    behind = (found for found in _beside(text, _noun_first(), "no_brand") if not _goes_on(found[0]))
    known = [*_beside(text, _noun_after(), "no_brand"), *behind]
    yield from known
    for match in () if known else _UNKNOWN.finditer(text):
        brand, noun = match["name"].lower(), match["noun"]
        if brand not in words_of("slots", "product", "no_brand") | _not_a_maker() and noun not in _no_noun():
            yield text[match.start("name") : match.end()], match.start("name"), match.end()


def _goes_on(found: str) -> bool:
    """Whether no brand stands behind a noun, but the next word of the sentence: "chaleira chegou"."""
    word = found.rsplit(maxsplit=1)[-1]
    return not word[0].isupper() and is_known(fold(word))


def _beside(text: str, pattern: re.Pattern[str], refused: str) -> Iterator[Span]:
    for match in pattern.finditer(fold(text)):
        name = match["name"]
        refusing = words_of("slots", "product", refused) | words_of("slots", "device", "shows")
        is_name = len(name) >= _BRAND_MIN and not name.endswith(("'s", "n't")) and name not in _not_a_maker()
        capital = text[match.start("name")].isupper()
        if is_name and name not in refusing and (capital or not _is_mistyped(name, "product", refused)):
            yield " ".join(text[match.start() : match.end()].split()), match.start(), match.end()


@lru_cache(maxsize=4_096)
def _is_mistyped(name: str, section: str, key: str) -> bool:
    """Whether a word is an ordinary one with its letters mixed up: "smlaler"."""
    ordinary = [word for word in words_of("slots", section, key) if len(word) >= _BRAND_MIN]
    return len(name) > _BRAND_MIN and bool(get_close_matches(name, ordinary, n=1, cutoff=_ALIKE))


@cache
def _not_a_maker() -> frozenset[str]:
    """Makers of devices are in the device's name, and a noun is no brand of another."""
    nouns = frozenset(fold(noun) for noun in strings(table("slots")["product"], "nouns"))
    return nouns | words_of("slots", "product", "no_maker")


def _no_noun() -> frozenset[str]:
    return words_of("slots", "product", "no_noun")


@cache
def _noun_after() -> re.Pattern[str]:
    section = table("slots")["product"]
    return re.compile(rf"\b{_NAME}\s+(?:{choice(strings(section, 'nouns') + strings(section, 'nouns_after'))})s?\b")


@cache
def _noun_first() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{choice(strings(table('slots')['product'], 'nouns_first'))})\s+{_NAME}\b")


@cache
def _plan_shapes() -> tuple[re.Pattern[str], ...]:
    section = table("slots")["plan"]
    nouns = choice(strings(section, "nouns"))
    first = choice(strings(section, "nouns") + strings(section, "nouns_first"))
    return (
        re.compile(rf"(?P<named>{_PRICE}(?: (?:a|per) month| monthly)?[ -](?:{nouns}))\b"),
        re.compile(rf"\b(?P<named>{_NAME}[ -](?:{nouns}))\b"),
        re.compile(
            rf"\b(?:{first})(?: is| name is| is called|:| called| named| se llama| heisst)? (?P<named>{_NAME})\b"
        ),
    )


def plans(text: str) -> Iterator[Span]:
    """ "$49 plan", "Corvane plan"; where the name stands behind, "plan" is added to it."""
    folded = fold(text)
    priced, named, behind = _plan_shapes()
    for shape in (priced, named, behind):
        for match in shape.finditer(folded):
            start, end = match.span("named")
            if shape is priced or _is_name(match["name"], text, start, capital=shape is behind):
                value = " ".join(text[start:end].split())
                yield (f"{value} plan" if shape is behind else value), start, end


def _is_name(name: str, text: str, start: int, *, capital: bool) -> bool:
    if name in words_of("slots", "plan", "no_name") or name.endswith(("ing", "n't", "ed")):
        return False
    if text[start].isupper():
        return True
    if (
        is_misspelt(name)
        or _is_mistyped(name, "plan", "no_name")
        or (name.endswith("er") and fold(text[:start]).endswith(" a "))
    ):
        return False
    return not capital and name not in words_of("slots", "product", "no_brand") and _led_in(fold(text[:start]))


def _led_in(before: str) -> bool:
    return (
        re.search(r"\b(?:the|my|our|a|on|to|from|have|is|el|mi|den|mein\w*|mon|o|meu|mijn|het) $", before) is not None
    )
