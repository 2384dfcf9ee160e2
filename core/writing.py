"""What a writer gets (the brief) and gives (the answer), whoever it is: a language model or the offline rules."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from core.errors import WriterFailed

log = logging.getLogger(__name__)

Category = Literal["charge", "delivery", "damaged", "fault", "plan", "account", "feature", "complaint", "other"]
Mood = Literal["positive", "neutral", "frustrated", "angry"]
Urgency = Literal["low", "medium", "high", "critical"]

# The slots that a question may ask for. The first four belong to the issue, the last two to the person.
ISSUE_SLOTS = ("order_id", "amount", "product", "error_code")
PERSON_SLOTS = ("plan", "device")
# What is told of an issue and never asked for: the sum that would have been right, and how often it happened.
TOLD_SLOTS = ("amount_due", "times")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One line of the conversation so far."""

    sender: Literal["customer", "bot", "agent"]
    text: str
    channel: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenCase:
    """One open issue of this customer, as far as the gate lets it be known here."""

    id: int
    category: Category
    issue: str  # in the customer's own terms
    tried: Sequence[str] = ()  # what the customer did about it already, e.g. "checked the invoice"
    promised: Sequence[str] = ()  # what colleagues said would be done
    done: Sequence[str] = ()  # what was carried out for them: the action and its sum, e.g. "refund $50"
    mood: Mood = "neutral"
    contacts: int = 1  # how often they came back about it
    with_human: bool = False  # handed off and not given back
    facts: Mapping[str, str] = field(default_factory=dict)  # slot -> value, this issue's
    told_at: Mapping[str, datetime] = field(default_factory=dict)  # slot -> when that value was told


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """What worked for others with such an issue, redacted."""

    id: int
    category: Category
    issue: str
    resolution: str
    helped: int = 0  # cases
    votes: int = 0  # cases that said whether it helped
    customers: int = 0  # different ones whom it helped
    by_human: bool = True  # a colleague's words; otherwise ours, about what we did, for staff
    approved: bool = False  # by a lead, for customers too
    retired: bool = False  # by a lead: told to nobody

    @property
    def effectiveness(self) -> float:
        """From -1 to 1; 0 before anybody voted."""
        return (2 * self.helped - self.votes) / (self.votes + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """A passage of the company's knowledge folder."""

    title: str
    text: str
    source: str  # file name, to cite


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """All that a writer may know for one turn; everything in it has passed the gate."""

    text: str  # the customer's newest words, one burst joined by newlines
    channel: str
    language: str  # the conversation's so far; "" when it has none yet
    languages: Sequence[str]  # those we are configured to speak
    now: datetime
    said: Sequence[Spoken] = ()  # the conversation so far, oldest first, without `text`
    cases: Sequence[OpenCase] = ()  # most recent first
    closed: Sequence[OpenCase] = ()  # solved lately; what comes back is the same case
    facts: Mapping[str, str] = field(default_factory=dict)  # person slots on record: slot -> value
    stale: Collection[str] = ()  # of these slots, those told so long ago that they are confirmed before they are used
    preferences: Mapping[str, str] = field(default_factory=dict)  # e.g. channel -> email, language -> German
    asked: Sequence[str] = ()  # slot ids that our last reply asked for
    name: str = ""  # first name, where it may be said
    summary: str = ""  # who they are to us, in a sentence
    remembered: Sequence[str] = ()  # older episodes that bear on this, from memory
    patterns: Sequence[Pattern] = ()
    articles: Sequence[Article] = ()
    attachments: Sequence[str] = ()  # names of files that came with the message
    offline: bool = False  # the hour's budget of the model is used up: the rules answer
    told_at: datetime | None = None  # when `text` was said, which may be before something that we heard already
    unproven: bool = False  # what is on record may not be read back to them
    bot_name: str = "Throughline"
    brand: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A fact the customer told in this turn: a slot and its value, in the customer's spelling."""

    slot: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a writer makes of a brief, in the order in which a model is to think of it."""

    human_wanted: bool
    confidence: float  # 0 to 1: that the reply solves or honestly advances the matter
    actions: Sequence[str] = ()  # asked for by the customer now: refund, credit, reset, status, callback, flag
    reply: str = ""  # no greeting, no disclosure, no outcome of an action: code adds those
    asks: Sequence[str] = ()  # slot ids that `reply` asks for
    case: int | None = None  # the case this is about, open or come back; None opens one, if there is an issue
    issue: str = ""  # in the customer's own terms, one sentence; "" when no issue was told
    category: Category = "other"
    mood: Mood = "neutral"
    urgency: Urgency = "medium"
    language: str = "en"
    facts: Sequence[Told] = ()
    preferences: Sequence[Told] = ()  # e.g. Told(slot="channel", value="email")
    tried: Sequence[str] = ()  # second-person fit: "checked the invoice", "restarted the router"
    resolved: bool = False  # the customer says that it is solved
    reads_back: bool = False  # `reply` tells what they told us, since they asked for it
    pattern: int | None = None  # the one that `reply` offers
    article: str = ""  # the title of the one that `reply` cites
    writer: str = ""  # who wrote it: "rules", or the model's name
    fell_back: str = ""  # why the model's answer was not used, where the rules stepped in


class Writer(Protocol):
    """Understands a message and words the answer, in one go."""

    async def answer(self, brief: Brief) -> Answer:
        """The answer to a brief. Raises WriterFailed."""
        ...


Draft = Callable[[Answer], Awaitable[None]]  # shown an answer as far as it goes: what was decided, and the first words


@runtime_checkable
class WritesAloud(Protocol):
    """A writer whose answer can be followed while it is written."""

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """The answer to a brief; `draft` is given its beginning, longer each time. Raises WriterFailed."""
        ...


async def write(writer: Writer, brief: Brief, draft: Draft) -> Answer:
    """A writer's answer, shown to `draft` while it is written if the writer can do that. Raises WriterFailed."""
    if isinstance(writer, WritesAloud):
        return await writer.answer_aloud(brief, draft)
    return await writer.answer(brief)


class WithFallback:
    """The primary writer; where it fails, the rules once, and the answer says why."""

    def __init__(self, primary: Writer, rules: Writer) -> None:
        self._primary = primary
        self._rules = rules

    async def answer(self, brief: Brief) -> Answer:
        """The primary's answer, or the rules' with `fell_back` set to the reason."""
        return await self._answer(brief, self._primary.answer)

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """As `answer`; shown to `draft` while the primary writes it."""
        return await self._answer(brief, lambda given: write(self._primary, given, draft))

    async def _answer(self, brief: Brief, primary: Callable[[Brief], Awaitable[Answer]]) -> Answer:
        if brief.offline:
            return await self._rules.answer(brief)
        try:
            return await primary(brief)
        except WriterFailed as failure:
            log.warning("the model gave no usable answer, the rules answer: %s", failure)
            return replace(await self._rules.answer(brief), fell_back=str(failure))
