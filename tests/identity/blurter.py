"""A writer without discretion, and the words by which it gives itself away.

Every customer tells words that nobody else knows. The writer repeats all of them that it is given, so whatever the
gate lets through is said aloud, and what was said is on record for later turns to trip over.
"""

import re
from dataclasses import replace
from string import ascii_lowercase

from core.writing import Answer, Brief, Told

_CANARY = re.compile(r"\bzq[a-z]{4}\b", re.IGNORECASE)


def canary(number: int) -> str:
    """A word of its own for each number; no mask takes it for something private."""
    letters = (ascii_lowercase[number // 26**place % 26] for place in (3, 2, 1, 0))
    return "zq" + "".join(letters)


def canaries(text: str) -> set[str]:
    """The words of this kind in a text."""
    return {word.lower() for word in _CANARY.findall(text)}


class Blurter:
    """Opens a case for everything it is told, unless it is "about it"; `given` is what it knew in the last turn."""

    def __init__(self) -> None:
        self.given: set[str] = set()
        self.briefs: list[Brief] = []

    async def answer(self, brief: Brief) -> Answer:
        self.briefs.append(brief)
        self.given = canaries(repr(replace(brief, text="")))
        told = sorted(canaries(brief.text))
        known_case = brief.cases[0].id if brief.cases and "about it" in brief.text else None
        return Answer(
            human_wanted=False,
            confidence=1,
            reply=f"I know {' '.join(sorted(self.given))}.",
            case=known_case,
            issue=f"{told[0]} broke" if told and known_case is None else "",
            facts=[Told(slot=slot, value=word) for word in told for slot in ("device", "product")],
            resolved="solved" in brief.text,
            language="en",
            writer="blurter",
        )
