"""Rows of memory beside a query: how near each is by meaning and by words, and which are best."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from core.backends.embedding import Vectors, fused, words_shared
from core.memory import Hit, PatternHit
from core.writing import Category

_TINY = 1e-10  # so that a text without a meaning is far from everything
_WEIGHED = 25  # patterns, the nearest by meaning, whose words are compared
_NEAR = 0.1  # a pattern below this cosine is about something else


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What memory keeps of some rows: their vectors as float32 one after the other, their texts and their metadata."""

    vectors: Sequence[bytes]
    texts: Sequence[str]
    metadata: Sequence[str]  # JSON

    def cosines(self, query: Vectors) -> list[float]:
        """How near each row is to a query, by meaning."""
        if not self.texts:
            return []
        cosines: list[float] = (self._matrix @ query / (self._lengths * np.linalg.norm(query) + _TINY)).tolist()
        return cosines

    @cached_property
    def _matrix(self) -> Vectors:
        return np.frombuffer(b"".join(self.vectors), dtype=np.float32).reshape(len(self.vectors), -1)

    @cached_property
    def _lengths(self) -> Vectors:
        lengths: Vectors = np.linalg.norm(self._matrix, axis=1)
        return lengths


def recalled(query: str, meaning: Vectors, kept: Kept, handles: Sequence[int], limit: int) -> list[Hit]:
    """The rows that bear most on a query, best first; `handles` says whose each row is."""
    if not kept.texts:
        return []
    scores = fused(kept.cosines(meaning), words_shared(query, kept.texts))
    return [_hit(handles[at], json.loads(kept.metadata[at]), scores[at]) for at in best(scores, limit)]


def _hit(handle: int, metadata: dict[str, Any], score: float) -> Hit:
    kind: Literal["fact", "case"] = "fact" if metadata["kind"] == "fact" else "case"
    return Hit(handle=handle, kind=kind, row=int(metadata["row"]), score=score)


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """Every pattern, with its votes; ready to be compared again and again."""

    kept: Kept
    effectiveness: Sequence[float]

    @cached_property
    def _metadata(self) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.kept.metadata]

    def suggested(self, issue: str, meaning: Vectors, category: Category | None, limit: int) -> list[PatternHit]:
        """The patterns of this category that are about such an issue, the best first."""
        cosines = self.kept.cosines(meaning)
        nearest = [at for at in best(cosines, len(cosines)) if cosines[at] >= _NEAR and self._is_of(at, category)]
        nearest = nearest[:_WEIGHED]
        words = words_shared(issue, [self.kept.texts[at] for at in nearest])
        worth = [self._worth(at, cosines[at], shared) for at, shared in zip(nearest, words, strict=True)]
        return [self._hit(nearest[at], worth[at]) for at in best(worth, limit)]

    def _is_of(self, at: int, category: Category | None) -> bool:
        return category is None or self._metadata[at]["category"] == category

    def _worth(self, at: int, cosine: float, words: float) -> float:
        """Half meaning, half words, then up to half more or less by its votes."""
        return (cosine + words) / 2 * (1 + self.effectiveness[at] / 2)

    def _hit(self, at: int, score: float) -> PatternHit:
        return PatternHit(row=int(self._metadata[at]["row"]), score=score, effectiveness=self.effectiveness[at])


def best(scores: Sequence[float], limit: int) -> list[int]:
    """Where the best scores stand, best first."""
    return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:limit]
