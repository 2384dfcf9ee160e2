"""Aegis' file, open: the one place that knows aegis_memory. Everything here runs on the memory's thread."""

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.backends.aegis_client import (
    LIVE_ROWS,
    Client,
    Kind,
    Provider,
    lesson_content,
    lesson_metadata,
    meaning,
    note_content,
    note_metadata,
)
from core.backends.embedding import Embedder, Vectors
from core.backends.nearness import Kept, Playbook, recalled
from core.errors import Problem
from core.memory import Hit, Lesson, Note, PatternHit, Vote
from core.writing import Category

_AGENT = "support"
_PLAYBOOK = "playbook"
_BUSY_MS = 1_000

# In order: erased text is overwritten; a projection need not survive a power cut; Aegis counts one voter's votes
# without limit; and it keeps the vector of every text and every query by its hash, for good.
_OURS = f"""
PRAGMA busy_timeout = {_BUSY_MS};
PRAGMA secure_delete = ON;
PRAGMA synchronous = NORMAL;
CREATE UNIQUE INDEX IF NOT EXISTS one_vote_per_voter ON vote_history (memory_id, voter_agent_id);
CREATE TRIGGER IF NOT EXISTS cache_nothing BEFORE INSERT ON embedding_cache BEGIN SELECT RAISE(IGNORE); END;
"""
_RECOUNT = """
UPDATE memories SET
bullet_helpful = (SELECT count(*) FROM vote_history WHERE memory_id = memories.id AND vote = 'helpful'),
bullet_harmful = (SELECT count(*) FROM vote_history WHERE memory_id = memories.id AND vote = 'harmful')
WHERE id = ?
"""
_READ = """
SELECT embedding, content, metadata, bullet_helpful, bullet_harmful FROM memories
WHERE namespace = ? AND user_id = ? AND is_deprecated = 0 AND embedding IS NOT NULL
"""
_OF_ROW = "namespace = ? AND json_extract(metadata, '$.kind') = ? AND json_extract(metadata, '$.row') = ?"

_Row = tuple[bytes, str, str, int, int]  # as _READ names them


class Store:
    """The open file. Its changes are committed, or raise."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        from aegis_memory import AegisClient  # noqa: PLC0415 - 0.1 s and 20 MB, only where memory is used

        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._provider = Provider(embedder)
        aegis = AegisClient(mode="local", db_path=str(path), embedding_provider=self._provider)
        self.client: Client = aegis
        self.db: sqlite3.Connection = aegis._local_backend.storage._conn
        self.db.executescript(_OURS)
        self._path = path
        self._asked: tuple[str, Vectors] | None = None
        self._playbook: tuple[int, Playbook] | None = None
        self._stamp = zlib.crc32(embedder.name.encode()) >> 1 or 1

    def require_same_embedder(self) -> None:
        """Vectors of two embedders cannot be compared."""
        (stamp,) = self.db.execute("PRAGMA user_version").fetchone()
        if not stamp:
            self._set_stamp()
        elif stamp != self._stamp:
            raise Problem(f"memory: {self._path} was filled by another embedder; run `python -m bots memory rebuild`")

    def remember(self, namespace: str, notes: Iterable[Note]) -> None:
        self.require_same_embedder()
        for note in notes:
            added = self.client.add(
                note_content(note),
                user_id=namespace,
                agent_id=_AGENT,
                namespace=namespace,
                scope="agent-private",
                metadata=note_metadata(note),
            )
            self._delete(self._ids(namespace, note.kind, note.row) - {added.id})
        self._delete(self._beyond_live_rows(namespace))

    def retract(self, namespace: str, notes: Iterable[Note]) -> None:
        for note in notes:
            self._delete(self._ids(namespace, note.kind, note.row))

    def recall(self, namespaces: Mapping[str, int], query: str, limit: int) -> list[Hit]:
        self.require_same_embedder()
        found = [(handle, row) for namespace, handle in namespaces.items() for row in self._rows(namespace)]
        handles = [handle for handle, _ in found]
        return recalled(query, self._meaning_of(query), _kept([row for _, row in found]), handles, limit)

    def learn(self, lesson: Lesson) -> None:
        self.require_same_embedder()
        self._playbook = None
        added = self.client.add_reflection(
            lesson_content(lesson),
            _AGENT,
            user_id=_PLAYBOOK,
            namespace=_PLAYBOOK,
            scope="global",
            metadata=lesson_metadata(lesson),
        )
        for replaced in self._ids(_PLAYBOOK, "pattern", lesson.row) - {added}:
            self._copy_votes(replaced, added)
            self._delete({replaced})

    def unlearn(self, rows: Iterable[int]) -> None:
        self._playbook = None
        gone = {memory_id for row in rows for memory_id in self._ids(_PLAYBOOK, "pattern", row)}
        for memory_id in gone:
            self.db.execute("DELETE FROM vote_history WHERE memory_id = ?", (memory_id,))
        self._delete(gone)
        self.db.commit()

    def vote(self, votes: Iterable[Vote]) -> None:
        self._playbook = None
        for vote in votes:
            for pattern in self._ids(_PLAYBOOK, "pattern", vote.row):
                self._withdraw("memory_id = ? AND voter_agent_id = ?", pattern, vote.voter)
                self.client.vote(pattern, "helpful" if vote.helpful else "harmful", vote.voter)

    def suggest(self, issue: str, category: Category | None, limit: int) -> list[PatternHit]:
        self.require_same_embedder()
        return self._patterns().suggested(issue, self._meaning_of(issue), category, limit)

    def erase(self, namespaces: Sequence[str]) -> None:
        self._asked = self._playbook = None
        self.db.executemany("DELETE FROM memories WHERE namespace = ?", [(name,) for name in namespaces])
        for name in namespaces:
            self._withdraw("voter_agent_id GLOB ?", f"{name} *")
        self.db.commit()
        self.db.execute("VACUUM")  # a page that was split may keep a copy of rows that moved, secure_delete or not
        self._empty_log()

    def size(self) -> int:
        (count,) = self.db.execute("SELECT count(*) FROM memories WHERE is_deprecated = 0").fetchone()
        return int(count)

    def clear(self) -> None:
        self._asked = self._playbook = None
        self.db.execute("DELETE FROM memories")
        self.db.commit()
        self.db.execute("VACUUM")
        self._set_stamp()
        self._empty_log()

    def _set_stamp(self) -> None:
        self.db.execute(f"PRAGMA user_version = {self._stamp}")

    def _rows(self, namespace: str) -> list[_Row]:
        """Every row of a namespace. Aegis's own query would write and commit for each of them: ten times as slow."""
        return self.db.execute(_READ, (namespace, namespace)).fetchall()

    def _patterns(self) -> Playbook:
        """The playbook, read again when we or another process changed the file's patterns."""
        (version,) = self.db.execute("PRAGMA data_version").fetchone()  # counts what other connections committed
        if self._playbook is None or self._playbook[0] != version:
            rows = self._rows(_PLAYBOOK)
            votes = [_effectiveness(helpful, harmful) for *_, helpful, harmful in rows]
            self._playbook = version, Playbook(kept=_kept(rows), effectiveness=votes)
        return self._playbook[1]

    def _meaning_of(self, query: str) -> Vectors:
        """The last one is kept: a turn asks for what was told and for what helped in the same words."""
        if self._asked is None or self._asked[0] != query:
            self._asked = query, self._provider.embed_single(query)
        return self._asked[1]

    def _ids(self, namespace: str, kind: Kind, row: int) -> set[str]:
        rows = self.db.execute(f"SELECT id FROM memories WHERE {_OF_ROW}", (namespace, kind, row))  # noqa: S608
        return {memory_id for (memory_id,) in rows}

    def _beyond_live_rows(self, namespace: str) -> set[str]:
        rows = self.db.execute(
            "SELECT id FROM memories WHERE namespace = ?"
            " ORDER BY json_extract(metadata, '$.told_at') DESC LIMIT -1 OFFSET ?",
            (namespace, LIVE_ROWS),
        )
        return {memory_id for (memory_id,) in rows}

    def _delete(self, memory_ids: Iterable[str]) -> None:
        for memory_id in memory_ids:
            self.client.delete(memory_id)

    def _withdraw(self, which: str, *values: str) -> None:
        gone = self.db.execute(f"DELETE FROM vote_history WHERE {which} RETURNING memory_id", values)  # noqa: S608
        self.db.executemany(_RECOUNT, [(memory_id,) for (memory_id,) in gone.fetchall()])

    def _copy_votes(self, source: str, target: str) -> None:
        votes = self.db.execute("SELECT vote, voter_agent_id FROM vote_history WHERE memory_id = ?", (source,))
        for vote, voter in votes.fetchall():
            self.client.vote(target, vote, voter)

    def _empty_log(self) -> None:
        """What was overwritten in the file still stands in its write-ahead log until that is cut to nothing."""
        busy, *_ = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Problem(f"memory: traces are left in {self._path}-wal, another process is reading it; erase again")


def _kept(rows: Sequence[_Row]) -> Kept:
    return Kept(
        vectors=[vector for vector, *_ in rows],
        texts=[meaning(content) for _, content, *_ in rows],
        metadata=[metadata for _, _, metadata, *_ in rows],
    )


def _effectiveness(helpful: int, harmful: int) -> float:
    return (helpful - harmful) / (helpful + harmful + 1)
