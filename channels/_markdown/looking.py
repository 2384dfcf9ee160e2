"""What becomes of a reply's Markdown on a channel, told to whoever writes it. Approximate, for people to read."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from channels._markdown.html import page
from channels._markdown.tree import (
    Block,
    Code,
    Emphasis,
    Fence,
    Heading,
    Inline,
    Item,
    Link,
    Strong,
    Text,
    read,
    words_of,
)

_PICTURE: Final = re.compile(r"!\[[^\]\n]{0,300}\]\([^)\s]{1,2000}\)")
_TAG: Final = re.compile(r"</?[a-z][a-z0-9]{0,10}(?:\s[^<>\n]{0,300})?/?>", re.IGNORECASE)
_MARKED: Final = (Strong, Emphasis, Code, Heading, Fence)


def as_page(text: str, language: str) -> str:
    """The text as a page of HTML that loads nothing and brings no style, since a console allows none."""
    return page(read(text), language, style="")


def on_any(text: str) -> Iterator[str]:
    """What no channel shows as it was meant."""
    if _PICTURE.search(text):
        yield "A picture is not shown: its address stands there as a link."
    if _TAG.search(text):
        yield "HTML is not read: its tags arrive as they are typed."


def on_plain(text: str) -> Iterator[str]:
    """What a channel without markup shows differently."""
    yield from on_any(text)
    found = list(_within(read(text)))
    if any(isinstance(one, _MARKED) for one in found):
        yield "Bold, italics, code and headings arrive as plain words."
    if any(isinstance(one, Link) and words_of(one.children) != one.address for one in found):
        yield "The address of a link stands in brackets behind its words."


def on_voice(text: str) -> Iterator[str]:
    """What a voice says differently."""
    found = list(_within(read(text)))
    if any(isinstance(one, Link) for one in found):
        yield "Of a link only its words, or its host, are spoken."
    if any(isinstance(one, Fence | Code) for one in found):
        yield "Code is spelled out or left out; a caller can hardly write it down."


def parted(count: int, what: str) -> Iterator[str]:
    """That it is more than one message."""
    if count > 1:
        yield f"{count} {what}: it is too long for one."


def _within(blocks: Iterable[Block | Item | Inline]) -> Iterator[Block | Item | Inline]:
    for one in blocks:
        yield one
        if not isinstance(one, Text) and hasattr(one, "children"):
            yield from _within(one.children)
