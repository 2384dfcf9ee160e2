"""The published recipe ("Support Agent with Customer Memory"), mapped onto the real calls of aegis-memory 2.7.0.

Its logic is kept as it stands, its defects too: nobody is identified (the directory's row of an address, or the
address, is the `customer_id`), an issue is what the first message said until a human ends the session, what is told
meanwhile is recorded nowhere, a copy of a message is answered again, deletion deprecates. What a model did is done by
our offline rules, which read what the recipe put into the prompt. Mapped: `progress` to sessions (their metadata to
`summary`), `delta` to `apply_delta`, `reflection` to `add_reflection`, `playbook` to `query_playbook`, and metadata
filters to a filter over what a query returned.
"""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from aegis_memory import AegisClient, Memory

from benchmarks.repeatbench.arms.mute import Mute
from benchmarks.repeatbench.protocol import AgentDid, Handoff, Inbound, NotFound, Outcome, Reply, Reset, Seed
from benchmarks.repeatbench.protocol import CaseState as State
from core.backends.aegis_client import as_provider
from core.backends.embedding import WordLlamaEmbedder
from core.backends.rules.slots import slots
from core.backends.rules.writer import RulesWriter
from core.writing import PERSON_SLOTS, Answer, Brief, Category, OpenCase

_BOT = "support-bot"
_HUMANS = "human-support"
_VIP = 10_000
_UNSURE, _SURE = 0.5, 0.8
_WANTS_A_HUMAN = ("speak to human", "real person", "manager", "escalate")
_HANDED_OVER = (
    "I understand this is important to you. Let me connect you with a specialist who can help right away. They'll have "
    "all our conversation history, so you won't need to repeat anything."
)
_ON_ARRIVAL = {"voice": "Let me pull up your account... Got it. ", "email": "I've reviewed your case. "}


class Customer:
    """The recipe's CustomerMemory."""

    def __init__(self, aegis: AegisClient, customer_id: str) -> None:
        self._aegis = aegis
        self._agent_id = f"customer-{customer_id}"
        self._session_id = f"support-{customer_id}"

    def profile(self) -> dict[str, object]:
        """Long-term facts."""
        found = self._of_type("customer profile", "profile", 1)
        return dict(found[0].metadata) if found else {}

    def interactions(self) -> Sequence[str]:
        """Recent ones, by similarity."""
        return [memory.content for memory in self._of_type("support interaction", "interaction", 10)]

    def session(self) -> tuple[str, str]:
        """The issue and the channel of the active session; empty without one."""
        try:
            session = self._aegis.get_session(self._session_id)
        except ValueError:
            return "", ""
        if session.status != "active":
            return "", ""
        return session.in_progress_item or "", (session.summary or "").removeprefix("Support session via ")

    def start_session(self, channel: str, issue: str) -> None:
        """The first message decides what the issue is."""
        self._existing_session()
        self._aegis.update_session(
            self._session_id, summary=f"Support session via {channel}", status="active", in_progress_item=issue
        )

    def end_session(self, resolution: str) -> None:
        """Only now is anything recorded."""
        issue, channel = self.session()
        if issue:
            self.record(issue, resolution, channel)
            self._aegis.add_reflection(
                f"Issue: {issue}\nResolution: {resolution}",
                _BOT,
                scope="global",
                metadata={"type": "resolution_pattern"},
            )
        self._existing_session()
        self._aegis.update_session(self._session_id, status="resolved")

    def record(self, issue: str, resolution: str, channel: str = "chat") -> None:
        """`record_interaction`."""
        self._aegis.add(
            f"[{channel.upper()}] {issue}",
            agent_id=self._agent_id,
            scope="agent-private",
            metadata={"type": "interaction", "channel": channel, "resolution": resolution},
        )

    def update_profile(self, updates: dict[str, object]) -> None:
        """Creates the profile."""
        self._aegis.add(
            f"Customer profile for {self._agent_id}",
            agent_id=self._agent_id,
            scope="agent-private",
            metadata={"type": "profile", **updates},
        )

    def switched(self, origin: str, channel: str, issue: str) -> None:
        """Records a change of channel."""
        self._aegis.add(
            f"Customer switched from {origin} to {channel}",
            agent_id=self._agent_id,
            scope="agent-private",
            metadata={"type": "channel_switch", "from": origin, "to": channel, "issue_context": issue},
        )

    def delete(self) -> None:
        """The recipe's deletion. A session cannot be deleted, so it stays."""
        for memory in self._aegis.query("customer", agent_id=self._agent_id, top_k=100):
            self._aegis.apply_delta([{"type": "deprecate", "memory_id": memory.id}])

    def _of_type(self, query: str, kind: str, most: int) -> list[Memory]:
        found = self._aegis.query(query, agent_id=self._agent_id, top_k=most)
        return [memory for memory in found if memory.metadata.get("type") == kind]

    def _existing_session(self) -> None:
        try:
            self._aegis.get_session(self._session_id)
        except ValueError:
            self._aegis.create_session(self._session_id)


class Recipe(Mute):
    """The recipe's AISupportAgent, CrossChannelSupport and HumanAgentDashboard behind the benchmark's interface."""

    def __init__(self) -> None:
        self._writer = RulesWriter()
        self._embedder = WordLlamaEmbedder()
        self._folder: TemporaryDirectory[str] | None = None
        self._ids: dict[str, str] = {}
        self._cases: dict[str, str] = {}
        self._numbers = count(1)

    async def reset(self, reset: Reset) -> None:  # noqa: ARG002 - the recipe has no clock
        """A fresh local Aegis."""
        await self.close()
        self._folder = TemporaryDirectory(prefix="recipe-", ignore_cleanup_errors=True)
        path = str(Path(self._folder.name) / "aegis.db")
        self._aegis = AegisClient(mode="local", db_path=path, embedding_provider=as_provider(self._embedder))
        self._ids, self._cases, self._numbers = {}, {}, count(1)

    async def seed(self, seed: Seed) -> None:
        """The directory gives the customer ids and the profiles."""
        for person in seed.directory:
            self._ids |= {_plain(handle.channel, handle.value): person.id for handle in person.handles}
            self._customer(person.id).update_profile({"name": person.name, **person.profile})

    async def inbound(self, message: Inbound) -> Outcome:
        """`customer_switches_channel` where the channel is another one, then `respond`."""
        customer_id = self._customer_id(message)
        memory = self._customer(customer_id)
        profile = memory.profile()
        issue, origin = memory.session()
        hello = self._continuity(memory, profile, issue, origin, message) if issue and origin != message.channel else ""
        answer = await self._writer.answer(self._brief(memory, profile, issue, message))
        if not issue:
            issue = answer.issue or message.text
            memory.start_session(message.channel, issue)
        handed = _should_escalate(profile, message.text, self._confidence(message.text))
        text = f"{hello}{_HANDED_OVER if handed else answer.reply}"
        number = self._cases.setdefault(customer_id, str(next(self._numbers)))
        return Outcome(
            replies=[_reply(message, text, answer, asks=not handed)],
            handoff=Handoff(to="agents", text=f"{profile}\n{issue}\n{memory.interactions()[:5]}") if handed else None,
            case=State(id=number, status="open"),
        )

    async def agent(self, did: AgentDid) -> Outcome:
        """`record_resolution`; the recipe knows no other deed of a human."""
        customer_id = next((who for who, number in self._cases.items() if number == did.case_id), "")
        if not customer_id:
            raise NotFound(f"there is no case {did.case_id}")
        if did.action == "resolve":
            self._customer(customer_id).end_session(did.text)
            self._aegis.add(
                f"Human agent resolution: {did.text}",
                agent_id=_HUMANS,
                scope="global",
                metadata={"type": "human_resolution", "satisfaction": did.satisfaction},
            )
        return Outcome()

    async def forget(self, customer: str) -> None:
        """`delete_customer_data`."""
        self._customer(customer).delete()

    async def close(self) -> None:
        """Closes Aegis and removes its file."""
        if self._folder is not None:
            self._aegis.close()
            self._folder.cleanup()
            self._folder = None

    def _customer(self, customer_id: str) -> Customer:
        return Customer(self._aegis, customer_id)

    def _customer_id(self, message: Inbound) -> str:
        sender = message.sender
        address = f"{sender.workspace}/{sender.address}" if sender.workspace else sender.address
        key = _plain(message.channel, address)
        return self._ids.get(key, key)

    def _brief(self, memory: Customer, profile: dict[str, object], issue: str, message: Inbound) -> Brief:
        """What the recipe's prompt held: the profile's plan, the issue, and three interactions."""
        told = {fact.slot: fact.value for text in [issue, *memory.interactions()[:3]] for fact in slots(text)}
        plan = {"plan": str(profile["plan"])} if profile.get("plan") else {}
        category: Category = "other"
        case = OpenCase(id=1, category=category, issue=issue, facts=told) if issue else None
        return Brief(
            text=message.text or message.dtmf,
            channel=message.channel,
            language="",
            languages=("en", "es", "de", "fr"),
            now=message.ts,
            cases=[case] if case else [],
            facts=plan | {slot: value for slot, value in told.items() if slot in PERSON_SLOTS},
        )

    def _continuity(
        self, memory: Customer, profile: dict[str, object], issue: str, origin: str, message: Inbound
    ) -> str:
        memory.switched(origin, message.channel, issue)
        return (
            f"Hi {profile.get('name', 'Customer')}! I see you were just chatting with us on {origin} about {issue}. "
            "I have all the details, so you don't need to repeat anything. "
            f"{_ON_ARRIVAL.get(message.channel, '')}Let's continue where we left off. "
        )

    def _confidence(self, text: str) -> float:
        found = self._aegis.query_playbook(text, _BOT, include_types=["reflection"], top_k=5, min_effectiveness=0.3)
        return _SURE if found.entries and found.entries[0].effectiveness_score > _UNSURE else _UNSURE


def _should_escalate(profile: dict[str, object], text: str, confidence: float) -> bool:
    value = profile.get("ltv", 0.0)
    valued = isinstance(value, int | float) and value > _VIP and "billing" in text.lower()
    return confidence < _UNSURE or valued or any(phrase in text.lower() for phrase in _WANTS_A_HUMAN)


def _reply(message: Inbound, text: str, answer: Answer, *, asks: bool) -> Reply:
    return Reply(channel=message.channel, to=message.sender.address, text=text, asks=answer.asks if asks else ())


def _plain(channel: str, address: str) -> str:
    """SMS and voice of one number are one customer to the recipe."""
    return address if channel in {"sms", "voice"} else f"{channel}:{address}"
