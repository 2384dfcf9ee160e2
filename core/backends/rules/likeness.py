"""How alike texts are, by meaning (the embedder's), words and parts of words; and what follows for one text from
labelled others: ridge regression, in which only near meanings count for much.
"""

import re
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.backends.embedding import Embedder
from core.backends.rules.text import fold

Floats = NDArray[np.floating[Any]]

WORD = re.compile(r"[^\W\d_]+")
_MOST_TEXT = 2_000
_STEM = 5  # letters
_PAIR = 0.7  # what a pair of words weighs, beside a word
_STEMS = 16_384  # places for stems and pairs of them
_PLACES = 3 * _STEMS  # and for parts of words after them
_PART = 4  # letters; they hear through misspellings, endings and compounds
_PARTS = 0.5  # what the parts weigh, beside words or meaning
_STEPS = 15
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """One row per text: its meaning, and its words and their parts, of which only those that occur are kept."""

    meanings: Floats
    rows: NDArray[np.intp]  # of each word or part: which text it is of,
    places: NDArray[np.intp]  # its column,
    amounts: Floats  # and its share of the text

    def worded(self, weights: Floats) -> Floats:
        """The product of the words with weights: one row per text."""
        return _added(weights, self.places, self.amounts, self.rows, len(self.meanings))

    def words_of(self, texts: Floats) -> Floats:
        """The product of the words' transpose with a row for each text."""
        return _added(texts, self.rows, self.amounts, self.places, _PLACES)


class Fitted(NamedTuple):
    """What was learnt from examples; one column per label."""

    meanings: Floats  # of the examples,
    pulls: Floats  # how each of them pulls texts of a near meaning,
    words: Floats  # and what each word and part of a word adds

    def scores(self, features: Features) -> Floats:
        """One row per text."""
        return _product(_near(features.meanings, self.meanings), self.pulls) + features.worded(self.words)


def fitted(told: Features, wanted: Floats, trust: Floats, damping: float) -> Fitted:
    """Ridge regression of what is wanted of each example, one column per label, by conjugate gradients on the examples.
    The more trust for its damping, the nearer an example comes to what is wanted of it; with none it teaches nothing.
    """
    near, weight = _near(told.meanings, told.meanings), np.sqrt(trust)
    missing = weight * wanted
    found, step, left = np.zeros_like(missing), missing.copy(), (missing**2).sum(axis=0)
    for _ in range(_STEPS):
        pulls = weight * step
        reached = weight * (near @ pulls + told.worded(told.words_of(pulls))) + damping * step
        far = left / np.maximum((step * reached).sum(axis=0), _TINY)
        found += far * step
        missing -= far * reached
        now = (missing**2).sum(axis=0)
        step = missing + now / np.maximum(left, _TINY) * step
        left = now
    return Fitted(told.meanings, weight * found, told.words_of(weight * found))


def _near(some: Floats, others: Floats) -> Floats:
    """The fifth power of how near the meanings are, from 0 to 1."""
    near = _product(some, others.T)
    for row in near:  # one by one, as the whole may have 100 MB
        half = (1 + row) / 2
        row[:] = (half**2) ** 2 * half
    return near


def _product(some: Floats, others: Floats) -> Floats:
    """The matrix product. BLAS takes every core even for one row, which is ten times slower on a busy machine."""
    product: Floats = np.einsum("ij,jk->ik", some, others) if len(some) == 1 else some @ others
    return product


def _added(table: Floats, taken: NDArray[np.intp], amounts: Floats, where: NDArray[np.intp], size: int) -> Floats:
    """Rows taken from a table, each times its amount, added up at their places in a new one."""
    sums = (np.bincount(where, column[taken] * amounts, size) for column in table.T)
    return np.stack(list(sums), axis=1).astype(np.float32)


def rarity(texts: Sequence[str]) -> Floats:
    """How much each word and part of a word tells: the rarer in these texts, the more."""
    found, parts = np.zeros(_PLACES, np.float32), _Parts()
    for text in texts:
        found[list({*(place for place, _ in _words(text)), *(place for place, _ in parts.of(text))})] += 1
    return np.asarray(np.log((1 + len(texts)) / (1 + found)), np.float32)


def features(texts: Sequence[str], embedder: Embedder, rare: Floats) -> Features:
    """Texts made ready to be compared; only their beginnings count."""
    meanings = np.asarray(embedder.embed([text[:_MOST_TEXT].lower() for text in texts]))
    words, parts = _bag(texts, _words, rare), _bag(texts, _Parts().of, rare)
    return Features(
        meanings=meanings,
        rows=np.concatenate([words.rows, parts.rows]),
        places=np.concatenate([words.places, parts.places]),
        amounts=np.concatenate([words.amounts, parts.amounts * _PARTS**0.5]),
    )


class _Bag(NamedTuple):
    rows: NDArray[np.intp]
    places: NDArray[np.intp]
    amounts: Floats


def _bag(texts: Sequence[str], hashed: Callable[[str], Iterator[tuple[int, float]]], rare: Floats) -> _Bag:
    of, at, how_much = array("i"), array("i"), array("f")  # lists would take ten times the memory
    for row, text in enumerate(texts):
        for place, weight in hashed(text):
            of.append(row)
            at.append(place)
            how_much.append(weight)
    rows, places = np.array(of, np.intp), np.array(at, np.intp)
    amounts = np.array(how_much, np.float32) * rare[places]
    lengths = np.sqrt(np.bincount(rows, amounts**2, len(texts))).astype(np.float32)
    return _Bag(rows, places, amounts / np.maximum(lengths[rows], _TINY))


def _words(text: str) -> Iterator[tuple[int, float]]:
    stems = [word[:_STEM] for word in WORD.findall(fold(text[:_MOST_TEXT]))]
    yield from ((zlib.crc32(f"w{stem}".encode()) % _STEMS, 1.0) for stem in stems)
    yield from ((zlib.crc32(f"p{a} {b}".encode()) % _STEMS, _PAIR) for a, b in pairwise(stems))


class _Parts(dict[str, list[int]]):
    """The places of a word's parts. Each word is looked at once."""

    def of(self, text: str) -> Iterator[tuple[int, float]]:
        yield from ((place, 1.0) for word in WORD.findall(fold(text[:_MOST_TEXT])) for place in self[word])

    def __missing__(self, word: str) -> list[int]:
        whole = f"<{word}>"
        parts = (whole[i : i + _PART] for i in range(len(whole) - _PART + 1))
        places = self[word] = [_STEMS + zlib.crc32(part.encode()) % (_PLACES - _STEMS) for part in parts]
        return places
