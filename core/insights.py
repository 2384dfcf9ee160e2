"""What each figure of the insights counts, exactly. Pure: the rows of a span come in, observations come out.

The docstrings here are the definitions; docs/insights.md says them to a support lead.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.figures import Measured, Observation, Tally, Unit
from core.world import BOT, CUSTOMER, Asked, CaseRow, Contact, Step, Told, World
from core.writing import PERSON_SLOTS
from identity.proof import Proof

WITHIN = timedelta(days=7)  # who comes back so soon comes back about the same; who is quiet so long is done
_NO_KIND = ("other", "complaint")
_LAST_OF_A_NUMBER = 4  # signs of one that is masked


# ── asking again ──
def questions(world: World) -> Sequence[Observation]:
    """Every slot that a reply of the bot or a colleague asks for, at the time of the reply.

    "repeated": its value was on record then, told by the same customer at a proven handle, or on the very handle that
    is asked; of the case where the slot speaks of one, else of the person. "confirmation": it was, and the question
    shows it. "new": it was not.
    """
    told = _Told(world)
    return [
        Observation(asked.at, asked.channel, world.category(asked.case), told.judged(asked, slot), asked.case)
        for asked in world.asked
        for slot in asked.slots
    ]


def asked_again(world: World) -> Iterator[Observation]:
    """Every time that a customer came back about a case, at the time of that contact.

    "repeated" where, from then until they came back anew, a reply in the case asked for what they had told; else
    "spared". Who comes back only to say that it is solved is not counted.
    """
    later, repeated = _later_contacts(world), _repeated(world)
    for case, back in later.items():
        ends = [contact.at for contact in back[1:]]
        for contact, end in zip(back, [*ends, None], strict=True):
            hit = any(contact.at <= at and (end is None or at < end) for at in repeated.get(case, ()))
            part = "repeated" if hit else "spared"
            yield Observation(contact.at, contact.channel, world.category(case), part, case)


def _repeated(world: World) -> dict[int, list[datetime]]:
    """When something was asked for again in each case."""
    told, found = _Told(world), dict[int, list[datetime]]()
    back = {contact.case for contact in world.contacts}
    for asked in world.asked:
        if asked.case in back and any(told.judged(asked, slot) == "repeated" for slot in asked.slots):
            found.setdefault(asked.case, []).append(asked.at)
    return found


class _Told:
    """What was told, ready to be looked up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._of_case: dict[tuple[int, str], list[Told]] = {}
        self._of_person: dict[tuple[object, str], list[Told]] = {}
        for told in world.told:
            if told.case is not None:
                self._of_case.setdefault((told.case, told.slot), []).append(told)
            else:
                self._of_person.setdefault((world.near(told.handle), told.slot), []).append(told)

    def judged(self, asked: Asked, slot: str) -> str:
        values = [told.value for told in self._before(asked, slot) if _counts(told, asked)]
        if not values:
            return "new"
        return "confirmation" if any(_shows(asked.text, value) for value in values) else "repeated"

    def _before(self, asked: Asked, slot: str) -> Iterable[Told]:
        if slot not in PERSON_SLOTS:
            return self._of_case.get((asked.case, slot), ()) if asked.case is not None else ()
        near = self.near(asked, slot)
        return (told for told in near if self._world.one_customer(told.handle, asked.handle))

    def near(self, asked: Asked, slot: str) -> Sequence[Told]:
        """What was told of a person who may be the one that was asked."""
        return self._of_person.get((self._world.near(asked.handle), slot), ())


def _counts(told: Told, asked: Asked) -> bool:
    current = told.at < asked.at and (told.until is None or told.until > asked.at)
    return current and (told.proof >= Proof.PROVEN or told.handle == asked.handle)


def _shows(text: str, value: str) -> bool:
    """Whether a question shows a value, or the last four of it."""
    bare = "".join(filter(str.isalnum, value))
    masked = f"…{bare[-_LAST_OF_A_NUMBER:]}"
    return value.casefold() in text.casefold() or (len(bare) > _LAST_OF_A_NUMBER and masked in text)


# ── coming back ──
def contacts(world: World) -> Iterator[Observation]:
    """Every contact: a case that is opened, and every time that its customer comes back about it.

    "again" where they come back within 7 days: about the case, since anything was last said in it, or with another one
    of the same kind, since something was last said in the earlier one. Else "first". Who comes back only to say that
    it is solved is not counted.
    """
    earlier = _Earlier(world)
    for case in world.cases.values():
        part = "again" if earlier.alike(case) else "first"
        yield Observation(case.opened_at, case.channel, case.category, part, case.id)
    before = _turns_before(world)
    for case_id, later in _later_contacts(world).items():
        for contact in later:
            last = before.get((case_id, contact.at))
            part = "again" if last is not None and contact.at - last <= WITHIN else "first"
            yield Observation(contact.at, contact.channel, world.category(case_id), part, case_id)


def _later_contacts(world: World) -> dict[int, list[Contact]]:
    """When customers came back about each case, but for those who only said that it is solved."""
    found: dict[int, list[Contact]] = {}
    for contact in world.contacts:
        if contact.came_back and contact.case in world.cases and not _closes(world, contact):
            found.setdefault(contact.case, []).append(contact)
    return found


def _closes(world: World, contact: Contact) -> bool:
    steps = world.steps.get(contact.case, ())
    return any(step.at == contact.at and step.status == "resolved" and step.by == CUSTOMER for step in steps)


def _turns_before(world: World) -> dict[tuple[int, datetime], datetime]:
    """When something was last said before each turn of a case that was come back to: by the customer, or by us."""
    spoken: dict[int, list[datetime]] = {}
    for contact in world.contacts:
        spoken.setdefault(contact.case, []).append(contact.at)
    for case, times in spoken.items():
        times += [said.at for said in world.said.get(case, ())]
    ordered = {case: sorted(set(times)) for case, times in spoken.items()}
    return {(case, at): last for case, times in ordered.items() for last, at in pairwise(times)}


class _Earlier:
    """Cases by the kind and the customer that they may be of."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alike: dict[tuple[object, str], list[CaseRow]] = {}
        for case in world.cases.values():
            if case.category not in _NO_KIND:
                self._alike.setdefault((world.near(case.handle), case.category), []).append(case)

    def alike(self, case: CaseRow) -> bool:
        return any(self._world.one_customer(other.handle, case.handle) for other in self.may_be(case))

    def may_be(self, case: CaseRow) -> Iterator[CaseRow]:
        """The earlier cases that it would come back to, if they are of the same customer."""
        for other in self._alike.get((self._world.near(case.handle), case.category), ()):
            earlier = (other.opened_at, other.id) < (case.opened_at, case.id)
            if earlier and other.updated_at >= case.opened_at - WITHIN:
                yield other


def in_doubt(world: World) -> set[int]:
    """The handles of which the figures need to know whether they are of one customer, where `near` does not tell."""
    earlier, told = _Earlier(world), _Told(world)
    pairs = [(case.handle, other.handle) for case in world.cases.values() for other in earlier.may_be(case)]
    pairs += [
        (asked.handle, one.handle)
        for asked in world.asked
        for slot in asked.slots
        if slot in PERSON_SLOTS
        for one in told.near(asked, slot)
    ]
    return {handle for pair in pairs if pair[0] != pair[1] for handle in pair}


# ── solved at once ──
def first_contact(world: World) -> Iterator[Observation]:
    """Every case, at the time when it was opened, by how its first contact ended, as is known now.

    "escalated": it was with a colleague, ever. "came back": its customer came back about it, or it was opened again.
    "confirmed": the customer said that it is solved. "too early": something was said in it within the last 7 days.
    "abandoned": it is quiet since we asked something, or since we did not answer. "assumed": it is quiet since we
    answered.
    """
    back = _later_contacts(world)
    last_asked = {asked.case: asked.at for asked in world.asked}
    for case in world.cases.values():
        steps = [step.status for step in world.steps.get(case.id, ())]
        said = world.said.get(case.id, ())
        if "handed_off" in steps:
            part = "escalated"
        elif case.id in back or "open" in steps:
            part = "came back"
        elif case.status == "resolved":
            part = "confirmed"
        elif world.now - max(case.opened_at, said[-1].at if said else case.opened_at) < WITHIN:
            part = "too early"
        else:
            part = "assumed" if said and last_asked.get(case.id) != said[-1].at else "abandoned"
        yield Observation(case.opened_at, case.channel, case.category, part, case.id)


# ── how long it takes ──
def handle_times(world: World) -> Iterator[Observation]:
    """Every time that a colleague's case was resolved: the seconds since it was handed over, or was taken from the bot.

    A case that was given back to the bot before is not counted; neither is one that was taken only to be closed.
    """
    for case, steps in _stories(world):
        since: datetime | None = None
        for step in steps:
            if step.status == "handed_off":
                since = since or step.at
                continue
            if step.status == "resolved" and since is not None and step.at > since:
                yield _time(case, step.at, since, "resolved")
            since = None


def held_times(world: World) -> Iterator[Observation]:
    """Every stretch of time in which colleagues had a case, when it ended: the seconds from the taking to the closing
    or the giving back. From one colleague to the next it goes on."""
    for case, steps in _stories(world):
        since: datetime | None = None
        for step in steps:
            if step.status == "handed_off" and step.assignee:
                since = since or step.at
            elif since is not None:
                if step.at > since:
                    yield _time(case, step.at, since, "resolved" if step.status == "resolved" else "given back")
                since = None


def bot_responses(world: World) -> Iterator[Observation]:
    """Every case, when it was opened: the seconds from the message that opened it to the bot's first reply leaving.

    "not answered" while none has left. Of a burst of messages the first one counts. A case whose messages are on record
    no more is not counted.
    """
    for case in world.cases.values():
        if case.heard_at is None:
            continue
        sent = next((one.sent_at for one in world.said.get(case.id, ()) if one.sender == BOT and one.sent_at), None)
        part = "answered" if sent else "not answered"
        waited = (sent - case.heard_at).total_seconds() if sent else 0.0
        yield Observation(case.opened_at, case.channel, case.category, part, case.id, max(waited, 0.0))


def human_responses(world: World) -> Iterator[Observation]:
    """Every time that the bot handed a case over: the seconds until a colleague's first reply left.

    "not answered" while none has left. What a colleague took of their own accord is not counted.
    """
    for case, steps in _stories(world):
        before = ["open", *(step.status for step in steps)]
        for last, step in zip(before, steps, strict=False):
            if step.status != "handed_off" or last == "handed_off" or step.by != BOT:
                continue
            replies = (s.sent_at for s in world.said.get(case.id, ()) if s.sender == "agent" and s.at >= step.at)
            sent = next(filter(None, replies), None)
            waited = (sent - step.at).total_seconds() if sent else 0.0
            part = "answered" if sent else "not answered"
            yield Observation(step.at, case.channel, case.category, part, case.id, max(waited, 0.0))


def _stories(world: World) -> Iterator[tuple[CaseRow, Sequence[Step]]]:
    return ((world.cases[case], steps) for case, steps in world.steps.items() if case in world.cases)


def _time(case: CaseRow, at: datetime, since: datetime, part: str) -> Observation:
    return Observation(at, case.channel, case.category, part, case.id, (at - since).total_seconds())


# ── how they feel ──
def ratings(world: World) -> Iterator[Observation]:
    """Every rating, when it was given: "1" to "5". 4 and 5 are satisfied."""
    for case in world.cases.values():
        if case.satisfaction is not None and case.rated_at is not None:
            score = case.satisfaction
            yield Observation(case.rated_at, case.channel, case.category, str(score), case.id, score)


def moods_at_start(world: World) -> Iterator[Observation]:
    """Every case, when it was opened, by the first mood that was heard in it."""
    return _moods(world, 0)


def moods_at_end(world: World) -> Iterator[Observation]:
    """Every case, when it was opened, by the last mood that was heard in it so far."""
    return _moods(world, -1)


def _moods(world: World, which: int) -> Iterator[Observation]:
    for case in world.cases.values():
        if moods := world.moods.get(case.id):
            yield Observation(case.opened_at, case.channel, case.category, moods[which], case.id)


# ── how much there is ──
def opened(world: World) -> Iterator[Observation]:
    """Every case, when it was opened, by how it stands now."""
    names = {"open": "with the bot", "handed_off": "with a colleague", "resolved": "resolved"}
    for case in world.cases.values():
        yield Observation(case.opened_at, case.channel, case.category, names[case.status], case.id)


def heard(world: World) -> Iterator[Observation]:
    """Every time that a customer wrote or called and it was settled; what was said in one go counts once."""
    for one in world.heard:
        category = world.category(one.case)
        yield Observation(one.at, one.channel, category, "heard", one.case, times=one.times)


# ── all of them ──
@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure. Of a share, `good` are the parts that are counted, of all but those `left_out`; a time leaves these
    out too. `parts` are in the order in which they are drawn; `n_of` says what is counted, `defined` how."""

    key: str
    title: str
    n_of: str
    defined: str
    observe: Callable[[World], Iterable[Observation]]
    unit: Unit
    parts: Sequence[str]
    good: Sequence[str] = ()
    left_out: Sequence[str] = ()
    needs: Sequence[str] = ()  # what of the World it looks at, beside the cases

    def measure(self, tally: Tally) -> Measured:
        """What observations of it come to."""
        return tally.measure(self.unit, self.good, self.left_out)


_OBSERVED: Mapping[str, Callable[[World], Iterable[Observation]]] = {
    "asked-again": asked_again,
    "repeat-questions": questions,
    "repeat-contacts": contacts,
    "first-contact": first_contact,
    "handle-time": handle_times,
    "held": held_times,
    "bot-response": bot_responses,
    "human-response": human_responses,
    "csat": ratings,
    "mood-start": moods_at_start,
    "mood-end": moods_at_end,
    "cases": opened,
    "contacts": heard,
}


def _figure(key: str, told: Mapping[str, Any]) -> Figure:
    title, n_of, defined = (" ".join(told[name].split()) for name in ("title", "n_of", "defined"))
    parts, good, left_out, needs = (tuple(told.get(name, ())) for name in ("parts", "good", "left_out", "needs"))
    return Figure(
        key=key,
        title=title,
        n_of=n_of,
        defined=defined,
        observe=_OBSERVED[key],
        unit=Unit(told["unit"]),
        parts=parts,
        good=good,
        left_out=left_out,
        needs=needs,
    )


_TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
FIGURES = {key: _figure(key, _TOLD[key]) for key in _OBSERVED}
