"""Finds the questions in a text: which slots it asks for, which it only confirms, and whether it wants a proof.

Known in English, Spanish, German and French. What a customer said and is quoted is no question; nor is a question that
shows the value itself, nor a sentence that says that something need not be told again.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.repeatbench.world import SLOTS, Slot

_A_SENTENCE = 3  # words of a customer that are known again
_QUOTED = re.compile(r"“[^”]*”|„[^“”]*[“”]|«[^»]*»|\"[^\"\n]*\"|^\s*>.*$", re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?…\n]*(?:[.](?=\w)[^.!?…\n]*)*(?:[.!?…]+|\n|$)")
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _any_of(alternatives: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_NOT_NEEDED = _any_of(_WORDS["not_needed"])
_REQUEST = _any_of(_WORDS["request"])
_PROOF = _any_of(_WORDS["proof"])
_REFUSAL = _any_of(_WORDS["refusal"])
_ABOUT = _any_of(_WORDS["about"])
_SHOWN = _any_of(_WORDS["shown"])
_WHETHER = _any_of(_WORDS["whether"])
_NAMED: Mapping[Slot, re.Pattern[str]] = {slot: _any_of(_WORDS["slot"][slot]) for slot in SLOTS}
_BARE: Mapping[Slot, re.Pattern[str]] = {
    slot: re.compile(
        rf"^\W*(?:and |y |und |et )?(?:your |the |su |ihre? |votre )?(?:{pattern.pattern})\s*(?:,? please)?\s*\?",
        re.IGNORECASE,
    )
    for slot, pattern in _NAMED.items()
}


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What a text asks."""

    asks: frozenset[Slot] = frozenset()
    confirms: frozenset[Slot] = frozenset()
    proof: bool = False
    refuses: bool = False


def questions(text: str, known: Mapping[Slot, str] | None = None, said: Sequence[str] = ()) -> Questions:
    """What a text asks for.

    `known` are the values told so far, by which a confirmation is told from a question; `said` what the customer said:
    where it comes back it is no question, in quotation marks or not.
    """
    asks: set[Slot] = set()
    confirms: set[Slot] = set()
    proof = False
    for sentence in _sentences(_without(text, said)):
        wanted = {slot for slot in SLOTS if _asks_for(slot, sentence)}
        wants_proof = bool(_PROOF.search(sentence)) and bool(_REQUEST.search(sentence) or "?" in sentence)
        shown = {slot for slot in SLOTS if slot in wanted and _shows(sentence, (known or {}).get(slot, ""))}
        proof = proof or wants_proof
        confirms |= shown
        asks |= set() if wants_proof else wanted - shown
    return Questions(
        asks=frozenset(asks), confirms=frozenset(confirms), proof=proof, refuses=bool(_REFUSAL.search(text))
    )


def _without(text: str, said: Sequence[str]) -> str:
    for line in said:
        words = re.findall(r"\w+", line)
        if len(words) >= _A_SENTENCE:
            text = re.sub(r"\W+".join(map(re.escape, words)), "", text, flags=re.IGNORECASE)
    return text


def _sentences(text: str) -> list[str]:
    bare = _QUOTED.sub(" ", text.replace("’", "'"))
    return [found.strip() for found in _SENTENCE.findall(bare) if found.strip()]


def _asks_for(slot: Slot, sentence: str) -> bool:
    if _NOT_NEEDED.search(sentence):
        return False
    if _BARE[slot].search(sentence):
        return True
    request = _REQUEST.search(sentence)
    if request is None:
        return False
    return any(
        found.end() > request.start() and not _ABOUT.search(sentence[: found.start()])
        for found in _NAMED[slot].finditer(sentence)
    )


def _shows(sentence: str, value: str) -> bool:
    """Whether the value itself, or its last four, stands in the question."""
    if value and value.lower() in sentence.lower():
        return True
    last = value[-4:]
    if last.isdigit() and re.search(rf"(?<!\d){last}(?!\d)", sentence):
        return True
    return bool(_SHOWN.search(sentence) and _WHETHER.search(sentence))
