"""Export: everything that is on record about one customer, as one JSON object, and back."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.errors import Malformed
from core.record import Profile

# A row as JSON has it: moments in ISO 8601, files in base64.
Record = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """One customer. `facts` hold superseded ones too, each with its source message; `access_log` says who read what.
    Who is not in the directory has "" for an external id, and no profile."""

    external_id: str
    exported_at: str
    profile: Profile | None
    evidence: Sequence[Record]  # for the person
    handles: Sequence[Record]  # each with the evidence for it
    links: Sequence[Record]
    facts: Sequence[Record]
    cases: Sequence[Record]
    messages: Sequence[Record]
    replies: Sequence[Record]
    access_log: Sequence[Record]
    steps: Sequence[Record] = ()  # what their cases went through
    notes: Sequence[Record] = ()  # what colleagues wrote down about their cases
    decisions: Sequence[Record] = ()  # colleagues', about who they are
    tasks: Sequence[Record] = ()  # what colleagues had to do about their cases
    actions: Sequence[Record] = ()  # what the company was asked for on their behalf


class ExportingLedger(Protocol):
    """What exporting needs of the record."""

    async def export(self, name: str, *, reader: str, now: datetime) -> Export:
        """Everything about a customer, by an external id or channel:address; the reading itself goes into the access
        log. Raises NoSuchCustomer."""
        ...


def to_json(export: Export) -> str:
    """The export as one JSON object."""
    return json.dumps(dataclasses.asdict(export), ensure_ascii=False, indent=2)


def from_json(text: str) -> Export:
    """The export of a JSON object. Raises Malformed."""
    try:
        fields = json.loads(text)
        return Export(**fields | {"profile": fields["profile"] and Profile(**fields["profile"])})
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed(f"export: this is not what `customers export` printed ({type(error).__name__})") from None
