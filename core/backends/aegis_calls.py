"""The calls to an Aegis server: what they answer in our words, and its quirks. See docs/memory.md."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx

from core.backends.aegis_client import Kind, Metadata
from core.errors import Problem
from core.writing import Category

OURS = "throughline:"  # before every namespace: others may keep something on that server too

# What the server is asked, always: it keeps every question in the clear and has it embedded, for money and on the way
# of a reply, so it never gets a customer's. In the manner of our second lines, so that no row is the opposite of it:
# `min_score` cannot be below 0.
_ALL = "fact case pattern 1 2026-01-01T00:00:00+00:00"
_MOST = 100  # rows that it gives at once
_AT_ONCE = 25  # changes in one call: it has them embedded one by one
_PATIENCE = 30.0  # seconds
_MINUTE = timedelta(minutes=1)
_REFUSED = (401, 403)
_BUSY = 429
_OURS_IS_WRONG = (400, 413, 422)
_REJECTED = "rejected by security policy"
_PATTERN = re.compile(r"pattern ([0-9]{1,15}) ([a-z]{1,20}): ")

Operation = Mapping[str, str | Metadata]
T = TypeVar("T")


class Away(Problem):
    """The server is down, busy, or refuses us: it may be told again. `after` is how long it asked us to wait."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A note on the server. The newest telling of a row counts."""

    id: str
    kind: Kind
    row: int
    content: str
    told: tuple[float, datetime]  # when the customer told it, and when the server took it


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A pattern on the server, with what its votes make of it."""

    id: str
    row: int
    category: Category
    content: str
    effectiveness: float
    taken_at: datetime


class _Memory(Protocol):
    id: str
    content: str
    metadata: Mapping[str, Any]
    created_at: datetime


class _Entry(Protocol):
    id: str
    content: str
    effectiveness_score: float
    created_at: datetime


class _Playbook(Protocol):
    entries: Sequence[_Entry]


class _Outcome(Protocol):
    operation: str
    success: bool
    error: str | None


class _Outcomes(Protocol):
    results: Sequence[_Outcome]


class _Client(Protocol):
    """The methods of AsyncAegisClient that work, with every argument that matters named."""

    client: httpx.AsyncClient

    async def query(
        self, query: str, *, user_id: str, agent_id: str, namespace: str, top_k: int, min_score: float
    ) -> Sequence[_Memory]: ...
    async def get_playbook_for_agent(
        self, agent_id: str, *, query: str, namespace: str, top_k: int, min_effectiveness: float
    ) -> _Playbook: ...
    async def apply_delta(self, operations: Sequence[Operation]) -> _Outcomes: ...
    async def vote(self, memory_id: str, vote: str, voter_agent_id: str) -> object: ...
    async def aclose(self) -> None: ...


def adding(content: str, metadata: Metadata, *, namespace: str, scope: str, kind: str, agent: str) -> Operation:
    """A row to be added, as part of a delta: /add would give back a dead row of the same text instead."""
    return {
        "type": "add",
        "content": content,
        "metadata": metadata,
        "memory_type": kind,
        "namespace": namespace,
        "user_id": namespace,
        "agent_id": agent,
        "scope": scope,
    }


def dropping(memory_id: str, *, agent: str) -> Operation:
    """A row to be dropped: it is only marked as dead, since DELETE always fails."""
    return {"type": "deprecate", "memory_id": memory_id, "agent_id": agent}


class Calls:
    """An Aegis server. Every call raises Away when it cannot be done now, Problem when it never will be."""

    def __init__(self, base_url: str, api_key: str, *, patience: float = _PATIENCE) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._patience = patience
        self._again_at = 0.0  # on the loop's clock
        where = urlsplit(base_url)
        self.where = f"{where.hostname}:{where.port}" if where.port else str(where.hostname)

    @cached_property
    def _client(self) -> _Client:
        from aegis_memory import AsyncAegisClient  # noqa: PLC0415 - 0.1 s and 20 MB, only where memory is used

        client: _Client = AsyncAegisClient(self._api_key, self._base_url, self._patience)
        return client

    def load(self) -> None:
        """Loads the client; nothing is connected to."""
        _ = self._client

    async def notes(self, namespace: str) -> list[Held]:
        """Every live note of a handle, each row once."""
        found = await self._asked(
            lambda aegis: aegis.query(
                _ALL, user_id=namespace, agent_id=namespace, namespace=namespace, top_k=_MOST, min_score=0.0
            )
        )
        return [held for one in found if (held := _held(one))]

    async def entries(self, namespace: str, agent: str) -> list[Entry]:
        """Every live pattern of a part of the playbook, the newest wording of a row last."""
        found = await self._asked(
            lambda aegis: aegis.get_playbook_for_agent(
                agent, query=_ALL, namespace=namespace, top_k=_MOST, min_effectiveness=-1.0
            )
        )
        entries = [entry for one in found.entries if (entry := _entry(one))]
        return sorted(entries, key=lambda entry: entry.taken_at)

    async def apply(self, operations: Sequence[Operation]) -> None:
        """Adds and drops. Raises Problem for rows that its content policy refuses, when all others are done."""
        refused = 0
        for start in range(0, len(operations), _AT_ONCE):
            refused += self._refused(await self._asked(partial(_apply, operations[start : start + _AT_ONCE])))
        if refused:
            raise Problem(f"memory: {self.where} refuses {refused} rows by its CONTENT_POLICY settings; see its log")

    async def vote(self, memory_id: str, *, helpful: bool, voter: str) -> None:
        """Counts a vote; it counts every one."""
        await self._asked(lambda aegis: aegis.vote(memory_id, "helpful" if helpful else "harmful", voter))

    async def everything(self) -> list[str]:
        """The id of every row of ours, dead or alive."""
        answer = await self._asked(lambda aegis: _exported(aegis.client))
        return [str(one["id"]) for one in answer["memories"] if str(one["namespace"]).startswith(OURS)]

    async def close(self) -> None:
        """Lets go of the connections."""
        if "_client" in vars(self):
            await vars(self).pop("_client").aclose()

    async def _asked(self, call: Callable[[_Client], Awaitable[T]]) -> T:
        left = self._again_at - asyncio.get_running_loop().time()
        if left > 0:
            raise self._busy(timedelta(seconds=left))
        try:
            return await self._once_more(call)
        except httpx.HTTPStatusError as error:
            raise self._problem(error.response) from None
        except httpx.HTTPError as error:
            raise Away(f"memory: {self.where} does not answer ({type(error).__name__})") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Away(f"memory: {self.where} answers what Aegis would not ({type(error).__name__})") from None

    async def _once_more(self, call: Callable[[_Client], Awaitable[T]]) -> T:
        """After any 500 the server breaks the connection off, and says so only to the next who uses it."""
        try:
            return await call(self._client)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            return await call(self._client)

    def _problem(self, response: httpx.Response) -> Problem:
        status = response.status_code
        if status == _BUSY:
            after = _seconds(response.headers.get("Retry-After", ""))
            self._again_at = asyncio.get_running_loop().time() + after.total_seconds()
            return self._busy(after)
        if status in _REFUSED:
            return Away(f"memory: {self.where} refuses AEGIS_API_KEY ({status}); set the server's own key")
        if status in _OURS_IS_WRONG:
            return Problem(f"memory: {self.where} does not take what it was told ({status}); see its log")
        return Away(f"memory: {self.where} failed ({status}); see its log")

    def _busy(self, after: timedelta) -> Away:
        seconds = after.total_seconds()
        said = f"memory: {self.where} takes no more requests for {seconds:.0f} s (429); raise its RATE_LIMIT_PER_MINUTE"
        return Away(said, after=after)

    def _refused(self, done: _Outcomes) -> int:
        """How many rows its policy refused. What an error says may hold what a customer said."""
        failed = [one for one in done.results if one.operation == "add" and not one.success]
        refused = [one for one in failed if _REJECTED in (one.error or "")]
        if len(failed) > len(refused):
            raise Away(f"memory: {self.where} could not keep {len(failed) - len(refused)} rows; see its log")
        return len(refused)


async def _apply(operations: Sequence[Operation], aegis: _Client) -> _Outcomes:
    return await aegis.apply_delta(operations)


async def _exported(client: httpx.AsyncClient) -> Mapping[str, Sequence[Mapping[str, object]]]:
    answer = await client.post("/memories/export", json={"format": "json"})
    answer.raise_for_status()
    exported: Mapping[str, Sequence[Mapping[str, object]]] = answer.json()
    return exported


def _held(found: _Memory) -> Held | None:
    """A row of ours; None for any other that may be there."""
    try:
        kind, row = found.metadata["kind"], int(found.metadata["row"])
        told = float(found.metadata["told_at"]), found.created_at
    except (KeyError, TypeError, ValueError):
        return None
    return Held(id=found.id, kind=kind, row=row, content=found.content, told=told)


def _entry(found: _Entry) -> Entry | None:
    read = _PATTERN.match(found.content.partition("\n")[2])
    if read is None:
        return None
    return Entry(
        id=found.id,
        row=int(read[1]),
        category=read[2],  # type: ignore[arg-type]
        content=found.content,
        effectiveness=found.effectiveness_score,
        taken_at=found.created_at,
    )


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=int(text)) if text.isascii() and text.isdecimal() and len(text) < 6 else _MINUTE  # noqa: PLR2004
