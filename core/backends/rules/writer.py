"""The offline writer: no key, no network, no trained weights. The same brief always gives the same answer."""

from core.backends.rules import lexicon
from core.backends.rules.cases import case_of
from core.backends.rules.mood import mood_of, urgency_of
from core.backends.rules.reading import Reading, issue_of, read
from core.backends.rules.replying import Worded, reply_to
from core.writing import Answer, Brief, Category, OpenCase

_NO_KIND = ("other", "complaint")


class RulesWriter:
    """Understands and answers by rules and seed phrases, which a support lead edits in the .toml files beside this."""

    def __init__(self) -> None:
        lexicon.kinds()
        lexicon.mood_signals()

    async def answer(self, brief: Brief) -> Answer:
        """The answer to a brief."""
        reading = read(brief)
        case = case_of(brief, reading)
        category = _category(reading, case)
        return _answer(reading, case, category, reply_to(brief, reading, case, category))


def _category(reading: Reading, case: OpenCase | None) -> Category:
    """A case keeps its kind until the customer clearly tells of another."""
    if case is None or (case.category in _NO_KIND and reading.category not in _NO_KIND):
        return reading.category
    return case.category


def _answer(reading: Reading, case: OpenCase | None, category: Category, worded: Worded) -> Answer:
    goes_on = case is not None and case.issue and not reading.certain
    quiet = reading.smalltalk or reading.resolved or reading.about_codes or goes_on
    mood = mood_of(reading.text, contacts=case.contacts if case else 1)
    return Answer(
        human_wanted=reading.human_wanted,
        confidence=worded.confidence,
        actions=reading.actions,
        reply=worded.text,
        asks=worded.asks,
        case=case.id if case else None,
        issue="" if quiet else issue_of(reading),
        category=category,
        mood=mood,
        urgency="critical" if reading.grave == "crisis" else urgency_of(reading.text, mood),
        language=reading.language,
        facts=reading.facts,
        preferences=reading.preferences,
        tried=reading.tried,
        resolved=reading.resolved,
        writer="rules",
    )
