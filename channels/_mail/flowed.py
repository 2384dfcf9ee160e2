"""Text whose lines a mail program broke (format=flowed, RFC 3676) -> the paragraphs as they were typed."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

_SIGNATURE: Final = "-- "


def unwrapped(text: str, *, without_spaces: bool) -> str:
    """The text with its soft breaks undone. `without_spaces` is DelSp, as scripts without spaces need it."""
    lines = [_parted(line) for line in text.split("\n")]
    return "\n".join(
        ("> " if depth > 0 else "") + line
        for depth, group in groupby(lines, key=lambda line: line[0])
        for line in _joined([words for _depth, words in group], without_spaces=without_spaces)
    )


def _parted(line: str) -> tuple[int, str]:
    """How deep a line is quoted, and what it says."""
    said = line.lstrip(">")
    depth, words = len(line) - len(said), said.removeprefix(" ")
    return depth, f"    {words}" if not depth and words.startswith(">") else words


def _joined(lines: list[str], *, without_spaces: bool) -> Iterator[str]:
    paragraph: list[str] = []
    for line in lines:
        flows = line.endswith(" ") and line != _SIGNATURE
        paragraph.append(line[:-1] if flows and without_spaces else line)
        if not flows or line == _SIGNATURE:
            yield "".join(paragraph)
            paragraph = []
    if paragraph:
        yield "".join(paragraph)
