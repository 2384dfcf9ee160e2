"""What may be recalled for one turn, in the shape that writers and greetings need; masked where the gate says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from core.history import history, profile_summary
from core.record import OF_THE_PERSON, Case, Fact, Profile, Rows, how_it_ended
from core.writing import Answer, Category, Mood, OpenCase, Spoken
from identity import masking
from identity.gate import DIRECTORY, HandleId, OnHandle, Permit

_RECALLED = 4_000  # characters of one line; a mail may have a million
_NEVER_MASKED = frozenset(
    {"amount", "amount_due", "product", "error_code", "plan", "device", "category", "mood", "urgency"}
)
_ABOUT_THE_CASE = frozenset({"issue", "category", "mood", "urgency", "tried", "done", "promised"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Recollection:
    """The permitted rows of one customer, newest first. `read` names each of them, for the access log."""

    permit: Permit
    name: str
    profile: Profile | None
    cases: Sequence[OpenCase]
    closed: Sequence[OpenCase]  # lately; as they would be if they were opened again
    facts: Mapping[str, str]
    told_at: Mapping[str, datetime]  # when each slot of the person was told
    preferences: Mapping[str, str]
    said: Sequence[Spoken]  # oldest first
    records: Mapping[int, Case]
    read: Sequence[str]
    drawn_from: frozenset[HandleId]  # the handles that any of it came through
    summary: str  # who they are to us, in a sentence
    closed_before: bool  # whether any case was ever closed
    language: str = ""  # in which we answered last

    def spoken_in(self, conversation: str, languages: Sequence[str], *, is_new: bool) -> str:
        """The language to go on in: the conversation's; in a new one the one wished for comes first."""
        wished = self.preferences.get("language", "")
        of_record = self.profile.language if self.profile else ""
        told = (
            (wished, conversation, self.language, of_record)
            if is_new
            else (conversation, wished, self.language, of_record)
        )
        return next((one for one in told if one in languages), conversation)

    def about_a_known_case(self, answer: Answer) -> Answer:
        """The answer, without a case that the writer was not given."""
        return answer if answer.case is None or answer.case in self.records else replace(answer, case=None)

    def shown(self, text: str) -> str:
        """Stored text as this customer may see it now."""
        return _Shown(masked=self.permit.masked, surname=_surname(self.profile)).text(text)

    def opens_again(self, answer: Answer) -> bool:
        """Whether an answer is about a case that was closed."""
        return any(case.id == answer.case for case in self.closed)

    def case(self, id: int | None) -> OpenCase | None:  # noqa: A002 - reads as what it is
        """The open case with this id, if it may be recalled here."""
        return next((case for case in self.cases if case.id == id), None)


def recollect(permit: Permit, rows: Rows) -> Recollection:
    """The rows that a permit gave, in the shape that writers and greetings need."""
    shown = _Shown(masked=permit.masked, surname=_surname(rows.profile))
    profile_facts = {"plan": rows.profile.plan} if rows.profile and rows.profile.plan else {}
    own = [fact for fact in rows.facts if fact.case is None]
    preferences = {f.slot.removeprefix("prefers_"): f.value for f in reversed(own) if f.slot not in OF_THE_PERSON}
    cases = [_open_case(case, rows.facts, shown) for case in rows.cases]
    return Recollection(
        permit=permit,
        name=masking.first_name(rows.profile.name) if rows.profile else "",
        profile=rows.profile,
        cases=sorted(cases, key=_tells_nothing),
        closed=[_afresh(_open_case(case, rows.facts, shown)) for case in rows.closed],
        facts=profile_facts | {f.slot: shown.value(f) for f in reversed(own) if f.slot in OF_THE_PERSON},
        told_at={f.slot: f.told_at for f in reversed(own) if f.slot in OF_THE_PERSON},
        preferences=preferences,
        said=[shown.line(u.spoken) for u in reversed(rows.said)],
        records={case.id: case for case in (*rows.cases, *rows.closed)},
        read=_read(rows),
        drawn_from=_drawn_from(rows),
        summary=_summary(rows, cases, shown, preferences),
        closed_before=rows.last_closed is not None,
        language=rows.language,
    )


def _summary(rows: Rows, cases: Sequence[OpenCase], shown: "_Shown", preferences: Mapping[str, str]) -> str:
    return profile_summary(
        history(
            rows.tallies, [case.category for case in cases], shown.text(how_it_ended(rows.last_closed, rows.facts))
        ),
        plan=rows.profile.plan if rows.profile else "",
        since=rows.profile.since if rows.profile else "",
        preferences=preferences,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    masked: bool
    surname: str

    def text(self, text: str) -> str:
        text = text[:_RECALLED]
        return masking.mask(text, surname=self.surname) if self.masked else text

    def value(self, fact: Fact) -> str:
        if self.masked and fact.slot == "order_id":
            return masking.order_number(fact.value)
        if fact.slot in _NEVER_MASKED:
            return fact.value
        return self.text(fact.value)

    def line(self, spoken: Spoken) -> Spoken:
        shown = self.text(spoken.text)
        return spoken if shown == spoken.text else replace(spoken, text=shown)


def _surname(profile: Profile | None) -> str:
    return masking.surname(profile.name) if profile else ""


def _afresh(case: OpenCase) -> OpenCase:
    """A case that is opened again is not handed over for what was before."""
    return replace(case, mood="neutral", contacts=1, with_human=False)


def _open_case(case: Case, known: Sequence[Fact], shown: _Shown) -> OpenCase:
    """A case as its facts tell it. They come newest first, so a later row never overwrites a newer one."""
    facts = [fact for fact in known if fact.case == case.id]
    newest: dict[str, str] = {}
    for fact in facts:
        if fact.slot not in newest:
            newest[fact.slot] = shown.value(fact)
    return OpenCase(
        id=case.id,
        category=_category(newest.get("category", "other")),
        issue=newest.get("issue", ""),
        tried=[shown.value(f) for f in reversed(facts) if f.slot == "tried"],
        promised=[shown.value(f) for f in reversed(facts) if f.slot == "promised"],
        done=[f.value for f in reversed(facts) if f.slot == "done"],
        mood=_mood(newest.get("mood", "neutral")),
        contacts=case.contacts,
        with_human=case.status == "handed_off",
        facts={slot: value for slot, value in newest.items() if slot not in _ABOUT_THE_CASE},
        told_at={fact.slot: fact.told_at for fact in reversed(facts) if fact.slot not in _ABOUT_THE_CASE},
    )


def _tells_nothing(case: OpenCase) -> bool:
    """A case of no kind and without a value comes after those that tell what they are about."""
    return case.category == "other" and not case.facts


def _category(value: str) -> Category:
    return next((c for c in get_args(Category) if c == value), "other")


def _mood(value: str) -> Mood:
    return next((m for m in get_args(Mood) if m == value), "neutral")


def _drawn_from(rows: Rows) -> frozenset[HandleId]:
    read: tuple[OnHandle, ...] = (*rows.cases, *rows.closed, *rows.facts, *rows.said, *rows.tallies)
    handles = frozenset(handle for row in read for handle in row.drawn_from)
    return handles | {DIRECTORY} if rows.profile else handles


def _read(rows: Rows) -> list[str]:
    read = [f"case:{case.id}" for case in _distinct(rows)] + [f"fact:{fact.id}" for fact in rows.facts]
    read += [f"said:{u.handle}:{u.told_at.isoformat()}" for u in rows.said]
    return read + ([f"directory:{rows.profile.external_id}"] if rows.profile else [])


def _distinct(rows: Rows) -> list[Case]:
    last = [rows.last_closed] if rows.last_closed else []
    return list({case.id: case for case in (*rows.cases, *rows.closed, *last)}.values())
