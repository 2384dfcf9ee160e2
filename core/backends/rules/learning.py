"""What kind of issue a text tells of, learnt from examples: those in examples.toml, and what colleagues corrected.

A ridge regression over meanings (the embedder's) and words (stems and pairs of them, hashed), solved anew whenever
the examples change, in a quarter of a second. The rules' points are added, so that a strong wording keeps its say.
"""

import re
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from core.backends.embedding import Embedder
from core.backends.rules import category as by_rules
from core.backends.rules.lexicon import kinds, strings, table
from core.backends.rules.text import fold
from core.writing import Category

_CATEGORIES: tuple[Category, ...] = get_args(Category)
_WORD = re.compile(r"[^\W\d_]+")
_STEM = 5  # letters
_HASHED = 16_384
_PAIR = 0.7  # what a pair of words weighs, beside a word
_DAMPING = 0.6
_STEPS = 20
_TINY = 1e-12
_CORRECTED = 3.0  # what a correction weighs, beside an example of ours
_RULES = 0.2  # what the rules' points weigh, beside what was learnt
_NOTHING_HEARD = 1.5  # points for `other` where the rules hear nothing
_MOST_TEXT = 2_000

Floats = NDArray[np.floating[Any]]


class Example(NamedTuple):
    """A text and what it is about."""

    text: str
    category: Category


@dataclass(frozen=True, kw_only=True, slots=True)
class _Learnt:
    rarity: Floats
    weights: Floats  # one column per category


class Examples:
    """Tells categories by examples. Knows the rules alone until `learn` has run, which loads the embedder."""

    def __init__(self, embedder: Callable[[], Embedder]) -> None:
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._learnt: _Learnt | None = None
        self._learning = threading.Lock()

    def learn(self, corrections: Sequence[Example] = ()) -> None:
        """Learns from our examples and these corrections, and forgets any others. Takes up to a second."""
        with self._learning:
            embedder = self._embedder = self._embedder or self._make_embedder()
            ours = _ours()
            taught = [*ours, *corrections]
            rarity = _rarity([example.text for example in taught])
            features = _features([example.text for example in taught], embedder, rarity)
            trust = np.concatenate([_balance(ours), np.full(len(corrections), _CORRECTED, np.float32)])
            self._learnt = _Learnt(rarity=rarity, weights=_solved(features, taught, trust))

    def category_of(self, text: str) -> Category:
        """The category that fits best."""
        if self._learnt is None or self._embedder is None or not _WORD.search(text):
            return by_rules.category_of(text)
        features = _features([text], self._embedder, self._learnt.rarity)
        scores = features.onto(self._learnt.weights)[0] + _RULES * _heard(text)
        return _CATEGORIES[int(scores.argmax())]


def _ours() -> list[Example]:
    read = table("examples")
    named = ((name, read[name]) for name in _CATEGORIES)
    return [Example(text, name) for name, section in named for lang in section for text in strings(section, lang)]


def _balance(examples: Sequence[Example]) -> Floats:
    """Categories with few examples weigh more for each."""
    counted = Counter(example.category for example in examples)
    fair = len(examples) / len(_CATEGORIES)
    return np.array([(fair / counted[example.category]) ** 0.5 for example in examples], np.float32)


def _solved(features: "_Features", taught: Sequence[Example], trust: Floats) -> Floats:
    """Weights by which the features of each example come out as its category, near enough: ridge regression, by
    conjugate gradients on the examples, one column per category."""
    missing = np.full((len(taught), len(_CATEGORIES)), -1 / len(_CATEGORIES))
    for row, example in enumerate(taught):
        missing[row, _CATEGORIES.index(example.category)] += 1
    damping = (_DAMPING / trust)[:, None]
    found = np.zeros_like(missing)
    step, left = missing.copy(), (missing**2).sum(axis=0)
    for _ in range(_STEPS):
        reached = features.onto(features.back(step)) + damping * step
        far = left / np.maximum((step * reached).sum(axis=0), _TINY)
        found += far * step
        missing -= far * reached
        now = (missing**2).sum(axis=0)
        step = missing + now / np.maximum(left, _TINY) * step
        left = now
    return features.back(found)


# ── what is compared ──
@dataclass(frozen=True, kw_only=True, slots=True)
class _Features:
    """One row per text: its meaning, and its words, of which only those that occur are kept."""

    meanings: Floats
    rows: NDArray[np.intp]  # of each word: which text it is of,
    places: NDArray[np.intp]  # its column,
    amounts: Floats  # and its share of the text

    def onto(self, weights: Floats) -> Floats:
        """The product with weights: one row per text."""
        dense = self.meanings @ weights[: self.meanings.shape[1]]
        words = weights[self.meanings.shape[1] :][self.places] * self.amounts[:, None]
        return dense + _added(words, self.rows, len(self.meanings))

    def back(self, texts: Floats) -> Floats:
        """The product of the transpose with a row for each text."""
        words = _added(texts[self.rows] * self.amounts[:, None], self.places, _HASHED)
        return np.vstack([self.meanings.T @ texts, words])


def _added(amounts: Floats, where: NDArray[np.intp], size: int) -> Floats:
    """Sums of rows that belong to the same place."""
    return np.stack([np.bincount(where, column, size) for column in amounts.T], axis=1)


def _features(texts: Sequence[str], embedder: Embedder, rarity: Floats) -> _Features:
    meanings = np.asarray(embedder.embed([text[:_MOST_TEXT].lower() for text in texts]), np.float64)
    found = [(row, place, weight * rarity[place]) for row, text in enumerate(texts) for place, weight in _hashed(text)]
    rows = np.array([row for row, _, _ in found], np.intp)
    amounts = np.array([amount for _, _, amount in found])
    lengths = np.sqrt(np.bincount(rows, amounts**2, len(texts)))
    places = np.array([place for _, place, _ in found], np.intp)
    return _Features(meanings=meanings, rows=rows, places=places, amounts=amounts / np.maximum(lengths[rows], _TINY))


def _rarity(texts: Sequence[str]) -> Floats:
    found = np.zeros(_HASHED, np.float32)
    for text in texts:
        for place in {place for place, _ in _hashed(text)}:
            found[place] += 1
    return np.asarray(np.log((1 + len(texts)) / (1 + found)), np.float32)


def _hashed(text: str) -> Iterator[tuple[int, float]]:
    stems = [word[:_STEM] for word in _WORD.findall(fold(text[:_MOST_TEXT]))]
    yield from ((zlib.crc32(f"w{stem}".encode()) % _HASHED, 1.0) for stem in stems)
    yield from ((zlib.crc32(f"b{a} {b}".encode()) % _HASHED, _PAIR) for a, b in pairwise(stems))


def _heard(text: str) -> Floats:
    """The rules' points as shares, in the order of the categories."""
    heard = by_rules.hear(text)
    points = {kind.name: by_rules.points(kind, heard) for kind in kinds()}
    told = np.array([points.get(name, 0.0) for name in _CATEGORIES], np.float32)
    if told.max() < 1:
        told[_CATEGORIES.index("other")] = _NOTHING_HEARD
    shares: Floats = told / (told.sum() + 1)
    return shares
