"""Stands for an Aegis server: its endpoints as the client of 2.7.0 calls them, on a real PostgreSQL with pgvector, with
the semantics that were observed of it, defects included.

DELETE and the plain playbook always fail; after any 500 the connection is dead, and only the next request learns of it;
a metadata patch is lost; an added text that is there already, alive or dead, is not added; questions are kept in the
clear; `top_k` is 100 at most and `min_score` 0 at least; vectors have 1,536 dimensions; every vote counts.
"""

import asyncio
import hashlib
import json
import time
import uuid
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

import psycopg
from aiohttp import web
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Json

from core.backends.embedding import WordLlamaEmbedder
from tests.twins.postgres import new_database

KEY = "the-aegis-key"
PROJECT = "default-project"
SECRET = "sk-live-"  # what its content policy takes for a secret, and rejects
_DIMENSIONS = 1536
_BY_NAMESPACE = ("session_progress", "feature_tracker", "ace_runs", "interaction_events")
_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE memories (
    id varchar(32) PRIMARY KEY, project_id varchar(64) NOT NULL, user_id varchar(64), agent_id varchar(64),
    namespace varchar(64) NOT NULL, memory_type varchar(32) NOT NULL, content text NOT NULL,
    content_hash varchar(64) NOT NULL, embedding vector(1536) NOT NULL, metadata json NOT NULL,
    scope varchar(16) NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz,
    bullet_helpful int NOT NULL DEFAULT 0, bullet_harmful int NOT NULL DEFAULT 0,
    is_deprecated bool NOT NULL DEFAULT false);
CREATE TABLE memory_shared_agents (
    memory_id varchar(32) REFERENCES memories ON DELETE CASCADE, shared_agent_id varchar(64), namespace varchar(64));
CREATE TABLE vote_history (
    id varchar(32) PRIMARY KEY, memory_id varchar(32) NOT NULL REFERENCES memories ON DELETE CASCADE,
    voter_agent_id varchar(64) NOT NULL, vote varchar(8) NOT NULL);
CREATE TABLE memory_events (
    event_id varchar(32) PRIMARY KEY, memory_id varchar(32) REFERENCES memories ON DELETE CASCADE,
    namespace varchar(64) NOT NULL, agent_id varchar(64), event_type varchar(32) NOT NULL,
    selected_memory_ids json NOT NULL DEFAULT '[]', event_payload json NOT NULL DEFAULT '{}');
CREATE TABLE embedding_cache (content_hash varchar(64) PRIMARY KEY, embedding vector(1536) NOT NULL);
"""

Body = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

wordllama = cache(WordLlamaEmbedder)


@dataclass
class AegisServerTwin:
    """`trouble`: hangs, fails, is nonsense, or refuses the key. `asked` is every request with its body."""

    db: psycopg.AsyncConnection[DictRow]
    database_url: str
    url: str = ""
    a_minute: int = 1_000_000
    a_namespace: int = 10_000  # memories of one agent
    trouble: str = ""
    asked: list[tuple[str, Body]] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _times: deque[float] = field(default_factory=deque)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _dead: "weakref.WeakSet[asyncio.Transport]" = field(default_factory=weakref.WeakSet)

    # ── what it answers ──
    async def add(self, request: web.Request) -> web.Response:
        """One memory; a text that this owner has told before, dead or alive, is answered by that row."""
        body = await request.json()
        if twice := await self._one(
            "SELECT id FROM memories WHERE content_hash = %s AND namespace = %s",
            _hash(body["content"]),
            body["namespace"],
        ):
            return web.json_response({"id": twice["id"], "deduped_from": twice["id"]})
        count = await self._one("SELECT count(*) AS n FROM memories WHERE agent_id = %s", body.get("agent_id"))
        if count and count["n"] >= self.a_namespace:
            return web.json_response({"detail": "Agent has reached memory limit"}, status=429)
        if SECRET in body["content"]:
            return web.json_response({"detail": "Content rejected by security policy: ['secrets']"}, status=422)
        return web.json_response({"id": await self._add(body)})

    async def query(self, request: web.Request) -> web.Response:
        """Live memories by meaning. The question is kept in the clear."""
        body = await request.json()
        if not 1 <= body["top_k"] <= 100 or body["min_score"] < 0:
            return web.json_response({"detail": "top_k, min_score"}, status=422)
        rows = await self._all(
            "SELECT *, 1 - (embedding <=> %s::vector) AS score FROM memories WHERE namespace = %s AND NOT is_deprecated"
            " AND (expires_at IS NULL OR expires_at > now()) AND (user_id = %s OR %s::text IS NULL)"
            " AND (scope = 'global' OR agent_id = %s) ORDER BY embedding <=> %s::vector LIMIT %s",
            vector := await self._vector(body["query"]),
            body["namespace"],
            body["user_id"],
            body["user_id"],
            body["agent_id"],
            vector,
            body["top_k"],
        )
        await self._event(body, "queried", {"query": body["query"]}, [row["id"] for row in rows])
        found = [_memory(row) for row in rows if row["score"] >= body["min_score"]]
        return web.json_response({"memories": found, "query_time_ms": 1.0})

    async def delta(self, request: web.Request) -> web.Response:
        """Adds without looking for duplicates, drops, and loses what it is told to update."""
        operations = (await request.json())["operations"]
        if not 1 <= len(operations) <= 100:
            return web.json_response({"detail": "operations"}, status=422)
        results = [await self._operation(one) for one in operations]
        return web.json_response({"results": results, "total_time_ms": 1.0})

    async def _operation(self, one: Body) -> Body:
        match one["type"]:
            case "add" if SECRET in one["content"]:
                return _result(one, None, "Content rejected by security policy: ['secrets']")
            case "add":
                return _result(one, await self._add(one), None)
            case "deprecate":
                gone = await self._one(
                    "UPDATE memories SET is_deprecated = true WHERE id = %s RETURNING id, namespace", one["memory_id"]
                )
                return _result(one, one["memory_id"], None if gone else "Memory not found")
            case _:
                return _result(one, one["memory_id"], None)

    async def playbook(self, request: web.Request) -> web.Response:
        """Live patterns by meaning, for everybody."""
        body = await request.json()
        if not 1 <= body["top_k"] <= 100:
            return web.json_response({"detail": "top_k"}, status=422)
        rows = await self._all(
            "SELECT * FROM memories WHERE namespace = %s AND memory_type IN ('strategy', 'reflection')"
            " AND NOT is_deprecated AND (scope = 'global' OR agent_id = %s) ORDER BY embedding <=> %s::vector LIMIT %s",
            body["namespace"],
            body["agent_id"],
            await self._vector(body["query"]),
            body["top_k"],
        )
        await self._event(body, "queried", {"query": body["query"]}, [])
        return web.json_response({"entries": [_entry(row) for row in rows], "query_time_ms": 1.0})

    async def vote(self, request: web.Request) -> web.Response:
        """One more vote, whoever casts it."""
        body, memory = await request.json(), request.match_info["id"]
        column = {"helpful": "bullet_helpful", "harmful": "bullet_harmful"}[body["vote"]]
        row = await self._one(f"UPDATE memories SET {column} = {column} + 1 WHERE id = %s RETURNING *", memory)  # noqa: S608
        if row is None:
            return web.json_response({"detail": "Memory not found"}, status=404)
        voter = body["voter_agent_id"]
        await self._all(
            "INSERT INTO vote_history VALUES (%s, %s, %s, %s) RETURNING id", _id(), memory, voter, body["vote"]
        )
        await self._event({**row, "agent_id": voter}, f"voted_{body['vote']}", {}, [], memory)
        return web.json_response({"memory_id": memory, **_votes(row)})

    async def get(self, request: web.Request) -> web.Response:
        """One memory, dead or alive."""
        row = await self._one("SELECT * FROM memories WHERE id = %s", request.match_info["id"])
        if row is None:
            return web.json_response({"detail": f"Memory not found: {request.match_info['id']}"}, status=404)
        return web.json_response(_memory(row))

    async def export(self, request: web.Request) -> web.Response:
        """Every memory, dead or alive."""
        rows = await self._all("SELECT * FROM memories ORDER BY created_at")
        return web.json_response({"memories": [_memory(row) for row in rows], "stats": {"total_exported": len(rows)}})

    async def broken(self, request: web.Request) -> web.Response:
        """What always fails."""
        raise web.HTTPInternalServerError

    async def health(self, request: web.Request) -> web.Response:
        """For everybody."""
        return web.json_response({"status": "healthy", "version": "2.7.0"})

    # ── how it fails ──
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request: by key, within the limit, unless it is in trouble."""
        assert isinstance(request.transport, asyncio.Transport)
        if request.transport in self._dead:
            request.transport.abort()
            return web.Response()
        self.asked.append((f"{request.method} {request.path}", await request.json() if request.can_read_body else {}))
        answer = await self._admitted(request, handler)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self._dead.add(request.transport)
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.trouble == "hangs":
            self.hanging.set()
            await self.released.wait()
        if self.trouble == "fails":
            return web.Response(status=500)
        if self.trouble == "is nonsense":
            return web.json_response({"memories": [{}], "results": 7})
        if request.path == "/health":
            return await self.health(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}" or self.trouble == "refuses":
            return web.json_response({"detail": "Invalid API key"}, status=401)
        if (wait := self._wait()) is not None:
            said = {"detail": "Rate limit exceeded"}
            return web.json_response(said, status=429, headers={"Retry-After": str(wait)})
        try:
            async with self._lock, self.db.transaction():
                answer: web.StreamResponse = await handler(request)
                return answer
        except web.HTTPInternalServerError:
            return web.Response(status=500)

    def _wait(self) -> int | None:
        """Seconds until the next request is admitted; None where this one is."""
        now = time.monotonic()
        while self._times and self._times[0] <= now - 60:
            self._times.popleft()
        if len(self._times) >= self.a_minute:
            return int(self._times[0] + 60 - now) + 1 if self.a_minute else 1
        self._times.append(now)
        return None

    def minute_passes(self) -> None:
        """The limit begins anew."""
        self._times.clear()

    # ── what it keeps ──
    async def kept(self) -> str:
        """All that stands in its database."""
        tables = await self._all(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        rows = [await self._all(f"SELECT t::text AS row FROM {table['relname']} t") for table in tables]  # noqa: S608
        return "\n".join(row["row"] for some in rows for row in some)

    async def _add(self, body: Body) -> str:
        memory, content = _id(), body["content"]
        scope = body.get("scope") or (
            "global" if {"system", "company"} & set(content.lower().split()) else "agent-private"
        )
        await self._all(
            "INSERT INTO memories (id, project_id, user_id, agent_id, namespace, memory_type, content, content_hash,"
            " embedding, metadata, scope) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::vector, %s, %s) RETURNING id",
            memory,
            PROJECT,
            body.get("user_id"),
            body.get("agent_id"),
            body["namespace"],
            body.get("memory_type", "standard"),
            content,
            _hash(content),
            await self._vector(content),
            Json(body.get("metadata") or {}),
            scope,
        )
        await self._event(body, "created", {"source": "add"}, [], memory)
        return memory

    async def _vector(self, text: str) -> str:
        vector = json.dumps(
            [*map(float, wordllama().embed([text])[0]), *[0.0] * (_DIMENSIONS - wordllama().dimensions)]
        )
        await self._all(
            "INSERT INTO embedding_cache VALUES (%s, %s::vector) ON CONFLICT DO NOTHING RETURNING 1 AS done",
            _hash(text),
            vector,
        )
        return vector

    async def _event(
        self, body: Mapping[str, Any], kind: str, payload: Body, ids: Sequence[str], memory: str | None = None
    ) -> None:
        await self._all(
            "INSERT INTO memory_events VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING 1 AS done",
            _id(),
            memory,
            body["namespace"],
            body.get("agent_id"),
            kind,
            Json(list(ids)),
            Json(payload),
        )

    async def _all(self, query: str, *values: object) -> list[DictRow]:
        return await (await self.db.execute(query, values)).fetchall()

    async def _one(self, query: str, *values: object) -> DictRow | None:
        return next(iter(await self._all(query, *values)), None)


@asynccontextmanager
async def aegis_server(port: int = 0) -> AsyncIterator[AegisServerTwin]:
    """An Aegis server on loopback, with a database that nobody has used yet."""
    database = await new_database()
    db = await psycopg.AsyncConnection.connect(database, autocommit=True, row_factory=dict_row)
    try:
        await db.execute(_SCHEMA)
        for table in _BY_NAMESPACE:
            await db.execute(f"CREATE TABLE {table} (namespace varchar(64), content text)")
        twin = AegisServerTwin(db, database)
        async with _served(twin, port):
            yield twin
    finally:
        await db.close()


@asynccontextmanager
async def _served(twin: AegisServerTwin, port: int) -> AsyncIterator[None]:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await twin.admit(request, handler)

    app = web.Application(middlewares=[admit])
    app.router.add_get("/health", twin.health)
    app.router.add_post("/memories/add", twin.add)
    app.router.add_post("/memories/query", twin.query)
    app.router.add_post("/memories/export", twin.export)
    app.router.add_post("/memories/ace/delta", twin.delta)
    app.router.add_post("/memories/ace/playbook", twin.broken)
    app.router.add_post("/memories/ace/playbook/agent", twin.playbook)
    app.router.add_post("/memories/ace/vote/{id}", twin.vote)
    app.router.add_get("/memories/{id}", twin.get)
    app.router.add_delete("/memories/{id}", twin.broken)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    twin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        twin.released.set()
        await runner.cleanup()


def _id() -> str:
    return uuid.uuid4().hex


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip().lower().encode()).hexdigest()


def _result(one: Body, memory: str | None, error: str | None) -> Body:
    return {"operation": one["type"], "success": error is None, "memory_id": memory, "error": error}


def _memory(row: DictRow) -> Body:
    names = ("id", "content", "user_id", "agent_id", "namespace", "metadata", "scope", "memory_type")
    return {**{name: row[name] for name in names}, "created_at": row["created_at"].isoformat()}


def _entry(row: DictRow) -> Body:
    told = {name: row[name] for name in ("id", "content", "memory_type")}
    return {**told, **_votes(row), "error_pattern": None, "created_at": row["created_at"].isoformat()}


def _votes(row: DictRow) -> Body:
    helpful, harmful = row["bullet_helpful"], row["bullet_harmful"]
    effectiveness = (helpful - harmful) / (helpful + harmful + 1)
    return {"bullet_helpful": helpful, "bullet_harmful": harmful, "effectiveness_score": effectiveness}
