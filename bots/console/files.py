"""The files of a case, handed to a colleague: to be saved, and never run by the browser.

Of pictures there is a preview. What is one the bytes say, and no name and no declared type; whatever else a preview is
asked of is 404.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Door, NoSuchPage
from bots.console.pages import HEADERS, message
from core import pictures
from core.accounts import Colleague
from core.attaching import LARGEST, plain
from core.files import Files, NoSuchFile, NotFetched
from core.messages import Attachment

_LONGEST_NUMBER: Final = 15  # digits

Opening = Callable[[int, int, int, str], Awaitable[Attachment]]  # a case, a line of it, a file's number, who reads
Show = Callable[[Attachment], Response]
_ALONE: Final = {
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True)
class FileShelf:
    """The files that came with a case's messages, and those that went with its replies."""

    files: Files
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """Two for every file: it, and its preview."""
        ways: dict[str, Opening] = {"files": self.files.open, "sent": self.files.open_sent}
        return [
            route for name, opened in ways.items() for route in self._ways(f"/console/cases/{{case}}/{name}", opened)
        ]

    def _ways(self, path: str, opened: Opening) -> Sequence[BaseRoute]:
        async def file(request: Request, who: Colleague) -> Response:
            return await _handed(request, who, opened, _saved)

        async def preview(request: Request, who: Colleague) -> Response:
            return await _handed(request, who, opened, _shown)

        return [
            Route(f"{path}/{{line}}/{{number}}", self.door.shown(file), methods=["GET"]),
            Route(f"{path}/{{line}}/{{number}}/preview", self.door.shown(preview), methods=["GET"]),
        ]


async def _handed(request: Request, who: Colleague, opened: Opening, show: Show) -> Response:
    case, line, number = (_number(request.path_params[name]) for name in ("case", "line", "number"))
    try:
        return show(await opened(case, line, number, who.name))
    except NoSuchFile as error:
        raise NoSuchPage(str(error)) from None
    except NotFetched as error:
        return message(502, "Not to be had", f"This file cannot be fetched: {error}.", who)


def _saved(file: Attachment) -> Response:
    """The file, whatever it says that it is, as bytes to be saved."""
    kept = {"content-disposition": _saved_as(plain(file.name))}
    return Response(file.content, 200, {**HEADERS, **_ALONE, **kept}, "application/octet-stream")


def _shown(file: Attachment) -> Response:
    """The file as the picture that it is."""
    kind = pictures.media_type(file.content) if len(file.content) <= LARGEST else ""
    if not kind:
        return Response("", 404, HEADERS)
    return Response(file.content, 200, {**HEADERS, **_ALONE, "content-disposition": "inline"}, kind)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise NoSuchPage("a file is named by numbers")
    return int(text)


def _saved_as(name: str) -> str:
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._- ") else "_" for sign in name) or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name or 'file', safe='', errors='replace')}"
