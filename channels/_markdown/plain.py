"""Plain text, for SMS and for mail that is read without HTML; other faces differ from it in their signs."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

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


class Plain:
    """Words without signs; a link's address stands behind its words."""

    bullet: ClassVar[str] = "-"
    quoting: ClassVar[str] = "> "

    def show(self, blocks: Iterable[Block]) -> str:
        """The text of a tree."""
        return "\n\n".join(map(self.block, blocks))

    def block(self, block: Block) -> str:
        """One block, on as many lines as it takes."""
        match block:
            case Paragraph(children):
                return self.lines(children)
            case Heading():
                return self.heading(block)
            case Fence():
                return self.fence(block)
            case Quote(blocks):
                return _before_each_line(self.quoting, self.show(blocks))
            case List(items):
                return "\n".join(map(self.item, items))

    def item(self, item: Item) -> str:
        """One of a list; its further lines stand below its first word."""
        marker = self.bullet if item.marker == BULLET else item.marker
        text = "\n".join(map(self.block, item.children))
        if not marker:
            return text
        return f"{marker} " + _before_each_line(" " * (len(marker) + 1), text).lstrip(" ")

    def lines(self, inlines: Sequence[Inline]) -> str:
        """What stands in a paragraph."""
        return self.inlines(inlines)

    def heading(self, heading: Heading) -> str:
        return self.inlines(heading.children)

    def fence(self, fence: Fence) -> str:
        return "".join(line.text for line in fence.children).rstrip("\n")

    def inlines(self, inlines: Sequence[Inline]) -> str:
        """What stands within a line, or several."""
        return "".join(map(self.inline, inlines))

    def inline(self, inline: Inline) -> str:
        match inline:
            case Text(text):
                return self.text(text)
            case Break():
                return "\n"
            case Code(children):
                return self.code(words_of(children))
            case Link():
                return self.link(inline)
            case Strong(children):
                return self.strong(children)
            case Emphasis(children):
                return self.emphasis(children)

    def text(self, text: str) -> str:
        return text

    def code(self, code: str) -> str:
        return code

    def strong(self, inlines: Sequence[Inline]) -> str:
        return self.inlines(inlines)

    def emphasis(self, inlines: Sequence[Inline]) -> str:
        return self.inlines(inlines)

    def link(self, link: Link) -> str:
        words, address = words_of(link.children), link.address.removeprefix("mailto:")
        return words if words in (address, link.address) else f"{words} ({address})"


def _before_each_line(sign: str, text: str) -> str:
    return "\n".join((sign + line).rstrip() for line in text.split("\n"))


PLAIN: Final = Plain()
