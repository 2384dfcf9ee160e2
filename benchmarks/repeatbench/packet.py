"""What a colleague gets with a handoff: who it is, what it is about, what is known, what was tried, why now."""

from collections.abc import Iterator

from core.desk import CaseFile, View

_SLOTS = ("order_id", "amount", "product", "error_code", "plan", "device")
_LINES = 6
_LONGEST = 300  # characters of one line of what was said


def packet(view: View) -> str:
    """The packet of a case, one line for each thing that is known."""
    return "\n".join(f"{title}: {text}" for title, text in _entries(view) if text)


def _entries(view: View) -> Iterator[tuple[str, str]]:
    file = view.file
    yield "Customer", _who(file)
    yield "Why now", file.case.reason
    yield "Issue", f"{file.issue} ({file.category})" if file.issue else ""
    yield "Known", _known(file)
    yield "Tried by the customer", "; ".join(file.tried)
    yield "Mood", file.value("mood")
    yield "Contacts about it", str(file.case.contacts)
    yield "Prefers", ", ".join(f"{slot} {value}" for slot, value in file.preferences.items())
    yield "Other cases", "; ".join(other.summary for other in file.related if other.open)
    yield "Worked for others", "; ".join(pattern.resolution for pattern in view.suggestions)
    for entry in file.said[-_LINES:]:
        yield f"{entry.sender} by {entry.channel}", " ".join(entry.text.split())[:_LONGEST]


def _who(file: CaseFile) -> str:
    profile = file.profile
    about = [file.name, f"proof: {file.proof.name.lower()}"]
    if profile:
        about += [f"plan {profile.plan}" if profile.plan else "", "VIP" if profile.vip else ""]
    return ", ".join(filter(None, about))


def _known(file: CaseFile) -> str:
    """The newest value of each slot, of this case or of the person."""
    newest = {f.slot: f.value for f in reversed(file.facts) if f.case in (None, file.case.id)}
    return ", ".join(f"{slot.replace('_', ' ')} {newest[slot]}" for slot in _SLOTS if slot in newest)
