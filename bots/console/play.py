"""The stage: speak for somebody made-up on any channel, beside what a colleague sees of it.

Only while it is tried out (see Settings.is_development), and only for a browser on this machine: everybody else is
answered 404. A POST is answered 303; 404 where there is no such person or channel.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Done, Door, NoSuchPage, Shown
from bots.console.forms import Form
from bots.console.pages import HEADERS, go, page, unchanged
from bots.settings import is_loopback
from channels._markdown import html, tree
from channels._markdown.html import Node
from channels._markdown.speech import speakable
from core.accounts import Colleague
from core.errors import Problem
from core.house import House
from core.play import CALL, NotOnStage, Person, Play, Said
from identity.proof import Proof

log = logging.getLogger(__name__)

PATH: Final = "/console/play"
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host")
_WITH_BUTTONS: Final = frozenset({"web", "slack", "discord"})
_POLICY: Final = f"{HEADERS['content-security-policy']}; frame-src 'self'"

Deed = Callable[[Person, str, Form], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Theatre:
    """The page, and what can be done on it."""

    play: Play
    house: House
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """The page, and a route for each deed."""
        deeds: Mapping[str, Deed] = {"say": self.say, "call": self.call, "hang-up": self.hang_up}
        return [
            Route(PATH, self._shown(self.stage), methods=["GET"]),
            *(Route(f"{PATH}/{name}", self._done(_on_stage(self, do)), methods=["POST"]) for name, do in deeds.items()),
            Route(f"{PATH}/story", self._done(self.tell), methods=["POST"]),
            Route(f"{PATH}/clear", self._done(self.clear, audited=True), methods=["POST"]),
        ]

    def _shown(self, show: Shown) -> Callable[[Request], Awaitable[Response]]:
        async def shown(request: Request, who: Colleague) -> Response:
            _only_here(request)
            try:
                return await show(request, who)
            except NotOnStage as error:
                raise NoSuchPage(str(error)) from None

        return self.door.shown(shown)

    def _done(self, do: Done, *, audited: bool = False) -> Callable[[Request], Awaitable[Response]]:
        async def done(request: Request, who: Colleague, form: Form) -> Response:
            _only_here(request)
            try:
                return await do(request, who, form)
            except NotOnStage as error:
                raise NoSuchPage(str(error)) from None

        return self.door.done(done, audited=audited)

    # ── what is shown ──
    async def stage(self, request: Request, who: Colleague) -> Response:
        """Who is played, on which channel, what was said, and the case that a colleague sees."""
        person, channel = self._chosen(request.query_params)
        said = await self.play.ledger.played(person.id)
        if self.play.telling == person.id and said:
            channel = said[-1].channel
        case = await self.play.ledger.played_case(person.id)
        on_call = self.play.is_calling(person)
        state = _state(person.id, channel, said, case, on_call, self.play.telling)
        if request.headers.get("if-none-match") == state:
            return unchanged(state)
        return page(
            "play.html",
            200,
            {"content-security-policy": _POLICY},
            here=PATH,
            agent=who,
            state=state,
            heard=_state(person.id, said),
            cast=self.play.cast.values(),
            person=person,
            channel=channel,
            way=person.ways[channel],
            said=[(name, list(lines)) for name, lines in groupby(said, key=lambda line: line.channel)],
            waits=any(line.waits for line in said),
            case=case,
            on_call=on_call,
            telling=self.play.telling,
            call=CALL,
            with_buttons=_WITH_BUTTONS,
            words=words,
            proofs={proof: proof.name.lower() for proof in Proof},
            house=self.house,
        )

    def _chosen(self, asked: Mapping[str, str]) -> tuple[Person, str]:
        """Whom a request is about, and on which channel."""
        person = self.play.person(asked.get("who") or next(iter(self.play.cast)))
        channel = asked.get("on") or next(iter(person.ways))
        if channel not in person.ways:
            raise NotOnStage(f"{person.name} cannot be on {channel}")
        return person, channel

    # ── what is done ──
    async def say(self, person: Person, channel: str, form: Form) -> None:
        """They say something."""
        await self.play.say(person, channel, form.get("text", ""))

    async def call(self, person: Person, _channel: str, _form: Form) -> None:
        """They dial."""
        await self.play.call(person)

    async def hang_up(self, person: Person, _channel: str, _form: Form) -> None:
        """They end the call."""
        self.play.hang_up(person)

    async def tell(self, _request: Request, _who: Colleague, _form: Form) -> Response:
        """The story is told from its beginning; the page shows it as it goes on."""
        return go(_address(self.play.star.id, self.play.story[0].channel), BackgroundTask(self._tell))

    async def _tell(self) -> None:
        try:
            await self.play.tell()
        except Problem as problem:
            log.warning("the story on the stage broke off: %s", problem)

    async def clear(self, _request: Request, _who: Colleague, form: Form) -> Response:
        """Everybody made-up is forgotten."""
        person, channel = self._chosen(form)
        await self.play.clear()
        return go(_address(person.id, channel))


def _on_stage(theatre: Theatre, do: Deed) -> Done:
    async def done(_request: Request, _who: Colleague, form: Form) -> Response:
        person, channel = theatre._chosen(form)
        await do(person, channel, form)
        return go(_address(person.id, channel))

    return done


def _only_here(request: Request) -> None:
    """Raises NoSuchPage for whoever comes by a name that is not this machine's, or through a proxy."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not is_loopback(host) or any(name in request.headers for name in _FORWARDED):
        raise NoSuchPage("the stage is only for a browser on this machine")


def words(said: Said) -> Sequence[Node]:
    """A line as it comes across on its channel: by telephone it is spoken."""
    if said.sender == "customer":
        return [said.text]
    if said.channel == CALL:
        return [speakable(said.text, said.language)]
    return html.elements(tree.read(said.text))


def _address(person: str, channel: str) -> str:
    return f"{PATH}?{urlencode({'who': person, 'on': channel})}"


def _state(*seen: object) -> str:
    """A text that changes when what is seen does."""
    return f'"{hashlib.sha256(repr(seen).encode()).hexdigest()[:16]}"'
