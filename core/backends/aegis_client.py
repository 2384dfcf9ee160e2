"""What we use of Aegis' client, whose defaults are unsafe, and how our rows are kept in it: on a file or a server."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Literal, Protocol

from core.memory import Lesson, Note

if TYPE_CHECKING:
    from core.backends.embedding import Embedder, Vectors

VERSION = "2.7.0"  # our wrappers lean on its insides
LIVE_ROWS = 100  # per handle: whoever asks reads all of them, and the ledger keeps the rest

Kind = Literal["fact", "case", "pattern"]
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

    def __init__(self, embedder: "Embedder") -> None:
        self._embedder = embedder
        self._model_name = embedder.name
        self.dimensions = embedder.dimensions

    def embed(self, texts: list[str]) -> "Vectors":
        return self._embedder.embed([meaning(text) for text in texts])

    def embed_single(self, text: str) -> "Vectors":
        first: Vectors = self.embed([text])[0]
        return first


def offline_embedder() -> "Embedder":
    """The embedder that needs no key and no network."""
    from core.backends.embedding import WordLlamaEmbedder  # noqa: PLC0415 - loads numpy, only where memory is used

    return WordLlamaEmbedder()


def as_provider(embedder: "Embedder") -> object:
    """An embedder in the shape that Aegis asks for."""
    return Provider(embedder)


def line(text: str) -> str:
    """A text in one line, without what a database cannot keep."""
    return " ".join(text.replace("\x00", " ").split())


def stored(text: str, kind: str, row: int, more: str) -> str:
    """What Aegis keeps: the text, and a line that tells it from every other, since equal contents are one to Aegis."""
    return f"{line(text)}\n{kind} {row} {more}"


def meaning(content: str) -> str:
    """Of what Aegis keeps, the text."""
    return content.split("\n", 1)[0]


def note_content(note: Note) -> str:
    """A note as Aegis keeps it."""
    return stored(note.text, note.kind, note.row, note.told_at.astimezone(UTC).isoformat())


def note_metadata(note: Note) -> Metadata:
    """What leads back from it."""
    return {"kind": note.kind, "row": note.row, "told_at": note.told_at.timestamp()}


def lesson_content(lesson: Lesson) -> str:
    """A pattern as Aegis keeps it."""
    return stored(lesson.issue, "pattern", lesson.row, f"{lesson.category}: {line(lesson.resolution)}")


def lesson_metadata(lesson: Lesson) -> Metadata:
    """What leads back from it."""
    return {"kind": "pattern", "row": lesson.row, "category": lesson.category}


def name_of(handle: int) -> str:
    """By what a handle is known in Aegis, where nothing but a namespace keeps owners apart. Raises ValueError."""
    if handle < 1:
        raise ValueError(f"memory: {handle} is no handle")
    return f"handle:{handle}"


def by_handle(notes: Iterable[Note]) -> Mapping[str, list[Note]]:
    """Notes by the name of their handle. Raises ValueError."""
    grouped: defaultdict[str, list[Note]] = defaultdict(list)
    for note in notes:
        grouped[name_of(note.handle)].append(note)
    return grouped
