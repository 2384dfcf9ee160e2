"""What stands below the author's words and is none of them: signatures, devices, addresses, lawyers' notices."""

import re
from collections.abc import Sequence
from typing import Final

from channels._mail.attributions import LONGEST
from channels._mail.headings import RULE
from channels._mail.phrases import (
    ADVERTS,
    BESIDE_DEVICES,
    CLOSINGS,
    COMPANIES,
    DEVICE_FIRST,
    DEVICES,
    EXCUSES,
    MEANT_FOR,
    NOTICES,
    OF_THE_MATTER,
    POSTS,
    REACHED_AT,
    REGISTERED,
    SECRET,
    SENT_FROM,
    SENT_LAST,
)

Lines = Sequence[str]

SIGNED: Final = "\x1f"  # before a line that HTML marks as a signature; no mail can hold it
_MOST_SIGNED: Final = 30  # lines of a signature with its notices
_MOST_BARE: Final = 10  # lines below a "--" that lost its space
_MOST_CARD: Final = 12
_DEVICE: Final = 12  # words in which a device is named
_SENTENCE: Final = 5  # words from which on small letters make a sentence
_MOST_NOTICE: Final = 40  # lines
_LONGEST_NOTICE: Final = 4000
_MOST_FOOTER: Final = 6  # lines of a mailing list's
_TIMES: Final = 6
_MOST_SMALL: Final = 2  # words in small letters on the line of an address
_LONGEST_CARD: Final = 90
_TITLE: Final = 8  # words

_LINK: Final = re.compile(r"<?https?://\S{1,280}>?")
_LINKED: Final = re.compile(r"[(<]{1,2}\s?https?://[^\s<>()]{1,280}\s?[>)]{1,2}")
_NUMBER: Final = re.compile(r"[+(]?[\d(][\d\s()./-]{5,24}")
_LIST_RULE: Final = re.compile(r"_{20,80}")
_OF_A_PERSON: Final = re.compile(r"\?|\b(?:i|my|ich|mein|je|mon|mi|yo|mio|meu|eu)\b")  # which no notice holds
_COMPANY: Final = re.compile(r" (?:[A-Z][\w&]{0,3}\.){1,3}$")
_PICTURE: Final = re.compile(r"\[(?:cid|image|inline image)[: ][^\[\]]{1,200}\]")
_PARTED: Final = re.compile(r" [|·•] ")
_POSTAL: Final = re.compile(r"\d{4,6} [^\W\d_]|\d{1,5}[a-z]? [^\W\d_]|.{3,40} \d{1,4}[a-z]?,?$|.{1,60},")


def without_ending(lines: Lines) -> list[str]:
    """A stretch of the author's lines without what ends it."""
    signed = [line.removeprefix(SIGNED) for line in lines if line.startswith(SIGNED)]
    told = len(signed) > _MOST_SIGNED or any(line.endswith("?") or _of_the_matter(line) for line in signed)
    kept = [line for line in lines if told or not line.startswith(SIGNED)]
    kept = kept[: _signed_from(kept)]
    for _ in range(_TIMES):
        _strip(kept)
        shorter = kept[: _ends_at(kept)]
        if len(shorter) == len(kept):
            break
        kept = shorter
    return kept[: _card_from(kept)]


def _strip(kept: list[str]) -> None:
    while kept and RULE.fullmatch(kept[-1][:LONGEST]):
        kept.pop()


def _signed_from(lines: Lines) -> int:
    """Where "-- " begins the signature, or the same without its space."""
    begin = _tail(lines, _MOST_SIGNED + 1)
    dashes = [at for at in range(begin, len(lines)) if lines[at].strip() in {"--", "—", "---"}]
    full = next((at for at in dashes if lines[at].rstrip("\xa0") == "-- "), -1)
    if full >= 0:
        return full
    last = dashes[-1] if dashes else len(lines)
    below = [line for line in lines[last + 1 : last + _MOST_SIGNED] if line.strip()]
    if not below or lines[last].strip() == "---" or _closing(below[0]):
        return len(lines)
    short = len(below) <= _MOST_BARE and len(lines) - last < _MOST_SIGNED
    return last if short and not any(map(_is_sentence, below)) else len(lines)


def _tail(lines: Lines, most: int) -> int:
    """Where the last so many lines with words begin, blank ones beside them not counted."""
    at, blanks = len(lines), 2 * most
    while at and most and blanks:
        at -= 1
        most, blanks = (most - 1, blanks) if lines[at].strip() else (most, blanks - 1)
    return at


def _is_sentence(line: str) -> bool:
    """Whether this is what people say, rather than who they are and where."""
    said = line.strip()[:LONGEST]
    words = said.split()
    if said.endswith("?") or _of_the_matter(said):
        return True
    if _is_notice_line(said.casefold()):
        return False
    small = sum(word[0].islower() for word in words)
    return len(words) >= _SENTENCE and 2 * small >= len(words) and "|" not in said


def _of_the_matter(said: str) -> bool:
    return said.lstrip(" *").casefold().startswith(OF_THE_MATTER)


def _ends_at(lines: Lines) -> int:
    """Where a device, a picture's place or a notice is named at the very end."""
    if not lines:
        return 0
    last, at = lines[-1], len(lines) - 1
    if is_device(last) or _PICTURE.fullmatch(last.strip()[:LONGEST]):
        return at
    if at and _LINK.fullmatch(last.strip()[:LONGEST]) and is_device(lines[-2]):
        return at - 1
    if last.strip(" *_")[:LONGEST].casefold().startswith(ADVERTS):
        return at
    return min(_notice_from(lines), _list_from(lines))


def is_device(line: str) -> bool:
    """Whether a mail program names itself or its device here."""
    if len(line) > LONGEST:
        return False
    said = _LINKED.sub("", line).strip(" *_[]()\t\xa0-").replace("[", "").replace("]", "")
    first, _stop, more = said.partition(". ")
    said = first if more.casefold().startswith(EXCUSES) else said
    folded = said.casefold()
    formula = next((one for one in SENT_FROM if folded.startswith(one)), "")
    if not formula and not (folded.startswith(DEVICE_FIRST) and folded.endswith(SENT_LAST)):
        return False
    words = said.split()
    named = len(words) <= _DEVICE and any(device in folded for device in DEVICES)
    return named and all(map(_beside_device, words[len(formula.split()) or 1 :]))


def _beside_device(word: str) -> bool:
    bare = word.strip(".,;:!()[]'’")
    return not bare[:1].islower() or bare.casefold() in BESIDE_DEVICES or any(d in bare.casefold() for d in DEVICES)


def _notice_from(lines: Lines) -> int:
    """Where in the last paragraph a company's server begins to speak, if it does."""
    at = len(lines)
    while at and lines[at - 1].strip() and len(lines) - at < _MOST_NOTICE:
        at -= 1
    begins = (here for here in range(at, len(lines)) if _is_notice_line(lines[here][:LONGEST].casefold()))
    begin = next(begins, len(lines))
    return begin if _is_notice(" ".join(lines[begin:])[:_LONGEST_NOTICE]) else len(lines)


def _list_from(lines: Lines) -> int:
    """Where a mailing list's footer begins: a long rule, and the list's name."""
    begin = max(0, len(lines) - _MOST_FOOTER)
    rule = next((at for at in range(begin, len(lines) - 1) if _LIST_RULE.fullmatch(lines[at].strip())), len(lines))
    return rule if "mailing list" in " ".join(lines[rule + 1 : rule + 3])[:LONGEST].casefold() else len(lines)


def _is_notice(paragraph: str) -> bool:
    said = paragraph.casefold()
    return (
        _is_notice_line(said)
        and any(word in said for word in SECRET)
        and any(word in said for word in MEANT_FOR)
        and len(said.split()) >= 2 * _SENTENCE
        and not _OF_A_PERSON.search(said)
    )


def _is_notice_line(said: str) -> bool:
    return said.lstrip(" *_-[(").startswith((*NOTICES, *ADVERTS))


def _card_from(lines: Lines) -> int:
    """Below "Best regards" and a name: where a block of titles, numbers and addresses begins."""
    for closing in range(len(lines) - 1, max(-1, len(lines) - 2 * _MOST_CARD), -1):
        if _closing(lines[closing]):
            named = [at for at in range(closing + 1, len(lines)) if lines[at].strip()]
            card = [lines[at] for at in named[1:]]
            is_card = 0 < len(card) <= _MOST_CARD and any(map(_reaches, card)) and all(map(_on_a_card, card))
            return named[1] if is_card else len(lines)
    return len(lines)


def _closing(line: str) -> bool:
    return line.strip(" ,.!*\xa0")[:60].casefold() in CLOSINGS


def _reaches(line: str) -> bool:
    said = line.strip(" *<>")[:LONGEST]
    return (
        said.casefold().startswith(REACHED_AT)
        or _NUMBER.fullmatch(said) is not None
        or _LINK.fullmatch(said) is not None
        or (" " not in said and "@" in said)
    ) and not _tells(said)


def _tells(said: str) -> bool:
    """Whether it goes on in small letters, as a sentence does."""
    return sum(word[0].islower() for word in said.split()[1:]) > _MOST_SMALL


def _on_a_card(line: str) -> bool:
    """Whether it could stand on a business card; several things there are parted by bars or dots."""
    return all(map(_is_on_a_card, filter(str.strip, _PARTED.split(line[:LONGEST]))))


def _is_on_a_card(line: str) -> bool:
    said = line.strip(" *")
    if _of_the_matter(said) or said.endswith(("?", "!")) or len(said) > _LONGEST_CARD:
        return False
    words, folded = said.split(), said.casefold()
    if _reaches(line) or _PICTURE.fullmatch(said) or folded.startswith(REGISTERED):
        return True
    if len(words) <= _TITLE and (folded.endswith(COMPANIES) or (said[-1:].isalpha() and folded.startswith(POSTS))):
        return True
    titled = sum(word[0].islower() for word in words) <= len(words) // 3
    digits = any(map(str.isdigit, said))
    stops = said.endswith((":", ";")) or (said.endswith(".") and not _COMPANY.search(said))
    return titled and len(words) <= _TITLE and not stops and (not digits or _POSTAL.match(said) is not None)
