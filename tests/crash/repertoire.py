"""The scenes by their names."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.crash.scenes import Calls, Chat, Console, Discord, Mail, Scene, Slack, Texts
from tests.crash.talks import Linked, Relayed

_ALL: tuple[type[Scene], ...] = (Texts, Chat, Slack, Discord, Mail, Calls, Relayed, Linked, Console)
SCENES: Mapping[str, type[Scene]] = {scene.name: scene for scene in _ALL}


@asynccontextmanager
async def opened(name: str, folder: Path) -> AsyncIterator[Scene]:
    """A scene with its twins."""
    async with SCENES[name](folder) as scene:
        yield scene
