"""HTML mail -> plain text, with quotes marked by ">" as in plain mail.

Not by html.parser, whose time is quadratic on hostile mail: here a tag is what stands between < and the next >.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

_MOST_TAGS: Final = 40_000
_MOST_SIGNS: Final = 2000  # of a tag that are looked at
_TAG: Final = re.compile(r"<(?:!--|[!?]|/?[a-z])", re.IGNORECASE)
_NAME: Final = re.compile(r"/?[a-z][a-z0-9]*", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});?", re.IGNORECASE)
_LINES: Final = frozenset({"div", "dd", "dt", "li", "tr", "table", "ul", "ol", "hr", "section", "article", "pre"})
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_UNREAD: Final = frozenset({"script", "style", "title"})
# What mail programs write into a tag -> the line by which plain mail says the same.
_MARKS: Final = {
    "id=divrplyfwdmsg": "-----Original Message-----",
    "id=appendonsend": "-----Original Message-----",
    "id=signature": "-- ",
    "id=ms-outlook-mobile-signature": "-- ",
    "class=gmail_signature": "-- ",
    "class=moz-signature": "-- ",
}


def text_of(html: str) -> str:
    """The text that a reader sees. Lines end in LF."""
    page = _Page()
    for tag, words in _Scanner(html).pieces():
        page.say(words)
        if tag:
            page.turn(tag)
    return page.text()


class _Scanner:
    def __init__(self, html: str) -> None:
        self._html = html
        self._gone: set[str] = set()  # what does not come again; so nothing is looked for twice in vain

    def pieces(self) -> Iterator[tuple[str, str]]:
        """Tags without their brackets, each with the text before it; the last is ""."""
        at = 0
        for _ in range(_MOST_TAGS):
            opening = self._html.find("<", at)
            if opening < 0:
                yield "", self._html[at:]
                return
            words = self._html[at:opening]
            end = self._end(opening)
            if end < 0:
                yield "", words + "<"
                at = opening + 1
            else:
                tag = self._html[opening + 1 : end - 1]
                yield tag, words
                at = self._past(tag, end)

    def _end(self, opening: int) -> int:
        match = _TAG.match(self._html, opening)
        if not match:
            return -1
        return self._after("-->" if match[0] == "<!--" else ">", opening)

    def _past(self, tag: str, end: int) -> int:
        name = _name(tag)
        closing = f"</{name}"
        return max(self._after(closing, end) - len(closing), end) if name in _UNREAD else end

    def _after(self, sign: str, at: int) -> int:
        found = None if sign in self._gone else re.compile(re.escape(sign), re.IGNORECASE).search(self._html, at)
        if not found:
            self._gone.add(sign)
        return found.end() if found else -1


class _Page:
    def __init__(self) -> None:
        self._lines: list[str] = []
        self._words: list[str] = []
        self._blocks: list[bool] = []  # the open blockquotes: True where another's words are quoted

    def say(self, words: str) -> None:
        """Text on the current line."""
        self._words.append(words)

    def turn(self, tag: str) -> None:
        """What a tag does to the lines."""
        name = _name(tag)
        if name in _PARAGRAPHS or name.lstrip("/") in _PARAGRAPHS:
            self._end_line()
            self._lines.append(self._mark())
        elif name in _LINES or name.lstrip("/") in _LINES:
            self._end_line()
        elif name == "br":
            self._end_line(even_blank=True)
        if name == "blockquote":
            self._blocks.append(_quotes(tag))
        elif name == "/blockquote" and self._blocks:
            self._blocks.pop()
        elif "=" in tag and (mark := _MARKS.get(_says(tag))):
            self._end_line()
            self._lines.append(self._mark() + mark)

    def text(self) -> str:
        """All lines so far."""
        self._end_line()
        return "\n".join(self._lines)

    def _end_line(self, *, even_blank: bool = False) -> None:
        words = " ".join(_ENTITY.sub(lambda e: unescape(e[0]), "".join(self._words)).split())
        if words or even_blank:
            self._lines.append(self._mark() + words)
        self._words.clear()

    def _mark(self) -> str:
        return "> " if any(self._blocks) else ""


def _name(tag: str) -> str:
    match = _NAME.match(tag)
    return match[0].lower() if match else ""


def _quotes(tag: str) -> bool:
    # Webmail indents by <blockquote style="border:none">: that is the author's own text.
    style = "".join(tag[:_MOST_SIGNS].lower().split())
    return "border:none" not in style or "cite" in style


def _says(tag: str) -> str:
    written = tag[:_MOST_SIGNS].lower().replace('"', "").replace("'", "").split()
    return next((attribute for attribute in written if attribute in _MARKS), "")
