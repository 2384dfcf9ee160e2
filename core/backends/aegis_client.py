"""What we use of Aegis' client, whose defaults are unsafe, and how texts are kept in it."""

from collections.abc import Mapping
from typing import Protocol

from core.backends.embedding import Embedder, Vectors

Metadata = Mapping[str, str | int | float]


class _Added(Protocol):
    id: str


class Client(Protocol):
    """Its methods, with every argument that matters named: nothing is left to defaults."""

    def add(
        self, content: str, *, user_id: str, agent_id: str, namespace: str, scope: str, metadata: Metadata
    ) -> _Added: ...

    def add_reflection(
        self, content: str, agent_id: str, *, user_id: str, namespace: str, scope: str, metadata: Metadata
    ) -> str: ...

    def vote(self, memory_id: str, vote: str, voter_agent_id: str) -> object: ...
    def delete(self, memory_id: str) -> bool: ...
    def close(self) -> None: ...


class Provider:
    """An embedder as Aegis wants it. Only the first line of what is stored has a meaning; see `stored`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._model_name = embedder.name
        self.dimensions = embedder.dimensions

    def embed(self, texts: list[str]) -> Vectors:
        return self._embedder.embed([meaning(text) for text in texts])

    def embed_single(self, text: str) -> Vectors:
        first: Vectors = self.embed([text])[0]
        return first


def as_provider(embedder: Embedder) -> object:
    """An embedder in the shape that Aegis asks for."""
    return Provider(embedder)


def line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())


def stored(text: str, kind: str, row: int, more: str) -> str:
    """What Aegis keeps: the text, and a line that tells it from every other, since equal contents are one to Aegis."""
    return f"{line(text)}\n{kind} {row} {more}"


def meaning(content: str) -> str:
    """Of what Aegis keeps, the text."""
    return content.split("\n", 1)[0]
