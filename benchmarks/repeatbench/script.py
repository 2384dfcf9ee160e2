"""Scripts: who says what, when and how well proven, and what may be answered. Also the builder that strata use."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict, Unpack

from benchmarks.repeatbench.protocol import ChannelName, Sender
from benchmarks.repeatbench.protocol import Person as DirectoryRow
from benchmarks.repeatbench.words import Wording, Words
from benchmarks.repeatbench.world import Account, Customer, Issue, Slot, World

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_TO: Mapping[ChannelName, str] = {"email": "support@acme.test", "sms": "+15550100", "voice": "+15550100"}

# What the first reply of a contact has to name: the open issue and no other; no other than what was just told; no
# issue at all; whatever it likes.
Naming = Literal["it", "no_other", "nothing", "any"]


@dataclass(frozen=True, kw_only=True)
class Say:
    """Somebody says something. A circle is what one person is known by: what was told in it may be recalled in it."""

    at: datetime
    id: str
    circle: str
    speaker: Customer
    account: Account
    sender: Sender
    text: str
    language: str = "en"
    issue: Issue | None = None
    tells: Mapping[Slot, str] = field(default_factory=dict)
    begins: bool = True  # a contact; else it goes on with one
    names: Naming = "any"
    proven: bool = True
    scored: bool = True  # counts as a customer's contact; attackers' do not
    alone: bool = False  # said again in a run without the others, and answered the same
    nameless: frozenset[str] = frozenset()  # names that no answer may hold
    foreign: frozenset[str] = frozenset()  # values in the text that are somebody else's
    answers: bool = True  # tells what it is asked for
    needs: bool = True  # what is needed and unknown has to be asked for
    solves: bool = False
    silence: bool = False  # no answer is right too
    said_at: datetime | None = None  # where it differs from the arrival
    copies: int = 1  # that arrive at once
    repeated: bool = False  # arrived before
    to: str = ""
    subject: str = ""
    dtmf: str = ""
    digits: Literal["", "code", "pair"] = ""  # says what the bot showed: the code in `shown_to`, or the pair here
    shown_to: str = ""  # the address of the account that was shown the code
    on_code: bool = False  # talk of codes; is about no issue
    rounds: int = 0  # of questions that were answered before, in this contact

    @property
    def told_at(self) -> datetime:
        """When it was said."""
        return self.said_at or self.at


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """A human acts on the case that the circle has open."""

    at: datetime
    circle: str
    action: Literal["take", "reply", "resolve", "return"]
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Erase:
    """The company erases somebody."""

    at: datetime
    circle: str
    person: str


@dataclass(frozen=True, kw_only=True)
class Join:
    """Two circles are one from now on: a code was confirmed."""

    at: datetime
    circle: str
    other: str


Step = Say | Colleague | Erase | Join


@dataclass(kw_only=True)
class Script:
    """One story, of one stratum."""

    id: str
    stratum: str
    steps: list[Step] = field(default_factory=list)
    directory: list[DirectoryRow] = field(default_factory=list)
    on_record: dict[str, dict[Slot, str]] = field(default_factory=dict)  # circle -> what the directory tells of it
    people: set[str] = field(default_factory=set)
    kept_alone: set[str] = field(default_factory=set)  # directory ids that stay in the run without the others

    @property
    def contacts(self) -> int:
        """How many contacts it has."""
        return sum(isinstance(step, Say) and step.begins for step in self.steps)


class Manner(TypedDict, total=False):
    """What a Say may be given by a stratum."""

    language: str
    issue: Issue | None
    tells: Mapping[Slot, str]
    begins: bool
    names: Naming
    proven: bool
    scored: bool
    alone: bool
    nameless: frozenset[str]
    foreign: frozenset[str]
    answers: bool
    needs: bool
    solves: bool
    silence: bool
    copies: int
    repeated: bool
    to: str
    subject: str
    dtmf: str
    digits: Literal["", "code", "pair"]
    shown_to: str
    on_code: bool


@dataclass(kw_only=True)
class Scene:
    """Builds one script. `day` and `minute` are the script's own clock."""

    world: World
    words: Words
    script: Script
    start: datetime
    day: float = 0
    minute: float = 0

    def person(self, *channels: ChannelName, name: str = "", profile: bool = False) -> Customer:
        """Somebody new, whom the directory knows on these channels; nowhere, when none is given."""
        made = self.world.person(name=name)
        self.script.people.add(made.id)
        if channels:
            self.script.directory.append(made.listed(*channels, profile=profile))
            if profile:
                self.script.on_record[made.id] = {"plan": made.plan}
        return made

    def channel(self, *among: ChannelName) -> ChannelName:
        """One of some channels."""
        return self.world.rng.choice(among)

    def later(self, *, days: float = 0, minutes: float = 0) -> None:
        """Lets time pass; a new day begins at its own minute."""
        self.day += days
        self.minute = minutes if days else self.minute + minutes

    @property
    def now(self) -> datetime:
        """The script's time."""
        return self.start + timedelta(days=self.day, minutes=self.minute)

    def says(self, who: Customer, channel: ChannelName, text: str, circle: str = "", **more: Unpack[Manner]) -> Say:
        """A proven message of somebody, in their own circle."""
        return self.sends(who, who.accounts[channel], text, circle=circle, **more)

    def sends(
        self,
        who: Customer,
        account: Account,
        text: str,
        *,
        circle: str = "",
        auth: Literal["pass", "fail", "none"] = "pass",
        public: bool = False,
        late: timedelta = timedelta(0),
        **more: Unpack[Manner],
    ) -> Say:
        """A message over any account, with what the channel's check said. `late`: how long it was on its way."""
        channel = account.channel
        values = more.get("tells", {}).values()
        if not more.get("digits"):
            text = self.words.in_manner(text, channel, account.name, self.now, values=values)
        more.setdefault("to", _TO.get(channel, "C-help" if public else ""))
        if channel == "email":
            more.setdefault("subject", "Help")
        step = Say(
            at=self.now,
            id=f"{self.script.id}-{len(self.script.steps)}",
            circle=circle or who.id,
            speaker=who,
            account=account,
            sender=account.sender(auth=auth, public=public),
            text=text,
            said_at=self.now - late if late else None,
            **more,
        )
        self.script.steps.append(step)
        return step

    def again(self, step: Say) -> None:
        """The same message is delivered once more."""
        copy = replace(step, at=self.now, said_at=step.told_at, begins=False, repeated=True, tells={}, answers=False)
        self.script.steps.append(copy)

    def tells(
        self,
        who: Customer,
        channel: ChannelName,
        of: Issue,
        *,
        full: bool = False,
        only: Collection[Slot] | None = None,
        prefix: str = "",
        circle: str = "",
        **more: Unpack[Manner],
    ) -> Say:
        """Somebody tells an issue, wholly or in part."""
        language = more.get("language", "en")
        opening = self.words.full(of, language=language) if full else None
        told: Wording = opening or self.words.opening(of, language=language, tells=only)
        more.setdefault("names", "no_other")
        more["issue"], more["tells"] = of, told.tells
        return self.says(who, channel, f"{prefix} {told.text}".strip(), circle, **more)

    def asks_for_news(self, who: Customer, channel: ChannelName, of: Issue, **more: Unpack[Manner]) -> Say:
        """Somebody comes back about an issue, and says no more than what kind of thing it is about, if that."""
        more.setdefault("names", "it")
        text = self.words.news(of, more.get("language", "en"))
        more["issue"] = of
        return self.says(who, channel, text, **more)

    def colleague(self, circle: str, action: Literal["take", "reply", "resolve", "return"], text: str = "") -> None:
        """A human acts on the circle's case."""
        self.script.steps.append(Colleague(at=self.now, circle=circle, action=action, text=text))

    def erases(self, who: Customer) -> None:
        """The company erases somebody."""
        self.script.steps.append(Erase(at=self.now, circle=who.id, person=who.id))

    def joins(self, circle: str, other: str) -> None:
        """Two circles are one."""
        self.script.steps.append(Join(at=self.now, circle=circle, other=other))
