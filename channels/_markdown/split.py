"""A tree in parts that a channel can carry: parted between blocks, else lines, sentences or words.

Code, bold and quotes that have to be parted are closed in one part and opened again in the next; a link never is.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from itertools import accumulate, groupby
from typing import Final, NamedTuple, TypeAlias, cast

from channels._markdown.tree import (
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
    joined,
    words_of,
)

_Holder: TypeAlias = Paragraph | Heading | Fence | Quote | List | Item | Strong | Emphasis | Code
_Show: TypeAlias = Callable[[Sequence[Block]], str]
_Measure: TypeAlias = Callable[[str], int]
_HOLDERS: Final = (Paragraph, Heading, Fence, Quote, List, Item, Strong, Emphasis, Code)
_SPANS: Final = (Strong, Emphasis, Code, Fence)

# Signs that are shown as one: flags, and whatever is joined to a sign. They are not cut apart.
_SHOWN: Final = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}"
    "|.(?:[\u0300-\u036f\u0591-\u05bd\u064b-\u0655\u093a-\u094d\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff]|\u200d.){0,10})"
)
_PIECE: Final = re.compile(f"{_SHOWN}{{1,20}}", re.DOTALL)
_WORD: Final = re.compile(r"[^\s。！？]*[。！？]+\s*|[^\s。！？]+\s*|\s+")
_SENTENCE_END: Final = re.compile(r"[.!?…][\"'”’»)\]]*\s+\Z|[。！？]\s*\Z")
_LONGEST_PIECE: Final = 20


class _Border(IntEnum):
    """Where a tree may be parted, best first."""

    BLOCK = 0
    INNER_BLOCK = 1
    LINE = 2
    SENTENCE = 3
    WORD = 4
    EARLY = 5  # the part before it would be less than a third of what there is room for
    NEIGHBOURS = 6  # words without a space between them
    WITHIN = 7  # a line of a fence, a word of code, bold or italics
    WITHIN_WORD = 8


class _Leaf(NamedTuple):
    """A word, a link, a line's end, and all that it stands in, the outermost first."""

    path: tuple[_Holder, ...]
    inline: Text | Break | Link


def split(blocks: Sequence[Block], show: _Show, room: int, size: _Measure = len) -> Iterator[str]:
    """What `show` makes of a tree, in parts of at most `room`, some hundreds at least, as `size` counts."""
    if size(whole := show(blocks)) <= room:
        yield from filter(None, [whole.strip()])
        return
    leaves = [leaf for block in blocks for leaf in _leaves(block, ())]
    before: tuple[_Holder, ...] = ()
    while leaves:
        shown, count = _part(leaves, before, show, room, size)
        if count:
            yield from filter(None, [shown])
            before = leaves[count - 1].path
        leaves = leaves[count:] if count else [*_cut(leaves[0]), *leaves[1:]]


def _part(
    leaves: Sequence[_Leaf], before: Sequence[_Holder], show: _Show, room: int, size: _Measure
) -> tuple[str, int]:
    """The next part and how many leaves it has; 0 when there is no room for one."""

    def shown(count: int) -> str:
        return show(_grown(leaves[:count], before)).strip()

    sizes = list(accumulate(_size(leaf) for leaf in leaves[: room + 1]))
    most = max(bisect_right(sizes, room), 1)
    fit = bisect_right(range(1, most + 1), room, key=lambda count: size(shown(count)))
    if fit in (0, len(leaves)):
        return shown(fit), fit
    third = bisect_right(sizes, sizes[fit - 1] // 3)
    count = min(range(1, fit + 1), key=lambda at: (_cost(leaves, at, third), -at))
    return shown(count), count


def _cost(leaves: Sequence[_Leaf], at: int, third: int) -> int:
    border = _border(leaves[at - 1], leaves[at])
    return border if at >= third else max(border, _Border.EARLY)


def _border(left: _Leaf, right: _Leaf) -> _Border:
    """What lies between two leaves that follow each other."""
    if left.path[0] is not right.path[0]:
        return _Border.BLOCK
    common = [a for a, b in zip(left.path, right.path, strict=False) if a is b]
    if isinstance(common[-1], _SPANS):
        ends = "\n" if isinstance(common[-1], Fence) else (" ", "\n")
        whole = isinstance(left.inline, Text) and left.inline.text.endswith(ends)
        return _Border.WITHIN if whole else _Border.WITHIN_WORD
    if isinstance(common[-1], List | Item | Quote):
        return _Border.INNER_BLOCK
    border = _between_words(left.inline, right.inline)
    return _Border.WITHIN_WORD if border is _Border.NEIGHBOURS and _is_one_text(left, right) else border


def _between_words(left: Inline, right: Inline) -> _Border:
    if isinstance(left, Break) or isinstance(right, Break):
        return _Border.LINE
    before = left.text if isinstance(left, Text) else ""
    if _SENTENCE_END.search(before):
        return _Border.SENTENCE
    if before[-1:].isspace() or (isinstance(right, Text) and right.text[:1].isspace()):
        return _Border.WORD
    return _Border.NEIGHBOURS


def _is_one_text(left: _Leaf, right: _Leaf) -> bool:
    """Whether two leaves are pieces of one text."""
    return left.path[-1] is right.path[-1] and isinstance(left.inline, Text) and isinstance(right.inline, Text)


def _leaves(node: Block | Item | Inline, path: tuple[_Holder, ...]) -> Iterator[_Leaf]:
    if isinstance(node, Text):
        yield from (_Leaf(path, Text(piece)) for piece in list(_pieces(node.text)) or [""])
    elif isinstance(node, _HOLDERS):
        for child in node.children or (Text(""),):
            yield from _leaves(child, (*path, node))
    else:
        yield _Leaf(path, node)


def _pieces(text: str) -> Iterator[str]:
    """Words with the space behind them, and those that are very long in pieces."""
    for word in _WORD.findall(text):
        yield from _PIECE.findall(word) if len(word) > _LONGEST_PIECE else (word,)


def _cut(leaf: _Leaf) -> list[_Leaf]:
    """A link that no message has room for is words like others, and its address too."""
    if not isinstance(leaf.inline, Link):
        raise ValueError("No text fits into so small a message.")
    words = words_of(leaf.inline.children)
    text = words if words == leaf.inline.address else f"{words} {leaf.inline.address}"
    return [_Leaf(leaf.path, Text(piece)) for piece in _pieces(text)]


def _size(leaf: _Leaf) -> int:
    return len(leaf.inline.text) if isinstance(leaf.inline, Text) else 1


def _grown(leaves: Sequence[_Leaf], before: Sequence[_Holder]) -> tuple[Block, ...]:
    """The tree of some leaves; `before` is what the leaf before them stood in."""
    while leaves and isinstance(leaves[-1].inline, Break):
        leaves = leaves[:-1]
    while leaves and isinstance(leaves[0].inline, Break):
        leaves = leaves[1:]
    return cast(tuple[Block, ...], _branches(leaves, 0, {id(holder) for holder in before}))


def _branches(leaves: Sequence[_Leaf], depth: int, begun: set[int]) -> tuple[Block | Item | Inline, ...]:
    grown: list[Block | Item | Inline] = []
    for holder, group in groupby(leaves, key=lambda leaf: id(leaf.path[depth]) if depth < len(leaf.path) else None):
        within = list(group)
        if holder is None:
            grown += [leaf.inline for leaf in within]
        else:
            grown.append(_branch(within[0].path[depth], _branches(within, depth + 1, begun), begun))
    return joined(cast(list[Inline], grown))


def _branch(holder: _Holder, children: tuple[Block | Item | Inline, ...], begun: set[int]) -> Block | Item | Inline:
    if isinstance(holder, Item) and id(holder) in begun:
        return replace(holder, marker="", children=cast(tuple[Block, ...], children))
    return cast(Block | Item | Inline, replace(holder, children=children))  # type: ignore[arg-type]
