"""What kind of issue a text tells of, and what is done with an open one, learnt from examples: those in examples.toml
and steps.toml, and what colleagues corrected.

A ridge regression over meanings (the embedder's) and words (stems and pairs of them, hashed), solved anew whenever
the examples change, in a quarter of a second. The rules' points are added, so that a strong wording keeps its say.
"""

import re
import threading
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from core.backends.embedding import Embedder
from core.backends.rules import category as by_rules
from core.backends.rules.lexicon import kinds, strings, table
from core.backends.rules.text import fold
from core.backends.rules.wishes import human_wanted, resolved
from core.writing import Category

# They tell something, ask how an open matter stands, say that it is over, want a person, put a value right, want to
# carry on elsewhere, want to hear what they told.
Step = Literal["tells", "follows", "solved", "human", "corrects", "links", "recalls"]

_CATEGORIES: tuple[Category, ...] = get_args(Category)
_STEPS_TAKEN: tuple[Step, ...] = get_args(Step)
_WORD = re.compile(r"[^\W\d_]+")
_STEM = 5  # letters
_HASHED = 16_384
_ABOUT: dict[str, Category] = {name: name for name in _CATEGORIES}
_STEP_OF: dict[str, Step] = {step: step for step in _STEPS_TAKEN}
_EXPECTED = 0.3 * np.array([step == "follows" for step in _STEPS_TAKEN])  # who has an open matter mostly asks after it
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


class Move(NamedTuple):
    """What is done with a matter that is open, and what it is about; `other` where that is not said."""

    step: Step
    about: Category


@dataclass(frozen=True, kw_only=True, slots=True)
class _Learnt:
    rarity: Floats
    weights: Floats  # one column per category
    steps: Floats  # one column per step
    abouts: Floats  # one column per category, for what is open already


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
            taught, moves = [*_ours(), *corrections], _moves()
            rarity = _rarity([example.text for example in taught])
            told = _features([example.text for example in taught], embedder, rarity)
            every = _features([*(e.text for e in taught), *(text for text, _ in moves)], embedder, rarity)
            names = [example.category for example in taught]
            trust = np.concatenate(
                [_balance(names[: -len(corrections) or None]), np.full(len(corrections), _CORRECTED)]
            )
            steps = [*map(_step_by_rules, (e.text for e in taught)), *(move.step for _, move in moves)]
            abouts = [*names, *(move.about for _, move in moves)]
            self._learnt = _Learnt(
                rarity=rarity,
                weights=_solved(told, [_CATEGORIES.index(name) for name in names], len(_CATEGORIES), trust),
                steps=_solved(every, [_STEPS_TAKEN.index(step) for step in steps], len(_STEPS_TAKEN), _balance(steps)),
                abouts=_solved(every, [_CATEGORIES.index(a) for a in abouts], len(_CATEGORIES), _balance(abouts)),
            )

    def category_of(self, text: str) -> Category:
        """The category that fits best."""
        if self._learnt is None or self._embedder is None or not _WORD.search(text):
            return by_rules.category_of(text)
        features = _features([text], self._embedder, self._learnt.rarity)
        scores = features.onto(self._learnt.weights)[0] + _RULES * _heard(text)
        return _CATEGORIES[int(scores.argmax())]

    def move_of(self, text: str, with_open: bool) -> Move:
        """What is done in a text by somebody, who has an open matter or not."""
        if self._learnt is None or self._embedder is None or not _WORD.search(text):
            return by_rules_alone(text, with_open)
        features = _features([text], self._embedder, self._learnt.rarity)
        steps = features.onto(self._learnt.steps)[0] + with_open * _EXPECTED
        abouts = features.onto(self._learnt.abouts)[0]
        return Move(_STEPS_TAKEN[int(steps.argmax())], _CATEGORIES[int(abouts.argmax())])


def by_rules_alone(text: str, _with_open: bool = False) -> Move:
    """As far as it can be told without having learnt."""
    return Move(_step_by_rules(text), "other")


def _ours() -> list[Example]:
    read = table("examples")
    named = ((name, read[name]) for name in _CATEGORIES)
    return [Example(text, name) for name, section in named for lang in section for text in strings(section, lang)]


def _moves() -> list[tuple[str, Move]]:
    return [
        (text, Move(_STEP_OF.get(name, "follows"), _ABOUT.get(name, "other")))
        for name, section in table("steps").items()
        for lang in section
        for text in strings(section, lang)
    ]


def _step_by_rules(text: str) -> Step:
    if human_wanted(text):
        return "human"
    return "solved" if resolved(text) else "tells"


def _balance(labels: Sequence[str]) -> Floats:
    """Labels with few examples weigh more for each."""
    counted = Counter(labels)
    fair = len(labels) / len(counted)
    return np.array([(fair / counted[label]) ** 0.5 for label in labels], np.float32)


def _solved(features: "_Features", labels: Sequence[int], width: int, trust: Floats) -> Floats:
    """Weights by which the features of each example come out as its label, near enough: ridge regression, by
    conjugate gradients on the examples, one column per label."""
    missing = np.full((len(labels), width), -1 / width)
    missing[np.arange(len(labels)), labels] += 1
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
    meanings = np.asarray(embedder.embed([text[:_MOST_TEXT].lower() for text in texts]))
    of, at, how_much = array("i"), array("i"), array("d")  # lists would take ten times the memory
    for row, text in enumerate(texts):
        for place, weight in _hashed(text):
            of.append(row)
            at.append(place)
            how_much.append(weight)
    rows, places = np.array(of, np.intp), np.array(at, np.intp)
    amounts = np.array(how_much) * rarity[places]
    lengths = np.sqrt(np.bincount(rows, amounts**2, len(texts)))
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
