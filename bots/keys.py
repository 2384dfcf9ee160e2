"""`python -m bots keys rotate|drop`: a new SECRET_KEY, without losing what is sealed with the one before."""

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from bots.ledger import seal_all_anew
from bots.settings import KEPT_KEY, load

_FIRST = """Put these two where SECRET_KEY is set (with several machines: see docs/operations.md), and start again:
SECRET_KEY={new}
SECRET_KEY_ACCEPTED=what SECRET_KEY is now
Take SECRET_KEY_ACCEPTED out again after 30 days.
"""
_MADE = """{path} has a new key; the one before is accepted beside it. Start again now.
Say `python -m bots keys drop` after 30 days.
"""


async def rotate() -> None:
    """Makes a new key: in the file where it is kept, else printed, with what to do."""
    settings, new = load(), secrets.token_urlsafe(48)
    if settings.secret_key.get_secret_value():
        sys.stdout.write(_FIRST.format(new=new))
        return
    settings.secret()  # makes the first one where there is none yet
    _keep(KEPT_KEY, [new, *KEPT_KEY.read_text().splitlines()])
    sys.stdout.write(_MADE.format(path=KEPT_KEY))


async def drop() -> None:
    """Accepts none but the newest key any more."""
    settings = load()
    if settings.secret_key.get_secret_value():
        sys.stdout.write("Take SECRET_KEY_ACCEPTED out of where it is set, and start again.\n")
        return
    await seal_all_anew(settings)
    newest, *before = KEPT_KEY.read_text().splitlines()
    _keep(KEPT_KEY, [newest])
    sys.stdout.write(f"{len(before)} dropped, 1 kept in {KEPT_KEY}. Start again now.\n")


def _keep(path: Path, keys: Sequence[str]) -> None:
    """Wholly or not at all: without its key nothing that was sealed opens again."""
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write("\n".join([*keys, ""]))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
