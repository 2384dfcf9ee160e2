"""A mail's text -> the author's own words, without quotes, signatures and what mail programs add around them.

One pass over the lines; every look ahead is a few lines and a few hundred characters, so the time is linear in the
text whatever it holds. In doubt a line stays: the author's words are never lost.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from channels._mail.attributions import (
    CITED,
    LONGEST,
    announced_inside,
    attribution,
    is_quoted,
    other_mark,
    own_part,
    quote_follows,
)
from channels._mail.endings import SIGNED, without_ending
from channels._mail.headings import heading
from channels._mail.phrases import ANSWERS_BELOW

_GAPS: Final = re.compile(r"\n{3,}")
_INSIDE: Final = re.compile(r"[>＞\s\x1e]{0,20}")
_INNER: Final = 8  # lines of a quote in which it may say whose it is
_MORE_THAN: Final = re.compile(r"> ?\d")
_MOST_ABOVE: Final = 12  # lines above a quote in which the author may say that there is more below

Lines = Sequence[str]


def own_words(text: str, *, answers: bool = True) -> str:
    """What the author wrote in this mail; the whole text if nothing else is left. Lines end in LF.

    `answers` is false for a mail that names no earlier one: there a ">" is a quote only where something says so.
    """
    kept = "\n".join(line for stretch in _Reading(text.split("\n"), answers=answers).stretches() for line in stretch)
    return _GAPS.sub("\n\n", _unmarked(kept)).strip() or _unmarked(text).strip()


def _unmarked(text: str) -> str:
    return text.replace(CITED, "").replace(SIGNED, "")


class _Reading:
    """One pass from the top: what is the author's, and where others begin."""

    def __init__(self, lines: Lines, *, answers: bool) -> None:
        self._lines = lines
        self._answers = answers
        self._announced = False  # an attribution was seen
        self._mark = ""  # the quote's sign, where it is not ">"
        self._own: list[str] = []

    def stretches(self) -> Iterator[list[str]]:
        """The author's lines between the quotes, each stretch without its signature."""
        at = 0
        while at < len(self._lines):
            quoted = self._quoted(at)
            theirs = self._is_anothers(at, quoted) if quoted else False
            width = quoted or self._announcing(at) or self._headed(at)
            if quoted and not theirs:
                self._own.extend(self._lines[at : at + quoted])
            elif width:
                yield self._taken()
            else:
                self._own.append(self._lines[at])
            at += width or 1
        yield self._taken()

    def _taken(self) -> list[str]:
        own, self._own = self._own, []
        kept = without_ending([line if line == "-- " else line.rstrip() for line in own])
        apart = len(kept) < len(own) and not own[len(kept)].strip()
        return [*kept, ""] if apart else kept

    def _quoted(self, at: int) -> int:
        """How many marked lines stand here."""
        end = at
        while end < len(self._lines) and is_quoted(self._lines[end], self._mark):
            end += 1
        return end - at

    def _announcing(self, at: int) -> int:
        width = attribution(self._lines, at)
        if width:
            if own := own_part(self._lines[at]):
                self._own.append(own)
            self._announced = True
            self._mark = self._mark or other_mark(self._lines, at + width)
        return width

    def _headed(self, at: int) -> int:
        """Another's mail as a whole: all that is left, unless its lines are marked or the author answers inside."""
        width = heading(self._lines, at)
        if not width:
            return 0
        if quote_follows(self._lines, at + width):
            self._announced = True
            return width
        above = " ".join(self._own[-_MOST_ABOVE:])[:LONGEST].casefold()
        return 0 if any(said in above for said in ANSWERS_BELOW) else len(self._lines) - at

    def _is_anothers(self, at: int, width: int) -> bool:
        """Whether these marked lines are a quote, and not something that the author marked so."""
        if self._lines[at].startswith(CITED) or (not self._announced and self._announces(at, width)):
            self._announced = True
            return True
        if self._is_introduced() or (width == 1 and self._goes_on(at)):
            return False
        return self._announced or (self._answers and not self._announced_below)

    def _announces(self, at: int, width: int) -> bool:
        """Whether a quote says within itself whose it is, as Apple's do."""
        head = self._lines[at : at + min(width, _INNER)]
        if not any(line[-9:].rstrip().endswith((":", "：")) for line in head):
            return False
        inner = [_INSIDE.sub("", line[:LONGEST], count=1) for line in head]
        return any(announced_inside(inner, line) for line in range(min(3, len(inner))))

    def _is_introduced(self) -> bool:
        """Whether the author's last line says what comes: "It shows this:"."""
        above = next((line for line in reversed(self._own[-2:]) if line.strip()), "")
        return above.rstrip().endswith((":", "："))

    def _goes_on(self, at: int) -> bool:
        """Whether a ">" among the author's lines is theirs: "> 5 years", or a mailbox file's ">From"."""
        above, line = self._own[-1:], self._lines[at]
        unended = bool(above) and above[0].rstrip()[-1:].isalnum()
        return line.startswith(">From ") or (unended and _MORE_THAN.match(line) is not None)

    @cached_property
    def _announced_below(self) -> bool:
        """Whether there is an attribution, seen from the first quote: what stands above it is no quote."""
        lines = self._lines
        return any(not is_quoted(line) and attribution(lines, at) > 0 for at, line in enumerate(lines))
