"""HTML: for mail, and as elements that the chat page builds by itself. Nothing in it is loaded from anywhere."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final, NamedTuple, TypeAlias

from channels._markdown.tree import (
    BULLET,
    Block,
    Break,
    Code,
    Emphasis,
    Fence,
    Heading,
    Inline,
    Item,
    Link,
    List,
    Paragraph,
    Quote,
    Strong,
    Text,
    words_of,
)

_VOID: Final = "br"
_DEEPEST_HEADING: Final = 6
# No colours: a reader in the dark keeps its own.
_STYLE: Final = (
    "body{margin:0;padding:1em;max-width:40em;font:1em/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap}blockquote{margin:0 0 0 .5em;padding-left:.75em;border-left:3px solid}"
    "h2,h3,h4,h5,h6{font-size:1.1em}"
)


class Element(NamedTuple):
    """An element; as JSON it is the list [tag, attributes, children]."""

    tag: str
    attributes: Mapping[str, str]
    children: "list[Node]"


Node: TypeAlias = str | Element


def elements(blocks: Iterable[Block]) -> list[Node]:
    """A tree as elements. All tags and attributes are ours; all else is text."""
    return [_block(block) for block in blocks]


def is_plain(nodes: Iterable[Node]) -> bool:
    """Whether there is nothing but lines of words."""
    return all(isinstance(n, str) or (n.tag in ("p", _VOID) and is_plain(n.children)) for n in nodes)


def page(blocks: Iterable[Block], language: str, *, style: str = _STYLE) -> str:
    """A tree as the HTML of a mail."""
    styled = f"<style>{style}</style>\n" if style else ""
    body = "\n".join(map(_written, elements(blocks)))
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"{styled}</head>\n"
        f'<body dir="auto">\n{body}\n</body>\n</html>'
    )


def _block(block: Block) -> Element:
    match block:
        case Paragraph(children):
            return Element("p", {}, _inlines(children))
        case Heading(level, children):
            return Element(f"h{min(level + 1, _DEEPEST_HEADING)}", {}, _inlines(children))
        case Fence(_, lines):
            return Element("pre", {}, [Element("code", {}, ["".join(line.text for line in lines)])])
        case Quote(blocks):
            return Element("blockquote", {}, elements(blocks))
        case List(items):
            numbered = bool(items) and items[0].marker != BULLET
            return Element("ol" if numbered else "ul", {}, [_item(item, numbered) for item in items])


def _item(item: Item, numbered: bool) -> Element:
    attributes = {"value": item.marker.rstrip(".)")} if numbered else {}
    return Element("li", attributes, [node for block in item.children for node in _within_item(block, item)])


def _within_item(block: Block, item: Item) -> list[Node]:
    """The words that an item begins with are no paragraph of their own."""
    if block is item.children[0] and isinstance(block, Paragraph):
        return _inlines(block.children)
    return [_block(block)]


def _inlines(inlines: Iterable[Inline]) -> list[Node]:
    return [node for inline in inlines for node in _inline(inline)]


def _inline(inline: Inline) -> Iterator[Node]:
    match inline:
        case Text(text):
            yield text
        case Break():
            yield Element(_VOID, {}, [])
        case Code(children):
            yield Element("code", {}, [words_of(children)])
        case Link(address, children):
            yield Element("a", {"href": address, "rel": "noopener"}, _inlines(children))
        case Strong(children):
            yield Element("strong", {}, _inlines(children))
        case Emphasis(children):
            yield Element("em", {}, _inlines(children))


def _written(node: Node) -> str:
    if isinstance(node, str):
        return escape(node, quote=False)
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in node.attributes.items())
    if node.tag == _VOID:
        return "<br>\n"
    return f"<{node.tag}{attributes}>{''.join(map(_written, node.children))}</{node.tag}>"
