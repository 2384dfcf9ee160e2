"""The line by which a mail program announces a quote: "On Monday, Ann <ann@shop.test> wrote:"."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from channels._mail.phrases import OPENINGS, WROTE

Lines = Sequence[str]

CITED: Final = "\x1e"  # before a line that HTML marks as another's; no mail can hold it
LONGEST: Final = 300  # characters of a line that a mail program wrote
_UNSEEN: Final = " \t\xa0\u200b\u200e\u200f\u202a\u202b\u202c\ufeff"
_WRAPS: Final = 4  # lines over which an attribution is wrapped
_NEAR: Final = 4  # lines within which its quote begins
_DATE: Final = re.compile(r"\b(?:19|20|25)\d\d(?!\d)|\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4}|\d월|\d月")
_TIME: Final = re.compile(r"\b\d{1,2}[:.h]\d{2}")
_ADDRESSEE: Final = re.compile(r"[^.!?<]{0,80}<[^<>]{1,120}@[^<>]{1,120}>")
_NAMED: Final = re.compile(
    r"""(?:quoting |zitat von |citando |quoted from )?[^.!?<:]{0,80}<[^<>\s]{1,120}@[^<>\s]{1,120}>(?: writes)?:"""
)
_BRACKETED: Final = re.compile(r"[<(\[][^<>()\[\]\s]{1,120}@")
_ZONED: Final = re.compile(
    rf" (?:gmt|utc)[+\d:-]{{0,6}} [^<>()\[\]\s@]{{1,120}}@[^<>()\[\]\s@]{{1,120}} (?:{'|'.join(WROTE)}) ?:$"
)
_BY_ADDRESS: Final = re.compile(r" [^<>()\[\]\s@]{1,120}@[^<>()\[\]\s@]{1,120}:$")
_BY_NAME: Final = re.compile(
    r"""["'*]?[^\W\d_a-z][\w.'’-]+(?: [^\W\d_a-z][\w.'’-]*){0,3}["'*]?,? """
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev|napisał) ?:"
)
_RUN_ON: Final = re.compile(
    r"\s{0,8}(?:On|Am|Le|El|Il|Em|Op|Den) [^<>\n]{10,160}<[^<>@\s]{1,80}@[^<>\s]{1,120}> ?"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev) ?:"
)
_MIDWAY: Final = re.compile(r"([.!?)]) {1,3}(?:On|Am|Le|El|Il|Em|Op|Den) (?=[^.]{0,40}\d)")
_PRONOUNS: Final = ("he ", "she ", "you ", "they ", "we ", "it ", "er ", "sie ", "ich ", "il ", "elle ", "je ", "on ")
_QUOTED: Final = re.compile(r" {0,3}(?:>|＞|\x1e)")
_OTHER_MARK: Final = re.compile(r" ?(\||》|[A-Z][A-Za-z]{0,3}>)")


def is_quoted(line: str, mark: str = "") -> bool:
    """Whether a line bears the sign of a quote; `mark` is one that this mail uses beside ">"."""
    return _QUOTED.match(line) is not None or (mark != "" and line.lstrip().startswith(mark))


def other_mark(lines: Lines, at: int) -> str:
    """The sign of the quote that begins here, where it is not ">"."""
    match = _OTHER_MARK.match(_next(lines, at))
    return match[1] if match else ""


def quote_follows(lines: Lines, at: int) -> bool:
    """Whether the next line with words is a quote."""
    return is_quoted(_next(lines, at))


def attribution(lines: Lines, at: int) -> int:
    """How many lines an attribution with a marked quote below takes here; 0 if none begins here."""
    return _width(lines, at, marked=True)


def bare_attribution(lines: Lines, at: int) -> int:
    """The same for one whose quote bears no marks: only what a mail program alone would write so.

    Yahoo's goes on with the quote on the same line.
    """
    if _RUN_ON.match(lines[at]):
        return 1
    return _width(lines, at, marked=False)


def own_part(line: str) -> str:
    """What the author wrote on a line before an attribution goes on in it."""
    before = [match.end(1) for match in _MIDWAY.finditer(line[:LONGEST])]
    return line[: before[-1]] if before else ""


def announced_inside(lines: Lines, at: int) -> bool:
    """Whether lines of a quote, without their marks, say whose it is: so does Apple's mail program."""
    widths = range(1, _WRAPS + 1)
    return any(_closes(lines, at, width) and _announces(_joined(lines, at, width)) for width in widths)


def _width(lines: Lines, at: int, *, marked: bool) -> int:
    if not _may_begin(lines[at]):
        return 0
    width = next((width for width in range(1, _WRAPS + 1) if _closes(lines, at, width)), 0)
    if not width or not _matches(lines, at, width, marked=marked):
        return 0
    if any(_begins_later(lines, at, later, width, marked=marked) for later in range(1, width)):
        return 0
    return width


def _may_begin(line: str) -> bool:
    """Whether such a line could begin so; most lines cannot."""
    said = line[:LONGEST].casefold()
    return "<" in said or "@" in said or _opens(line) or any(map(str.isdigit, said)) or _says_wrote(said)


def _begins_later(lines: Lines, at: int, later: int, width: int, *, marked: bool) -> bool:
    """Whether the line below is where it begins, and this one is the author's."""
    above, below = lines[at], lines[at + later].lstrip()
    if below.startswith("<") and _is_dated(above):
        return False
    begun = _opens(above) or _ADDRESSEE.match(above)
    broken_off = _is_dated(above) or below[:1].isdigit() or _ADDRESSEE.match(above)
    fits = _opens(below) or not begun or not broken_off
    return fits and _matches(lines, at + later, width - later, marked=marked)


def _opens(line: str) -> bool:
    return line.lstrip()[:10].casefold().startswith(OPENINGS)


def _matches(lines: Lines, at: int, width: int, *, marked: bool) -> bool:
    if not _closes(lines, at, width):
        return False
    written = _joined(lines, at, width)
    if written.endswith("--"):
        announces = _is_dashed(written.casefold())
    else:
        announces = _announces(written) if marked else _is_unmistakable(written.casefold())
    return announces and (not marked or _something_quoted(lines, at + width, written))


def _closes(lines: Lines, at: int, width: int) -> bool:
    """Whether so many lines could be one that was wrapped, and end as an attribution does."""
    wrapped = lines[at : at + width]
    if len(wrapped) < width or not wrapped[-1][-9:].rstrip(_UNSEEN).endswith((":", "：", "--")):
        return False
    return all(line.strip() and len(line) <= LONGEST for line in wrapped)


def _joined(lines: Lines, at: int, width: int) -> str:
    return " ".join(line.strip(_UNSEEN) for line in lines[at : at + width])


def _something_quoted(lines: Lines, below: int, written: str) -> bool:
    return quote_follows(lines, below) or (_TIME.search(written) is not None and other_mark(lines, below) != "")


def _is_dashed(said: str) -> bool:
    """Whether it is one of those between dashes: Zoho's bears a date, that of Notes an address."""
    inner = said.strip(" -").removesuffix(":").rstrip()
    return (
        said.startswith("--") and inner.endswith(WROTE) and (_is_dated(inner) or _BRACKETED.search(inner) is not None)
    )


def _is_unmistakable(said: str) -> bool:
    addressed = _BRACKETED.search(said) is not None or _ZONED.search(said) is not None
    return addressed and _says_wrote(said) and _is_dated(said)


def _announces(written: str) -> bool:
    said = written.casefold()
    if _says_wrote(said):
        return _is_dated(said) or (_BY_NAME.fullmatch(written) is not None and not said.startswith(_PRONOUNS))
    addressed = _BRACKETED.search(said) is not None and said.endswith((":", "："))
    timed = _TIME.search(said) is not None and _DATE.search(said) is not None
    by = timed and _BY_ADDRESS.search(said) is not None
    return by or (addressed and _is_dated(said)) or _NAMED.fullmatch(said) is not None


def _says_wrote(said: str) -> bool:
    return any(verb in said for verb in WROTE)


def _is_dated(said: str) -> bool:
    return _DATE.search(said) is not None or _TIME.search(said) is not None


def _next(lines: Lines, at: int) -> str:
    return next(filter(str.strip, islice(lines, at, at + _NEAR)), "")
