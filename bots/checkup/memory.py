"""The memory: its file, or its server, the key to it, and whether anybody can be forgotten there."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from bots.checkup import house
from bots.checkup.outside import FAILURES, asked, is_inside, place, reason
from bots.settings import Settings
from core.backends.aegis_calls import Away
from core.backends.aegis_database import AegisDatabase
from core.channel import Finding

_NO_SUCH_ROW = "memories/there-is-no-such-row"  # asked for, to see whether the key is taken
_NOT_FOUND, _BUSY = 404, 429
_REFUSED = (401, 403)
_MEANWHILE = "the ledger's own recall answers meanwhile"


async def memory(settings: Settings) -> Sequence[Finding]:
    """The memory's projection of the ledger."""
    if settings.aegis_mode == "local":
        return await asyncio.to_thread(house.memory, settings)
    return [*await _server(settings), await _erasure(settings)]


async def _server(settings: Settings) -> Sequence[Finding]:
    where = place(settings.aegis_base_url)
    try:
        status, body = await asked(f"{settings.aegis_base_url.rstrip('/')}/{_NO_SUCH_ROW}", settings.aegis_api_key)
        return [_weighed(where, status, body), *_unencrypted(where, settings.aegis_base_url)]
    except FAILURES as error:
        said = f"{where} cannot be reached ({reason(error)}); {_MEANWHILE}"
        return [Finding(said, "Correct AEGIS_BASE_URL, or start that server.")]


def _weighed(where: str, status: int, body: bytes) -> Finding:
    if status in _REFUSED:
        return Finding(f"AEGIS_API_KEY: {where} refused it ({status})", "Set the key of that server.", fatal=True)
    if status == _BUSY:
        return Finding(f"{where} takes no more requests now (429)", "Raise its RATE_LIMIT_PER_MINUTE: docs/memory.md.")
    if status != _NOT_FOUND or b"Memory not found" not in body:
        said = f"{where} answers otherwise than an Aegis server (HTTP {status}); {_MEANWHILE}"
        return Finding(said, "See whether AEGIS_BASE_URL leads to its root, and into its log.")
    return Finding(f"The Aegis server at {where} takes the key.")


def _unencrypted(where: str, address: str) -> Sequence[Finding]:
    if address.startswith("https://") or is_inside(urlsplit(address).hostname or ""):
        return []
    return [Finding(f"{where} is reached without encryption", "Write https:// in AEGIS_BASE_URL.")]


async def _erasure(settings: Settings) -> Finding:
    url = settings.aegis_database_url.get_secret_value()
    if not url:
        said = "AEGIS_DATABASE_URL is empty: nobody can be forgotten, since the Aegis server itself cannot erase"
        return Finding(said, "Set it to the server's PostgreSQL database; until then `customers forget` refuses.")
    try:
        await AegisDatabase(url).check()
    except Away as error:
        return Finding(str(error), "Correct it; until then `customers forget` refuses.", fatal=True)
    return Finding("Whoever is forgotten is erased in its database too.")
