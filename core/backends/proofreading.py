"""A model's answer, read before it is used: it asks for nothing that is known, says nothing to be done that was not,
and is in a language that the customer reads. What to look for stands in proofreading.toml.

A question for what is known is left out. Where more is wrong the answer is not used at all, and the rules answer.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import cast

from core.backends.rules.language import asked_for, language_for, language_of
from core.backends.rules.lexicon import table, wording
from core.backends.rules.slots import amounts, slots
from core.backends.rules.text import Phrases, fold
from core.errors import WriterFailed
from core.writing import ISSUE_SLOTS, PERSON_SLOTS, Answer, Brief, Draft, OpenCase, Writer, write

_END = re.compile(r"((?<=[.!?…])\s+|(?<=[.!?…][\"'”’)*_])\s+|(?<=[。！？])|\n+)")
_REACH = 70  # characters between a voice and what it says to have done
_ENOUGH_CONFIDENCE = 0.5
_LAST = 4  # signs by which an order is named
_SLOTS = (*ISSUE_SLOTS, *PERSON_SLOTS)
_CLOSE = 14  # characters: two short words
_VERB_LAST = ("de", "nl")
_KINDS: Mapping[str, Sequence[str]] = {
    "whole": (),
    "done": ("ours", "direct", "nobody"),
    "ours": ("ours", "direct", "nobody"),
    "will": ("will",),
    "now": ("now",),
}
_EVERY_LANGUAGE = tuple(table("wordings"))


class Proofread:
    """A writer whose answers are read before they are used."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def answer(self, brief: Brief) -> Answer:
        """The writer's answer, where it can be used. Raises WriterFailed."""
        return proofread(await self._writer.answer(brief), brief)

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """As `answer`; `draft` is shown whole sentences, up to the first that cannot be used."""
        read, shown = 0, ""

        async def follow(begun: Answer) -> None:
            nonlocal read, shown
            pieces = _END.split(begun.reply)[:-1]  # the last is not at its end
            sound = shown + "".join(_sound(pieces[read:], begun, brief))
            whole, read = len(sound) == len("".join(pieces)), len(pieces)
            if sound != shown and _is_read(_language(sound, brief), brief):
                shown = sound
                await draft(replace(begun, reply=sound))
            if not whole:
                read = len(begun.reply)  # and nothing behind it is shown

        return proofread(await write(self._writer, brief, follow), brief)


def proofread(answer: Answer, brief: Brief) -> Answer:
    """The answer without questions for what is known. Raises WriterFailed where it cannot be used."""
    language = _language(answer.reply, brief)
    if not _is_read(language, brief):
        raise _unusable(answer, f"wrote in another language ({language}) than the customer")
    for piece in _END.split(answer.reply):
        if claim := _claim(piece, language, answer, brief):
            raise _unusable(answer, f"said that something was done ({claim})")
    spoken = language if language in brief.languages else answer.language
    wishes = [replace(w, value=_code(w.value) or w.value) if w.slot == "language" else w for w in answer.preferences]
    return _without_known(replace(answer, language=spoken, preferences=wishes), brief)


def _unusable(answer: Answer, why: str) -> WriterFailed:
    return WriterFailed(f"The language model {answer.writer} {why}; the offline rules answer instead.")


def _sound(pieces: Sequence[str], begun: Answer, brief: Brief) -> Iterator[str]:
    """The pieces of a reply up to the first that cannot be used."""
    known, language = _known(begun, brief), _here(brief)
    for piece in pieces:
        if _claim(piece, language, begun, brief) or _asked_in(piece, language, known) & known.keys():
            return
        yield piece


# ── the language ──
def _here(brief: Brief) -> str:
    wished = _code(brief.preferences.get("language", ""))
    return language_for(brief.text, replace(brief, preferences={**brief.preferences, "language": wished}))


def _language(reply: str, brief: Brief) -> str:
    """What a reply is written in; where a language is configured that we cannot tell, the conversation's."""
    here = _here(brief)
    known = set(brief.languages) <= set(_EVERY_LANGUAGE)
    return language_of(reply, languages=_EVERY_LANGUAGE, current=here) if known else here


def _is_read(language: str, brief: Brief) -> bool:
    """Whether it is the conversation's language, the one that was wished for, or the one that they write."""
    written = language_of(brief.text, languages=_EVERY_LANGUAGE, current="")
    return language in (_here(brief), written)


def _code(wish: str) -> str:
    """A language as customers name it, by its code: "German" is "de"."""
    return wish if wish in _EVERY_LANGUAGE else asked_for(wish)


# ── questions for what is known ──
def _without_known(answer: Answer, brief: Brief) -> Answer:
    known = _known(answer, brief)
    pieces = _END.split(answer.reply)
    asked = [_asked_in(piece, answer.language, known) for piece in pieces]
    repeated = {slot for slots_ in (answer.asks, *asked) for slot in slots_ if slot in known}
    wanted = {*answer.asks, *(slot for slots_ in asked for slot in slots_)} - repeated
    answer = replace(answer, asks=tuple(slot for slot in _SLOTS if slot in wanted))
    if not repeated:
        return answer
    hidden = not any(slots_ & repeated for slots_ in asked)  # worded as we do not know it
    dropped = [
        bool(s & repeated) or (hidden and not s and p.rstrip().endswith("?"))
        for p, s in zip(pieces, asked, strict=True)
    ]
    lost = {slot for slots_, gone in zip(asked, dropped, strict=True) for slot in slots_ if gone} - repeated
    if not (answer.asks or answer.article or answer.pattern):
        raise _unusable(answer, f"asked for what is known ({', '.join(sorted(repeated))})")
    behind = [False, *dropped]  # the blank behind what is left out goes with it
    kept = "".join(
        p for p, gone, follows in zip(pieces, dropped, behind, strict=False) if not (gone or follows)
    ).strip()
    return replace(answer, reply=" ".join(filter(None, (kept, _question(lost, answer.language)))))


def _question(lost: Collection[str], language: str) -> str:
    say, joint = wording(language)
    *most, last = [say["asks"][slot] for slot in _SLOTS if slot in lost] or [""]
    return say["ask"].format(slots=joint.join(filter(None, [", ".join(most), last]))) if last else ""


def _known(answer: Answer, brief: Brief) -> Mapping[str, str]:
    """What need not be asked for: what is on record of the case and of the person, and what was told just now."""
    case = _case(answer, brief)
    person = {slot: value for slot, value in brief.facts.items() if slot not in brief.stale}
    told = {fact.slot: fact.value for fact in (*slots(brief.text, asked=brief.asked), *answer.facts)}
    known = {**person, **(case.facts if case else {}), **told}
    return {slot: value for slot, value in known.items() if slot in _SLOTS and value}


def _case(answer: Answer, brief: Brief) -> OpenCase | None:
    """The case that it is about; the only one that is open, where the model names none and tells of no new issue."""
    named = next((case for case in (*brief.cases, *brief.closed) if case.id == answer.case), None)
    alone = len(brief.cases) == 1 and not answer.issue
    return named or (brief.cases[0] if alone else None)


def _asked_in(piece: str, language: str, known: Mapping[str, str]) -> set[str]:
    """The slots that a sentence asks for. One that shows the value itself wants it confirmed, and asks for nothing."""
    folded = fold(piece)
    asks = piece.rstrip().endswith("?") or _listed(language, "requests").heard(folded)
    if not asks or _listed(language, "not_needed").heard(folded):
        return set()
    return {slot for slot in _SLOTS if _named(slot).heard(folded) and not _shows(folded, known.get(slot, ""))}


def _shows(folded: str, value: str) -> bool:
    value = fold(value)
    return bool(value) and (value in folded or (value[-_LAST:].isdigit() and value[-_LAST:] in folded))


# ── what is said to be done ──
def _claim(piece: str, language: str, answer: Answer, brief: Brief) -> str:
    """What a sentence says to be done, or about to be, though nobody did it; "" where it claims nothing."""
    folded = fold(piece).rstrip()
    if folded.endswith("?"):
        return ""
    true = _true(answer, brief) if _is_on_record(piece, brief) else set[str]()
    theirs = fold("\n".join([brief.text, *(line.text for line in brief.said if line.sender == "customer")]))
    listed = (words for deed in _deeds() if deed not in true for words in _claimed(deed, folded, language, theirs))
    otherwise = () if any(_is_of(deed, folded) for deed in true) else _done_otherwise(folded, language)
    found = chain(listed, otherwise)
    backed = fold("\n".join(_backed(brief)))
    return next((words for words in found if words not in backed), "")


def _true(answer: Answer, brief: Brief) -> set[str]:
    """The deeds that were carried out, and the handing over where that comes of the answer."""
    done = {entry.split()[0] for case in (*brief.cases, *brief.closed) for entry in case.done if entry}
    goes_to_a_person = answer.human_wanted or answer.actions or answer.confidence < _ENOUGH_CONFIDENCE
    with_human = any(case.with_human for case in brief.cases)
    return done | ({"handover"} if goes_to_a_person or with_human else set())


def _is_on_record(piece: str, brief: Brief) -> bool:
    """Whether each sum that a sentence names was paid: "a refund of $50" is none of $70."""
    done = " ".join(entry for case in (*brief.cases, *brief.closed) for entry in case.done)
    return all(found.value in done for found in amounts(piece))


def _backed(brief: Brief) -> Iterator[str]:
    """Words of ours that may be said again: a colleague's, and the company's own."""
    yield from (line.text for line in brief.said if line.sender == "agent")
    yield from (promise for case in brief.cases for promise in case.promised)
    yield from (article.text for article in brief.articles)
    yield brief.summary


def _claimed(deed: str, folded: str, language: str, theirs: str) -> Iterator[str]:
    for kind, voices in _KINDS.items():
        for start, end in _deed(deed, kind).spans(folded):
            before = folded[:start]
            mentioned = kind == "ours" and folded[start:end] in theirs
            said = not voices or any(
                _says(who, before, language) for who in voices if not (mentioned and who == "nobody")
            )
            if said and not _taken_back(folded[:end] if kind == "whole" else before, language):
                yield folded[start:end]


def _done_otherwise(folded: str, language: str) -> Iterator[str]:
    """What our own voice says to have done that is on no list: "I have ...ed", but for what we do by ourselves."""
    for start, end in _listed(language, "participles").spans(folded):
        before, said = folded[:start], folded[start:end]
        if _listed(language, "harmless").heard(said) or not _says("ours", before, language):
            continue
        close = len(before) - max(end for _, end in _listed(language, "ours").spans(before)) <= _CLOSE
        closes = re.match(r"\W*(?:$|[.,;:!])", folded[end:]) is not None and language in _VERB_LAST
        if (closes if language in _VERB_LAST else close) and not _taken_back(before, language):
            yield said


def _is_of(deed: str, folded: str) -> bool:
    return deed in _deeds() and any(_deed(deed, kind).heard(folded) for kind in _KINDS)


def _taken_back(before: str, language: str) -> bool:
    return _listed(language, "never").heard(before[-_REACH:]) or _listed(language, "aside").heard(before)


def _says(who: str, before: str, language: str) -> bool:
    """Whether a voice stands before a deed and belongs to it."""
    ends = [end for _, end in _listed(language, who).spans(before)]
    between = before[ends[-1] :] if ends else ""
    if not ends or len(between) > _REACH or (who == "direct" and between.strip()):
        return False
    return not re.search(r"[.;:!?]\s", between) and not _listed(language, "apart").heard(between)


@cache
def _words() -> Mapping[str, Mapping[str, object]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@cache
def _listed(language: str, name: str) -> Phrases:
    section = _words().get(language, _words()["en"])
    return Phrases(cast("Sequence[str]", section[name]))


@cache
def _named(slot: str) -> Phrases:
    return Phrases(cast("Mapping[str, Sequence[str]]", _words()["slots"])[slot])


def _deeds() -> Sequence[str]:
    return tuple(_words()["deeds"])


@cache
def _deed(deed: str, kind: str) -> Phrases:
    return Phrases(cast("Mapping[str, Mapping[str, Sequence[str]]]", _words()["deeds"])[deed][kind])
