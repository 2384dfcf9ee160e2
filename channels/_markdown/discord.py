"""Discord's Markdown. Source: https://docs.discord.com/developers/reference (message formatting)"""

import re
from collections.abc import Sequence
from typing import Final

from channels._markdown.plain import Plain
from channels._markdown.tree import Fence, Heading, Inline, Link, words_of

_GAP: Final = "\u200b"
_MENTION: Final = re.compile(r"(?<!\w)@(?=everyone|here)|<(?=@|#|/|a?:\w|t:|id:)", re.IGNORECASE)
# What would be markup: bold, italics, strike-through, spoilers, code, a link; an escape before a sign.
_SIGN: Final = re.compile(r"`|(?<!\s)\*|\*(?!\s)|(?<!\w)_|_(?!\w)|~(?=~)|\|(?=\|)|\](?=\()|\\(?=[^\w\s])")
_LINE_START: Final = re.compile(r"^(?=[#>*+-][\s#>])", re.MULTILINE)
_BACKTICKS: Final = re.compile("`{3,}")
_RISKY: Final = str.maketrans({"(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\\": "%5C", "`": "%60"})


class Discord(Plain):
    """What Discord shows as meant. Nobody is mentioned, and no text becomes markup."""

    def lines(self, inlines: Sequence[Inline]) -> str:
        return _LINE_START.sub(r"\\", self.inlines(inlines))

    def heading(self, heading: Heading) -> str:
        return f"### {self.inlines(heading.children)}"

    def fence(self, fence: Fence) -> str:
        return f"```{fence.language}\n{_closed(_unnamed(super().fence(fence)))}\n```"

    def text(self, text: str) -> str:
        return _SIGN.sub(r"\\\g<0>", _unnamed(text))

    def code(self, code: str) -> str:
        if not code.strip():
            return code
        code = _unnamed(code).replace("``", f"`{_GAP}`")
        return f"{_GAP}`` {code} ``{_GAP}" if "`" in code else f"`{code}`"

    def strong(self, inlines: Sequence[Inline]) -> str:
        return f"**{self.inlines(inlines)}**"

    def emphasis(self, inlines: Sequence[Inline]) -> str:
        return f"*{self.inlines(inlines)}*"

    def link(self, link: Link) -> str:
        words, address = words_of(link.children), _unnamed(link.address.translate(_RISKY)).replace("@" + _GAP, "%40")
        if words == link.address:
            return address
        # Discord makes no link of words that look like an address, nor of a mailbox.
        if "://" in words or not link.address.lower().startswith("http"):
            return f"{self.text(words)} ({address.removeprefix('mailto:')})"
        return f"[{self.text(words)}]({address})"


def _unnamed(text: str) -> str:
    """Nobody is named in it any more."""
    return _MENTION.sub(rf"\g<0>{_GAP}", text)


def _closed(code: str) -> str:
    return _BACKTICKS.sub(lambda run: _GAP.join(run[0]), code)


DISCORD: Final = Discord()
