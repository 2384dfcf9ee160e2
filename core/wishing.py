"""The wish to go on elsewhere: to link accounts by a code, or to call. Told by what such a wish is made of, in any of
our languages, sentence by sentence; the words stand in wishing.toml. Pure.
"""

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal

from core.alternatives import any_of

Wish = Literal["code", "call", ""]

_LOOKED_AT = 500  # characters of a message; such a wish comes early or not at all
_LONGEST = 26  # words of a sentence
_CLAUSE = re.compile(r"[,:]\s+|\b(?:because|since|weil|porque|parce que|perch[eé]|omdat)\b")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")


def wish(text: str) -> Wish:
    """What a customer wishes: a code, to call, or nothing of the kind."""
    wishes = [_wish(sentence) for sentence in _sentences(text)]
    return "call" if "call" in wishes else "code" if "code" in wishes else ""


def without_wishes(text: str) -> str:
    """What is left of a text without the wishes for a code, a link or a call; the text itself where it has none."""
    parts = _SENTENCE.split(text)
    beside = [_beside_a_wish(part) for part in parts]
    return text if beside == parts else " ".join(filter(None, beside))


def _beside_a_wish(sentence: str) -> str:
    if not _wish(_folded(sentence)):
        return sentence
    clauses = _CLAUSE.split(sentence)
    beside = [clause for clause in clauses if not _wish(_folded(clause))]
    return " ".join(beside) if len(beside) < len(clauses) else ""


def _wish(sentence: str) -> Wish:
    if not sentence or len(sentence.split()) > _LONGEST:
        return ""
    return "call" if _is_call(sentence) else "code" if _is_code(sentence) or _is_link(sentence) else ""


def _is_call(said: str) -> bool:
    if _names("others", said):
        return False
    if _names("number", said) and not _names("of_theirs", said):
        return True
    return _names("calling", said) or (_names("by_phone", said) and _names("rather", said))


def _is_code(said: str) -> bool:
    if not _names("code", said) or _names("other_code", said):
        return False
    return any(_names(what, said) for what in ("want", "going_on", "join", "typing"))


def _is_link(said: str) -> bool:
    """They join what is theirs, or go on with this there; no thing, and no trouble that they have with it."""
    if _names("thing", said):
        return False
    joins = all(_names(what, said) for what in ("join", "ours", "whose"))
    goes = _names("there", said) and (_names("going_on", said) or (_names("typing", said) and _names("known", said)))
    return joins or goes


def _sentences(text: str) -> list[str]:
    return [_folded(part) for part in _SENTENCE.split(text[:_LOOKED_AT])]


def _folded(text: str) -> str:
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFD", text.casefold().translate({0x2019: "'", 0x2018: "'"}))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def _names(what: str, said: str) -> bool:
    return _words()[what].search(said) is not None


@cache
def _words() -> dict[str, re.Pattern[str]]:
    lists = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: re.compile(rf"(?<!\w)(?:{any_of(map(_word, words))})") for name, words in lists.items()}


def _word(word: str) -> str:
    return rf"{word[1:]}(?!\w)" if word.startswith("=") else word
