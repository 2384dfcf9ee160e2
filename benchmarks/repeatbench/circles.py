"""What one person has told, and may therefore hear again. One circle is one person, as far as it is proven."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.repeatbench.exchange import Exchange
from benchmarks.repeatbench.leaks import Canaries
from benchmarks.repeatbench.script import Say
from benchmarks.repeatbench.world import OF_THE_PERSON, Issue, Slot

_OF_ALL = ""  # the issue of what belongs to the person
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LINES = 40


@dataclass(kw_only=True)
class Circle:
    """What was told in one circle, and when."""

    name: str
    case: str = ""
    contacts: int = 0
    handed: set[str] = field(default_factory=set)  # issues that a human has
    _told: dict[tuple[str, Slot], tuple[str, datetime]] = field(default_factory=dict)
    _issues: dict[str, Issue] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _lines: list[str] = field(default_factory=list)
    _public: set[str] = field(default_factory=set)
    _stale: set[str] = field(default_factory=set)

    def record(self, facts: Mapping[Slot, str]) -> None:
        """What the company's directory tells."""
        for slot, value in facts.items():
            self._told[_OF_ALL, slot] = value, _LONG_AGO
            self._said.add(value)

    def hears(self, say: Say, canaries: Canaries, *, erased: frozenset[str] = frozenset()) -> Exchange:
        """Somebody of the circle says something: what is to be expected of the answer."""
        self.contacts += say.begins
        if say.issue is not None:
            self._issues[say.issue.id] = say.issue
        self._lines += [line for line in re.split(r"[\n.!?]+", say.text) if line.strip()]
        missing = self._missing(say)
        self._tell(say, canaries)
        values = self._values(say.issue)
        right = self._tokens([say.issue]) if say.issue else frozenset()
        others = self._tokens(i for i in self._issues.values() if say.issue is None or i.id != say.issue.id)
        mine = frozenset(canaries.named(say.text)) - say.foreign
        return Exchange(
            say=say,
            contact=(self.name, self.contacts),
            later=self.contacts > 1,
            with_human=(say.issue.id if say.issue else "") in self.handed,
            said=tuple(self._lines[-_LINES:]),
            values=values,
            known=frozenset(values),
            missing=missing,
            right=right,
            wrong=(others | (right if say.names == "nothing" else frozenset()) | say.foreign) - mine - self._shared(),
            allowed=frozenset(self._said),
            in_public=frozenset(self._public),
            stale=frozenset(self._stale - mine),
            erased=erased - self._said,
        )

    def given_back(self) -> None:
        """No human has anything any more."""
        self.handed.clear()

    def forget(self) -> frozenset[str]:
        """Everything is erased; gives what that was."""
        erased = frozenset(self._said)
        self._told.clear()
        self._issues.clear()
        self._said.clear()
        self.handed.clear()
        self.case = ""
        return erased

    def _missing(self, say: Say) -> frozenset[Slot]:
        return say.issue.needed - frozenset(self._values(say.issue)) if say.issue else frozenset()

    def _values(self, issue: Issue | None) -> dict[Slot, str]:
        of = {_OF_ALL, issue.id if issue else _OF_ALL}
        return {slot: value for (where, slot), (value, _) in self._told.items() if where in of}

    def _tell(self, say: Say, canaries: Canaries) -> None:
        self._said |= canaries.named(say.text) - say.foreign
        self._said |= {_token(slot, value) for slot, value in say.tells.items()} - {""}
        if say.sender.public:
            self._public |= canaries.named(say.text)
        for slot, value in say.tells.items():
            self._tell_one(_OF_ALL if slot in OF_THE_PERSON or say.issue is None else say.issue.id, slot, value, say)

    def _tell_one(self, where: str, slot: Slot, value: str, say: Say) -> None:
        old, when = self._told.get((where, slot), (value, _LONG_AGO))
        newer = say.told_at >= when
        self._stale |= {old if newer else value} if old != value else set()
        if newer:
            self._told[where, slot] = value, say.told_at

    def _tokens(self, issues: Iterable[Issue]) -> frozenset[str]:
        """The values told of some issues; of a matter of the plan the plan too."""
        tokens = {
            _token(slot, value)
            for issue in issues
            for (where, slot), (value, _) in self._told.items()
            if where == issue.id or (where == _OF_ALL and slot == "plan" and issue.kind == "plan")
        }
        return frozenset(tokens - {""})

    def _shared(self) -> frozenset[str]:
        """What belongs to the person and so to every issue."""
        return frozenset(value for (where, _), (value, _) in self._told.items() if where == _OF_ALL)


def _token(slot: Slot, value: str) -> str:
    """The private part of a value: of a product its brand."""
    if slot == "device":
        return ""
    return value.partition(" ")[0] if slot == "product" else value
