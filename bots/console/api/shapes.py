"""What the console's API takes and gives, as JSON."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from core.casefile import CaseFile, Entry
from core.desk import LONGEST_TEXT, View
from core.health import Condition
from core.queueing import Queued
from core.running import Process
from core.searching import Found, FoundLine
from core.status import Snapshot
from core.writing import Pattern


class Shape(BaseModel):
    """Something of the API; made ready when it is first used, since most processes never do."""

    model_config = ConfigDict(defer_build=True)


class Taken(Shape):
    """What is sent to us: a name that we do not know is a mistake."""

    model_config = ConfigDict(extra="forbid")


class ReplyIn(Taken):
    """A reply to the customer, by the channel on which they wrote last."""

    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    id: str = Field("", pattern=r"^[\w-]{0,64}$", description="The same id is never sent twice.")
    seen: int | None = Field(None, description="The newest message that you saw; 409 when the customer wrote since.")


class NoteIn(Taken):
    """A note for the other colleagues."""

    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


class TransferIn(Taken):
    """Who has the case from now on."""

    to: str = Field(description="The name of a colleague's account.")
    note: str = Field("", max_length=LONGEST_TEXT)


class SnoozeIn(Taken):
    """Until when the case is put off; it wakes earlier when its customer writes."""

    until: datetime


class ResolveIn(Taken):
    """How the case ended."""

    resolution: str = Field("", max_length=LONGEST_TEXT)
    satisfaction: StrictInt | None = Field(
        None, ge=1, le=5, description="As the customer told you; else they are asked."
    )


class Done(Shape):
    """It was done."""

    done: bool = True


class Problem(Shape):
    """Nothing was done, and why."""

    error: str


class CaseLine(Shape):
    """A case as the queue shows it."""

    id: int
    name: str
    in_directory: bool
    vip: bool
    issue: str
    category: str
    mood: str
    status: str
    assignee: str
    reason: str
    channel: str
    since: datetime

    @classmethod
    def of(cls, queued: Queued) -> "CaseLine":
        """From the record."""
        case = queued.case
        return cls(
            id=case.id,
            name=queued.name,
            in_directory=queued.vouched,
            vip=queued.vip,
            issue=queued.issue,
            category=queued.category,
            mood=queued.mood,
            status=case.status,
            assignee=case.assignee,
            reason=case.reason,
            channel=case.last_channel,
            since=queued.since,
        )


class QueueOut(Shape):
    """One page of the queue, and how many cases each tab holds."""

    cases: Sequence[CaseLine]
    counts: dict[str, int]
    page: int


class LineOut(Shape):
    """Something that was said."""

    at: datetime
    sender: str = Field(description="customer, bot or agent")
    channel: str
    text: str
    message: int | None = Field(description="The number of a customer's message.")
    state: str = Field(description="Of what we said: waiting, sent or parked.")

    @classmethod
    def of(cls, entry: Entry) -> "LineOut":
        """From the record."""
        return cls(
            at=entry.told_at,
            sender=entry.sender,
            channel=entry.channel,
            text=entry.text,
            message=entry.message,
            state=entry.state,
        )


class SuggestionOut(Shape):
    """What worked for others."""

    resolution: str
    helped: int
    votes: int

    @classmethod
    def of(cls, pattern: Pattern) -> "SuggestionOut":
        """From the playbook."""
        return cls(resolution=pattern.resolution, helped=pattern.helped, votes=pattern.votes)


class CaseOut(Shape):
    """A case with all that staff may see of its customer."""

    id: int
    name: str
    plan: str
    vip: bool
    proof: str = Field(description="How sure we are of who wrote last: claimed, plausible, proven or confirmed.")
    status: str
    assignee: str
    reason: str
    issue: str
    category: str
    facts: dict[str, str]
    tried: Sequence[str]
    promised: Sequence[str]
    attempted: Sequence[str]
    preferences: dict[str, str]
    moods: Sequence[str]
    resolution: str
    satisfaction: int | None
    goes_to: str = Field(description="The channel by which a reply goes out; empty where there is none.")
    said: Sequence[LineOut]
    suggestions: Sequence[SuggestionOut]

    @classmethod
    def of(cls, view: View) -> "CaseOut":
        """From the record."""
        file, case = view.file, view.file.case
        return cls(
            id=case.id,
            name=file.name,
            plan=file.profile.plan if file.profile else "",
            vip=file.profile is not None and file.profile.vip,
            proof=file.proof.name.lower(),
            status=case.status,
            assignee=case.assignee,
            reason=case.reason,
            issue=file.issue,
            category=file.category,
            facts=_facts(file),
            tried=file.tried,
            promised=file.promised,
            attempted=[entry.text for entry in file.attempted],
            preferences=dict(file.preferences),
            moods=file.moods,
            resolution=case.resolution,
            satisfaction=case.satisfaction,
            goes_to=file.destination.channel if file.destination else "",
            said=[LineOut.of(entry) for entry in file.said],
            suggestions=[SuggestionOut.of(pattern) for pattern in view.suggestions],
        )


class FoundText(Shape):
    """A line that holds what was searched for."""

    case: int
    name: str
    channel: str
    sender: str
    at: datetime
    excerpt: str

    @classmethod
    def of(cls, line: FoundLine) -> "FoundText":
        """From the record."""
        return cls(
            case=line.case,
            name=line.name,
            channel=line.channel,
            sender=line.sender,
            at=line.told_at,
            excerpt="".join(line.excerpt),
        )


class FoundOut(Shape):
    """What a search found."""

    customers: Sequence[CaseLine] = Field((), description="Each by their newest case.")
    cases: Sequence[CaseLine] = ()
    lines: Sequence[FoundText] = ()

    @classmethod
    def of(cls, found: Found | None) -> "FoundOut":
        """From the record."""
        if found is None:
            return cls()
        return cls(
            customers=[CaseLine.of(one.newest) for one in found.customers],
            cases=[CaseLine.of(case) for case in found.cases],
            lines=[FoundText.of(line) for line in found.lines],
        )


class ConditionOut(Shape):
    """How one thing does in a process."""

    ails: str = Field(description="What is wrong with it; empty while nothing is.")
    well_at: datetime | None
    mishaps: int = Field(description="Of the last hour, at most 20.")
    rests_until: datetime | None = Field(description="It is left alone until then.")

    @classmethod
    def of(cls, one: Condition) -> "ConditionOut":
        """From what a process noted."""
        return cls(ails=one.ails, well_at=one.well_at, mishaps=len(one.mishaps), rests_until=one.rests_until)


class ProcessOut(Shape):
    """A process of ours."""

    kind: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    heard_of: bool = Field(description="False where it has not been heard of for a while: it may have died.")
    health: dict[str, ConditionOut]

    @classmethod
    def of(cls, one: Process, now: datetime) -> "ProcessOut":
        """From the record."""
        return cls(
            kind=one.kind,
            host=one.host,
            pid=one.pid,
            started_at=one.started_at,
            seen_at=one.seen_at,
            heard_of=one.is_heard_of(now),
            health={what: ConditionOut.of(condition) for what, condition in one.conditions.items()},
        )


class StatusOut(Shape):
    """How everything does."""

    unanswered: int
    outbox_waiting: int
    parked: int
    unread: int
    processes: Sequence[ProcessOut]

    @classmethod
    def of(cls, seen: Snapshot, now: datetime) -> "StatusOut":
        """From the record."""
        return cls(
            unanswered=seen.recorded.unanswered,
            outbox_waiting=seen.recorded.outbox.waiting,
            parked=seen.recorded.parked,
            unread=seen.recorded.unread,
            processes=[ProcessOut.of(process, now) for process in seen.processes],
        )


def _facts(file: CaseFile) -> dict[str, str]:
    """The newest value of each slot that speaks of the case or of the person."""
    of_both = [fact for fact in reversed(file.facts) if fact.case in (None, file.case.id)]
    return {fact.slot: fact.value for fact in of_both if not fact.slot.startswith("prefers_")}
