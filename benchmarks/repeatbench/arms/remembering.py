"""What the arms with a memory share: our offline rules word every answer, so that they differ in what they recall."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from benchmarks.repeatbench.arms.mute import Mute
from benchmarks.repeatbench.protocol import AgentDid, Handoff, Inbound, NotFound, Outcome, Person, Reply, Reset, Seed
from benchmarks.repeatbench.protocol import CaseState as State
from core import greeting
from core.backends.rules.writer import RulesWriter
from core.greeting import Continuity
from core.writing import PERSON_SLOTS, Answer, Brief, OpenCase, Spoken

_LANGUAGES = ("en", "es", "de", "fr")
_GAP = timedelta(hours=1)
_UNSURE = 0.5
_SAID = 20  # lines of a conversation that are read again
_LABELS = {"web": "chat", "email": "email", "sms": "SMS", "voice": "phone", "slack": "Slack", "discord": "Discord"}


@dataclass(kw_only=True)
class Notebook:
    """All that is remembered of one key, whoever that is."""

    name: str = ""
    said: list[Spoken] = field(default_factory=list)
    cases: dict[int, OpenCase] = field(default_factory=dict)  # newest last
    facts: dict[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    language: str = ""


class Remembering(Mute):
    """A bot that remembers by `key`, and takes everybody's word for who they are."""

    def __init__(self) -> None:
        self._writer = RulesWriter()
        self._empty()

    def _empty(self) -> None:
        self._books: dict[str, Notebook] = {}
        self._seen: set[str] = set()
        self._cases = count(1)
        self._of_case: dict[str, Notebook] = {}
        self._directory: dict[str, Person] = {}

    def key(self, message: Inbound) -> str:
        """What the sender is remembered by; empty to remember nothing."""
        raise NotImplementedError

    def keys_of(self, person: Person) -> set[str]:
        """What somebody of the directory is remembered by."""
        return {f"{handle.channel}:{handle.value}" for handle in person.handles}

    async def reset(self, reset: Reset) -> None:  # noqa: ARG002 - every message brings its own time
        """Nothing is remembered any more."""
        self._empty()

    async def seed(self, seed: Seed) -> None:
        """The directory is read."""
        self._directory = {person.id: person for person in seed.directory}

    async def inbound(self, message: Inbound) -> Outcome:
        """Answers at once."""
        if message.msg_id in self._seen:
            return Outcome()
        self._seen.add(message.msg_id)
        book = self._book(message)
        answer = await self._writer.answer(self._brief(message, book))
        hello = self._hello(message, book, answer)
        case = self._note(message, book, answer)
        text = f"{hello}\n\n{answer.reply}".strip()
        book.said.append(Spoken(sender="bot", text=text, channel=message.channel, at=message.ts))
        handed = answer.human_wanted or (answer.confidence < _UNSURE and not answer.asks)
        return Outcome(
            replies=[Reply(channel=message.channel, to=message.sender.address, text=text, asks=answer.asks)],
            handoff=Handoff(to="agents", text=_packet(book, case)) if handed else None,
            case=State(id=str(case.id), status="open") if case else None,
        )

    async def agent(self, did: AgentDid) -> Outcome:
        """A human resolves a case; everything else passes unseen."""
        if did.case_id not in self._of_case:
            raise NotFound(f"there is no case {did.case_id}")
        if did.action == "resolve":
            self._of_case[did.case_id].cases.pop(int(did.case_id), None)
        return Outcome()

    async def forget(self, customer: str) -> None:
        """What was remembered by the directory's addresses goes."""
        person = self._directory.pop(customer, None)
        for key in self.keys_of(person) if person else ():
            self._books.pop(key, None)

    def _book(self, message: Inbound) -> Notebook:
        key = self.key(message)
        return self._books.setdefault(key, Notebook(name=message.sender.display_name)) if key else Notebook()

    def _brief(self, message: Inbound, book: Notebook) -> Brief:
        return Brief(
            text=message.text or message.dtmf,
            channel=message.channel,
            language=book.language,
            languages=_LANGUAGES,
            now=message.ts,
            said=book.said[-_SAID:],
            cases=list(reversed(book.cases.values())),
            facts=book.facts,
            asked=book.asked,
        )

    def _hello(self, message: Inbound, book: Notebook, answer: Answer) -> str:
        """The greeting that ours gives, without asking whether it may be given."""
        anew = answer.case is None and bool(answer.issue)
        if not book.cases or anew or not book.said or message.ts - book.said[-1].at < _GAP:
            return ""
        case = book.cases.get(answer.case or 0) or [*book.cases.values()][-1]
        continuity = Continuity(
            name=book.name.partition(" ")[0],
            issue=greeting.issue_label(case.category, case.issue, case.facts, answer.language),
            tried=case.tried,
            channel=_LABELS[book.said[-1].channel],
            since=message.ts - book.said[-1].at,
            now=message.ts,
        )
        return greeting.greet(continuity, answer.language, _LABELS[message.channel])

    def _note(self, message: Inbound, book: Notebook, answer: Answer) -> OpenCase | None:
        """Writes down what was told, and gives the case that it is about."""
        book.said.append(Spoken(sender="customer", text=message.text, channel=message.channel, at=message.ts))
        book.asked, book.language = tuple(answer.asks), answer.language
        book.facts |= {told.slot: told.value for told in answer.facts if told.slot in PERSON_SLOTS}
        of_case = {told.slot: told.value for told in answer.facts if told.slot not in PERSON_SLOTS}
        if answer.resolved and answer.case is not None:
            book.cases.pop(answer.case, None)
            return None
        if answer.case is None and not (answer.issue or of_case):
            return None
        number = answer.case if answer.case is not None else next(self._cases)
        old = book.cases.pop(number, OpenCase(id=number, category=answer.category, issue=answer.issue))
        case = OpenCase(id=number, category=answer.category, issue=old.issue, facts={**old.facts, **of_case})
        book.cases[number] = case
        self._of_case[str(number)] = book
        return case


def _packet(book: Notebook, case: OpenCase | None) -> str:
    facts = {**book.facts, **(case.facts if case else {})}
    lines = [f"{slot}: {value}" for slot, value in facts.items()]
    return "\n".join([case.issue if case else "", *lines])
