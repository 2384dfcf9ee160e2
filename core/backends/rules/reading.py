"""All that the rules understand of one message."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.backends.rules import category, mood, slots, wishes
from core.backends.rules.category import category_of
from core.backends.rules.language import language_for
from core.backends.rules.learning import Move, Step, by_rules_alone
from core.backends.rules.lexicon import kind_of, phrases
from core.backends.rules.names import IN_PASSING, SURE
from core.backends.rules.recalling import EVERYTHING, asked_back
from core.backends.rules.spelling import mended
from core.backends.rules.text import fold, own_words, sentences
from core.backends.rules.tried import tried
from core.voices import in_their_own_voice
from core.wishing import without_wishes
from core.writing import Brief, Category, Mood, Told

_LONGEST_ISSUE = 140
_KIND_BY_SLOT: dict[str, Category] = {"error_code": "fault", "amount": "charge"}
_KIND_BY_ASKED: dict[str, Category] = {
    "amount": "charge", "product": "damaged", "error_code": "fault", "device": "fault", "plan": "plan"
}  # fmt: skip
_REMARK = 5  # words
_LONGEST_REMARK = 25  # words of somebody who tells no new issue
_BESIDE_A_WISH = 10  # words
_WHOLE = 4  # words of a question that stands by itself
_OPENINGS = ("so ", "and ", "but ", "well ", "ok ", "okay ", "also ", "please ", "um ", "uh ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One message, understood. `certain`: its wording settles the category by itself."""

    text: str
    category: Category
    certain: bool
    mood: Mood
    language: str
    facts: tuple[Told, ...]
    human_wanted: bool
    actions: tuple[str, ...]
    preferences: tuple[Told, ...]
    tried: tuple[str, ...]
    resolved: bool
    smalltalk: wishes.Smalltalk
    grave: wishes.Grave
    about_codes: bool  # and about nothing else
    asked_back: tuple[str, ...] = ()  # slots whose values they want to hear
    step: Step = "tells"  # what they do with what is open,
    about: Category = "other"  # and which kind of thing they name
    assumed: tuple[Told, ...] = ()  # not said, but meant: the order that is spoken of

    @property
    def values(self) -> Mapping[str, str]:
        """Slot to value."""
        return {told.slot: told.value for told in (*self.facts, *self.assumed)}

    def is_question(self) -> bool:
        """A question, about nothing that clearly happened to this customer."""
        asks = self.text.rstrip().endswith("?") or _begins_with_question(self.text)
        return asks and not self.facts and (not self.certain or not self._points_at_something())

    def is_general(self) -> bool:
        """A question that stands by itself and does not go on about what is open."""
        return self.is_question() and not self._points_at_something() and len(self.text.split()) >= _WHOLE

    def follows_up(self) -> bool:
        """Asks or tells how things stand with what is open."""
        asks = self.text.rstrip().endswith("?") or _begins_with_question(self.text)
        return asks or self.step == "follows" or phrases("same").heard(fold(self.text))

    def is_personal(self) -> bool:
        """About their own matter: "my", "any news", "can I"."""
        return self._points_at_something() or phrases("first_person").heard(fold(self.text))

    def _points_at_something(self) -> bool:
        """Their own, or told before: "it", "my", "the parcel", "any news"."""
        folded = fold(self.text)
        return self.step == "follows" or phrases("continuing").heard(folded) or phrases("same").heard(folded)


def read(
    brief: Brief,
    kind_of_text: Callable[[str], Category] = category_of,
    move_of_text: Callable[[str, bool], Move] = by_rules_alone,
) -> Reading:
    """What the customer's newest words say. `kind_of_text` tells what a message is about that is no mere answer,
    `move_of_text` what is done in it with an open matter."""
    text = in_their_own_voice(own_words(brief.text))
    solved, over, small = wishes.resolved(text), wishes.is_over(text), wishes.smalltalk(text)
    facts = slots.slots(text, asked=() if solved or over else brief.asked)  # what is over answers no question of ours
    step, about = Move("tells", "other") if small else _move(text, facts, brief, move_of_text)
    about_codes = not facts and (step == "links" or _is_about_codes(text))
    told = phrases("awaiting_us").without(fold(text))
    told = mended(told if told != fold(text) else text)
    small_told = small if told == text else wishes.smalltalk(told)
    ruled = "other" if about_codes else _kind(told, brief, category_of if small_told else kind_of_text, step)
    kind = "other" if about_codes else _kind_told(ruled, facts, brief, told, step)
    least = IN_PASSING if step == "follows" else SURE
    facts += slots.plan_in(text, facts, least=least) if kind == "plan" else ()
    grave = wishes.grave(text)
    return Reading(
        text=text,
        category=kind,
        certain=category.is_certain(kind, told),
        mood=mood.mood_of(text),
        language=language_for(text, brief),
        facts=facts,
        human_wanted=bool(grave) or (not about_codes and (step == "human" or wishes.human_wanted(text))),
        actions=() if about_codes or phrases("how_to").begins(fold(text)) else wishes.actions(text),
        preferences=wishes.preferences(text),
        tried=tried(text),
        resolved=not _asks_whether(text)
        and (solved or (bool(brief.cases) and not facts and (over or _takes_it_as_over(text, step)))),
        smalltalk=small,
        grave=grave,
        about_codes=about_codes,
        asked_back=() if facts or about_codes else asked_back(text) or (EVERYTHING if step == "recalls" else ()),
        step=step,
        about=about,
    )


def _move(text: str, facts: tuple[Told, ...], brief: Brief, move_of_text: Callable[[str, bool], Move]) -> Move:
    """What they do, by what they say beside the values."""
    if facts and not brief.cases:
        return Move("tells", "other")
    said = mended(slots.without_values(text, brief.asked))
    step, about = move_of_text(said, bool(brief.cases))
    fitting = ("corrects",) if facts else ("follows", "solved", "human", "links", "recalls")
    return Move(step if step in fitting and len(said.split()) <= _LONGEST_REMARK else "tells", about)


def _kind(text: str, brief: Brief, kind_of_text: Callable[[str], Category], step: Step) -> Category:
    """By the rules alone where it is an answer, or goes on about what is open."""
    if brief.asked or not text:
        return category_of(text)
    goes_on = brief.cases and step != "tells" and category_of(text) == "other"
    return "other" if goes_on else kind_of_text(text)


def _asks_whether(text: str) -> bool:
    """A question whether it is solved, which says nothing of it."""
    folded = fold(text)
    return phrases("whether").begins(folded) and ("?" in text or not phrases("thanks").heard(folded))


def _takes_it_as_over(text: str, step: Step) -> bool:
    return step == "solved" and not text.rstrip().endswith("?") and not phrases("over_not").heard(fold(text))


def _is_about_codes(text: str) -> bool:
    """They want a code, or to link accounts, or to call; no issue is told beside it."""
    asked = without_wishes(text)
    rest = wishes.about_codes(asked)
    quiet = ("other",) if asked == text else ("other", "account")  # "I have another account" tells of no issue there
    return rest != text and category_of(rest) in quiet and len(re.findall(r"\w+", rest)) <= _BESIDE_A_WISH


def _kind_told(kind: Category, facts: tuple[Told, ...], brief: Brief, text: str, step: Step) -> Category:
    """Where no wording tells, an unasked error code or sum of money does."""
    told = {fact.slot for fact in facts}
    unasked = told - set(brief.asked)
    weak = kind == "charge" and told and "amount" not in told and not phrases("about_charge").heard(fold(text))
    certain = category.is_certain(kind, text) and not weak
    if weak and phrases("undelivered").heard(fold(text)):
        return "delivery"
    if not certain and told and (step == "corrects" or told <= set(brief.asked)):
        return _KIND_BY_ASKED.get(next((slot for slot in brief.asked if slot in _KIND_BY_ASKED), ""), "other")
    if "error_code" in unasked and kind in ("account", "feature", "complaint"):  # "KX-48213 when I sign in"
        return "fault"
    if not certain and not brief.asked and (signed := _kind_by_signs(kind, unasked, text)) != "other":
        return signed
    if "plan" in unasked and kind in ("other", "delivery", "charge") and not certain:
        return "plan"
    if (
        kind == "fault" and "order_id" in unasked and "error_code" not in unasked
    ):  # "from order W4829137 arirved broken"
        return "damaged" if kind_of("damaged").words.heard(fold(text)) else kind
    if "amount" in unasked and kind == "delivery" and not category.is_certain(kind, text):
        return "charge"
    if kind != "other" or not unasked:
        return kind
    return next((of for slot, of in _KIND_BY_SLOT.items() if slot in unasked), kind)


def _kind_by_signs(kind: Category, told: set[str], text: str) -> Category:
    """What the values that are told, and the words for a state beside them, say against a kind that no wording
    settled."""
    folded = fold(text)
    if "error_code" in told or (told == {"device"} and kind in ("damaged", "delivery", "other")):
        return "fault"
    if "plan" in told and not told & {"order_id"}:
        return "plan"
    if told & {"product", "order_id"} and "device" not in told:
        if phrases("spoilt").heard(folded):
            return "damaged"
        if "amount" not in told and phrases("undelivered").heard(folded):
            return "delivery"
    return "plan" if told == {"amount"} and phrases("subscribed").heard(folded) else kind


def _begins_with_question(text: str) -> bool:
    folded = fold(text)
    spans = list(phrases("hello").spans(folded))
    start = spans[0][1] if spans and spans[0][0] == 0 else 0
    first = folded[start:].lstrip(" ,.!")
    return phrases("question").begins(first) or phrases("whether").begins(first)


def issue_of(reading: Reading) -> str:
    """The customer's own sentence that tells the problem, at most 140 characters; "" where none does."""
    told = [sentence for sentence in sentences(reading.text) if not wishes.smalltalk(sentence)]
    if not told or (reading.category == "other" and not _is_story(reading)):
        return ""
    return shortened(max(told, key=lambda sentence: _telling(sentence, reading)))


def _is_story(reading: Reading) -> bool:
    wish = reading.human_wanted or reading.preferences or reading.actions
    return not wish and len(reading.text.split()) > _REMARK and not phrases("same").heard(fold(reading.text))


def _telling(sentence: str, reading: Reading) -> float:
    values = sum(value.lower() in sentence.lower() for value in reading.values.values())
    kind = kind_of(reading.category)
    return category.points(kind, category.hear(sentence)) + values


def shortened(sentence: str) -> str:
    """A sentence without its opening, cut at a word."""
    sentence = " ".join(_without_greeting(sentence).split())
    for opening in _OPENINGS:
        sentence = sentence[len(opening) :] if sentence.lower().startswith(opening) else sentence
    if len(sentence) > _LONGEST_ISSUE:
        sentence = sentence[: _LONGEST_ISSUE - 1].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"
    return sentence


def _without_greeting(sentence: str) -> str:
    spans = [end for start, end in phrases("hello").spans(fold(sentence)) if start == 0]
    rest = sentence[spans[0] :].lstrip(" ,.!:-") if spans else sentence
    return rest or sentence
