"""Which closed case has come back: what was solved lately, and is not."""

import re

from core.backends.rules.lexicon import phrases
from core.backends.rules.reading import Reading
from core.backends.rules.text import fold
from core.writing import Brief, OpenCase
from identity.masking import MASK

_IDENTIFYING = ("order_id", "error_code", "product")


def come_back(brief: Brief, reading: Reading) -> OpenCase | None:
    """The closed case that a message says is not over. None where it tells of something else."""
    if reading.resolved or reading.smalltalk or reading.about_codes or not brief.closed:
        return None
    folded = fold(reading.text)
    again = phrases("back").heard(folded) or phrases("not_over").heard(folded)
    if not again or phrases("anew").heard(folded):
        return None
    return next((case for case in brief.closed if _is_it(case, reading)), None)


def _is_it(case: OpenCase, reading: Reading) -> bool:
    """By what it names; else by its kind, where it names nothing else."""
    told = [(slot, reading.values[slot]) for slot in _IDENTIFYING if slot in reading.values]
    if told:
        return any(_ends_alike(case.facts.get(slot, ""), value) for slot, value in told)
    return reading.category in (case.category, "other", "complaint")


def _ends_alike(known: str, told: str) -> bool:
    end = re.sub(r"[\W_]", "", known.removeprefix(MASK)).lower()
    return bool(end) and re.sub(r"[\W_]", "", told).lower().endswith(end)
