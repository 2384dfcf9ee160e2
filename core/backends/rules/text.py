"""Customers' words made comparable: folded, split, searched for phrases. Every repetition in a pattern is bounded."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from core.alternatives import any_of

LONGEST = 6_000  # characters of a message that are read
_GAP = r"\W+(?:[\w'-]+\W+){0,4}?"
_NEGATED = re.compile(
    r"(?:\b(?:not|no|never|without|isn't|wasn't|hasn't|haven't|don't|doesn't|didn't|if|unless|until|hope|think|"
    r"nicht|kein\w*|nie|nunca|sin|ne|pas|sans|non|nao|sem|senza|niet|geen|nooit|zonder|falls|wenn|si|se)\b)"
    r"[^.!?\n]{0,16}$"
)
_FORWARDED = re.compile(
    r"^[ \t]*(?:-{2,} ?(?:forwarded|original|weitergeleitete|mensaje|message|messaggio|mensagem|doorgestuurd)"
    r"|begin forwarded message)",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED_SPEECH = re.compile(
    r"\b(?:friend|neighbou?r|brother|sister|mother|father|mum|mom|dad|son|daughter|wife|husband|colleague|coworker|"
    r"he|she|someone|somebody|freund|freundin|nachbar|amigo|amiga|vecino|ami|amie|voisin|amico|vriend|buurman)\b"
    r"[^.!?\n\"“]{0,40}[\"“][^\"”\n]{1,500}[\"”]",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)|\n+")


@cache
def _fold_sign(sign: str) -> str:
    if sign in "’‘`´":
        return "'"
    return unicodedata.normalize("NFD", sign)[0].lower()[:1] or sign


def fold(text: str) -> str:
    """Lower case without accents, sign by sign, so that positions stay the same."""
    return text.lower().replace("`", "'") if text.isascii() else "".join(map(_fold_sign, text))


def own_words(text: str) -> str:
    """What the customer says in their own name: no quoted lines, no forwarded mail, no speech of somebody else."""
    text = text[:LONGEST]
    forwarded = _FORWARDED.search(text)
    text = text[: forwarded.start()] if forwarded else text
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(">")]
    told = "\n".join(lines)
    return (_QUOTED_SPEECH.sub("", told) if '"' in told or "“" in told else told).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a text, trimmed."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


class Phrases:
    """Phrases to listen for. In a phrase `*` ends or begins a word freely, `..` skips up to four words and
    `(a|b)` is a choice; accents and case do not matter."""

    def __init__(self, phrases: Iterable[str]) -> None:
        longest_first = sorted(phrases, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{any_of(map(_pattern, longest_first))})(?!\w)")

    def found(self, folded: str) -> list[str]:
        """Each different wording that occurs."""
        return list(dict.fromkeys(match[0] for match in self._pattern.finditer(folded)))

    def heard(self, folded: str) -> bool:
        """Whether any of them occurs."""
        return self._pattern.search(folded) is not None

    def begins(self, folded: str) -> bool:
        """Whether the text starts with one of them."""
        return self._pattern.match(folded) is not None

    def asserted(self, folded: str) -> bool:
        """Whether any of them is said without a `not` or an `if` shortly before it."""
        return any(not negated(folded[: match.start()]) for match in self._pattern.finditer(folded))

    def without(self, folded: str) -> str:
        """The text with every occurrence taken out."""
        return self._pattern.sub(" | ", folded)

    def spans(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where they occur."""
        return (match.span() for match in self._pattern.finditer(folded))


def choice(words: Iterable[str]) -> str:
    """A pattern for any of these words as they are, but for accents and case; the longest that fits."""
    return any_of(re.escape(fold(word)) for word in sorted(words, key=len, reverse=True))


def negated(before: str) -> bool:
    """Whether what stands before a word takes it back."""
    return _NEGATED.search(before[-40:]) is not None


def _pattern(phrase: str) -> str:
    parts = (re.escape(part.strip()) for part in fold(phrase).split(".."))
    pattern = _GAP.join(parts)
    for escaped, meant in ((r"\*", r"\w*"), (r"\(", "(?:"), (r"\)", ")"), (r"\|", "|"), (r"\ ", r"\s+")):
        pattern = pattern.replace(escaped, meant)
    return pattern
