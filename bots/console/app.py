"""The console over HTTP.

Every page but the sign-in leads there (303) without a session. A POST is answered 303 when it was done, 403 when it
does not come from a page of ours, 409 with the page and what was typed when it was refused, 413 over 256 kB, 400 when
it is no form. What does not exist, or is not for the colleague's role, is 404. The sign-in answers 401 to what is
wrong, and 429 after eight of these from one address.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.audit import AuditTrail
from bots.console.cases import Cases, case_of
from bots.console.door import Door, NoSuchPage
from bots.console.files import FileShelf
from bots.console.forms import Form
from bots.console.identity import WhoIsWho
from bots.console.login import Doorkeeper
from bots.console.pages import STATIC, static
from bots.console.queue import Queue
from bots.console.staff import Staff
from core.accounts import AccountLedger, Colleague
from core.desk import Desk
from core.errors import Misconfigured
from core.files import Files


@dataclass(frozen=True, kw_only=True)
class Ports:
    """All that the console works on."""

    desk: Desk
    accounts: AccountLedger
    files: Files


def routes(ports: Ports, *, token: str, secret: bytes, base_url: str) -> Sequence[BaseRoute]:
    """All of the console. Raises Misconfigured without a token."""
    if not token:
        raise Misconfigured("CONSOLE_TOKEN", "is empty, so that nobody could sign in to the console; set it")
    keeper = Doorkeeper(ledger=ports.accounts, token=token, secret=secret, now=ports.desk.now)
    return console(ports, Door(keeper=keeper, base_url=base_url))


def console(ports: Ports, door: Door) -> Sequence[BaseRoute]:
    """All of the console, behind a door."""
    desk = ports.desk
    return [
        *(_file(name) for name in STATIC),
        *door.routes(),
        *Queue(desk=desk, door=door).routes(),
        *Cases(desk=desk, door=door, fetches=ports.files.fetches).routes(),
        *FileShelf(files=ports.files, door=door).routes(),
        *WhoIsWho(desk=desk, door=door, case_of=case_of).routes(),
        *Staff(ledger=ports.accounts, door=door, now=desk.now).routes(),
        *AuditTrail(ledger=ports.accounts, door=door, now=desk.now).routes(),
        Route("/console/{rest:path}", door.shown(_nothing), methods=["GET"]),
        Route("/console/{rest:path}", door.done(_nothing_done), methods=["POST"]),
    ]


def _file(name: str) -> Route:
    async def endpoint(_request: Request) -> Response:
        return static(name)

    return Route(f"/console/static/{name}", endpoint, methods=["GET"])


async def _nothing(_request: Request, _who: Colleague) -> Response:
    raise NoSuchPage("there is no such page")


async def _nothing_done(_request: Request, _who: Colleague, _form: Form) -> Response:
    raise NoSuchPage("there is no such page")
