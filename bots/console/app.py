"""The console over HTTP.

Every page but the sign-in leads there (303) without a session. A POST is answered 303 when it was done, 403 when it
does not come from a page of ours, 409 with the page and what was typed when it was refused, 413 over 256 kB, 400 when
it is no form. What does not exist, or is not for the colleague's role, is 404. The sign-in answers 401 to what is
wrong, and 429 after eight of these from one address.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.api import Api
from bots.console.audit import AuditTrail
from bots.console.by_provider import ByProvider, Provider
from bots.console.cases import Cases, case_of
from bots.console.door import Door, NoSuchPage
from bots.console.drafting import DraftDesk, NoHelpYet
from bots.console.entrance import Entrance
from bots.console.files import FileShelf
from bots.console.forms import Form
from bots.console.handling import Handling
from bots.console.identity import WhoIsWho
from bots.console.insights import InsightsDesk
from bots.console.knowledge import KnowledgePages
from bots.console.live import Live
from bots.console.login import Doorkeeper
from bots.console.lookalikes import LookAlikes
from bots.console.own import OwnAccount
from bots.console.pages import STATIC, offer_play, static
from bots.console.panel import PanelView
from bots.console.play import Theatre
from bots.console.playbook import PlaybookPages
from bots.console.privacy import PrivacyPages
from bots.console.queue import Queue
from bots.console.quick import OffersBeside, QuickDesk
from bots.console.search import SearchBox
from bots.console.staff import Staff
from bots.console.status import StatusPage
from bots.console.tasks import TaskDesk, TasksBeside
from core.accounts import AccountLedger, Colleague
from core.casework import Casework
from core.curating import Curating
from core.desk import Desk
from core.drafting import Drafting
from core.errors import Misconfigured
from core.files import Files
from core.gaps import Gaps
from core.house import House
from core.lookout import Lookout
from core.play import Play
from core.previewing import Previewing
from core.privacy import Privacy
from core.quick import QuickActions
from core.reporting import Reporting
from core.searching import Search
from core.status import Status
from core.tasks import Tasks


@dataclass(frozen=True, kw_only=True)
class Ports:
    """All that the console works on."""

    desk: Desk
    casework: Casework
    accounts: AccountLedger
    files: Files
    search: Search
    lookout: Lookout
    drafting: Drafting
    previewing: Previewing
    quick: QuickActions
    tasks: Tasks
    privacy: Privacy
    status: Status
    insights: Reporting
    playbook: Curating
    gaps: Gaps
    play: Play | None = None  # only where it is tried out
    provider: Provider | None = None  # of sign-ins
    domains: Collection[str] = ()  # whose people it may give an account


def routes(
    ports: Ports, *, token: str, secret: bytes, base_url: str, both: bool = False, accepted: Sequence[bytes] = ()
) -> Sequence[BaseRoute]:
    """All of the console. `both`: nobody works here without a second factor. Raises Misconfigured without a token."""
    if not token:
        raise Misconfigured("CONSOLE_TOKEN", "is empty, so that nobody could sign in to the console; set it")
    keeper = Doorkeeper(ledger=ports.accounts, token=token, secret=secret, accepted=accepted, now=ports.desk.now)
    door = Door(
        keeper=keeper,
        base_url=base_url,
        in_frames=ports.play is not None,
        by_provider=ports.provider is not None,
        both=both,
    )
    return console(ports, door)


def console(ports: Ports, door: Door) -> Sequence[BaseRoute]:
    """All of the console, behind a door."""
    desk = ports.desk
    panel = PanelView(casework=ports.casework, house=desk.house)
    helps = NoHelpYet(), OffersBeside(quick=ports.quick), TasksBeside(tasks=ports.tasks)
    cases = Cases(desk=desk, door=door, panel=panel, fetches=ports.files.fetches, helps=helps)
    if ports.play:
        offer_play()
    return [
        *(_file(name) for name in STATIC),
        Route("/favicon.ico", _icon, methods=["GET"]),
        *Entrance(door=door).routes(),
        *(ByProvider(door=door, provider=ports.provider, domains=ports.domains).routes() if ports.provider else ()),
        *Queue(desk=desk, door=door).routes(),
        *SearchBox(search=ports.search, house=desk.house, door=door).routes(),
        *Api(desk=desk, casework=ports.casework, search=ports.search, status=ports.status, door=door).routes(),
        *Live(lookout=ports.lookout, casework=ports.casework, door=door).routes(),
        *cases.routes(),
        *Handling(cases=cases, casework=ports.casework).routes(),
        *DraftDesk(cases=cases, drafting=ports.drafting, previewing=ports.previewing, house=desk.house).routes(),
        *QuickDesk(cases=cases, quick=ports.quick).routes(),
        *TaskDesk(cases=cases, tasks=ports.tasks).routes(),
        *FileShelf(files=ports.files, door=door).routes(),
        *WhoIsWho(desk=desk, door=door, case_of=case_of).routes(),
        *LookAlikes(desk=desk, door=door).routes(),
        *PrivacyPages(privacy=ports.privacy, desk=desk, door=door).routes(),
        *StatusPage(status=ports.status, desk=desk, door=door).routes(),
        *PlaybookPages(curating=ports.playbook, door=door).routes(),
        *KnowledgePages(gaps=ports.gaps, door=door).routes(),
        *InsightsDesk(reporting=ports.insights, door=door, house=desk.house).routes(),
        *OwnAccount(ledger=ports.accounts, door=door, now=desk.now, called=_called(desk.house)).routes(),
        *Staff(ledger=ports.accounts, door=door, now=desk.now).routes(),
        *AuditTrail(ledger=ports.accounts, door=door, now=desk.now).routes(),
        *(Theatre(play=ports.play, house=desk.house, door=door).routes() if ports.play else ()),
        Route("/console/{rest:path}", door.shown(_nothing), methods=["GET"]),
        Route("/console/{rest:path}", door.done(_nothing_done), methods=["POST"]),
    ]


def _called(house: House) -> str:
    return f"{house.brand or house.bot_name} console"


def _file(name: str) -> Route:
    async def endpoint(_request: Request) -> Response:
        return static(name)

    return Route(f"/console/static/{name}", endpoint, methods=["GET"])


async def _icon(_request: Request) -> Response:
    return static("icon.svg")


async def _nothing(_request: Request, _who: Colleague) -> Response:
    raise NoSuchPage("there is no such page")


async def _nothing_done(_request: Request, _who: Colleague, _form: Form) -> Response:
    raise NoSuchPage("there is no such page")
