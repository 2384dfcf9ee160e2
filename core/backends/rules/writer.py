"""The offline writer: no key, no network, no trained weights. The same brief always gives the same answer."""

from collections.abc import Callable

from core.backends.rules import lexicon
from core.backends.rules.cases import case_of, with_the_same_order, without_outdated
from core.backends.rules.category import category_of
from core.backends.rules.following import followed
from core.backends.rules.learning import Move, by_rules_alone
from core.backends.rules.mood import mood_of, urgency_of
from core.backends.rules.reading import Reading, issue_of, read
from core.backends.rules.reopening import come_back
from core.backends.rules.replying import Worded, reply_to
from core.backends.rules.slots import told_beside
from core.writing import Answer, Brief, Category, OpenCase

_NO_KIND = ("other", "complaint")


class RulesWriter:
    """Understands and answers by rules and examples, which a support lead edits in the .toml files beside this.
    `kind_of_text` tells what a message is about, and `move_of_text` what is done with an open matter, e.g. those of
    Examples, which learns from corrections."""

    def __init__(
        self,
        kind_of_text: Callable[[str], Category] = category_of,
        move_of_text: Callable[[str, bool], Move] = by_rules_alone,
    ) -> None:
        self._kind_of_text = kind_of_text
        self._move_of_text = move_of_text
        lexicon.check()

    async def answer(self, brief: Brief) -> Answer:
        """The answer to a brief."""
        reading = read(brief, self._kind_of_text, self._move_of_text)
        case = case_of(brief, reading) or come_back(brief, reading)
        reading = with_the_same_order(without_outdated(reading, case, brief), case, brief)
        category = _category(reading, case)
        return _answer(reading, case, category, reply_to(brief, reading, case, category))


def _category(reading: Reading, case: OpenCase | None) -> Category:
    """A case keeps its kind until the customer clearly tells of another."""
    vague = reading.step == "follows" or reading.category in _NO_KIND
    if case is None and vague and not reading.certain and not reading.facts and reading.follows_up():
        return next(iter(followed(reading.text)), reading.about if reading.step == "follows" else reading.category)
    if case is None or (case.category in _NO_KIND and reading.category not in _NO_KIND):
        return reading.category
    return case.category


def _answer(reading: Reading, case: OpenCase | None, category: Category, worded: Worded) -> Answer:
    first_told = case is not None and case.category in _NO_KIND and reading.category not in _NO_KIND
    goes_on = case is not None and case.issue and not reading.certain and not first_told
    quiet = reading.smalltalk or reading.resolved or reading.about_codes or goes_on or worded.reads_back
    issue = "" if quiet else issue_of(reading)
    mood = mood_of(reading.text, contacts=case.contacts if case else 1)
    return Answer(
        human_wanted=reading.human_wanted,
        confidence=worded.confidence,
        actions=reading.actions,
        reply=worded.text,
        asks=worded.asks,
        case=case.id if case else None,
        issue=issue,
        category=category,
        mood=mood,
        urgency="critical" if reading.grave == "crisis" else urgency_of(reading.text, mood),
        language=reading.language,
        facts=reading.facts + reading.assumed + (told_beside(reading.text, reading.facts) if case or issue else ()),
        preferences=reading.preferences,
        tried=reading.tried,
        resolved=reading.resolved,
        reads_back=worded.reads_back,
        pattern=worded.advice.pattern if worded.advice else None,
        article=worded.advice.article if worded.advice else "",
        writer="rules",
    )
