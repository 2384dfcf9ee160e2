"""How somebody feels, and how urgent it is. Several signals make anger, never one word alone."""

import re

from core.backends.rules.lexicon import mood_signals
from core.backends.rules.text import fold
from core.writing import Mood, Urgency

_SHOUTED = re.compile(r"\b[A-Z]{4,}\b")
_LOUD = re.compile(r"!{2,}|\?!|!\?|![^!]*![^!]*!")
_HOSTILE = frozenset(("insult", "threat", "annoyed"))
_FRUSTRATED, _ANGRY, _KINDS = 2, 4, 2
_SHOUTING = 2  # words in capitals


def mood_of(text: str, *, contacts: int = 1) -> Mood:
    """The mood of a text; `contacts` is how often they have come about the same thing."""
    signals = _signals(text)
    negative = sum(points for name, points in signals.items() if name != "positive")
    if negative and contacts > _KINDS:
        negative, signals["contacts"] = negative + 1, 1
    if negative >= _ANGRY and len(signals.keys() - {"positive"}) >= _KINDS and signals.keys() & _HOSTILE:
        return "angry"
    if negative >= _FRUSTRATED:
        return "frustrated"
    return "positive" if "positive" in signals and not negative else "neutral"


def _signals(text: str) -> dict[str, int]:
    folded = fold(text)
    heard = {name: points for name, (points, words) in mood_signals().items() if points and words.heard(folded)}
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
