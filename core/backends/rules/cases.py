"""Which open case a message is about."""

import re
from dataclasses import replace

from core.backends.rules.following import followed
from core.backends.rules.lexicon import kind_of, phrases
from core.backends.rules.reading import Reading
from core.backends.rules.slots import is_only_values
from core.backends.rules.text import fold
from core.writing import ISSUE_SLOTS, Brief, OpenCase, Told
from identity.masking import MASK

_IDENTIFYING = ("order_id", "error_code", "product")
_NO_KIND = ("other", "complaint")
_VALUE_OF = {"fault": "error_code", "charge": "amount"}
_SHORT = 8  # words; such a message answers or adds, it tells no new issue
_AT_ONCE = 20  # letters before an answer, "my order number is" among them


def case_of(brief: Brief, reading: Reading) -> OpenCase | None:
    """The open case meant; None where there is none, or where another issue is told."""
    cases = [] if reading.about_codes else list(brief.cases)
    named = _sharing_a_fact(cases, reading) or _of_the_plan(cases, brief, reading)
    if named or _announced(reading):
        return named
    return (
        _come_late(cases, brief, reading)
        or (cases[0] if cases and _answers(brief, reading, cases[0]) else None)
        or _asked_back(cases, reading)
        or _asked_after(cases, reading)
        or _followed(cases, reading)
        or _of_its_kind(cases, brief, reading)
        or _goes_on(cases, brief, reading)
        or (cases[0] if reading.resolved and len(cases) == 1 else None)
    )


def _come_late(cases: list[OpenCase], brief: Brief, reading: Reading) -> OpenCase | None:
    """A message that was said before the newest fact of a case tells of it still, whatever its values are by now."""
    if not (reading.facts or reading.certain):
        return None
    of_a_kind = (c for c in cases if not reading.certain or reading.category in (c.category, *_NO_KIND))
    told_at = brief.told_at
    return next((c for c in of_a_kind if told_at and any(told_at < at for at in c.told_at.values())), None)


def without_outdated(reading: Reading, case: OpenCase | None, brief: Brief) -> Reading:
    """The reading without what was put right already by a message that was said later, but came sooner."""
    told_at = brief.told_at
    if case is None or told_at is None:
        return reading
    newer = {slot for slot, at in case.told_at.items() if at > told_at}
    return replace(reading, facts=tuple(told for told in reading.facts if told.slot not in newer))


def with_the_same_order(reading: Reading, case: OpenCase | None, brief: Brief) -> Reading:
    """ "It came, but I was charged twice for it": a new issue with the order that is spoken of already."""
    needed = "order_id" in kind_of(reading.category).needs and "order_id" not in reading.values
    if case is not None or not needed or not phrases("same_order").heard(fold(reading.text)):
        return reading
    numbers = {open_case.facts["order_id"] for open_case in brief.cases if open_case.facts.get("order_id")}
    return (
        replace(reading, assumed=tuple(Told(slot="order_id", value=n) for n in numbers))
        if len(numbers) == 1
        else reading
    )


def _asked_back(cases: list[OpenCase], reading: Reading) -> OpenCase | None:
    """The case whose amount, order or product they want to hear."""
    of_its_kind = sorted(cases, key=lambda case: case.category != reading.category)
    return next((case for case in of_its_kind if any(case.facts.get(slot) for slot in reading.asked_back)), None)


def _asked_after(cases: list[OpenCase], reading: Reading) -> OpenCase | None:
    """ "How far have you got?": the kind that is named, else what was spoken of last."""
    if reading.step != "follows" or reading.facts or not cases:
        return None
    kinds = [kind for kind in (reading.about, *followed(reading.text)) if kind != "other"]
    named = next((case for kind in kinds for case in cases if case.category == kind), None)
    another = reading.certain and reading.category not in _NO_KIND and reading.category == reading.about
    return named or (_of_the_goods(cases, reading) if another else cases[0])


def _of_the_goods(cases: list[OpenCase], reading: Reading) -> OpenCase | None:
    """ "Still waiting for the replacement": the only order that is spoken of, whatever was wrong with it."""
    of_orders = [case for case in cases if case.facts.get("order_id")]
    still = phrases("same").heard(fold(reading.text)) and "order_id" in kind_of(reading.category).needs
    return of_orders[0] if still and len(of_orders) == 1 else None


def _followed(cases: list[OpenCase], reading: Reading) -> OpenCase | None:
    """ "Is the replacement on its way?": the damaged item, if one is open."""
    follows = reading.follows_up() or reading.resolved
    if any(slot in reading.values for slot in _IDENTIFYING) or not follows:
        return None
    kinds = followed(reading.text)
    of_a_kind = (case for kind in kinds for case in cases if case.category == kind)
    with_its_value = (case for kind in kinds for case in cases if case.facts.get(_VALUE_OF.get(kind, "")))
    case = next(of_a_kind, None)
    vague = case is not None and case.category == "delivery" and reading.certain and reading.category != "delivery"
    return next(with_its_value, None) if vague or case is None else case


def _sharing_a_fact(cases: list[OpenCase], reading: Reading) -> OpenCase | None:
    """The case whose order, product or error code is named, be it only to correct it."""
    said = _compact(reading.text) + " " + " ".join(map(_compact, reading.values.values()))
    named = (c for c in cases if any(_is_said(value, said, reading) for value in _names(c)))
    return next(named, None) or next((c for c in cases if _is_its_product(c, reading)), None)


def _of_the_plan(cases: list[OpenCase], brief: Brief, reading: Reading) -> OpenCase | None:
    """Where they name the plan that we know they have."""
    name = fold(brief.facts.get("plan", "")).removesuffix(" plan")
    if not name or reading.certain or re.search(rf"\b{re.escape(name)}\b", fold(reading.text)) is None:
        return None
    return next((case for case in cases if case.category == "plan"), None)


def _is_its_product(case: OpenCase, reading: Reading) -> bool:
    """ "the kettle", where the case is about a Zelvora kettle and no other is named."""
    product = fold(case.facts.get("product", "")).split()
    another_kind = reading.certain and reading.category != case.category
    named = bool(product) and re.search(rf"\b{re.escape(product[-1])}\b", fold(reading.text)) is not None
    return named and "product" not in reading.values and not another_kind and not _announced(reading)


def _is_said(known: str, said: str, reading: Reading) -> bool:
    if not known.startswith(MASK):
        return _compact(known) in said
    ends_alike = re.compile(rf"{re.escape(known.removeprefix(MASK))}\b", re.IGNORECASE)
    return any(ends_alike.search(text) for text in (reading.text, *reading.values.values()))


def _is_the_same(known: str, told: str) -> bool:
    """A known order number may be masked but for its end."""
    if known.startswith(MASK):
        return told.lower().endswith(known.removeprefix(MASK).lower())
    return known.lower() == told.lower()


def _names(case: OpenCase) -> list[str]:
    return [case.facts[slot] for slot in _IDENTIFYING if case.facts.get(slot)]


def _compact(text: str) -> str:
    return re.sub(r"[\s#-]", "", fold(text))


def _announced(reading: Reading) -> bool:
    return reading.category != "other" and phrases("anew").heard(fold(reading.text))


def _of_its_kind(cases: list[OpenCase], brief: Brief, reading: Reading) -> OpenCase | None:
    if reading.category == "other" or (reading.is_general() and cases and cases[0].with_human):
        return None
    same = [case for case in cases if case.category == reading.category and not _contradicts(case, brief, reading)]
    return same[0] if same else None


def _contradicts(case: OpenCase, brief: Brief, reading: Reading) -> bool:
    """Another order, another product: another issue, unless the value is being corrected or was asked for."""
    differing = [
        slot
        for slot in _IDENTIFYING
        if slot in reading.values and slot in case.facts and slot not in brief.asked
        if not _is_the_same(case.facts[slot], reading.values[slot])
    ]
    return bool(differing) and not (phrases("same").heard(fold(reading.text)) or _corrects(reading))


def _corrects(reading: Reading) -> bool:
    """They put a value right: they say so, or say nothing but the value."""
    folded = fold(reading.text)
    brief = (
        [told.slot for told in reading.facts] in (["order_id"], ["amount"])
        and not reading.certain
        and len(folded.split()) <= 2 * _SHORT
    )
    putting_right = brief and phrases("putting_right").heard(folded)
    said = reading.step == "corrects" or putting_right or phrases("correcting").heard(folded)
    return bool(reading.facts) and (said or is_only_values(reading.text, reading.values))


def _goes_on(cases: list[OpenCase], brief: Brief, reading: Reading) -> OpenCase | None:
    """An answer, a correction, "any news?": the case last spoken of."""
    if not cases:
        return None
    latest = cases[0]
    if _corrects(reading) and (corrected := _corrected(cases, reading)):
        return corrected
    new_question = latest.with_human and reading.is_general() and not reading.human_wanted
    return None if new_question or _tells_another(latest, brief, reading) else latest


def _corrected(cases: list[OpenCase], reading: Reading) -> OpenCase | None:
    """The case that has, or lacks, such a value."""
    of_a_kind = [c for c in cases if not reading.certain or reading.category in (c.category, *_NO_KIND)]
    has = (c for c in of_a_kind if c.facts.keys() & reading.values.keys())
    needs = (c for c in of_a_kind if reading.values.keys() & set(kind_of(c.category).needs))
    return next(has, None) or next(needs, None) or next(iter(of_a_kind), None)


def _answers(brief: Brief, reading: Reading, case: OpenCase) -> bool:
    """What we asked for comes, first of all, or at least with no other issue told."""
    said = _compact(reading.text)
    given = [_compact(reading.values[slot]) for slot in brief.asked if slot in reading.values]
    first = any(0 <= said.find(value) <= _AT_ONCE for value in given)
    another = reading.certain and reading.category not in (case.category, *_NO_KIND)
    return bool(given) and len(reading.text.split()) <= 2 * _SHORT and (first or not another)


def _has_no_kind_yet(case: OpenCase, reading: Reading) -> bool:
    """ "W4829137 is late", which told us no kind, and now "the parcel is still not here"."""
    unnamed = not any(slot in reading.values for slot in _IDENTIFYING)
    return case.category in _NO_KIND and bool(_names(case)) and unnamed


def _tells_another(case: OpenCase, brief: Brief, reading: Reading) -> bool:
    names_it = phrases("names_it").begins(fold(reading.text))
    story = bool(reading.facts) and len(reading.text.split()) > _SHORT and reading.step == "tells" and not names_it
    told = (reading.certain or story) and reading.category not in (case.category, *_NO_KIND)
    clear = told and not _has_no_kind_yet(case, reading)
    differs = any(slot in reading.values and slot in case.facts for slot in ISSUE_SLOTS)
    return clear or (differs and _contradicts(case, brief, reading))
