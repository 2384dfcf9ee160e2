"""A customer's file, handed to a colleague: to be kept, and never shown or run by the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Door, NoSuchPage
from bots.console.pages import HEADERS, message
from core.accounts import Colleague
from core.files import Files, NoSuchFile, NotFetched

_LONGEST_NUMBER: Final = 15  # digits
_ALONE: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"


@dataclass(frozen=True, kw_only=True)
class FileShelf:
    """The files that came with a case's messages."""

    files: Files
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """One for every file."""
        path = "/console/cases/{case}/files/{message}/{number}"
        return [Route(path, self.door.shown(self.file), methods=["GET"])]

    async def file(self, request: Request, who: Colleague) -> Response:
        """The file, whatever it says that it is, as bytes to be saved."""
        case, said_in, number = (_number(request.path_params[name]) for name in ("case", "message", "number"))
        try:
            file = await self.files.open(case, said_in, number, who.name)
        except NoSuchFile as error:
            raise NoSuchPage(str(error)) from None
        except NotFetched as error:
            return message(502, "Not to be had", f"This file cannot be fetched: {error}.", who)
        kept = {"content-disposition": _saved_as(file.name), "content-security-policy": _ALONE}
        return Response(file.content, 200, {**HEADERS, **kept}, "application/octet-stream")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise NoSuchPage("a file is named by numbers")
    return int(text)


def _saved_as(name: str) -> str:
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._- ") else "_" for sign in name) or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name or 'file', safe='', errors='replace')}"
