"""What somebody asks of us beside an issue: a human, an action, a language, a channel, a code; or nothing."""

import re
from typing import Literal

from core.backends.rules.language import asked_for, is_language_wish
from core.backends.rules.lexicon import phrases, section_phrases
from core.backends.rules.manners import manners
from core.backends.rules.text import fold, sentences
from core.writing import Told

ACTIONS = ("refund", "credit", "reset", "status", "callback", "flag")
Grave = Literal["crisis", "legal", "privacy", ""]
_CLAUSE_END = re.compile(r"[.!?,;:\n]")
Smalltalk = Literal["hello", "about_us", "thanks", "declined", "dismissed", "language", ""]
_SHORT = 12  # words
_FEW = 3
CHANNELS = ("email", "sms", "voice", "slack", "discord", "web")


def human_wanted(text: str) -> bool:
    """Whether they ask for a person; "password manager" and "my manager" do not."""
    folded = phrases("human_not").without(fold(text))
    return phrases("human").heard(folded) or _is_only("human_alone", folded)


def actions(text: str) -> tuple[str, ...]:
    """The actions that they ask for now."""
    folded = fold(text)
    return tuple(action for action in ACTIONS if phrases(action).asserted(folded))


def preferences(text: str) -> tuple[Told, ...]:
    """How they would like to be answered: the language, the channel, the manner."""
    folded = fold(text)
    language = asked_for(text)
    told = [Told(slot="language", value=language)] if language else []
    if section_phrases("languages", "prefer", "wishes").heard(folded):
        clauses = _CLAUSE_END.split(folded)  # "don't call me, write me an email"
        wanted = (n for n in CHANNELS if any(section_phrases("languages", "channels", n).asserted(c) for c in clauses))
        told += [Told(slot="channel", value=name) for name in wanted][:1]
    return (*told, *manners(text))


def resolved(text: str) -> bool:
    """Whether they say that it is solved: no question, no "not", no "if"."""
    told = [sentence for sentence in sentences(text) if not sentence.endswith("?")]
    return any(_says_solved(fold(sentence)) for sentence in told)


def _says_solved(folded: str) -> bool:
    rest = phrases("dismissed").without(folded)  # the "never" of "never mind" takes nothing back
    said = phrases("resolved").asserted(rest) or phrases("resolved").asserted(folded)
    return said and not phrases("resolved_not").heard(rest)


def is_over(text: str) -> bool:
    """Whether they say in few words that what is open has come to a good end: "got my refund, thanks"."""
    told = [fold(sentence) for sentence in sentences(text)]
    if any(sentence.endswith("?") or phrases("anew").heard(sentence) for sentence in told):
        return False
    rest = [phrases("dismissed").without(sentence) for sentence in told]
    happy = [sentence for sentence in rest if phrases("over").asserted(sentence)]
    left = " ".join(phrases("over").without(sentence) for sentence in rest)
    for name in ("thanks", "hello"):
        left = phrases(name).without(left)
    return bool(happy) and not phrases("over_not").heard(left) and len(re.findall(r"[\w']+", left)) <= _FEW


def grave(text: str) -> Grave:
    """What only a person may answer: a life in danger, steps at law, a request about their data."""
    folded = fold(text)
    if phrases("crisis").heard(folded):
        return "crisis"
    if phrases("legal").heard(folded):
        return "legal"
    return "privacy" if phrases("privacy").asserted(phrases("privacy_not").without(folded)) else ""


def about_codes(text: str) -> str:
    """What is left of a wish to carry on elsewhere, by a code or a call; the whole text where there is no such wish."""
    folded = fold(text)
    return phrases("linking").without(folded) if phrases("linking").asserted(folded) else text


def smalltalk(text: str) -> Smalltalk:
    """What the text is where it tells of no matter: a greeting, a question about us, thanks, a no, a matter taken
    back, a wish for a language."""
    folded = fold(text)
    greeted = phrases("hello").without(folded)
    if _is_all(greeted, folded):
        return "hello"
    if _is_only("about_us", greeted):
        return "about_us"
    thanked = phrases("thanks").without(greeted)
    if _is_all(thanked, greeted):
        return "thanks"
    if _is_only("declined", greeted) or (thanked != greeted and _is_only("declined", thanked)):
        return "declined"
    if is_language_wish(thanked):
        return "language"
    return "dismissed" if _is_dismissed(greeted, thanked) else ""


def _is_dismissed(greeted: str, thanked: str) -> bool:
    dismissed = phrases("dismissed").begins(thanked.lstrip(" |,.!"))
    return dismissed and "?" not in greeted and len(greeted.split()) <= _SHORT


def _is_only(section: str, folded: str) -> bool:
    return _is_all(phrases(section).without(folded), folded)


def _is_all(left: str, folded: str) -> bool:
    """Whether no word is left of what was taken out."""
    return left != folded and not re.search(r"\w", left)
