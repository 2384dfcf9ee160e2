"""Files: Slack gives an address for each, takes it there, and then shows all of them in one message."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from channels._slack.web import Web
from core.errors import TryAgain, Undeliverable
from core.messages import Attachment

SHARED_BY: Final = "files.completeUploadExternal"
MOST_BYTES: Final = 50_000_000  # of one reply; Slack itself takes 1 GB
_PATIENCE: Final = aiohttp.ClientTimeout(total=120)
_SERVER_ERROR: Final = 500  # and above: HTTP statuses
_SLACKS_OWN: Final = (".slack.com", ".slack-gov.com", ".slack-files.com")


async def share(web: Web, api_url: str, files: Sequence[Attachment], where: Mapping[str, object]) -> str:
    """Shows files in a conversation; returns Slack's id of the first. Raises TryAgain or Undeliverable.

    `where` holds `channel_id`, and `thread_ts` in a thread. What was taken and never shown is nobody's: Slack drops it.
    """
    taken = [await _taken(web, api_url, file) for file in files]
    await web.call(SHARED_BY, {**where, "files": taken})
    return taken[0]["id"]


async def _taken(web: Web, api_url: str, file: Attachment) -> Mapping[str, str]:
    asked = {"filename": file.name, "length": str(len(file.content))}
    place = await web.ask("files.getUploadURLExternal", asked)  # one of the methods that take no JSON
    await _hand_over(web, _own(str(place["upload_url"]), api_url), file.content)
    return {"id": str(place["file_id"]), "title": file.name}


async def _hand_over(web: Web, url: str, content: bytes) -> None:
    try:
        async with web.session().post(url, data=BytesIO(content), timeout=_PATIENCE, allow_redirects=False) as answer:
            status = answer.status
    except (aiohttp.ClientError, OSError) as broken:
        raise TryAgain(
            f"Slack: an upload broke off ({type(broken).__name__}); it is tried again", away=True
        ) from broken
    if status == 429 or status >= _SERVER_ERROR:  # noqa: PLR2004 - HTTP
        raise TryAgain(f"Slack: an upload failed for now ({status})", away=True)
    if status != 200:  # noqa: PLR2004 - HTTP
        raise Undeliverable(f"Slack: an upload was refused ({status})")


def _own(url: str, api_url: str) -> str:
    """An address of Slack's, or of what stands in for it. Raises Undeliverable."""
    there, api = urlsplit(url), urlsplit(api_url)
    stands_in = (there.scheme, there.hostname) == (api.scheme, api.hostname)
    if stands_in or (there.scheme == "https" and (there.hostname or "").endswith(_SLACKS_OWN)):
        return url
    raise Undeliverable("Slack: the address to upload to is none of Slack's")
