"""How near texts are to each other: by meaning, with an offline embedder, and by words, within a few rows at hand."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log
from pathlib import Path
from statistics import fmean, pstdev
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # one row per text

_WORD = re.compile(r"\w+")
_ACCENT = re.compile("[\u0300-\u036f]")
_STEM = 5  # letters; enough for "charge", "charged" and "charges" to meet
_SATURATION, _LENGTH = 1.2, 0.75  # BM25's k1 and b


class Embedder(Protocol):
    """Turns texts into vectors. `name` tells models and their versions apart: their vectors cannot be compared."""

    @property
    def name(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    def embed(self, texts: list[str]) -> Vectors: ...


class WordLlamaEmbedder:
    """256 dimensions from the weights in wordllama's wheel: no key, no network. Loading takes 0.3 s and 70 MB."""

    name = "wordllama-0.4.0-l2_supercat-256"
    dimensions = 256

    def __init__(self) -> None:
        with _root_logger_kept():
            import wordllama  # noqa: PLC0415 - 0.2 s, and only where memory is used
        # Without cache_dir it looks for its own tokenizer in the wrong folder and then downloads one.
        self._model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, one row per text."""
        vectors: Vectors = self._model.embed(texts, norm=True)
        return vectors


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """wordllama configures the root logger when it is imported."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def fused(meaning: Sequence[float], words: Sequence[float]) -> list[float]:
    """Both scores of the same rows in one: the sum of their standard scores. Adding ranks instead finds less."""
    return [m + w for m, w in zip(_standardised(meaning), _standardised(words), strict=True)]


def _standardised(scores: Sequence[float]) -> list[float]:
    mean, spread = fmean(scores), pstdev(scores)
    return [(score - mean) / spread if spread else 0.0 for score in scores]


def words_shared(query: str, texts: Sequence[str]) -> list[float]:
    """How much of the query's words each text holds, 0 to 1: BM25 among these texts, rare words weighing more."""
    stems = _Stems()
    asked = set(stems.of(query))
    stemmed = [stems.of(text) for text in texts]
    bags = [Counter(filter(asked.__contains__, stems)) for stems in stemmed]
    weights = {word: _rarity(word, bags) for word in asked}
    most = sum(weights.values()) * (_SATURATION + 1)
    length = fmean(map(len, stemmed)) or 1.0
    pairs = zip(bags, stemmed, strict=True)
    return [_bm25(bag, weights, len(words) / length) / most if most else 0.0 for bag, words in pairs]


def _rarity(word: str, bags: Sequence[Counter[str]]) -> float:
    found = sum(word in bag for bag in bags)
    return log(1 + (len(bags) - found + 0.5) / (found + 0.5))


def _bm25(bag: Counter[str], weights: dict[str, float], length: float) -> float:
    damped = _SATURATION * (1 - _LENGTH + _LENGTH * length)
    return sum(weights[word] * bag[word] * (_SATURATION + 1) / (bag[word] + damped) for word in weights.keys() & bag)


class _Stems(dict[str, str]):
    """Words without case, accents and endings; numbers whole. Each word is looked at once."""

    def of(self, text: str) -> list[str]:
        bare = text.casefold()
        if not bare.isascii():
            bare = _ACCENT.sub("", unicodedata.normalize("NFKD", bare))
        return [self[word] for word in _WORD.findall(bare)]

    def __missing__(self, word: str) -> str:
        stem = self[word] = word.rstrip("s")[:_STEM] if word.isalpha() else word
        return stem
