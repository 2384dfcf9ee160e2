"""The data files beside this module, read once and compiled."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TypedDict, cast, get_args

from core.backends.rules.text import Phrases
from core.errors import Problem
from core.knowledge import terms
from core.writing import ISSUE_SLOTS, PERSON_SLOTS, Category

_PLACES = frozenset(("{facts}", "{value}", "{slots}", "{text}", "{title}"))
_PLACE = re.compile(r"[{}][^{}]*[{}]?")

ByLanguage = Mapping[str, Sequence[str]]


class _Kind(TypedDict, total=False):
    needs: Sequence[str]
    things: bool
    advice: bool
    strong: ByLanguage
    words: ByLanguage
    seeds: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of issue: how it sounds, and what must be known about it."""

    name: Category
    needs: tuple[str, ...] = ()
    things: bool = False  # a product that is named speaks for it
    advice: bool = False  # what helped others may be told to the customer
    strong: Phrases
    words: Phrases
    seeds: tuple[frozenset[str], ...] = ()


class Wording(TypedDict):
    """One language's sentences, with places to fill in."""

    sorry: str
    sorry_again: str
    noted: str
    plain: str
    recorded: str
    assumed: str  # what was not said but meant; no question, so that it need not be answered
    ask: str
    confirm: str  # what is on record, as a question
    cite: str
    pattern: str
    with_human: str
    small: Mapping[str, str]  # hello, thanks, solved, dismissed
    for_a_person: str
    crisis: str
    unclear: str
    not_here: str
    unknown: str
    in_hand: Mapping[str, str]
    asks: Mapping[str, str]


@cache
def table(name: str) -> dict[str, dict[str, object]]:
    """A data file, by its name without the ending. Raises Problem."""
    path = Path(__file__).parent / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problem(f"{path} cannot be read: {error}") from None


def strings(section: Mapping[str, object], key: str) -> list[str]:
    """A list of strings in a section; empty where there is none."""
    return list(cast("Sequence[str]", section.get(key, ())))


def _every_language(lists: Mapping[str, object]) -> Phrases:
    return Phrases(phrase for key in lists if key != "points" for phrase in strings(lists, key))


@cache
def phrases(name: str) -> Phrases:
    """A section of phrases.toml, in all languages."""
    return _every_language(table("phrases")[name])


@cache
def mood_signals() -> dict[str, tuple[int, Phrases]]:
    """Each kind of signal in moods.toml with its points."""
    return {
        name: (int(cast("int", section["points"])), _every_language(section))
        for name, section in table("moods").items()
    }


@cache
def kinds() -> tuple[Kind, ...]:
    """The kinds of issue, in the order in which they win over each other. Raises Problem."""
    read = cast("Mapping[Category, _Kind]", table("categories"))
    _refuse("categories", {name: _fault(name, section) for name, section in read.items()})
    return tuple(_kind(name, section) for name, section in read.items())


def check() -> None:
    """Reads every data file, so that a mistake in one is told at the start. Raises Problem."""
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        table(path.stem)
    kinds()
    mood_signals()
    english = table("wordings")["en"]
    _refuse("wordings", {name: _fault_in_sentences(section, english) for name, section in table("wordings").items()})


def _refuse(name: str, faults: Mapping[str, str]) -> None:
    found = next((f"[{section}]: {fault}" for section, fault in faults.items() if fault), "")
    if found:
        raise Problem(f"{Path(__file__).with_name(f'{name}.toml')}, {found}")


def _fault_in_sentences(section: object, english: object, key: str = "") -> str:
    """What a language's sentences lack beside the English ones, or fill in that these do not."""
    if isinstance(english, dict):
        inner = section if isinstance(section, dict) else {}
        faults = (_fault_in_sentences(inner.get(k), e, f"{key}.{k}".strip(".")) for k, e in english.items())
        return next(filter(None, faults), "")
    if not isinstance(section, str):
        return f"{key} is missing"
    unknown = set(_PLACE.findall(section)) - (set(_PLACE.findall(str(english))) & _PLACES)
    return f"{key} cannot fill in {min(unknown)}" if unknown else ""


def _fault(name: str, section: object) -> str:
    """What is wrong with a kind, as whoever edits the file may make a mistake; "" where nothing is."""
    if name not in get_args(Category):
        return f"the kinds are {', '.join(get_args(Category))}"
    if not isinstance(section, dict):
        return "stands above the first kind"
    if unknown := section.keys() - _Kind.__annotations__:
        return f"{min(unknown)} is none of {', '.join(sorted(_Kind.__annotations__))}"
    needs = section.get("needs", ())
    slots = (*ISSUE_SLOTS, *PERSON_SLOTS)
    if not isinstance(needs, list) or any(slot not in slots for slot in needs):
        return f"needs is a list of {', '.join(slots)}"
    return _fault_in_wordings(section)


def _fault_in_wordings(section: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    for kind in ("strong", "words"):
        for language, wordings in section.get(kind, {}).items():
            if not isinstance(wordings, list) or not all(isinstance(wording, str) for wording in wordings):
                return f"a wording of {language} cannot be read: they are a list of texts"
            if broken := next((wording for wording in wordings if not _fits_together(wording)), ""):
                return f"a wording of {language} cannot be read: the brackets of {broken!r} do not fit together"
    return ""


def _fits_together(wording: str) -> bool:
    """Whether each bracket has its other half; all else may stand in a wording."""
    depths = [0, *accumulate((sign == "(") - (sign == ")") for sign in wording)]
    return min(depths) == depths[-1] == 0


def _kind(name: Category, section: _Kind) -> Kind:
    return Kind(
        name=name,
        needs=tuple(section.get("needs", ())),
        things=section.get("things", False),
        advice=section.get("advice", False),
        strong=_every_language(section.get("strong", {})),
        words=_every_language(section.get("words", {})),
        seeds=tuple(frozenset(terms(seed)) for seed in section.get("seeds", ())),
    )


@cache
def kind_of(category: Category) -> Kind:
    """The kind of a category; `other` needs and knows nothing."""
    nothing = Kind(name=category, strong=Phrases(()), words=Phrases(()))
    return next((kind for kind in kinds() if kind.name == category), nothing)


@cache
def wording(language: str) -> tuple[Wording, str]:
    """A language's sentences and its word for "and"; English where there are none."""
    sections = table("wordings")
    section = sections.get(language, sections["en"])
    return cast("Wording", section), str(section["and"])


@cache
def section_phrases(file: str, section: str, key: str) -> Phrases:
    """One list of a data file, compiled."""
    return Phrases(strings(table(file)[section], key))


@cache
def words_of(file: str, section: str, key: str) -> frozenset[str]:
    """One list of a data file, as single words."""
    return frozenset(strings(table(file)[section], key))
