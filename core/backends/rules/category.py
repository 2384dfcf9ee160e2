"""What kind of issue a text tells of: points for strong wordings, hints, and likeness to a typical sentence."""

import re
from functools import cache

from core.backends.rules.lexicon import Kind, kind_of, kinds
from core.backends.rules.text import fold
from core.knowledge import terms
from core.writing import Category

STRONG = 3.0
_LIKENESS = 2.0
_ENOUGH = 1.0
_SHARED_TERMS = 2
_MOST_TEXT = 2_000


@cache
def _spaces() -> re.Pattern[str]:
    return re.compile(r"[ \t]+")


def points(kind: Kind, text: str) -> float:
    """How much a text sounds like this kind of issue."""
    folded = _spaces().sub(" ", fold(text[:_MOST_TEXT]))
    strong, words = kind.strong.found(folded), kind.words.found(folded)
    return STRONG * min(len(strong), 2) + min(len(words), 3) + _likeness(kind, text)


def _likeness(kind: Kind, text: str) -> float:
    told = set(terms(text[:_MOST_TEXT]))
    return _LIKENESS * max((_overlap(seed, told) for seed in kind.seeds), default=0.0)


def _overlap(seed: frozenset[str], told: set[str]) -> float:
    shared = len(seed & told)
    return shared / len(seed) if shared >= _SHARED_TERMS else 0.0


def category_of(text: str) -> tuple[Category, float]:
    """The best fitting category with its points; `other` where nothing fits."""
    best = max(kinds(), key=lambda kind: points(kind, text))
    score = points(best, text)
    return (best.name, score) if score >= _ENOUGH else ("other", 0.0)


def is_certain(category: Category, text: str) -> bool:
    """Whether a wording of the text settles the category by itself."""
    return kind_of(category).strong.heard(fold(text[:_MOST_TEXT]))
