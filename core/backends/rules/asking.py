"""What is still to be asked: what the kind of issue needs, but for what is known and what the customer cannot give."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from core.backends.rules.lexicon import kind_of, phrases, section_phrases, wording
from core.backends.rules.reading import Reading
from core.backends.rules.slots import slots
from core.backends.rules.text import fold
from core.backends.rules.wishes import smalltalk
from core.writing import ISSUE_SLOTS, PERSON_SLOTS, Brief, Category, OpenCase
from identity.masking import MASK

_OFTEN_ENOUGH = 3  # times that we asked for the same, in vain


def missing(brief: Brief, reading: Reading, case: OpenCase | None, category: Category) -> tuple[str, ...]:
    """The slots that such an issue needs, that nobody has told, and that the customer did not say they lack."""
    known = {*brief.facts, *reading.values, *(case.facts if case else _told_before(brief, reading))}
    unknown = [slot for slot in kind_of(category).needs if slot not in known]
    lacking = _lacking(brief, case) | _refused(reading.text, brief.asked)
    return tuple(slot for slot in unknown if slot not in lacking)


def _lacking(brief: Brief, case: OpenCase | None) -> set[str]:
    """What they said earlier, while this case was open, that they do not have, or were asked for often enough."""
    asked: list[str] = []
    lacking: set[str] = set()
    times: Counter[str] = Counter()
    for line in brief.said if case else ():
        if line.sender == "customer":
            lacking |= _refused(line.text, asked)
        else:
            asked = [slot for slot in (*ISSUE_SLOTS, *PERSON_SLOTS) if _asks_for(slot, line.text, brief.languages)]
            times.update(asked)
    return lacking | {slot for slot in times if times[slot] >= _OFTEN_ENOUGH}


def _refused(text: str, asked: Sequence[str]) -> set[str]:
    """Which of the slots asked for they do not have: those they name, else all."""
    if not asked:
        return set()
    folded = fold(text)
    if not phrases("unavailable").heard(folded) and smalltalk(text) != "declined":
        return set()
    named = {slot for slot in asked if section_phrases("slots", slot, "named").heard(folded)}
    return named or set(asked)


def _asks_for(slot: str, text: str, languages: Iterable[str]) -> bool:
    return any(wording(language)[0]["asks"][slot] in text for language in languages)


def _told_before(brief: Brief, reading: Reading) -> set[str]:
    """For what is back after it was solved: the slots that were told then. An order number may be masked by now."""
    if not phrases("back").heard(fold(reading.text)):
        return set()
    before = [*brief.remembered, *(line.text for line in brief.said if line.sender == "customer")]
    told = {fact.slot for text in before for fact in slots(text)}
    masked = any(re.search(rf"{MASK}\w{{4}}\b", text) for text in before)
    return told | ({"order_id"} if masked else set())
