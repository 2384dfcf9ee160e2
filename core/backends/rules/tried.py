"""What customers did about it already, in words that fit after "you already": "checked the invoice"."""

import re
from functools import cache
from typing import NamedTuple

from core.backends.rules.lexicon import strings, table
from core.backends.rules.text import choice, fold

_MOST = 4
_WORDS = 8
_STOP = (
    r"(?:[.,;:!?\n(]|\s-|\b(?:and|but|because|so|still|when|while|which|however|though|yet|then|twice already|"
    r"y|pero|porque|mais|et|car|e|mas|ma|und|aber|en|maar)\b|$)"
)
_MINE = ((re.compile(r"\bmy\b", re.IGNORECASE), "your"), (re.compile(r"\bour\b", re.IGNORECASE), "your"))
_MEANWHILE = re.compile(
    r"\b(?:hab|habe|haben|heb|hebben) (?:ich|wir|ik|we|wij)\s+|\b(?:schon|bereits|auch|al|reeds|ook)\s+", re.IGNORECASE
)
_NO_VERB = re.compile(r"(?:not|n't|never) *$")


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    verb_last: bool


@cache
def _shapes() -> tuple[_Shape, ...]:
    turned = [_turned(section) for section in table("tried").values() if section.get("turned")]
    return (*turned, *map(_shape, table("tried").values()))


def _turned(section: dict[str, object]) -> _Shape:
    """ "Die Rechnung habe ich schon geprüft"."""
    verbs, turned = (choice(strings(section, key)) for key in ("verbs", "turned"))
    start = rf"(?:^|[.,;:!?\n]|{_STOP})\s*"
    return _Shape(
        re.compile(rf"{start}(?P<did>(?:[\w'-]+\s+){{1,4}}?(?:{turned})\s+(?:[\w'-]+\s+){{0,2}}?(?:{verbs}))\b"), True
    )


def _shape(section: dict[str, object]) -> _Shape:
    lead = choice(strings(section, "lead"))
    verbs = choice(strings(section, "verbs"))
    if section.get("verb_last"):
        return _Shape(
            re.compile(rf"\b(?:{lead})\s+(?!(?:ich|wir|ik|we|wij)\b)(?P<did>(?:[\w'-]+\s+){{1,6}}?(?:{verbs}))\b"), True
        )
    return _Shape(re.compile(rf"\b(?:{lead})\s+(?P<did>(?:{verbs})\b.{{0,90}}?)\s*{_STOP}"), False)


def tried(text: str) -> tuple[str, ...]:
    """The steps that they say they took, in the order told."""
    folded = fold(text)
    found = sorted(match.span("did") for shape in _shapes() for match in shape.pattern.finditer(folded))
    steps = (_second_person(text[start:end]) for start, end in found if not _NO_VERB.search(folded[:start]))
    return tuple(dict.fromkeys(step for step in steps if step))[:_MOST]


def _second_person(step: str) -> str:
    step = _MEANWHILE.sub("", " ".join(step.split()[:_WORDS])).strip(" .,")
    for mine, yours in _MINE:
        step = mine.sub(yours, step)
    return step[:1].lower() + step[1:]
