"""A mail's text -> the author's own words, without quotes, signatures and what mail programs add around them.

One pass over the lines; every look ahead is a few lines and a few hundred characters, so the time is linear in the
text whatever it holds. In doubt a line stays: the author's words are never lost.
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from channels._mail.phrases import ALONE, BETWEEN_DASHES, DEVICES, LABELS, OPENINGS, SENT_FROM, WROTE, Label

_DATE: Final = re.compile(r"\b\d{4}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_RULE: Final = re.compile(r"[\s_*=-]*")
_GAPS: Final = re.compile(r"\n{3,}")
_LONGEST: Final = 300  # characters of a line that a mail program wrote
_WRAPS: Final = 3  # lines over which an attribution is wrapped
_SIGNATURE: Final = 10  # lines after a "--" that lost its space
_DEVICE: Final = 8  # words in which a device is named
_BLOCK: Final = 12  # lines in which Outlook's headers stand
_NEAR: Final = 4

Lines = Sequence[str]


def own_words(text: str) -> str:
    """What the author wrote in this mail; the whole text if nothing else is left. Lines end in LF."""
    kept = "\n".join(_kept(text.split("\n")))
    return _GAPS.sub("\n\n", kept).strip() or text.strip()


def _kept(lines: Lines) -> list[str]:
    kept: list[str] = []
    at, signed = 0, False
    while at < len(lines):
        width = 1 if _is_quoted(lines[at]) else _attribution(lines, at)
        if width and (_is_quoted(lines[at]) or _quote_follows(lines, at + width)):
            at, signed = at + width, False
            continue
        if width or _quote_begins(lines, at):
            break
        signed = signed or _is_signature(lines, at)
        if not signed and not _is_device(lines, at):
            kept.append(lines[at].rstrip())
        at += 1
    while kept and _RULE.fullmatch(kept[-1][:_LONGEST]):
        kept.pop()
    return kept


def _is_quoted(line: str) -> bool:
    return line.startswith((">", " >", "  >"))


def _attribution(lines: Lines, at: int) -> int:
    """How many lines "On Monday, Ann wrote:" takes here; 0 if none begins here."""
    widths = [width for width in range(1, _WRAPS + 1) if _is_attribution(lines, at, width)]
    if not widths or any(_begins_later(lines, at, later, widths[0]) for later in range(1, widths[0])):
        return 0
    return widths[0]


def _begins_later(lines: Lines, at: int, later: int, width: int) -> bool:
    own = _opens(lines[at])
    return (_opens(lines[at + later]) or not own) and _is_attribution(lines, at + later, width - later)


def _opens(line: str) -> bool:
    return line.lstrip()[:10].casefold().startswith(OPENINGS)


def _is_attribution(lines: Lines, at: int, width: int) -> bool:
    wrapped = lines[at : at + width]
    if len(wrapped) < width or not wrapped[-1][-9:].rstrip().endswith((":", "：")):
        return False
    if any(len(line) > _LONGEST or not line.strip() for line in wrapped):
        return False
    joined = " ".join(line.strip() for line in wrapped).casefold()
    named = any(verb in joined for verb in WROTE) or (joined[0].isdigit() and joined.endswith(">:"))
    if not (named and _DATE.search(joined)):
        return False
    return "@" in joined or _quote_follows(lines, at + width)


def _quote_follows(lines: Lines, at: int) -> bool:
    following = next(filter(str.strip, islice(lines, at, at + _NEAR)), "")
    return _is_quoted(following)


def _quote_begins(lines: Lines, at: int) -> bool:
    """Whether all from here on was written by others, without marks on its lines."""
    line = lines[at]
    if len(line) > _LONGEST or not line.strip():
        return False
    title = line.strip(" -_*=\t\xa0").casefold().rstrip(" :\xa0")
    if title in ALONE or (title in BETWEEN_DASHES and line.lstrip().startswith("--")):
        return True
    return _label(line) == "from" and _is_header_block(lines[at + 1 : at + _BLOCK])


def _is_header_block(lines: Lines) -> bool:
    labels: set[Label | None] = set()
    for line in lines:
        if not line.strip():
            break
        labels.add(_label(line))
    return "subject" in labels and not labels.isdisjoint({"date", "to"})


def _label(line: str) -> Label | None:
    name, colon, _value = line[:30].replace("：", ":").partition(":")
    return LABELS.get(name.strip(" *\t\xa0").casefold()) if colon else None


def _is_signature(lines: Lines, at: int) -> bool:
    if lines[at] == "-- ":
        return True
    return _is_dash(lines[at]) and _closes(lines, at + 1, _SIGNATURE)


def _is_dash(line: str) -> bool:
    return line.strip() in {"--", "—"}


def _is_device(lines: Lines, at: int) -> bool:
    line = lines[at]
    if len(line) > _LONGEST:
        return False
    said = line.strip(" *_[(\t\xa0").partition("<")[0].casefold()
    named = said.startswith(SENT_FROM) and any(device in said for device in DEVICES)
    return named and len(said.split()) <= _DEVICE and _closes(lines, at + 1, 0)


def _closes(lines: Lines, at: int, most: int) -> bool:
    """Whether at most so many lines with words stand here before a quote or the end."""
    words = 0
    for here in range(at, min(len(lines), at + most + 2 * _NEAR)):
        if _is_quoted(lines[here]) or _quote_begins(lines, here) or _attribution(lines, here):
            return True
        words += _RULE.fullmatch(lines[here][:_LONGEST]) is None
        if words > most or _is_dash(lines[here]):
            return False
    return at + most + 2 * _NEAR >= len(lines)
