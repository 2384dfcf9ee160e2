"""What mail programs write above a mail that they quote or forward as a whole: a title, or a block of its headers."""

import re
from collections.abc import Sequence
from typing import Final

from channels._mail.attributions import LONGEST, bare_attribution, is_quoted, quote_follows
from channels._mail.phrases import ABOVE_THIS_LINE, ALONE, BETWEEN_DASHES, LABELS, Label

Lines = Sequence[str]

RULE: Final = re.compile(r"[\s_*=\-‐–—\x1e\x1f]*")
_BLOCK: Final = 16  # lines in which such headers stand
_LONGEST_TITLE: Final = 80
_SHORTEST_RULE: Final = 5
_SIGNS: Final = " -_*=#>\t\xa0‐—–－"
_LABEL: Final = re.compile(r"[ *\t\xa0]{0,4}([^\W\d_][^:：*<>@]{0,18}?)[ *\t\xa0]{0,3}[:：]")


def heading(lines: Lines, at: int) -> int:
    """How many lines the head of another's mail takes here; 0 if none begins here."""
    line = lines[at]
    if len(line) > LONGEST or not line.strip() or is_quoted(line):
        return 0
    if _is_title(lines, at):
        below = at + 1
        while below < min(len(lines), at + 3) and not lines[below].strip():
            below += 1
        return below - at + (_headers(lines, below)[0] if below < len(lines) else 0)
    if _label(line):
        return _header_block(lines, at)
    return bare_attribution(lines, at) if _stands_apart(lines, at) else 0


def _is_title(lines: Lines, at: int) -> bool:
    line = lines[at]
    if len(line) > _LONGEST_TITLE:
        return False
    title = line.strip(_SIGNS).casefold().rstrip(" :：\xa0")
    if any(sign in title for sign in ABOVE_THIS_LINE):
        return True
    dashed = line.lstrip(" *").startswith(("--", "__", "==", "—", "－", "‐"))
    if dashed and (title in BETWEEN_DASHES or title.startswith("forwarded by ")):
        return line.rstrip(" *:\xa0").endswith(("-", "_", "=", "—", "－", "‐")) or _introduces(lines, at + 1)
    return title in ALONE and _stands_apart(lines, at) and _introduces(lines, at + 1)


def _introduces(lines: Lines, below: int) -> bool:
    return quote_follows(lines, below) or any(_label(line) for line in lines[below : below + 3])


def _header_block(lines: Lines, at: int) -> int:
    width, labels = _headers(lines, at)
    if not {"from", "subject"} <= labels and not {"from", "sent", "to"} <= labels:
        return 0
    if labels.isdisjoint({"sent", "date", "to"}):
        return 0
    certain = "sent" in labels or _below_rule(lines, at)
    addressed = any("@" in line[:LONGEST] for line in lines[at : at + width])
    return width if certain or (addressed and _stands_apart(lines, at)) else 0


def _headers(lines: Lines, at: int) -> tuple[int, set[Label]]:
    """How many lines such headers take here, and which they are."""
    labels: set[Label] = set()
    here = at
    for here in range(at, min(len(lines), at + _BLOCK)):
        label = _label(lines[here])
        if label in labels:
            return here - at, labels
        if label:
            labels.add(label)
        elif not lines[here].strip():
            if not (labels and here + 1 < len(lines) and _label(lines[here + 1])):
                return here - at, labels
        elif not labels:
            return 0, labels
    return here + 1 - at, labels


def _label(line: str) -> Label | None:
    match = _LABEL.match(line[:40])
    return LABELS.get(match[1].strip(" \xa0").casefold()) if match else None


def _stands_apart(lines: Lines, at: int) -> bool:
    """Whether no words stand right above."""
    return at == 0 or RULE.fullmatch(lines[at - 1][:LONGEST]) is not None


def _below_rule(lines: Lines, at: int) -> bool:
    above = [line.strip() for line in lines[max(0, at - 2) : at]]
    return any(len(line) >= _SHORTEST_RULE and RULE.fullmatch(line[:LONGEST]) for line in above)
