"""Slack's own markup, mrkdwn. Source: https://docs.slack.dev/messaging/formatting-message-text"""

import html
import re
from collections.abc import Sequence
from typing import ClassVar, Final

from channels._markdown.plain import Plain
from channels._markdown.tree import Break, Code, Emphasis, Fence, Heading, Inline, Link, Strong, words_of

_GAP: Final = "\u200b"
_CALL: Final = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_BACKTICKS: Final = re.compile("`{3,}")
_RISKY: Final = str.maketrans({"|": "%7C", "<": "%3C", ">": "%3E", "`": "%60"})


class Mrkdwn(Plain):
    """What Slack shows as meant. Nobody is mentioned, and no text opens a code block."""

    bullet: ClassVar[str] = "•"

    def __init__(self, *signs: str) -> None:
        """`signs` are those of the bold or italics that one is within."""
        self._signs = signs

    def inlines(self, inlines: Sequence[Inline]) -> str:
        # Slack takes a sign for markup only at a word's border; within a word a gap without width makes one.
        shown, marked = "", False
        for inline in inlines:
            part, marks = self.inline(inline), isinstance(inline, Strong | Emphasis | Code)
            fence = shown[-1:] == part[:1] == "`"
            glued = fence or (marks and shown[-1:].isalnum()) or (marked and part[:1].isalnum())
            shown, marked = shown + _GAP * glued + part, marks
        return shown

    def inline(self, inline: Inline) -> str:
        # Bold and italics end with the line.
        if isinstance(inline, Break):
            return "".join(reversed(self._signs)) + "\n" + "".join(self._signs)
        return super().inline(inline)

    def text(self, text: str) -> str:
        return _escaped(text)

    def code(self, code: str) -> str:
        if not code.strip():
            return code
        # Slack has no way to write a backtick within code.
        return _GAP + _escaped(code) + _GAP if "`" in code else f"`{_escaped(code)}`"

    def fence(self, fence: Fence) -> str:
        # A language would be shown as the first line of the code.
        return f"```\n{_escaped(super().fence(fence))}\n```"

    def heading(self, heading: Heading) -> str:
        return self.strong(heading.children) if heading.children else ""

    def strong(self, inlines: Sequence[Inline]) -> str:
        return self._marked("*", inlines)

    def emphasis(self, inlines: Sequence[Inline]) -> str:
        return self._marked("_", inlines)

    def link(self, link: Link) -> str:
        words = words_of(link.children)
        address = _escaped(_CALL.sub("%40", link.address.translate(_RISKY)))
        return address if words == link.address else f"<{address}|{_escaped(words)}>"

    def _marked(self, sign: str, inlines: Sequence[Inline]) -> str:
        if sign in self._signs:  # it cannot stand within itself
            return _GAP + self.inlines(inlines) + _GAP
        return sign + Mrkdwn(*self._signs, sign).inlines(inlines) + sign


def _escaped(text: str) -> str:
    """Nothing in it is markup any more."""
    return _BACKTICKS.sub(lambda run: _GAP.join(run[0]), _CALL.sub("@" + _GAP, html.escape(text, quote=False)))


MRKDWN: Final = Mrkdwn()
