"""Judge: whether we answer, hand the case to a human, or stay silent because a human has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.record import Profile
from core.runs import Run
from core.writing import Answer, OpenCase

WANTS_A_PERSON = "The customer asked for a person."
NO_ANSWER = "The bot has no answer to this."
_ENOUGH_CONFIDENCE = 0.5
_TOO_OFTEN = 3
_NEEDS_A_PERSON = frozenset({"refund", "credit", "reset"})  # where no endpoint does them they are a human's task
_MONEY = frozenset({"charge", "plan"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What happens with an answer. `reason` is for staff: why a human is needed."""

    kind: Literal["answer", "hand_off", "with_human"]
    reason: str = ""


def judge(
    answer: Answer,
    case: OpenCase | None,
    profile: Profile | None,
    runs: Sequence[Run] = (),
    *,
    needs_a_person: bool = False,
) -> Verdict:
    """The verdict on a writer's answer about a case (None: a new one, or none at all), and on what was carried out.

    `needs_a_person`: a code cannot be taken just now, since too many wrong ones come in.
    """
    if answer.human_wanted and answer.urgency == "critical":
        return Verdict(kind="hand_off", reason="Critical: read this one first.")
    if answer.reads_back:
        return Verdict(kind="answer")
    if case is not None and case.with_human and not answer.resolved:
        return Verdict(kind="with_human")
    if needs_a_person:
        return Verdict(kind="hand_off", reason="A code was entered while too many wrong ones come in.")
    reason = _why_a_human(answer, case, profile, runs)
    return Verdict(kind="hand_off", reason=reason) if reason else Verdict(kind="answer")


def may_begin(draft: Answer) -> bool:
    """Whether a reply may be said before the rest of its answer is known: nothing decided so far can change it."""
    return not draft.human_wanted and not draft.actions and draft.confidence >= _ENOUGH_CONFIDENCE


def _why_a_human(answer: Answer, case: OpenCase | None, profile: Profile | None, runs: Sequence[Run]) -> str:
    if answer.human_wanted:
        return WANTS_A_PERSON
    if runs:
        return " ".join(filter(None, (run.why_a_person for run in runs)))
    wanted = sorted(_NEEDS_A_PERSON & set(answer.actions))
    if wanted and not answer.asks:
        return f"The customer asks for: {', '.join(wanted)}. A person has to approve it."
    if answer.mood == "angry" and case is not None and case.mood == "angry":
        return "The customer is angry, and was before."
    if case is not None and case.contacts >= _TOO_OFTEN:
        return f"Contact number {case.contacts} about the same thing."
    if profile is not None and profile.vip and answer.category in _MONEY:
        return "A valued customer with a money matter."
    if answer.confidence < _ENOUGH_CONFIDENCE and not answer.asks:
        return NO_ANSWER
    return ""
