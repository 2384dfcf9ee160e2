"""Why a turn is not answered: a budget is spent, or the other side is a machine that answers us. Pure.

What is said then is kept and stands before a colleague; the customer is told so once at most. A machine is known by
what it answers to us within the time that `Turn.lately` covers:

- it repeats our own words, or introduces itself as we do: from then on nothing is said
- it says the same again: to the second time nothing is said, to the third that a colleague has it, then nothing more

A word or two may well be said twice, and again where we asked something new in between.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

from core.greeting import PHRASES
from core.house import House
from core.ledger import Turn
from core.phrases import say

_SHORT = 2  # words that a person may well say twice
_OWN = 4  # words by which a sentence is known to be one of ours
_MOSTLY = 0.8  # of the words
_LONGEST_NAME = 80
_NAME = "somebodysname"  # stands for a name while a sentence is made into a pattern
_LOOKED_AT = 4_000  # characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """Why a turn is left to a colleague, in our words to the customer and to staff."""

    phrase: str
    reason: str
    silent: bool = False


def spent(turn: Turn, house: House) -> Left | None:
    """The budget that leaves no room for this turn, if any."""
    if turn.turns_of_all >= house.all_turns_an_hour or turn.sent_to_all >= house.all_sent_an_hour:
        reason = "More came in an hour than the bot may answer to everybody together."
        return Left(phrase="too_often", reason=reason, silent=True)
    if turn.turns_lately < house.turns_an_hour and turn.sent_lately < house.sent_an_hour:
        return None
    said_already = turn.turns_lately > house.turns_an_hour or turn.sent_lately > house.sent_an_hour
    reason = f"More than {min(house.turns_an_hour, house.sent_an_hour)} messages in an hour."
    return Left(phrase="too_often", reason=reason, silent=said_already)


def loop(turn: Turn, *, about_codes: bool) -> Left | None:
    """Whether the other side is a machine that answers our answers. Codes may be asked for and tried again: they have
    counters of their own."""
    ours = [line.text for line in turn.lately if line.sender != "customer"]
    if not turn.text or not ours:
        return None
    if _is_our_own(turn.text, ours):
        return Left(phrase="repeated", reason="It answers with the bot's own words: perhaps a machine.", silent=True)
    before = 0 if about_codes else _said_before(turn)
    may_be_answered = before == 1 and (_is_short(turn) or turn.lately[-1].sender == "customer" or _crossed(turn))
    if not before or may_be_answered or (_is_short(turn) and turn.asked and _is_new(ours)):
        return None
    told = any(say("repeated", language) in text for text in ours for language in PHRASES)
    return Left(phrase="repeated", reason="The same was said again and again.", silent=before == 1 or told)


def _said_before(turn: Turn) -> int:
    """How often in a row the very same was said just before."""
    same = _words(turn.text)
    said = (_words(line.text) for line in reversed(turn.lately) if line.sender == "customer" and line.text)
    return len(list(takewhile(lambda words: words == same, said)))


def _crossed(turn: Turn) -> bool:
    """Whether it was said before our last words were there to be answered."""
    return turn.heard[-1].message.received_at < turn.lately[-1].at


def _is_short(turn: Turn) -> bool:
    return len(_words(turn.text).split()) <= _SHORT


def _is_new(ours: Sequence[str]) -> bool:
    """Whether our last words said anything that those before them did not."""
    earlier = {sentence for text in ours[:-1] for sentence in _sentences(text)}
    return not set(_sentences(ours[-1])) <= earlier


def _is_our_own(text: str, ours: Sequence[str]) -> bool:
    """Whether most of a text is sentences of ours, or one of its sentences says that it is a machine like us."""
    heard = list(_sentences(text))
    if any(map(_disclosure().fullmatch, heard)):
        return True
    telling = {sentence for sentence in heard if len(sentence.split()) >= _OWN}
    own = {sentence for said in ours if _holds_any(said, telling) for sentence in _sentences(said)}
    again = sum(len(s.split()) for s in heard if s in own & telling)
    return again > 0 and again >= _MOSTLY * sum(len(s.split()) for s in heard)


def _holds_any(text: str, sentences: Collection[str]) -> bool:
    """Whether the words of one of them follow each other in the text; they may still be no sentence there."""
    words = _words(text) if sentences else ""
    return any(sentence in words for sentence in sentences)


@cache
def _disclosure() -> re.Pattern[str]:
    """How a machine like us introduces itself, in any language and under any name."""
    forms = [
        form.format(bot=_NAME, of=of.format(brand=_NAME))
        for phrases in PHRASES.values()
        for manner, form in phrases.disclosure.items()
        for of in ("", phrases.disclosure["of"])
        if manner != "of"
    ]
    return re.compile("|".join(_words(form).replace(_NAME, rf".{{1,{_LONGEST_NAME}}}") for form in forms))


def _sentences(text: str) -> Iterator[str]:
    for sentence in re.split(r"[.!?…]+\s|\n+", text[:_LOOKED_AT]):
        if words := _words(sentence):
            yield words


def _words(text: str) -> str:
    """A text as it stays on any channel: no accents, signs or capitals."""
    text = text[:_LOOKED_AT]
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKD", text).casefold()
    bare = plain if plain.isascii() else "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.findall(r"\w+", bare))
