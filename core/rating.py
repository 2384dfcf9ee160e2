"""How satisfied somebody is, as they say it: a digit, stars, a word, a sign, keyed on a telephone. Pure.

Only a message that is a rating and nothing else is one, or that begins with one and goes on after a full stop, a comma
or a new line; then the rest is still to be answered. A number within a sentence counts something else.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.messages import Choice
from core.phrases import say

BEST = 5
PLEASED, DISPLEASED = 4, 2  # at least, and at most
CHOICES = tuple(Choice(label=str(score), says=str(score)) for score in range(1, BEST + 1))
_FILE = Path(__file__).with_name("rating.toml")
_LONGEST = 80  # characters of a rating
_STAR = re.compile(r"[⭐★🌟]")
_SIGNS = re.compile(r"[\ufe0f\u200d\U0001f3fb-\U0001f3ff]")  # how an emoji is drawn
_OF_FIVE = re.compile(r"^([1-5])(?:[.,]0)?\s*/\s*5$")
_OF_TEN = re.compile(r"^(\d|10)\s*/\s*10$")
_COUNTS = re.compile(r"^\d|\b2[.)]\s")  # a range, or a list
_END = re.compile(
    r"[.!;,:]+(?=\s|$)|\s[-–—]\s|\n|\s(?=(?:but|because|pero|porque|aber|weil|mais|parce|mas|ma|maar|want|omdat)\s)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """1 to 5, and what was told beside it."""

    score: int
    rest: str = ""


def question(language: str, channel: str) -> str:
    """How we ask for a rating, in a channel's manner; the channel is named by its label."""
    manner = {"phone": "rate_spoken", "sms": "rate_short"}.get(channel.lower(), "rate")
    return say(manner, language)


def thanks(score: int, language: str) -> str:
    """What is said to a rating."""
    return say("rated_low" if score <= DISPLEASED else "rated", language)


def rating(text: str, *, digits: str = "") -> Rating | None:
    """The rating that a message gives; None for any other message. `digits` were keyed on a telephone."""
    if digits:
        return Rating(score=int(digits)) if digits in {"1", "2", "3", "4", "5"} else None
    for head, rest in _cuts(text.strip()):
        score = _score(head, alone=not rest)
        if score and not _COUNTS.search(rest):
            return Rating(score=score, rest=rest)
    return None


def _cuts(text: str) -> Iterable[tuple[str, str]]:
    """The message as a whole, then its beginnings with what comes after them; courtesies tell nothing."""
    if len(text) <= _LONGEST:
        yield text, ""
    for end in _END.finditer(text[: _LONGEST + 1]):
        head, rest = text[: end.start()], text[end.end() :].strip()
        yield head, "" if _is_polite(rest) else rest


def _is_polite(text: str) -> bool:
    return not re.search(r"\w", _words().polite.sub(" ", _folded(text)))


def _score(text: str, *, alone: bool) -> int:
    """1 to 5, or 0 where it is no rating. `alone`: nothing else is told."""
    folded = _folded(text)
    if not re.search(r"\w|[^\x00-\x7f]", folded):
        return 0
    if stars := _STAR.findall(folded):
        return len(stars) if len(stars) <= BEST and not _STAR.sub("", folded).strip(" .!") else 0
    bare = _words().beside.sub(" ", _words().polite.sub(" ", folded)).strip(" .,;:!")
    for core in (folded.strip(" .,;:!"), " ".join(bare.split())):
        if found := _of_scale(core) or _words().certain.get(core, 0) or (alone and _words().opening.get(core, 0)):
            return int(found)
    return 0


def _of_scale(text: str) -> int:
    if re.fullmatch(r"[1-5]", text):
        return int(text)
    if of_five := _OF_FIVE.match(text):
        return int(of_five[1])
    of_ten = _OF_TEN.match(text)
    return max((int(of_ten[1]) + 1) // 2, 1) if of_ten else 0


def _folded(text: str) -> str:
    """In lower case, without accents and without how an emoji is drawn."""
    plain = unicodedata.normalize("NFD", _SIGNS.sub("", text.lower().replace("’", "'")))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    certain: Mapping[str, int]
    opening: Mapping[str, int]
    beside: re.Pattern[str]
    polite: re.Pattern[str]


@cache
def _words() -> _Words:
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    beside = told["beside"]
    return _Words(
        certain=_scores(told["numbers"]) | _scores(told["words"]),
        opening=_scores(told["opening"]),
        beside=_any_of([*beside["before"], *beside["after"]]),
        polite=_any_of(beside["polite"]),
    )


def _scores(lists: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {_folded(word): int(score) for score, words in lists.items() for word in words}


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted({_folded(phrase) for phrase in phrases}, key=len, reverse=True)
    spaced = (phrase.replace("(", "(?:").replace(" ", r"\s*") for phrase in longest_first)
    return re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)")
