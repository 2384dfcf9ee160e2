"""`python -m bots customers ...`: the company's directory of customers. Works beside a running `run`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bots.settings import load
from bots.wiring import clock, open_ledger
from core.directory import read
from core.errors import Malformed
from core.ledger import DirectoryRow


async def import_file(path: Path) -> None:
    """Adds or updates the customers of a CSV by their external_id. Raises Malformed; then nothing was changed."""
    rows = _rows(path)
    ledger = await open_ledger(load())
    try:
        await ledger.import_directory(rows, now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(f"{len(rows)} customers are in the directory, added or updated.\n")


def _rows(path: Path) -> Sequence[DirectoryRow]:
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{path}: cannot be read ({error}); give a CSV in UTF-8") from None
    except Malformed as error:
        raise Malformed(f"{path}, {error}") from None
