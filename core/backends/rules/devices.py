"""Devices: by ordinary names ("iPhone 14"), by a plain word ("my tablet"), or said to be one ("I use a Brelka T5")."""

import re
from collections.abc import Iterator
from functools import cache

from core.backends.rules.lexicon import section_phrases, strings, table, words_of
from core.backends.rules.products import Span
from core.backends.rules.spoken import pattern_of_number
from core.backends.rules.text import choice, fold

_MORE = r"(?:[a-z]{0,4}-?\d[\w-]{0,7}|pro|max|mini|plus|ultra|air|lite|book|tab|pad)"
_NAME = rf"[a-z][\w-]{{1,20}}(?: {_MORE}(?![\w-])){{0,3}}"


def devices(text: str) -> Iterator[Span]:
    """What the customer uses, in their spelling."""
    known = [(match[0].strip(), match.start(), match.end()) for match in _names().finditer(text)]
    yield from known or _said_to_be(text)


def _said_to_be(text: str) -> Iterator[Span]:
    folded = fold(text)
    if section_phrases("slots", "device", "no_device").heard(folded):
        return
    for shape in (_declared(), _shown(), _used()):
        for match in shape.finditer(folded):
            start, end = match.span("plain") if match["plain"] else match.span("name")
            end = end if match["plain"] else _to_the_end_of_the_name(text, end)
            value = text[start:end].strip(" -")
            if value and (match["plain"] or _is_a_name(value, folded, shape is _declared())):
                yield value, start, end


def _to_the_end_of_the_name(text: str, end: int) -> int:
    """The words that follow belong to a name as long as they are capitalised: "Kobo Clara"."""
    more = re.match(rf"(?:\s+[A-Z][\w-]{{1,15}}(?:\s+{_MORE}(?![\w-]))?){{1,2}}", text[end:])
    return end + more.end() if more else end


def _is_a_name(value: str, folded: str, declared: bool) -> bool:
    first = fold(value).split()[0]
    if first in words_of("slots", "product", "no_brand") | words_of("slots", "product", "no_noun"):
        return False
    if first in words_of("slots", "product", "no_maker") or first in words_of("slots", "answer", "none"):
        return False
    if first in words_of("slots", "plan", "nouns"):
        return False
    if declared:
        return True
    troubled = section_phrases("slots", "error_code", "cues").heard(folded)
    single = " " not in value and not re.search(r"\d", value)
    return value[0].isupper() and (not single or (troubled and " my " in f" {folded} "))


@cache
def _names() -> re.Pattern[str]:
    names = (name.replace("{n}", pattern_of_number()) for name in strings(table("slots")["device"], "names"))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])", re.IGNORECASE)


@cache
def _parts() -> tuple[str, str]:
    """A plain word for a device, and the words that say whose it is."""
    section = table("slots")["device"]
    adjectives = choice(strings(section, "adjectives"))
    owned = choice(strings(section, "owned"))
    return rf"(?P<plain>(?:(?:{adjectives}) )?(?:{choice(strings(section, 'plain'))}))(?![\w-])", owned


@cache
def _declared() -> re.Pattern[str]:
    """ "The device is the Brelka T5"."""
    section = table("slots")["device"]
    plain, owned = _parts()
    nouns, verbs = choice(strings(section, "nouns")), choice(strings(section, "is"))
    return re.compile(
        rf"(?<![\w-])(?:{nouns})(?: \w+)?(?:(?: (?:{verbs}))|:)(?: (?:{owned}))? (?:{plain}|(?P<name>{_NAME}))"
    )


@cache
def _shown() -> re.Pattern[str]:
    """ "My router shows"."""
    plain, owned = _parts()
    shows = choice(strings(table("slots")["device"], "shows"))
    return re.compile(rf"(?<![\w-])(?:{owned}) {plain}(?P<name>)(?= (?:\w+ )?(?:{shows})(?!\w))")


@cache
def _used() -> re.Pattern[str]:
    """ "On my tablet", "I use a Brelka T5"."""
    section = table("slots")["device"]
    plain, owned = _parts()
    use, on = choice(strings(section, "use")), choice(strings(section, "on"))
    return re.compile(rf"(?<![\w-])(?:{use}|(?:{on})) (?:{owned}) (?:{plain}|(?P<name>{_NAME}))")
