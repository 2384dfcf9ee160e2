"""What kind of issue a text tells of: points for strong wordings, hints, and likeness to a typical sentence."""

from typing import NamedTuple

from core.backends.rules.lexicon import Kind, kind_of, kinds, section_phrases
from core.backends.rules.text import fold
from core.knowledge import terms
from core.writing import Category

STRONG = 3.0
_LIKENESS = 2.0
_ENOUGH = 1.0
_SHARED_TERMS = 2
_MOST_TEXT = 2_000


class Heard(NamedTuple):
    """A text made ready to be compared with every kind."""

    folded: str
    terms: frozenset[str]


def hear(text: str) -> Heard:
    """The beginning of a text, as far as it decides its kind."""
    text = text[:_MOST_TEXT]
    return Heard(fold(text), frozenset(terms(text)))


def points(kind: Kind, heard: Heard) -> float:
    """How much a text sounds like this kind of issue."""
    strong, words = kind.strong.found(heard.folded), kind.words.found(heard.folded)
    likeness = max((_overlap(seed, heard.terms) for seed in kind.seeds), default=0.0)
    thing = kind.things and section_phrases("slots", "product", "nouns").heard(heard.folded)
    return STRONG * min(len(strong), 2) + min(len(words), 3) + _LIKENESS * likeness + thing


def _overlap(seed: frozenset[str], told: frozenset[str]) -> float:
    shared = len(seed & told)
    return shared / len(seed) if shared >= _SHARED_TERMS else 0.0


def category_of(text: str) -> Category:
    """The best fitting category; `other` where nothing fits."""
    heard = hear(text)
    found, _, name = max((points(kind, heard), -place, kind.name) for place, kind in enumerate(kinds()))
    return name if found >= _ENOUGH else "other"


def is_certain(category: Category, text: str) -> bool:
    """Whether a wording of the text settles the category by itself."""
    return kind_of(category).strong.heard(fold(text[:_MOST_TEXT]))
