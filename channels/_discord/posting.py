"""What we send: direct messages, answers to commands, and a line in public where somebody cannot be written to."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from channels._discord import phrases
from channels._discord.cursors import Cursors
from channels._discord.objects import EPHEMERAL, Interaction, User, id_at, made_at
from channels._discord.rest import CLOSED, Refused, Rest
from channels._markdown.discord import DISCORD
from channels._markdown.looking import as_page, on_any, parted
from channels._markdown.split import split
from channels._markdown.tree import read
from core.channel import Look
from core.errors import SendProblem, TryAgain
from core.messages import Attachment, Choice, Reply, Route

TEXT_LIMIT: Final = 2_000  # characters in one message
MOST_BYTES: Final = 24_000_000  # of the files in one; a request may have 25 MB, a file of a bot's 10 MiB
_NONCE_LIMIT: Final = 25  # characters
_SUPPRESS_EMBEDS: Final = 1 << 2  # message flag: no previews of links
_LOADING: Final = 1 << 7  # message flag: a command's answer is awaited
_TOKEN_LASTS: Final = timedelta(minutes=15)
_BEING_ACKNOWLEDGED: Final = timedelta(seconds=5)
_SKEW: Final = timedelta(minutes=2)  # by which clocks may differ
_LOOKED_BACK: Final = 100  # messages of a conversation
_NOT_FOUND: Final = 404
_MOST_PEOPLE: Final = 1_000
_LONGEST_LABEL, _LONGEST_ID, _IN_A_ROW, _MOST_BUTTONS = 80, 100, 5, 25
_BUTTON, _ROW, _GREY = 2, 1, 2  # types of components, and a style


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One message to send: into a channel, or by direct message to a user."""

    channel: str = ""
    user: str = ""
    content: str
    nonce: str  # Discord drops a second message with the same nonce for some minutes
    buttons: tuple[Choice, ...] = ()
    answers: str = ""  # the id of the message or interaction that is answered
    application: str = ""
    token: str = ""  # of the interaction
    fills: bool = False  # takes the place that a command holds open
    asked_in: str = ""  # the channel in public
    aside: str = ""  # what is said there if the user takes no direct messages
    files: tuple[Attachment, ...] = ()


class _Sent(BaseModel):
    """A message or a channel of Discord's."""

    id: str
    content: str = ""
    flags: int = 0


class _Named(BaseModel):
    filename: str


class _Listed(BaseModel):
    """A message of a conversation."""

    id: str
    author: User
    content: str = ""
    attachments: list[_Named] = []

    def says(self, wire: Post) -> bool:
        """Whether it is what would be sent."""
        files = [file.name for file in wire.files]
        return self.content.strip() == wire.content.strip() and [file.filename for file in self.attachments] == files


_LISTED: Final = TypeAdapter(list[_Listed])


def render(reply: Reply) -> list[Post]:
    """The messages of a reply, each within Discord's limit; the buttons are under the last. One more has the files."""
    route = reply.route
    texts = list(split(read(reply.text), DISCORD.show, TEXT_LIMIT))
    parts = [(text, ()) for text in texts] + ([("", reply.files)] if reply.files else [])
    language = phrases.language(reply.language, list(phrases.PHRASES))
    return [
        Post(
            channel=route.get("channel", ""),
            user=route.get("user", ""),
            content=text,
            files=files,
            nonce=hashlib.sha256(f"{reply.id}/{n}".encode()).hexdigest()[:_NONCE_LIMIT],
            buttons=reply.choices if n == len(texts) - 1 else (),
            answers=route.get("answers", ""),
            application=route.get("application", ""),
            token=route.get("token", ""),
            fills=n == 0 and not files and "fills" in route,
            asked_in=route.get("asked_in", ""),
            aside=phrases.PHRASES[language].closed,
        )
        for n, (text, files) in enumerate(parts)
    ]


def look(reply: Reply) -> Look:
    """How a reply will look."""
    parts = list(split(read(reply.text), DISCORD.show, TEXT_LIMIT))
    remarks = [*parted(len(parts), "messages"), *on_any(reply.text)]
    return Look(messages=parts, page=as_page(reply.text, reply.language), remarks=remarks)


class Posting:
    """Sends, and knows which commands still show that they are being worked on."""

    def __init__(self, rest: Rest, cursors: Cursors, now: Callable[[], datetime]) -> None:
        self._rest = rest
        self._cursors = cursors
        self._now = now
        self._direct: dict[str, str] = {}  # users' channels
        self._arriving: dict[str, asyncio.Event] = {}
        self._open: dict[str, Interaction] = {}

    async def send(self, wire: Post) -> str:
        """Posts a message and returns its id. Raises TryAgain or Undeliverable."""
        try:
            sent = await self._into_the_command(wire) or await self._directly(wire)
        except ValidationError as wrong:
            raise TryAgain("Discord's answer cannot be read") from wrong
        await self._close_earlier(wire)
        return sent

    async def taken(self, wire: Post, since: datetime) -> Sequence[str] | None:
        """Our messages of these words that stand in their conversation; None where more was said than is listed.

        Raises TryAgain or Refused.
        """
        if wire.fills:  # `send` looks itself whether the command shows this answer
            return [] if self._lasts(wire.answers) else None
        try:
            channel = wire.channel or await self.channel_of(wire.user)
            path, after, limit = f"channels/{channel}/messages", id_at(since - _SKEW), str(_LOOKED_BACK)
            listed = _LISTED.validate_python(await self._rest.ask("GET", path, after=after, limit=limit))
        except ValidationError as wrong:
            raise TryAgain("Discord's answer cannot be read") from wrong
        found = [one.id for one in reversed(listed) if one.author.bot and one.says(wire)]
        return None if not found and len(listed) == _LOOKED_BACK else found

    async def typing(self, route: Route) -> None:
        """Shows for ten seconds that we type; a command shows it by itself."""
        if "fills" not in route:
            channel = route.get("channel") or await self.channel_of(route["user"])
            await self._rest.ask("POST", f"channels/{channel}/typing")

    @contextmanager
    def arriving(self, interaction: str) -> Iterator[None]:
        """While this lasts an interaction is being recorded and acknowledged; its answer waits."""
        over = self._arriving[interaction] = asyncio.Event()
        try:
            yield
        finally:
            over.set()
            del self._arriving[interaction]

    def opened(self, command: Interaction) -> None:
        """Discord shows from now on that this command is worked on, until it is answered."""
        self._open = {key: one for key, one in self._open.items() if self._lasts(key)} | {command.id: command}

    async def _into_the_command(self, wire: Post) -> str:
        """Puts the answer where the command was given; "" if that place is not open any more."""
        if not wire.fills or not self._lasts(wire.answers):
            return ""
        if arriving := self._arriving.get(wire.answers):
            await arriving.wait()
        place = f"webhooks/{wire.application}/{wire.token}/messages/@original"
        try:
            there = _Sent.model_validate(await self._rest.ask("GET", place))
            if there.flags & _LOADING:
                there = _Sent.model_validate(await self._rest.ask("PATCH", place, _payload(wire)))
            elif there.content != wire.content:
                return ""
        except Refused as refused:
            if refused.status == _NOT_FOUND and self._now() - made_at(wire.answers) < _BEING_ACKNOWLEDGED:
                raise TryAgain("this command is not acknowledged yet", after=timedelta(seconds=1)) from refused
            return ""
        self._open.pop(wire.answers, None)
        return there.id

    async def _directly(self, wire: Post) -> str:
        channel = wire.channel or await self.channel_of(wire.user)
        once = {"nonce": wire.nonce, "enforce_nonce": True}
        try:
            sent = _Sent.model_validate(
                await self._rest.ask("POST", f"channels/{channel}/messages", _payload(wire) | once, files=wire.files)
            )
        except Refused as refused:
            if refused.code not in CLOSED:
                raise
            return await self._where_they_asked(wire, refused)
        self._cursors.begin(channel, sent.id)
        return sent.id

    async def _where_they_asked(self, wire: Post, closed: Refused) -> str:
        """To who gave a command, for their eyes; to who asked in public, only that they cannot be written to."""
        if wire.token and self._lasts(wire.answers):
            shown = _payload(wire) | {"flags": _SUPPRESS_EMBEDS | EPHEMERAL}
            path = f"webhooks/{wire.application}/{wire.token}"
            with suppress(Refused):
                return _Sent.model_validate(await self._rest.ask("POST", path, shown, files=wire.files)).id
        if wire.asked_in:
            aside = Post(content=f"<@{wire.user}> {wire.aside}", nonce=f"aside{wire.nonce}"[:_NONCE_LIMIT])
            with suppress(SendProblem):
                once = {"nonce": aside.nonce, "enforce_nonce": True}
                await self._rest.ask("POST", f"channels/{wire.asked_in}/messages", _payload(aside) | once)
        raise closed

    async def channel_of(self, user: str) -> str:
        """A user's direct messages. Raises SendProblem, or ValidationError for an answer that cannot be read."""
        if user not in self._direct:
            opened = _Sent.model_validate(await self._rest.ask("POST", "users/@me/channels", {"recipient_id": user}))
            if len(self._direct) >= _MOST_PEOPLE:
                self._direct.clear()
            self._direct[user] = opened.id
        return self._direct[user]

    async def _close_earlier(self, wire: Post) -> None:
        """A reply to several messages answers the commands among them too."""
        for key, command in list(self._open.items()):
            if command.by.id == wire.user and int(key) < int(wire.answers or 0):
                del self._open[key]
                with suppress(SendProblem):
                    path = f"webhooks/{command.application_id}/{command.token}/messages/@original"
                    await self._rest.ask("DELETE", path)

    def _lasts(self, interaction: str) -> bool:
        return self._now() - made_at(interaction) < _TOKEN_LASTS


def _payload(wire: Post) -> dict[str, object]:
    pressed = _buttons(wire)
    rows = [pressed[at : at + _IN_A_ROW] for at in range(0, len(pressed), _IN_A_ROW)]
    buttons = {"components": [{"type": _ROW, "components": row} for row in rows]} if rows else {}
    named = [{"id": number, "filename": file.name} for number, file in enumerate(wire.files)]
    return {
        "content": wire.content,
        **({"attachments": named} if named else {}),
        "allowed_mentions": {"parse": []},
        "flags": _SUPPRESS_EMBEDS,
    } | buttons


def _buttons(wire: Post) -> list[dict[str, object]]:
    """Each names who may press it. The text says what the buttons do, so one that is too long can be missing."""
    named = {f"{wire.user}:{choice.says}": choice.label for choice in wire.buttons if wire.user and choice.label}
    fitting = {key: label for key, label in named.items() if len(key) <= _LONGEST_ID}
    return [
        {"type": _BUTTON, "style": _GREY, "label": label[:_LONGEST_LABEL], "custom_id": key}
        for key, label in list(fitting.items())[:_MOST_BUTTONS]
    ]
