"""How near texts are to each other: by meaning, with an offline embedder, and by words, within a few rows at hand."""

import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from math import fsum, sqrt
from pathlib import Path
from statistics import fmean
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # one row per text

_WORD = re.compile(r"\w+")
_NO_SIGNS = {code: " " for code in range(128) if not _WORD.match(chr(code))}
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
    if min(scores) == max(scores):
        return [0.0] * len(scores)
    mean = fmean(scores)
    spread = sqrt(fsum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / spread for score in scores]


def words_shared(query: str, texts: Sequence[str]) -> list[float]:
    """How much of the query's words each text holds, 0 to 1: BM25 among these texts, rare words weighing more."""
    asked = dict.fromkeys(map(_stem, _words(query)))
    if not asked or not texts:
        return [0.0] * len(texts)
    counts, lengths = _counted(asked, texts)
    found = np.count_nonzero(counts, axis=0)
    weights = np.log(1 + (len(texts) - found + 0.5) / (found + 0.5))
    damped = _SATURATION * (1 - _LENGTH + _LENGTH * lengths / (lengths.mean() or 1.0))
    shares = weights * counts / (counts + damped[:, None])
    scores: list[float] = (shares.sum(axis=1) / weights.sum()).tolist()
    return scores


def _counted(asked: Iterable[str], texts: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How often each text holds each stem that is asked for, one row per text, and how many words each text has."""
    columns = _Columns(asked)
    width = columns.others + 1
    words = [_words(text) for text in texts]
    lengths = np.array([len(one) for one in words])
    cells = np.fromiter(map(columns.__getitem__, chain.from_iterable(words)), np.intp, lengths.sum())
    cells += np.repeat(np.arange(len(texts)) * width, lengths)
    counts = np.bincount(cells, minlength=len(texts) * width)
    return counts.reshape(len(texts), width)[:, :-1], lengths


class _Columns(dict[str, int]):
    """Where the stem of a word stands among those asked for; the last column is for all others."""

    def __init__(self, asked: Iterable[str]) -> None:
        super().__init__()
        self._places = {stem: place for place, stem in enumerate(asked)}
        self.others = len(self._places)

    def __missing__(self, word: str) -> int:
        place = self[word] = self._places.get(_stem(word), self.others)
        return place


def _words(text: str) -> list[str]:
    """Words without case and accents."""
    bare = text.casefold()
    if bare.isascii():
        return bare.translate(_NO_SIGNS).split()  # as below, three times as fast
    return _WORD.findall(_ACCENT.sub("", unicodedata.normalize("NFKD", bare)))


def _stem(word: str) -> str:
    """A word without its ending; numbers whole."""
    return word.rstrip("s")[:_STEM] if word.isalpha() else word
