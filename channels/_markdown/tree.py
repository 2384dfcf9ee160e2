"""A reply's Markdown as a tree: paragraphs, headings, lists, quotes, fences; bold, italics, code, links.

All that is not one of these stays text, word for word: HTML, pictures, tables, rules, links to anything but the web and
mail. Every line break counts. A bare web address is a link too. Signs that nobody sees are left out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

BULLET: Final = "-"
_DEEPEST: Final = 16  # blocks and spans within each other; a text beyond that is no Markdown
_LONGEST_ADDRESS: Final = 1_000
_ADDRESS: Final = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]+", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?<![a-z\d])https?\Z", re.IGNORECASE)
_REST: Final = re.compile(r"://[^\s<>\"()\[\]{}|\\^`]{1,1000}")
_NO_END: Final = ".,;:!?'*_~"  # of an address in a sentence
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,20}")

# Marks of writing direction and signs without width. Joiners shape emoji and some scripts, and are kept there.
_JOINED: Final = "[\u0590-\u1fff\u203c-\ud7ff\uf900-\ufdff\ufe0f\U00010000-\U000dffff]"
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    f"\U000e0000-\U000e007f]|(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})"
)
_LINE_END: Final = re.compile("\r\n?|[\u2028\u2029]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """Words as they are, without line breaks; in a fence a line, or a piece of one, with its break."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a line within a paragraph."""


@dataclass(frozen=True, slots=True)
class Code:
    """Code within a line."""

    children: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a web page or a mailbox; a bare address has itself as its words."""

    address: str
    children: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Strong:
    """Bold."""

    children: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Italics."""

    children: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines."""

    children: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; `level` is 1 to 6."""

    level: int
    children: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Fence:
    """Lines of code. `language` may be empty."""

    language: str
    children: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Another's words."""

    children: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class Item:
    """One of a list. `marker` is BULLET, a number as it was written ("2."), or "" for the rest of a divided item."""

    marker: str
    children: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class List:
    """Items."""

    children: tuple[Item, ...]


Inline: TypeAlias = Text | Break | Code | Link | Strong | Emphasis
Block: TypeAlias = Paragraph | Heading | Fence | Quote | List


def read(text: str) -> tuple[Block, ...]:
    """The tree of a text; of one that nests too deeply, its lines as they are."""
    text = seen(text)
    tokens = _PARSER.parse(text)
    if any(token.level >= _DEEPEST for token in tokens):
        return _literal(text)
    return _blocks(SyntaxTreeNode(tokens))


def seen(text: str) -> str:
    """The text without signs that nobody sees."""
    return _UNSEEN.sub("", _SURROGATE.sub("\ufffd", _LINE_END.sub("\n", text)))


def words_of(inlines: Iterable[Inline]) -> str:
    """The words alone, on one line."""
    return "".join(map(_words, inlines))


def joined(inlines: Iterable[Inline]) -> tuple[Inline, ...]:
    """The same, with texts that follow each other as one."""
    whole: list[Inline] = []
    for inline in inlines:
        if whole and isinstance(inline, Text) and isinstance(last := whole[-1], Text):
            whole[-1] = Text(last.text + inline.text)
        else:
            whole.append(inline)
    return tuple(whole)


def _words(inline: Inline) -> str:
    match inline:
        case Text(text):
            return text
        case Break():
            return " "
        case _:
            return words_of(inline.children)


def _literal(text: str) -> tuple[Block, ...]:
    paragraphs = filter(str.strip, re.split(r"\n\s*\n", text))
    return tuple(Paragraph(tuple(_lines(paragraph.strip("\n")))) for paragraph in paragraphs)


def _lines(text: str) -> Iterator[Inline]:
    for number, line in enumerate(text.split("\n")):
        if number:
            yield Break()
        yield Text(line)


def _blocks(parent: SyntaxTreeNode) -> tuple[Block, ...]:
    return tuple(_block(node) for node in parent.children)


def _block(node: SyntaxTreeNode) -> Block:
    match node.type:
        case "heading":
            return Heading(int(node.tag[1:]), _inlines(node.children[0].children))
        case "fence":
            return _fence(node.info.strip(), node.content)
        case "blockquote":
            return Quote(_blocks(node) or _NOTHING)
        case "bullet_list" | "ordered_list":
            return List(tuple(_item(item) for item in node.children))
        case _:
            return Paragraph(_inlines(node.children[0].children))


def _item(node: SyntaxTreeNode) -> Item:
    return Item(node.info + node.markup if node.info else BULLET, _blocks(node) or _NOTHING)


def _fence(named: str, code: str) -> Fence:
    """What is more than a language's name is a line of the code."""
    language = named if _LANGUAGE.fullmatch(named) else ""
    code = code if language or not named else f"{named}\n{code}"
    return Fence(language, tuple(map(Text, code.splitlines(keepends=True))))


def _inlines(nodes: Sequence[SyntaxTreeNode]) -> tuple[Inline, ...]:
    return joined(inline for node in nodes for inline in _inline(node))


def _inline(node: SyntaxTreeNode) -> Iterator[Inline]:
    match node.type:
        case "softbreak" | "hardbreak":
            yield Break()
        case "code_inline":
            yield Code((Text(node.content),))
        case "strong" | "em" if _multiplies(node):
            yield from (Text(node.markup), *_inlines(node.children), Text(node.markup))
        case "strong":
            yield Strong(_inlines(node.children))
        case "em":
            yield Emphasis(_inlines(node.children))
        case "link":
            yield from _link(node)
        case _:
            yield Text(node.content)


def _multiplies(node: SyntaxTreeNode) -> bool:
    """Whether the signs of bold or italics stand between digits, as in 5*3*2."""
    before, within = node.previous_sibling, node.children[0]
    return _content(before)[-1:].isdigit() and _content(within)[:1].isdigit()


def _content(node: SyntaxTreeNode | None) -> str:
    return node.content if node and node.type == "text" else ""


def _link(node: SyntaxTreeNode) -> Iterator[Inline]:
    address, label = str(node.attrs.get("href", "")), _inlines(node.children)
    if not address:
        yield from label
        return
    yield Link(address, label if words_of(label).strip() else (Text(address),))
    if title := node.attrs.get("title"):
        yield Text(f" ({title})")


def _bare_address(state: StateInline, silent: bool) -> bool:
    """A rule of the parser: at the colon of a web address, whose scheme is the text before it."""
    scheme, rest = _SCHEME.search(state.pending[-6:]), _REST.match(state.src, state.pos)
    if state.linkLevel or not scheme or not rest:
        return False
    tail = rest[0].rstrip(_NO_END)
    if not silent:
        state.pending = state.pending[: -len(scheme[0])]
        opening = state.push("link_open", "a", 1)
        opening.attrs = {"href": scheme[0] + tail}
        state.push("text", "", 0).content = scheme[0] + tail
        state.push("link_close", "a", -1)
    state.pos += len(tail)
    return True


class _Parser(MarkdownIt):
    """Takes addresses as they are written, and only those of web pages and mailboxes."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's
        return not url or (len(url) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(url) is not None)


def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "linkify": False, "maxNesting": _DEEPEST + 1})
    parser.disable(["code", "hr", "lheading", "reference", "html_block", "html_inline", "entity", "autolink", "image"])
    parser.inline.ruler.before("escape", "bare_address", _bare_address)
    return parser


_PARSER: Final = _parser()
_NOTHING: Final = (Paragraph((Text(""),)),)
