"""The facts of an issue, found in customers' words: each slot's candidates, and which of them holds."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

from core.backends.rules.devices import devices
from core.backends.rules.lexicon import phrases, section_phrases, table, words_of
from core.backends.rules.names import ASKED, SURE, is_ordinary, plan_named
from core.backends.rules.products import plans, products
from core.backends.rules.spoken import in_figures
from core.backends.rules.text import Phrases, fold, own_words
from core.writing import Told


class Found(NamedTuple):
    """A value with its place in the text."""

    value: str
    start: int
    end: int


_ALONE = r"(?<![\w#-])(?<!\w['’`´])"  # no part of another word: not the s of "it's"
_ORDER = re.compile(
    _ALONE + r"#?\s?(?P<letters>[a-z]|[a-z]{2,4}-?(?=\d{6}))(?P<gap>[ -]?)"
    r"(?P<digits>\d{6,10}|\d{2,5}(?:[ -]\d{2,5}){1,3}|\d(?: \d){5,9})(?![\w-]|[.,]\d)",
    re.IGNORECASE,
)
_BARE_ORDER = re.compile(r"(?<![\w#$€£.,-])#?(?P<digits>\d{5,12})(?![\w€%-]|[.,]\d)")
_ERROR = re.compile(
    _ALONE + r"(?P<letters>[a-z]{2,4}|[a-z](?:\s[a-z]){1,3})(?P<gap>[ -]?)(?P<digits>\d{3,6}|\d(?: \d){2,5})(?![\w-])",
    re.IGNORECASE,
)
_NAMED_ERROR = re.compile(
    r"\b(?:error|fehler|erreur|erro|errore|foutcode|fout)(?: ?code)?(?: is|:|,| number| no\.?)?\s+#?"
    r"(?P<code>0x[0-9a-f]{2,8}|[a-z]{0,5}[-_]?\d{1,6}|(?-i:[A-Z]{2,12}(?:_[A-Z]{1,12}){1,5}))(?![\w-])",
    re.IGNORECASE,
)
_FIGURE = r"(?:\d{1,3}(?:[,.]\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d{1,7}(?:[.,]\d{1,2}(?!\d))?)"
_MONEY = re.compile(
    rf"(?<![\w.,])(?:(?:(?:us|r|a|c)?[$€£]|\b(?:usd|eur|gbp)\b)\s?{_FIGURE}"
    rf"|{_FIGURE}\s?(?:[$€£]|(?:usd|eur|gbp|dollars?|bucks|euros?|pounds?|d[oó]lares|libras|reais|pesos|chf)\b))",
    re.IGNORECASE,
)
_BARE_MONEY = re.compile(r"(?<![\w.,$€£-])\d{1,6}[.,]\d{2}(?![\w€$£%]|[.,]\d)")
_BARE_NUMBER = re.compile(r"(?<![\w.,$€£-])\d{1,6}(?:[.,]\d{1,2})?(?![\w%]|[.,]\d)")
_ONLY_A_NUMBER = re.compile(r"^\W*(?P<digits>\d(?:[ -]?\d){3,11})[\s.!]*$")
_CUE_REACH, _BEFORE, _NEAR, _AFTER, _CLOSE = 34, 60, 34, 28, 3  # characters around a value
_LONG_CODE = 4  # digits by which letters and a number are an error code also where they stand apart
_DENIED, _OTHERS = -3, -4  # what weighs this little is not the customer's
_ANSWER_WORDS, _SHORT_ANSWER = 5, 12
_CANDIDATES = 20  # of one slot in one message
_NAME = re.compile(r"[^\W\d_]{2}")
_ANSWER_SHAPES = {
    "product": _NAME,
    "plan": re.compile(r"\w"),
    "device": _NAME,
    "error_code": re.compile(r"^[^\W\d_]{0,4}[-_ #]?\d[\w-]{0,11}$"),
}


def order_ids(text: str, asked: Sequence[str] = ()) -> Iterator[Found]:
    """Order numbers, in upper case without spaces: W4829137."""
    for match in _ORDER.finditer(text):
        loose = match["gap"] == " " and match["letters"].lower() in "aeiouy"
        if not loose or _cued(text, match.start(), "order_id"):
            yield _found(match, (match["letters"] + match["digits"]).upper().replace(" ", ""))
    alone = _ONLY_A_NUMBER.search(text) if "order_id" in asked else None
    if alone:
        yield _found(alone, re.sub(r"\D", "", alone["digits"]))
    for match in () if alone else _BARE_ORDER.finditer(text):
        if "order_id" in asked or _cued(text, match.start(), "order_id"):
            yield _found(match, match["digits"])


def error_codes(text: str, _asked: Sequence[str] = ()) -> Iterator[Found]:
    """Error codes: KX-48213, also where it was written KX 48213."""
    for match in _ERROR.finditer(text):
        letters, digits = match["letters"].replace(" ", ""), match["digits"].replace(" ", "")
        long = len(digits) >= _LONG_CODE
        capital = letters.isupper() and (not match["gap"] or (long and not text.isupper()))
        written = match["gap"] == "-" or capital or (long and " " in match["letters"])
        named = letters.lower() not in words_of("slots", "error_code", "no_prefix")
        if named and (written or _cued(text, match.start(), "error_code")):
            yield _found(match, f"{letters.upper()}-{digits}")
    for match in _NAMED_ERROR.finditer(text):
        yield _found(match, match["code"].upper())


def amounts(text: str, asked: Sequence[str] = ()) -> Iterator[Found]:
    """Sums of money as they were written; not the price that names a plan."""
    bare = "amount" in asked and len(text.split()) <= _ANSWER_WORDS and not list(order_ids(text, asked))
    wanted = [_MONEY, _BARE_MONEY, *([_BARE_NUMBER] if bare else [])]
    found = [match for pattern in wanted for match in pattern.finditer(text)]
    prices = [(plan.start, plan.end) for plan in map(_as_found, plans(text))] if found else []
    for match in found:
        if not any(start <= match.start() < end for start, end in prices):
            yield _found(match, re.sub(r"\s+", " ", match[0]))


def _devices(text: str, _asked: Sequence[str] = ()) -> Iterator[Found]:
    return map(_as_found, devices(text))


def _as_found(found: tuple[str, int, int]) -> Found:
    return Found(*found)


def _products(text: str, _asked: Sequence[str] = ()) -> Iterator[Found]:
    """Not where it is the name of a device: "Surface Laptop"."""
    found = list(map(_as_found, products(text)))
    named = [(start, end) for _, start, end in devices(text)] if found else []
    return (one for one in found if not any(start <= one.start and one.end <= end for start, end in named))


def _plans(text: str, _asked: Sequence[str] = ()) -> Iterator[Found]:
    return map(_as_found, plans(text))


_FINDERS: dict[str, Callable[[str, Sequence[str]], Iterator[Found]]] = {
    "order_id": order_ids,
    "amount": amounts,
    "product": _products,
    "error_code": error_codes,
    "plan": _plans,
    "device": _devices,
}


def slots(text: str, *, asked: Sequence[str] = ()) -> tuple[Told, ...]:
    """The facts told in a text. `asked`: what our last reply asked for, which a bare value then answers."""
    text = in_figures(own_words(text))
    holding = {
        slot: _holding(slot, text, list(islice(find(text, asked), _CANDIDATES))) for slot, find in _FINDERS.items()
    }
    told = {slot: found for slot, found in holding.items() if found is not None}
    facts = tuple(Told(slot=slot, value=found.value) for slot, found in told.items())
    if "plan" in asked:
        facts += plan_in(text, facts, least=ASKED if len(text.split()) <= _SHORT_ANSWER else SURE)
    facts += _product_that_fails(facts, asked)
    named = {fact.slot for fact in facts}
    return facts + _bare_answer(text, [slot for slot in asked if slot not in named], told.values())


def _product_that_fails(facts: Sequence[Told], asked: Sequence[str]) -> tuple[Told, ...]:
    """The product as the device, where it answers which device it is."""
    told = {fact.slot: fact.value for fact in facts}
    answers = "device" in asked and "product" not in asked and "product" in told and "device" not in told
    return (Told(slot="device", value=told["product"]),) if answers else ()


def plan_in(text: str, facts: Sequence[Told], *, least: int = SURE) -> tuple[Told, ...]:
    """The plan that is named without being called one, in a text that is about a plan: "take me off Corvane"."""
    if any(fact.slot == "plan" for fact in facts):
        return ()
    name = plan_named(text, without=[fact.value for fact in facts], least=least)
    return (Told(slot="plan", value=name if " " in name else f"{name} plan"),) if name else ()


def told_beside(text: str, facts: Sequence[Told]) -> tuple[Told, ...]:
    """What is told of an issue and never asked for: the sum that would have been right, how often it happened."""
    taken = next((fact.value for fact in facts if fact.slot == "amount"), "")
    return (_due(text, taken) if taken else ()) + _times(text)


def _due(text: str, taken: str) -> tuple[Told, ...]:
    due = section_phrases("slots", "amount", "due")
    for found in islice(amounts(text), _CANDIDATES):
        before = fold(text[max(0, found.start - _NEAR) : found.start])
        if found.value != taken and due.heard(re.split(r"[.!?\n]\s|\d", before)[-1]):
            return (Told(slot="amount_due", value=found.value),)
    return ()


def _times(text: str) -> tuple[Told, ...]:
    folded = fold(text)
    counted = (times for times in table("slots")["times"] if section_phrases("slots", "times", times).heard(folded))
    return tuple(Told(slot="times", value=times) for times in counted)[-1:]


def _holding(slot: str, text: str, candidates: list[Found]) -> Found | None:
    """The candidate that the customer stands by; the first of equals."""
    weighed = [(_weight(slot, text, found, len(candidates) > 1), found) for found in candidates]
    standing = [(weight, found) for weight, found in weighed if weight > _DENIED]
    return max(standing, key=lambda w: w[0])[1] if standing else None


def _weight(slot: str, text: str, found: Found, several: bool) -> int:
    folded = fold(text)
    before = re.split(r"[.!?\n](?=\s|$)", folded[max(0, found.start - _BEFORE) : found.start])[-1]
    after = folded[found.end : found.end + _AFTER]
    weight = _OTHERS if slot != "device" and _lately("others", before) else 0
    if slot == "amount":
        return weight + (_money_weight(before) + 2 * _leads("right", before) if several else 0)
    if _leads("wrong_before", before):
        weight += _DENIED
    return weight + (2 * _leads("right", before) - 2 * _follows("wrong_after", after) if several else 0)


def _money_weight(before: str) -> int:
    """What was taken is meant, not what should have been."""
    near = re.split(r"\d", before)[-1][-_NEAR:]
    if section_phrases("slots", "amount", "owed").heard(before) and _leads("wrong_before", before):
        return 2  # "I should pay $49 instead of $99"
    taken = section_phrases("slots", "amount", "taken").heard(near)
    return taken - 2 * section_phrases("slots", "amount", "expected").heard(near)


def _phrases(key: str) -> Phrases:
    return section_phrases("slots", "correction", key)


def _lately(key: str, before: str) -> bool:
    return any(len(before) - end <= _AFTER for _, end in _phrases(key).spans(before))


def _leads(key: str, before: str) -> bool:
    """The phrase stands right before the value, but for a few small words."""
    small = words_of("slots", "correction", "between")
    between = [before[end:] for _, end in _phrases(key).spans(before)]
    if key == "wrong_before":  # "that I do not know, order W4829137" does not deny the order
        between = [words for words in between if not re.search(r"[,;:]", words)]
    return any(set(re.findall(r"[\w#]+", words)) <= small for words in between)


def _follows(key: str, after: str) -> bool:
    return any(start <= _CLOSE for start, _ in _phrases(key).spans(after))


def _cued(text: str, at: int, slot: str) -> bool:
    return section_phrases("slots", slot, "cues").heard(fold(text[max(0, at - _CUE_REACH) : at]))


def _found(match: re.Match[str], value: str) -> Found:
    return Found(value, match.start(), match.end())


@cache
def _lead_in() -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(words_of("slots", "answer", "lead_in"), key=len, reverse=True)))
    return re.compile(rf"^(?:\W|\b(?:{words})\b)+")


def _bare_answer(text: str, open_slots: Sequence[str], told: Collection[Found]) -> tuple[Told, ...]:
    """A few words that answer a question for a name: "Corvane" for the plan."""
    rest = _without(text, told)
    start = _lead_in().match(fold(rest))
    rest = rest[start.end() if start else 0 :].strip(" .,!;:\n").removesuffix(" one")
    slot = next((slot for slot in open_slots if slot in _ANSWER_SHAPES and _ANSWER_SHAPES[slot].search(rest)), None)
    beside = bool(told) and is_ordinary(rest)  # "the screen says KX-48213" names no device
    if slot is None or beside or _answers_nothing(text, rest):
        return ()
    return (Told(slot=slot, value=f"{rest} plan" if slot == "plan" and " " not in rest else rest),)


def is_only_values(text: str, values: Mapping[str, str]) -> bool:
    """Whether a text tells these values and nothing else: "wait, it's KX-48213"."""
    rest = in_figures(own_words(text))
    for found in [
        found for find in _FINDERS.values() for found in list(islice(find(rest, tuple(values)), _CANDIDATES))
    ]:
        rest = rest.replace(rest[found.start : found.end], " " * (found.end - found.start))
    folded = fold(rest)
    for slot in values:
        if slot in table("slots"):
            folded = section_phrases("slots", slot, "named").without(folded)
    for name in ("correcting", "hello", "thanks"):
        folded = phrases(name).without(folded)
    left = set(re.findall(r"[\w']+", folded)) - _fillers()
    return bool(values) and all(map(_is_mistyped_filler, left))


@cache
def _fillers() -> frozenset[str]:
    entries = (*_lead_in_words(), *words_of("slots", "correction", "fillers"))
    return frozenset(word for entry in entries for word in entry.split())


@lru_cache(maxsize=4_096)
def _is_mistyped_filler(word: str) -> bool:
    long = [filler for filler in _fillers() if len(filler) > _CLOSE]
    return len(word) > _CLOSE and bool(get_close_matches(word, long, n=1, cutoff=0.79))


def _lead_in_words() -> frozenset[str]:
    return words_of("slots", "answer", "lead_in") | words_of("slots", "correction", "between")


def without_values(text: str, asked: Sequence[str] = ()) -> str:
    """What is said beside order numbers, sums and codes."""
    said = in_figures(own_words(text))
    for slot in ("order_id", "amount", "error_code"):
        for found in sorted(islice(_FINDERS[slot](said, asked), _CANDIDATES), key=lambda found: -found.start):
            said = said[: found.start] + " " + said[found.end :]
    return " ".join(said.split())


def _answers_nothing(text: str, rest: str) -> bool:
    wordy = not rest or len(rest.split()) >= _ANSWER_WORDS
    empty = "?" in rest or section_phrases("slots", "answer", "none").heard(fold(rest))
    return wordy or empty or phrases("unavailable").heard(fold(text))


def _without(text: str, told: Iterable[Found]) -> str:
    for found in sorted(told, key=lambda f: -f.start):
        text = text[: found.start] + " " + text[found.end :]
    return text
