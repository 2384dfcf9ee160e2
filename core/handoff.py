"""The handoff packet: what a colleague must know to ask the customer nothing."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from core.casefile import CaseFile
from core.writing import ISSUE_SLOTS, PERSON_SLOTS, Pattern

_SHOWN_LINES = 6
_LONGEST = 300  # characters of one line of what was said
_FILE = Path(__file__).with_name("handoff.toml")


def packet(file: CaseFile, suggestions: Sequence[Pattern]) -> str:
    """The packet as text, a line for each thing that is known."""
    return "\n".join(f"{title}: {text}" for title, text in _entries(file, suggestions) if text)


def next_steps(file: CaseFile, suggestions: Sequence[Pattern]) -> list[str]:
    """What to do next, the most pressing first; worded by a support lead in handoff.toml."""
    steps = [_steps()["approve"].format(action=run.told) for run in file.runs if run.state == "waiting"]
    steps += [_steps()["check"].format(action=run.told) for run in file.runs if run.state in ("unknown", "refused")]
    unknown = [slot for slot in _needed(file) if slot not in known(file)]
    steps += [_steps()["ask"].format(slots=", ".join(slot.replace("_", " ") for slot in unknown))] if unknown else []
    steps += [_steps()["worked"].format(resolution=best.resolution) for best in suggestions[:1]]
    steps += [_steps()["calm"]] if file.value("mood") in ("angry", "frustrated") else []
    return steps + [step for step in (_steps().get(file.category, ""),) if step]


def known(file: CaseFile) -> Mapping[str, str]:
    """The newest value of each slot, of this case or of the person."""
    newest = {f.slot: f.value for f in reversed(file.facts) if f.case in (None, file.case.id)}
    plan = {"plan": file.profile.plan} if file.profile and file.profile.plan else {}
    return plan | {slot: newest[slot] for slot in (*ISSUE_SLOTS, *PERSON_SLOTS) if slot in newest}


@cache
def _steps() -> Mapping[str, str]:
    steps: dict[str, str] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["steps"]
    return steps


@cache
def _needs() -> Mapping[str, Sequence[str]]:
    needs: dict[str, list[str]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["needs"]
    return needs


def _needed(file: CaseFile) -> Sequence[str]:
    return _needs().get(file.category, ())


def _entries(file: CaseFile, suggestions: Sequence[Pattern]) -> Iterator[tuple[str, str]]:
    yield "Customer", _who(file)
    yield "Why now", file.case.reason
    yield "Issue", f"{file.issue} ({file.category})" if file.issue else ""
    yield "Known", ", ".join(f"{slot.replace('_', ' ')} {value}" for slot, value in known(file).items())
    yield "Tried by the customer", "; ".join(file.tried)
    yield "Tried by the bot", "; ".join(f"{run.told}: {run.state}" for run in file.runs)
    yield "Promised", "; ".join(file.promised)
    yield "Mood", file.value("mood")
    yield "Contacts about it", str(file.case.contacts)
    yield "Prefers", ", ".join(f"{slot} {value}" for slot, value in file.preferences.items())
    yield "Other cases", "; ".join(other.summary for other in file.related if other.open)
    yield "Worked for others", "; ".join(pattern.resolution for pattern in suggestions)
    yield "Next", "; ".join(next_steps(file, suggestions))
    for entry in file.said[-_SHOWN_LINES:]:
        yield f"{entry.sender} by {entry.channel}", " ".join(entry.text.split())[:_LONGEST]


def _who(file: CaseFile) -> str:
    profile = file.profile
    about = [file.name, f"proof: {file.proof.name.lower()}"]
    if profile:
        about += [f"plan {profile.plan}" if profile.plan else "", f"since {profile.since}" if profile.since else ""]
        about += [f"value {profile.value:,.0f}" if profile.value else "", "VIP" if profile.vip else ""]
    return ", ".join(filter(None, about))
