"""Our own house: secret, folder, databases, knowledge. Looking takes a while and changes nothing."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bots.settings import VAR, Settings
from core.backends.ledger.database import is_sqlite, open_database, sqlite_path
from core.backends.ledger.migrations import HEAD, revision
from core.backends.soundness import Soundness, soundness
from core.channel import Finding
from core.errors import LedgerAway, Misconfigured
from core.knowledge import Knowledge

SECRET = VAR / "secret_key"

_SHORTEST = 32  # characters of a secret
_FEWEST = 12  # different characters in one that chance made
_OTHERS = 0o077  # the permissions of everybody but the owner
_LOOKING = 4.0  # seconds for a database
_GB = 1_000_000_000
_MB = 1_000_000
_NEW_SECRET = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - makes one


def secret(settings: Settings) -> Sequence[Finding]:
    """The key that signs and seals."""
    if given := settings.secret_key.get_secret_value():
        return [_given(given)]
    if SECRET.exists():
        return [_kept(SECRET)]
    if is_sqlite(settings.database_url) and sqlite_path(settings.database_url).exists():
        lost = "what it sealed (sessions, links, reply addresses) is void with another one"
        return [Finding(f"{SECRET} is gone, though there is a ledger", f"Bring it back from a backup: {lost}.")]
    return [Finding(f"None yet; the first `run` makes one in {SECRET}.")]


def _given(value: str) -> Finding:
    if len(set(value)) < _FEWEST:
        return Finding("SECRET_KEY was not made by chance", f"Make another one: {_NEW_SECRET}")
    return Finding("SECRET_KEY is given, and long enough.")


def _kept(path: Path) -> Finding:
    mode = path.stat().st_mode & 0o777
    if not os.access(path, os.R_OK):
        return Finding(f"{path} may not be read by this user", f"chown it to the user that runs {VAR}/.", fatal=True)
    if len(path.read_text(encoding="utf-8", errors="replace").strip()) < _SHORTEST:
        return Finding(f"{path} is cut short", "Bring it back from a backup.", fatal=True)
    if mode & _OTHERS:
        return Finding(f"{path} may be read by others (mode {mode:o})", f"chmod 600 {path}")
    return Finding(f"{path} can be read by its owner only.")


def hours(settings: Settings, now: datetime) -> Sequence[Finding]:
    """When colleagues are there."""
    if not settings.hours.spans:
        return [Finding("BUSINESS_HOURS is not set: colleagues are taken to be there always.")]
    back = settings.hours.opens_next(now)
    return [Finding(f"Closed now; colleagues are back {back:%a %d %b, %H:%M %Z}." if back else "Open now.")]


def folder() -> Sequence[Finding]:
    """Where everything is written: whether it may be, and how much room there is."""
    place = _nearest(VAR)
    if not os.access(place, os.W_OK | os.X_OK):
        return [Finding(f"{place} may not be written to", "Give it to the user that runs the bot.", fatal=True)]
    free = shutil.disk_usage(place).free
    room = f"{VAR}/ may be written to; {free / _GB:.1f} GB are free"
    if free < _GB:
        return [Finding(room, "Make room: a full disk stops the bot.", fatal=free < 50 * _MB)]
    return [Finding(f"{room}.")]


async def ledger(settings: Settings) -> Sequence[Finding]:
    """The record of everything. It is not migrated here."""
    if is_sqlite(settings.database_url):
        return await asyncio.to_thread(_file, settings)
    database = open_database(settings.database_url)
    try:
        return [_shape("the database", await database.read(revision))]
    except LedgerAway as away:
        return [Finding(f"{away}", "Start it, or correct DATABASE_URL.", fatal=True)]
    finally:
        await database.close()


def _file(settings: Settings) -> Sequence[Finding]:
    path = sqlite_path(settings.database_url)
    if not path.exists():
        return [Finding(f"None yet; the first `run` makes {path}.")]
    if not os.access(path, os.W_OK):
        return [Finding(f"{path} may not be written to", "Give it to the user that runs the bot.", fatal=True)]
    found = soundness(path, seconds=_LOOKING)
    broken = _broken(path, found, "Stop `run`, keep the file, and bring back a backup.")
    return [broken] if broken else [_shape(path, found.revision), *_unfinished(path, found)]


def _shape(path: Path | str, revision: str) -> Finding:
    if revision == HEAD:
        return Finding(f"{path} is in its newest shape ({HEAD}).")
    if revision > HEAD:
        said = f"{path} was written by a newer version ({revision}; this one knows {HEAD})"
        return Finding(said, "Start that version, or bring back a backup.", fatal=True)
    return Finding(f"{path} is in an older shape ({revision or 'none'}; the newest is {HEAD})", "`run` migrates it.")


def memory(settings: Settings) -> Sequence[Finding]:
    """The memory's projection of the ledger."""
    path = Path(settings.aegis_path)
    if not path.exists():
        return [Finding(f"None yet; the first `run` makes {path}.")]
    found = soundness(path, seconds=_LOOKING)
    cure = f"Stop `run`, move {path} away, and make it anew: python -m bots memory rebuild"
    broken = _broken(path, found, cure)
    return [broken] if broken else _unfinished(path, found) or [Finding(f"{path} is whole.")]


def _broken(path: Path, found: Soundness, cure: str) -> Finding | None:
    return Finding(f"{path} is broken: {found.fault}", cure, fatal=True) if found.fault else None


def _unfinished(path: Path, found: Soundness) -> list[Finding]:
    if found.finished:
        return []
    return [Finding(f"{path} is too large to look through in {_LOOKING:g} s", f'sqlite3 {path} "PRAGMA quick_check"')]


def knowledge(settings: Settings) -> Sequence[Finding]:
    """The articles that answers are taken from."""
    if not settings.knowledge_dir:
        return [Finding("KNOWLEDGE_DIR is empty: answers are given without articles.")]
    try:
        known = Knowledge(Path(settings.knowledge_dir))
    except Misconfigured as error:
        return [Finding(str(error), "Correct it; `run` does not start like this.", fatal=True)]
    except OSError as error:
        return [Finding(f"KNOWLEDGE_DIR: {error.filename}: {error.strerror}", "Let this user read it.", fatal=True)]
    number = len(known.sources)
    if not number:
        return [Finding(f"{settings.knowledge_dir} holds no article", "Put *.md files there.")]
    return [Finding(f"{number} article{'s' if number > 1 else ''} in {settings.knowledge_dir}.")]


def play(settings: Settings) -> Sequence[Finding]:
    """Whether made-up customers can be played."""
    if settings.is_development:
        on = f"{settings.base_url}/console/play is on: it is only tried out"
        return [Finding(f"{on}. It is off as soon as PUBLIC_BASE_URL is set.")]
    return [Finding("/console/play is off: others can reach this installation.")]


def _nearest(path: Path) -> Path:
    """The path, or the folder in which it would be made."""
    return path if path.exists() else _nearest(path.absolute().parent)
