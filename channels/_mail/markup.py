"""HTML mail -> plain text, with quotes marked by ">" as in plain mail.

Not by html.parser, whose time is quadratic on hostile mail: here a tag is what stands between < and the next >.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Final

from channels._mail.attributions import CITED
from channels._mail.endings import SIGNED
from channels._mail.headers import plain

_MOST_TAGS: Final = 20_000
_MOST_SIGNS: Final = 2000  # of a tag that are looked at
_TAG: Final = re.compile(r"<(?:!--|[!?]|/?[a-z])", re.IGNORECASE)
_NAME: Final = re.compile(r"/?[a-z][a-z0-9]*", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});?", re.IGNORECASE)
_LINES: Final = frozenset({"div", "dd", "dt", "li", "tr", "table", "ul", "ol", "hr", "section", "article", "pre"})
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_CELLS: Final = frozenset({"td", "th"})
_UNREAD: Final = frozenset({"script", "style", "title"})
_HOLDERS: Final = frozenset({"div", "span", "table", "tr", "td", "pre", "section", "font", "center"})
_NAMES: Final = re.compile(r"""\b(id|class|name)\s?=\s?(?:"([^"]{1,200})"|'([^']{1,200})'|([^\s"'>]{1,100}))""")
_NOT_SHOWN: Final = re.compile(r"display\s?:\s?none")

_HIDDEN: Final = "hidden"
_SAID_ABOVE: Final = "said above"
# What mail programs write into a tag -> the line by which plain mail says the same.
_TITLES: Final = {
    "id=divrplyfwdmsg": "-----Original Message-----",
    "id=appendonsend": "-----Original Message-----",
    "class=outlookmessageheader": "-----Original Message-----",
    "class=moz-forward-container": "-----Original Message-----",
}
# The same, where it holds for the element and no further.
_ASIDES: Final = {
    "id=signature": SIGNED,
    "id=ms-outlook-mobile-signature": SIGNED,
    "class=gmail_signature": SIGNED,
    "class=moz-signature": SIGNED,
    "class=protonmail_signature_block": SIGNED,
    "class=yahoo_quoted": CITED,
    "name=quote": CITED,
    "class=moz-cite-prefix": CITED,
    "class=gmail_attr": _SAID_ABOVE,
}
_ANNOUNCING: Final = dict.fromkeys(("class=gmail_attr", "class=gmail_quote", "class=gmail_extra"), "")


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
        if sign in self._gone:
            return -1
        found = re.compile(re.escape(sign), re.IGNORECASE).search(self._html, at) if sign[:2] == "</" else None
        end = found.end() if found else self._html.find(sign, at) + len(sign)
        if end < at + len(sign):
            self._gone.add(sign)
            return -1
        return end


@dataclass(frozen=True, slots=True)
class _Aside:
    """An element that is not the author's text, with what was read before it. `mark` goes before each of its lines."""

    name: str
    mark: str
    lines: list[str]
    words: list[str]


class _Page:
    def __init__(self) -> None:
        self._lines: list[str] = []
        self._words: list[str] = []
        self._blocks: list[str] = []  # the marks of the open blockquotes; "" for one that only indents
        self._quotes = 0  # of these, that quote
        self._cites = 0  # of these, that quote for certain
        self._announced = False  # a mail program has said whose words follow
        self._aside: _Aside | None = None
        self._depth = 0  # elements within the aside that bear its name
        self._verbatim = 0

    def say(self, words: str) -> None:
        """Text on the current line."""
        if words:
            self._words.append(words)

    def turn(self, tag: str) -> None:
        """What a tag does to the lines."""
        name = _name(tag)
        self._break(name)
        if name == "blockquote":
            self._open_block(_block_mark(tag, announced=self._announced))
        elif name == "/blockquote" and self._blocks:
            self._close_block()
        elif name.lstrip("/") == "pre":
            self._verbatim = max(0, self._verbatim + (-1 if name == "/pre" else 1))
        if self._aside:
            self._leave(name, self._aside)
        elif "=" in tag:
            self._note(name, tag)

    def text(self) -> str:
        """All lines so far."""
        self._end_line()
        if self._aside:  # it never ended: then it is not one
            return "\n".join([*self._aside.lines, "".join(self._aside.words), *self._lines])
        return "\n".join(self._lines)

    def _break(self, name: str) -> None:
        bare = name.lstrip("/")
        if bare in _PARAGRAPHS:
            self._end_line()
            if self._lines[-1:] != [self._mark()]:
                self._lines.append(self._mark())
        elif bare in _LINES:
            self._end_line()
        elif name == "br":
            self._end_line(even_blank=True)
        elif bare in _CELLS:
            self._words.append(" ")

    def _note(self, name: str, tag: str) -> None:
        """What mail programs write into a tag."""
        said = _said(tag)
        if title := _of(said, _TITLES):
            self._end_line()
            self._lines.append(self._mark() + title)
        self._announced = self._announced or _of(said, _ANNOUNCING) is not None
        mark = _HIDDEN if _is_hidden(tag) else _of(said, _ASIDES)
        if mark is not None and name in _HOLDERS:
            self._aside = _Aside(name, mark, self._lines, self._words)
            self._lines, self._words, self._depth = [], [], 1

    def _leave(self, name: str, aside: _Aside) -> None:
        self._depth += (name == aside.name) - (name == f"/{aside.name}")
        if self._depth:
            return
        self._end_line()
        inside, self._aside = self._lines, None
        self._lines, self._words = aside.lines, aside.words
        if aside.mark == _HIDDEN:
            return
        self._end_line()
        self._lines.extend(_marked(inside, aside.mark))

    def _open_block(self, mark: str) -> None:
        self._blocks.append(mark)
        self._quotes += mark != ""
        self._cites += mark == CITED

    def _close_block(self) -> None:
        mark = self._blocks.pop()
        self._quotes -= mark != ""
        self._cites -= mark == CITED

    def _end_line(self, *, even_blank: bool = False) -> None:
        if not self._words and not even_blank:
            return
        text = _ENTITY.sub(lambda e: unescape(e[0]), "".join(self._words))
        self._words.clear()
        lines = text.strip("\n").split("\n") if self._verbatim else [" ".join(text.split())]
        if lines != [""] or even_blank:
            self._lines.extend(self._mark() + plain(line).rstrip() for line in lines)

    def _mark(self) -> str:
        return f"{CITED if self._cites else ''}> " if self._quotes else ""


def _marked(lines: list[str], mark: str) -> Iterator[str]:
    """The lines of an aside. What Gmail says above a quote is marked as one, what it says above a forward is not."""
    words = [line for line in lines if line.strip()]
    if mark == _SAID_ABOVE:
        mark = CITED if words and words[-1].rstrip().endswith((":", "：")) else ""
    return (mark + line for line in lines)


def _name(tag: str) -> str:
    match = _NAME.match(tag)
    return match[0].lower() if match else ""


def _block_mark(tag: str, *, announced: bool) -> str:
    # Webmail indents by <blockquote style="border:none">: that is the author's own text.
    said = "".join(tag[:_MOST_SIGNS].lower().split())
    if "cite" in said or (announced and "gmail_quote" in said):
        return CITED
    return "" if "border:none" in said else ">"


def _is_hidden(tag: str) -> bool:
    said = tag[:_MOST_SIGNS].lower()
    return "none" in said and _NOT_SHOWN.search(said) is not None


def _said(tag: str) -> list[str]:
    """The ids and classes that a tag names, each as "class=gmail_quote"."""
    found = _NAMES.findall(tag[:_MOST_SIGNS].lower())
    return [f"{attribute}={one}" for attribute, *values in found for value in values for one in value.split()[:9]]


def _of(said: list[str], known: Mapping[str, str]) -> str | None:
    return next((known[one] for one in said if one in known), None)
