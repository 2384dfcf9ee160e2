"""The data files beside this module, read once and compiled."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict, cast, get_args

from core.backends.rules.text import Phrases
from core.knowledge import terms
from core.writing import Category

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
    """A data file, by its name without the ending."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))


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
    """The kinds of issue, in the order in which they win over each other."""
    read = cast("Mapping[Category, _Kind]", table("categories"))
    return tuple(_kind(name, section) for name, section in read.items() if name in get_args(Category))


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
