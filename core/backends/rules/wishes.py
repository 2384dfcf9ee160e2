"""What somebody asks of us besides help with an issue: a human, an action, a language, a channel, or nothing."""

import re

from core.backends.rules.language import asked_for
from core.backends.rules.lexicon import phrases, section_phrases
from core.backends.rules.text import fold, sentences
from core.writing import Told

ACTIONS = ("refund", "credit", "reset", "status", "callback", "flag")
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
    """How they would like to be answered: the language, the channel."""
    folded = fold(text)
    language = asked_for(text)
    told = [Told(slot="language", value=language)] if language else []
    if section_phrases("languages", "prefer", "wishes").heard(folded):
        wanted = (name for name in CHANNELS if section_phrases("languages", "channels", name).asserted(folded))
        told += [Told(slot="channel", value=name) for name in wanted][:1]
    return tuple(told)


def resolved(text: str) -> bool:
    """Whether they say that it is solved: no question, no "not", no "if"."""
    told = [sentence for sentence in sentences(text) if not sentence.endswith("?")]
    return any(_says_solved(fold(sentence)) for sentence in told)


def _says_solved(folded: str) -> bool:
    return phrases("resolved").asserted(folded) and not phrases("resolved_not").heard(folded)


def smalltalk(text: str) -> str:
    """ "hello" or "thanks" where the text is nothing else, else ""."""
    folded = fold(text)
    if _is_only("hello", folded):
        return "hello"
    return "thanks" if _is_only("thanks", phrases("hello").without(folded)) else ""


def _is_only(section: str, folded: str) -> bool:
    rest = phrases(section).without(folded)
    return rest != folded and not re.search(r"\w", rest)
