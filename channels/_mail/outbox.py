"""Where letters are kept while there is no relay: a folder."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from channels._mail.letter import Letter, dated
from core.errors import TryAgain


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """Letters as files, named by their time."""

    path: Path

    async def send(self, letter: Letter, now: datetime) -> None:
        """Raises TryAgain."""
        try:
            await asyncio.to_thread(self._keep, letter, now)
        except OSError as error:
            raise TryAgain(
                f"No mail can be kept in {self.path}: {error.strerror}; make room or give access.", away=True
            ) from error

    async def newest(self, most: int) -> Sequence[bytes]:
        """The letters, newest first."""
        return await asyncio.to_thread(
            lambda: [path.read_bytes() for path in sorted(self.path.glob("*.eml"), reverse=True)[:most]]
        )

    async def close(self) -> None:
        """Nothing is open."""

    def _keep(self, letter: Letter, now: datetime) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{now:%Y%m%dT%H%M%S.%f}-{letter.message_id[1:17]}"
        draft = self.path / f"{name}.part"
        with draft.open("wb") as file:
            file.write(dated(letter, now))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(draft.with_suffix(".eml"))
