"""Our small Markdown in Slack's own markup.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

_BLOCK = r"^```[^\n]*\n.*?(?:^```[ \t]*$|\Z)"
_FENCE = re.compile(rf"({_BLOCK}\n*)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(rf"({_BLOCK}|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_LANGUAGE = re.compile(r"^```[^`\n]+$", re.MULTILINE)  # Slack would show it as a line of the code
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(((?:https?://|mailto:)[^\s()|]+)\)")
_BOLD = re.compile(r"\*\*(\S|\S[^\n]*?\S)\*\*")
_BULLET = re.compile(r"^([ \t]*)[-*] ", re.MULTILINE)
_CALL_TO_ALL = re.compile(r"@(?=(?:here|channel|everyone)\b)")

# Where a text may be parted, best first: after a paragraph, a line, a sentence, a word.
_PARTINGS = (r"(?<=\n\n)", r"(?<=\n)", r"(?<=[.!?] )", r"(?<=\s)")


def _mrkdwn(text: str) -> str:
    """Our small Markdown in Slack's own markup; code stays as it is."""
    return "".join(_escape(part) if n % 2 else _prose(part) for n, part in enumerate(_CODE.split(text)))


def _prose(text: str) -> str:
    text = _LINK.sub(r"<\2|\1>", _escape(text))
    return _BOLD.sub(r"*\1*", _BULLET.sub(r"\1• ", text))


def _escape(text: str) -> str:
    """Nothing in it is markup any more, so nobody is mentioned."""
    return _CALL_TO_ALL.sub("@\u200b", html.escape(text, quote=False))


def mrkdwn_parts(text: str, room: int) -> Iterator[str]:
    """The text in mrkdwn, one part a message, parted between paragraphs and never within a code block."""
    parts = enumerate(_FENCE.split(_LANGUAGE.sub("```", text)))
    pieces = chain.from_iterable(_fenced(p, room) if n % 2 else _parted(p, _PARTINGS, _mrkdwn, room) for n, p in parts)
    return (_mrkdwn(packed).strip("\n") for packed in _packed(pieces, _mrkdwn, room))


def _parted(text: str, partings: Sequence[str], shown: Callable[[str], str], room: int) -> Iterator[str]:
    if len(shown(text)) <= room:
        yield text
    elif partings:
        for part in re.split(partings[0], text):
            yield from _parted(part, partings[1:], shown, room)
    else:
        step = room // len("&amp;")  # one word longer than a message, of signs that are written like this
        yield from (text[at : at + step] for at in range(0, len(text), step))


def _fenced(fence: str, room: int) -> Iterator[str]:
    """A code block, or several where it is too long for one message."""
    if len(_mrkdwn(fence)) <= room:
        yield fence
        return
    code = fence.split("\n", 1)[1].rstrip().removesuffix("```")
    room -= len("```\n\n```")
    for packed in _packed(_parted(code, _PARTINGS[1:], _escape, room), _escape, room):
        yield "```\n" + packed.rstrip("\n") + "\n```\n"


def _packed(pieces: Iterable[str], shown: Callable[[str], str], room: int) -> Iterator[str]:
    packed = ""
    for piece in pieces:
        if packed and len(shown(packed + piece).rstrip()) > room:
            yield packed
            packed = ""
        packed += piece
    if packed.strip():
        yield packed
