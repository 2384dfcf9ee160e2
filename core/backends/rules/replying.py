"""What is said back: what was noted, what is missing, what is known to help. Nothing is claimed to have been done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.backends.rules.advising import Advice, advice_for
from core.backends.rules.asking import missing
from core.backends.rules.lexicon import kind_of, wording
from core.backends.rules.reading import Reading
from core.backends.rules.text import sentences
from core.writing import Brief, Category, OpenCase
from identity.masking import order_number

_SURE, _ASKING, _ADVISING, _HANDING_OVER = 0.9, 0.7, 0.75, 0.3
_SMALL = {
    "hello": "hello",
    "about_us": "about_us",
    "language": "hello",
    "thanks": "thanks",
    "declined": "dismissed",
    "dismissed": "dismissed",
}
_TROUBLED = ("charge", "delivery", "damaged", "fault", "complaint")


@dataclass(frozen=True, slots=True)
class Worded:
    """A reply, the slots that it asks for, and how sure we are that it helps."""

    text: str
    confidence: float
    asks: tuple[str, ...] = ()
    advice: Advice | None = None
    reads_back: bool = False


def reply_to(brief: Brief, reading: Reading, case: OpenCase | None, category: Category) -> Worded:
    """The reply to a message about `case`, or about a new issue of this category."""
    say, _ = wording(reading.language)
    if reading.grave:
        return Worded(say["crisis" if reading.grave == "crisis" else "for_a_person"], _HANDING_OVER)
    small = "solved" if reading.resolved else _small(brief, reading)
    if small:
        return Worded(say["small"][small], _SURE)
    told_back = _read_back(brief, reading, case)
    if told_back:
        return told_back
    if case is not None and case.with_human:
        return Worded(say["with_human"], _SURE)
    if reading.about_codes:
        return Worded(say["plain"], _SURE)
    if reading.human_wanted:
        return Worded(_noted(reading) or say["plain"], _HANDING_OVER)
    return _about_the_issue(brief, reading, case, category)


def _small(brief: Brief, reading: Reading) -> str:
    """What a message that tells nothing is answered as; "" where it is an answer, or our question comes again."""
    if brief.asked and reading.smalltalk in ("declined", "language"):
        return ""
    return _SMALL.get(reading.smalltalk, "")


def _about_the_issue(brief: Brief, reading: Reading, case: OpenCase | None, category: Category) -> Worded:
    say, _ = wording(reading.language)
    advice = advice_for(brief, reading, category)
    if reading.is_question() and case is None and (advice.text or not _is_their_own(reading, category)):
        return Worded(advice.text or say["unknown"], _ADVISING if advice.text else _HANDING_OVER, advice=advice)
    if category == "other" and case is None and not reading.facts and not advice.text:
        return _unclear(brief, reading)
    asks = missing(brief, reading, case, category)
    known = _noted(reading) or _on_record(case, reading, asks)
    wishes = {**brief.preferences, **{wish.slot: wish.value for wish in reading.preferences}}
    brevity = wishes.get("tone") == "brief"
    told = sentences(advice.text)[0] if brevity and advice.text else advice.text
    confirmed = _confirm(brief, reading, category) if case is None else ""
    parts = ["" if brevity else _sorry(reading, category), known, told, confirmed, _ask(asks, reading)]
    confidence = _ASKING if asks else _ADVISING if advice.text else _HANDING_OVER
    return Worded(" ".join(filter(None, parts)) or say["plain"], confidence, asks, advice)


def _is_their_own(reading: Reading, category: Category) -> bool:
    """A question about a matter of theirs, so that somebody has to know which."""
    return reading.is_personal() and (bool(kind_of(category).needs) or not reading.is_general())


def _read_back(brief: Brief, reading: Reading, case: OpenCase | None) -> Worded | None:
    """What they told us, where they ask for it and are proven to be its owner."""
    if not reading.asked_back or reading.human_wanted:
        return None
    say, _ = wording(reading.language)
    known = {} if brief.unproven else {**brief.facts, **(case.facts if case else {})}
    listed = _listed({slot: value for slot, value in known.items() if slot in reading.asked_back}, reading.language)
    if listed:
        return Worded(say["recorded"].format(facts=listed), _SURE, reads_back=True)
    if case is not None:
        return None
    return Worded(say["not_here"], _ASKING, reads_back=True)


def _unclear(brief: Brief, reading: Reading) -> Worded:
    say, _ = wording(reading.language)
    if reading.preferences:
        return Worded(say["plain"], _SURE)
    ours = [line.text for line in brief.said if line.sender == "bot"]
    asked_already = bool(ours) and any(wording(code)[0]["unclear"] in ours[-1] for code in brief.languages)
    return Worded(say["plain"], _HANDING_OVER) if asked_already else Worded(say["unclear"], _ASKING)


def _sorry(reading: Reading, category: Category) -> str:
    say, _ = wording(reading.language)
    if reading.mood in ("frustrated", "angry"):
        return say["sorry_again"]
    return say["sorry"] if reading.category in _TROUBLED and reading.category == category and reading.certain else ""


def _noted(reading: Reading) -> str:
    say, _ = wording(reading.language)
    told = {fact.slot: fact.value for fact in reading.facts}
    noted = say["noted"].format(facts=_listed(told, reading.language)) if told else ""
    meant = {fact.slot: fact.value for fact in reading.assumed}
    assumed = say["assumed"].format(facts=_listed(meant, reading.language)) if meant else ""
    return " ".join(filter(None, (noted, assumed)))


def _on_record(case: OpenCase | None, reading: Reading, asks: Sequence[str]) -> str:
    """For somebody who comes back with nothing new: what we hold, so that they need not repeat it."""
    say, _ = wording(reading.language)
    listed = _listed(case.facts, reading.language) if case is not None and not asks else ""
    return say["recorded"].format(facts=listed) if listed else ""


def _listed(facts: Mapping[str, str], language: str) -> str:
    say, _ = wording(language)
    shown = {slot: order_number(value) if slot == "order_id" else value for slot, value in facts.items()}
    return _joined(
        (say["in_hand"][slot].format(value=shown[slot]) for slot in say["in_hand"] if slot in shown), language
    )


def _ask(asks: Sequence[str], reading: Reading) -> str:
    say, _ = wording(reading.language)
    return say["ask"].format(slots=_joined((say["asks"][slot] for slot in asks), reading.language)) if asks else ""


def _confirm(brief: Brief, reading: Reading, category: Category) -> str:
    """For what was told so long ago that it may have changed; asked with the value, so that a yes will do."""
    say, _ = wording(reading.language)
    needed = [slot for slot in kind_of(category).needs if slot in brief.stale and slot not in reading.values]
    return " ".join(say["confirm"].format(value=brief.facts[slot]) for slot in needed if slot in brief.facts)


def _joined(parts: Iterable[str], language: str) -> str:
    *most, last = [*parts] or [""]
    _, joint = wording(language)
    return joint.join(filter(None, [", ".join(most), last]))
