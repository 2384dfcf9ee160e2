"""Whose voice speaks in a message: the customer's own, or that of somebody who gives us orders or speaks as if they
were us. Pure. The phrases stand in voices.toml.

An issue in the customer's own terms is read back to them and shown to colleagues, so it holds the first voice only.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from core.alternatives import any_of
from core.writing import Answer

NOT_THEIR_OWN = "…"  # the issue of a case that was opened by nothing but orders to us; it has no word to be quoted
_READ = 6_000  # characters of a message
_SENTENCES = re.compile(r"((?<=[.!?])\s+)")
_GAP = r"\W+(?:[\w'-]+\W+){0,4}?"
_TAG = (
    r"</?\s?(?:customer|user|system|assistant|data|instructions?|prompt)\s?>"
    r"|<\|[^|\n]{1,30}\|>|\[/?(?:inst|system)\]"
)
_LEAD = r"(?:^\W{0,4}|[.!?;:,\"“]\s{0,3}|\b(?:and|then|please|now|just|y|und|et|e|en|bitte|por favor|poi)\s{1,3})"
_NO_COMPUTER = r"(?!\s*(?:windows|mac|linux|ios|android|ubuntu|chrome|version|\d))"  # "System: Windows 11"
_DANGLING = re.compile(
    r"(?:\W+(?:and|then|please|so|but|also|und|aber|bitte|y|pero|et|mais|e|mas|ma|en|maar))?\W*$", re.IGNORECASE
)
_FEW = 2  # words


def in_their_own_voice(text: str) -> str:
    """A customer's text without orders to us and without what only we would say; "" where nothing else is in it."""
    told = text[:_READ]
    kept = (_line(line) for line in told.split("\n"))
    own = "\n".join(kept)
    return text if own == told else "\n".join(filter(str.strip, own.split("\n")))


def own_answer(answer: Answer, text: str) -> Answer:
    """An answer whose issue and facts are the customer's own: nothing that stands in orders to us alone."""
    own = in_their_own_voice(text)
    answer = replace(answer, issue=in_their_own_voice(answer.issue))
    if own == text:
        return answer
    if not own:
        return replace(answer, issue="", facts=(), actions=())
    told, ours = text.casefold(), own.casefold()
    return replace(
        answer, facts=[f for f in answer.facts if f.value.casefold() in ours or f.value.casefold() not in told]
    )


def _line(line: str) -> str:
    script = _scripts().search(_folded(line))
    pieces = _SENTENCES.split(line[: script.start()] if script else line)
    return "".join(map(_sentence, pieces))


def _sentence(sentence: str) -> str:
    """A sentence up to where an order begins; nothing where too little is left of it."""
    order = _orders().search(_folded(sentence))
    if order is None:
        return sentence
    before = _DANGLING.sub("", sentence[: order.start()])
    return before if len(before.split()) > _FEW else ""


def _folded(text: str) -> str:
    """Lower case without accents, sign by sign, so that positions stay the same."""
    if text.isascii():
        return text.lower().replace("`", "'")
    return "".join("'" if s in "’‘`´" else unicodedata.normalize("NFD", s)[0].lower()[:1] or s for s in text)


@cache
def _orders() -> re.Pattern[str]:
    anywhere, led, ours = map(_choice, ("orders", "asked_to_say", "our_voice"))
    return re.compile(rf"(?:(?<!\w)(?:{anywhere})|{_LEAD}(?:{led})|^\W*(?:{ours}))(?:(?!\w)|(?<=\W))")


@cache
def _scripts() -> re.Pattern[str]:
    header = rf"(?:^|[.!?]\s)\W{{0,4}}(?:{_choice('speakers')})\W{{0,3}}(?:prompt|message|note|override)?\W{{0,3}}:"
    return re.compile(rf"{_TAG}|{header}{_NO_COMPUTER}")


def _choice(section: str) -> str:
    """A section of voices.toml as a pattern, in all languages."""
    lists: Mapping[str, Sequence[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))[section]
    return any_of(_pattern(phrase) for phrases in lists.values() for phrase in phrases)


def _pattern(phrase: str) -> str:
    pattern = _GAP.join(re.escape(part.strip()) for part in phrase.split(".."))
    for escaped, meant in ((r"\*", r"\w*"), (r"\(", "(?:"), (r"\)", ")"), (r"\|", "|"), (r"\ ", r"\s+")):
        pattern = pattern.replace(escaped, meant)
    return pattern
