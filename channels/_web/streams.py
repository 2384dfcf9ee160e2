"""The streams of open pages: what was said so far, then every new line, each once, as server-sent events.

A page that comes back names the last event that it had (Last-Event-ID) and is given what came after it. That id holds
the last customer's line and the last of ours, since the one may be kept before the other and shown after it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from channels._markdown import tree
from channels._markdown.html import elements, is_plain
from channels._web import enclosing
from core.channel import Line

_HEARTBEAT: Final = 20.0  # seconds; proxies close streams that are silent
_IDLE: Final = 3600.0  # seconds in which nobody says anything
_MOST_WAITING: Final = 200  # lines that a page is behind before its stream is ended; it comes back for them
_MOST_OF_ONE: Final = 12  # windows of one visitor
_MOST: Final = 2000  # of this process
_TYPING: Final = "event: typing\ndata: {}\n\n"


# The lines of a conversation so far.
Transcript = Callable[[str], Awaitable[Sequence[Line]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a page asks for. `seconds` is how long what it showed of its visitor holds."""

    conversation: str
    seconds: float
    seen: str = ""  # the id of the last event that it had
    typing: bool = False


class _Stream:
    def __init__(self, *, typing: bool) -> None:
        self.queue: asyncio.Queue[Line | None] = asyncio.Queue(_MOST_WAITING)  # None: an answer is being written
        self.typing = typing
        self.is_behind = False

    def put(self, news: Line | None) -> None:
        try:
            self.queue.put_nowait(news)
        except asyncio.QueueFull:
            self.is_behind = True


class Streams:
    """All pages that are open."""

    def __init__(self) -> None:
        self._open: dict[str, set[_Stream]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def is_full(self, conversation: str) -> bool:
        """Whether one more page is too many, of this conversation or at all."""
        return len(self._open.get(conversation, ())) >= _MOST_OF_ONE or len(self) >= _MOST

    @property
    def conversations(self) -> Sequence[str]:
        """Those that have an open page."""
        return list(self._open)

    def is_open(self, conversation: str) -> bool:
        """Whether a page of it is open."""
        return conversation in self._open

    def show(self, conversation: str, line: Line) -> None:
        """Shows a line on every open page of a conversation."""
        for stream in self._open.get(conversation, ()):
            stream.put(line)

    def show_typing(self, conversation: str) -> None:
        """Tells the open pages that want to know it that an answer is being written."""
        for stream in self._open.get(conversation, ()):
            if stream.typing:
                stream.put(None)

    async def follow(self, wanted: Wanted, before: Transcript) -> AsyncIterator[str]:
        """Events until the proof is over, nobody says anything for an hour, or the page is too far behind."""
        stream = _Stream(typing=wanted.typing)
        self._open.setdefault(wanted.conversation, set()).add(stream)
        page = _Page()
        try:
            yield ": connected\n\n"
            for line in page.new(await before(wanted.conversation), wanted.seen):
                yield page.event(line)
            async for news in _news(stream, wanted.seconds):
                yield news if isinstance(news, str) else page.event(news)
        finally:
            self._leave(wanted.conversation, stream)

    def _leave(self, conversation: str, stream: _Stream) -> None:
        self._open[conversation].discard(stream)
        if not self._open[conversation]:
            del self._open[conversation]


class _Page:
    """What one page was given: no line twice."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._last = {True: "", False: ""}  # of the customer, of ours

    def new(self, lines: Sequence[Line], seen: str) -> Iterator[Line]:
        """The lines after the event of this id; all of them, where it is none of ours."""
        for line in (*_up_to(lines, seen, customers=True), *_up_to(lines, seen, customers=False)):
            self._note(line)
        return (line for line in lines if line.id not in self._given)

    def event(self, line: Line) -> str:
        """The event of a line; a comment, if it was given before."""
        if line.id in self._given:
            return ": had that\n\n"
        self._note(line)
        return f"id: {':'.join(self._last.values())}\ndata: {json.dumps(_said(line))}\n\n"

    def _note(self, line: Line) -> None:
        self._given.add(line.id)
        self._last[line.sender == "customer"] = _id(line)


def _up_to(lines: Sequence[Line], seen: str, *, customers: bool) -> Sequence[Line]:
    customer, _, ours = seen.partition(":")
    those = [line for line in lines if (line.sender == "customer") is customers]
    ends = [n for n, line in enumerate(those, 1) if _id(line) == (customer if customers else ours)]
    return those[: ends[-1]] if ends else []


async def _news(stream: _Stream, seconds: float) -> AsyncIterator[Line | str]:
    """Lines as they come, and signs of life in between."""
    clock = asyncio.get_running_loop().time
    ends_at, quiet_since = clock() + seconds, clock()
    while not stream.is_behind and (left := min(ends_at, quiet_since + _IDLE) - clock()) > 0:
        try:
            news = await asyncio.wait_for(stream.queue.get(), min(_HEARTBEAT, left))
        except TimeoutError:
            yield ": still here\n\n"
            continue
        quiet_since = clock()
        yield news or _TYPING


def _id(line: Line) -> str:
    """As pages know it: a customer's line carries the session before it, which no script may see."""
    return line.id.rpartition(":")[2]


def _said(line: Line) -> dict[str, object]:
    said: dict[str, object] = {"id": _id(line), "text": line.text, "from": line.sender}
    if line.sender == "customer":
        return said
    choices = [{"label": choice.label, "says": choice.says} for choice in line.choices]
    files = enclosing.shown(line)
    return said | _face(line.text) | ({"choices": choices} if choices else {}) | ({"files": files} if files else {})


def _face(text: str) -> dict[str, object]:
    """A reply's Markdown; with the elements that the page shows it by, where it is more than one line of words."""
    nodes = elements(tree.read(text))
    return {"text": tree.seen(text)} | ({} if is_plain(nodes) else {"elements": nodes})
