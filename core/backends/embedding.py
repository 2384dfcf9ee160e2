"""How near texts are to each other: by meaning, with an offline embedder, and by words, within a few rows at hand."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import chain
from math import fsum, sqrt
from pathlib import Path
from statistics import fmean
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem

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
    """256 dimensions from the weights in wordllama's wheel: no key, no network.

    The weights are read where they lie, in half precision, and only those of words that occur: wordllama itself would
    hold all of them twice as large, and look for its tokenizer in the wrong folder and then download one.
    """

    name = "wordllama-0.4.0-l2_supercat-256"
    dimensions = 256

    def __init__(self) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - 20 MB with what it reads, and only where memory is used

        folder = _folder_of("wordllama")
        self._weights = _tensor(folder / "weights" / "l2_supercat_256.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, one row per text; of zeros for a text without words."""
        means = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            if tokens := self._tokenizer.encode(text, add_special_tokens=False).ids:
                means[row] = self._weights[tokens].astype(np.float32).sum(axis=0) / np.float32(len(tokens))
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        lengths[lengths == 0] = 1
        vectors: Vectors = means / lengths
        return vectors

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _folder_of(package: str) -> Path:
    """Where a package lies, without loading it."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise Problem(f"memory: {package} is not installed; run `make venv`")
    return Path(found.origin).parent


def _tensor(path: Path) -> NDArray[np.float16]:
    """The one tensor of a safetensors file: the size of its header in eight bytes, the header in JSON, the numbers."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        (shape,) = (one["shape"] for name, one in json.loads(file.read(size)).items() if name != "__metadata__")
    return np.memmap(path, np.float16, "r", offset=8 + size, shape=tuple(shape))


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
