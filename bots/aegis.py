"""Which memory: Aegis in a file of ours, or a server of its own (docs/memory.md)."""

import logging
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bots.settings import Settings
from core.backends.aegis import AegisMemory
from core.backends.aegis_client import offline_embedder
from core.watched import Tell

if TYPE_CHECKING:
    from core.backends.backlog import Recalling
    from core.backends.embedding import Embedder

log = logging.getLogger(__name__)


def memory_of(settings: Settings, embedder: "Callable[[], Embedder]" = offline_embedder) -> "Recalling":
    """The memory that the settings name; nothing is opened yet. It fails at once where it cannot do something now."""
    if settings.aegis_mode == "local":
        return AegisMemory(Path(settings.aegis_path), embedder)
    from core.backends.aegis_server import AegisServerMemory  # noqa: PLC0415 - loads its vendors, only with a server

    _drop_local(Path(settings.aegis_path))
    return AegisServerMemory(
        settings.aegis_base_url,
        settings.aegis_api_key.get_secret_value(),
        database_url=settings.aegis_database_url.get_secret_value(),
        embedder=embedder,
    )


def running_memory_of(
    settings: Settings,
    embedder: "Callable[[], Embedder]",
    tell: Tell,
    erased: Callable[[Collection[int]], Awaitable[Collection[int]]],
) -> "Recalling":
    """The same for a bot that runs: what a server does not take now waits, and `tell` hears of it."""
    memory = memory_of(settings, embedder)
    if settings.aegis_mode == "local":
        return memory
    from core.backends.backlog import Backlog  # noqa: PLC0415 - only with a server

    return Backlog(memory, tell, erased)


def _drop_local(path: Path) -> None:
    """What local mode left holds what customers said, and nobody would erase it from there any more."""
    left = [file for file in (path, *(path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))) if file.exists()]
    for file in left:
        file.unlink(missing_ok=True)
    if left:
        log.warning("memory: %s of local mode was dropped; `python -m bots memory rebuild` fills the server", path)
