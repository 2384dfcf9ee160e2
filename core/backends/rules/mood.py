"""How somebody feels, and how urgent it is. Several signals make anger, never one word alone but one of rage."""

import re

from core.backends.rules.lexicon import mood_signals
from core.backends.rules.text import fold
from core.writing import Mood, Urgency

_SHOUTED = re.compile(r"\b[A-Z]{4,}\b")
_LOUD = re.compile(r"!{2,}|\?!|!\?|![^!]*![^!]*!")
_HOSTILE = frozenset(("insult", "threat"))
_RAGE = "rage"  # angry without anything beside it
_FRUSTRATED, _ANGRY, _KINDS = 2, 4, 2
_PLAINLY = 5  # points with which annoyance is anger, too
_SHOUTING = 2  # words in capitals


def mood_of(text: str, *, contacts: int = 1) -> Mood:
    """The mood of a text; `contacts` is how often they have come about the same thing."""
    signals = _signals(text)
    negative = sum(points for name, points in signals.items() if name != "positive")
    if negative and contacts > _KINDS:
        negative, signals["contacts"] = negative + 1, 1
    if _RAGE in signals:
        return "angry"
    several = len(signals.keys() - {"positive"}) >= _KINDS
    if (
        negative >= _ANGRY
        and several
        and (signals.keys() & _HOSTILE or ("annoyed" in signals and negative >= _PLAINLY))
    ):
        return "angry"
    if negative >= _FRUSTRATED:
        return "frustrated"
    return "positive" if "positive" in signals and not negative else "neutral"


def _signals(text: str) -> dict[str, int]:
    folded = fold(text)
    heard = {name: points for name, (points, words) in mood_signals().items() if points and words.heard(folded)}
    if "insult" in heard and len(mood_signals()["insult"][1].found(folded)) > 1:
        heard["insulted again"] = heard["insult"]
    shouted = {word for word in _SHOUTED.findall(text) if not word.isdigit()}
    if len(shouted) >= _SHOUTING or (shouted and "!" in text):
        heard["shouting"] = 1
    if _LOUD.search(text) and "positive" not in heard:
        heard["loud"] = 1
    return heard


def urgency_of(text: str, mood: Mood) -> Urgency:
    """How soon somebody should look at it."""
    folded, signals = fold(text), mood_signals()
    if signals["critical"][1].asserted(folded):
        return "critical"
    if signals["low"][1].heard(folded):
        return "low"
    return "high" if mood == "angry" or signals["high"][1].asserted(folded) else "medium"
