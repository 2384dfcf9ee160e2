"""A file of tombstones beside the ledger, to which lines are only ever added. Digests name nobody, so it may be kept
anywhere, and for ever."""

import asyncio
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from core.erasing import Tombstone
from core.errors import Misconfigured

_AT = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00)"
_LINE = re.compile(rf"([0-9a-f]{{64}}) erased {_AT}(?: restored {_AT})?")


class ErasuresFile:
    """The file, made when something is added first. What cannot be read in it was cut off, and is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> Sequence[Tombstone]:
        return await asyncio.to_thread(self._read)

    async def add(self, tombstones: Sequence[Tombstone]) -> None:
        await asyncio.to_thread(self._add, tombstones)

    def _read(self) -> Sequence[Tombstone]:
        found: dict[str, Tombstone] = {}
        for line in self._lines():
            if match := _LINE.fullmatch(line):
                one = _tombstone(*match.groups())
                found[one.digest] = one.later(found.get(one.digest))
        return list(found.values())

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Misconfigured("ERASURES_FILE", f"{self._path} cannot be read ({error.strerror})") from None

    def _add(self, tombstones: Sequence[Tombstone]) -> None:
        there = set(self._lines()) if tombstones else set()
        new = [line for line in map(_line, tombstones) if line not in there]
        if new:
            self._append("\n".join(["", *new, ""]))

    def _append(self, text: str) -> None:
        """In one write, which other processes cannot come between; a line that was cut off before it ends first."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            with os.fdopen(file, "ab") as lines:
                lines.write(text.encode("ascii"))
                lines.flush()
                os.fsync(file)
        except OSError as error:
            raise Misconfigured("ERASURES_FILE", f"{self._path} cannot be written ({error.strerror})") from None


def _tombstone(digest: str, at: str, restored_at: str | None) -> Tombstone:
    restored = datetime.fromisoformat(restored_at) if restored_at else None
    return Tombstone(digest=digest, at=datetime.fromisoformat(at), restored_at=restored)


def _line(one: Tombstone) -> str:
    restored = f" restored {one.restored_at.isoformat()}" if one.restored_at else ""
    return f"{one.digest} erased {one.at.isoformat()}{restored}"
