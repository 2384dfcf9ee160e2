"""Signatures that a mail's HTML version marks, found again in its plain version, which has no sign for them."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from channels._mail.endings import SIGNED

_MOST_SIGNED: Final = 30  # lines
_LINK: Final = re.compile(r"[<(](?:https?:|mailto:)[^<>()\s]{1,280}[>)]|\[cid:[^\[\]]{1,200}\]")


def signature_lines(text: str) -> Sequence[str]:
    """The lines that are marked as a signature in a text made of HTML; none if there are too many."""
    signed = [line.removeprefix(SIGNED) for line in text.split("\n") if line.startswith(SIGNED)]
    return [line for line in signed if _bare(line)] if len(signed) <= _MOST_SIGNED else ()


def signed_as(text: str, signature: Sequence[str]) -> str:
    """The text with these lines marked, where they stand together and all of them; else the text as it is."""
    lines = text.split("\n")
    sought = list(map(_bare, signature))
    for at in _found(lines, sought):
        lines[at] = SIGNED + lines[at]
    return "\n".join(lines)


def _found(lines: Sequence[str], sought: Sequence[str]) -> Sequence[int]:
    """Where they stand for the first time."""
    if not sought:
        return ()
    worded = list(_worded(lines))
    said = [words for _at, words in worded]
    starts = (at for at, words in enumerate(said) if words == sought[0])
    first = next((at for at in starts if said[at : at + len(sought)] == sought), len(worded))
    return [at for at, _words in worded[first : first + len(sought)]]


def _worded(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines with words, and their numbers."""
    return ((at, bare) for at, line in enumerate(lines) if (bare := _bare(line)))


def _bare(line: str) -> str:
    return "".join(_LINK.sub("", line).split())
