"""What a turn asks of the language model, from 0 to 10,000 messages of the customer: ours, and the recipe's.

    python -m benchmarks.llm_cost

Both talk to the same twin of an OpenAI-compatible server over a loopback socket, which keeps what it was sent. Ours is
the real engine on the real ledger and the real Aegis, writing by OpenAIWriter; the recipe is its agent on the same
library, with the four calls that it makes one after the other for a message that begins a session, and the prompts that
it builds. A turn is one message about something new.

Tokens are counted by the tokenizer in wordllama's wheel, Llama 2's with 32,000 entries. It needs no network, and cuts
text finer than those of today's models: the figures are upper estimates. Four tokens a message are added for its frame.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aegis_memory import AegisClient
from openai import AsyncOpenAI

from benchmarks import history
from benchmarks.repeatbench.arms.recipe import Customer
from benchmarks.rows import Figure, keep
from core.backends.aegis import AegisMemory
from core.backends.aegis_client import as_provider
from core.backends.embedding import WordLlamaEmbedder
from core.backends.ledger import recall
from core.backends.openai_writer import OpenAIWriter
from core.backends.prompt import prompt
from core.writing import Article, Brief, OpenCase, Pattern, Spoken
from tests.shop import START, Shop
from tests.twins.openai import KEY, MODEL, OpenAITwin, openai_twin

HISTORIES = (0, 10, 100, 1_000, 10_000)
CALLS, TOKENS, GROWTH = 1, 1_200, 1.2
ASKED = "My toaster arrived with a crack in its lid and I was charged $59 for it. What can be done?"
_FRAME = 4  # tokens around a message
_PROFILE = {"name": "John Miller", "plan": "Pro", "ltv": 480.0, "tenure_months": 26, "type": "profile"}
_ANALYSIS = {"issue_summary": "A cracked toaster, charged $59.", "sentiment": "frustrated", "urgency": "medium"}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One turn: what the server was asked, and whether the newest lines before it were told to the model."""

    calls: int
    tokens: int
    schema: int  # tokens of the schema, if a provider counts them
    remembers: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure, and how it is printed if not as a number."""

    figure: Figure
    shown: str = ""

    @property
    def missed(self) -> bool:
        """Whether its goal is missed."""
        return self.figure.missed

    def __str__(self) -> str:
        verdict = "missed" if self.missed else "met" if self.figure.goal else ""
        shown = self.shown or f"{self.figure.value:.4g}{self.figure.unit}"
        return f"{self.figure.name:<56} {shown:>10}   {self.figure.goal or 'told only':<12} {verdict}"


class Tokens:
    """Counts tokens."""

    def __init__(self) -> None:
        self.embedder = WordLlamaEmbedder()

    def of(self, text: str) -> int:
        """The tokens of a text."""
        return self.embedder.tokens(text)

    def of_messages(self, messages: Sequence[Mapping[str, Any]]) -> int:
        """The tokens of a prompt."""
        return sum(self.of(str(message["content"])) + _FRAME for message in messages)

    def cost(self, requests: Sequence[Mapping[str, Any]], said: str) -> Cost:
        """What one turn asked of the server; `said` is the newest line before it."""
        schemas = [r["response_format"] for r in requests if r.get("response_format", {}).get("json_schema")]
        told = json.dumps([request["messages"] for request in requests], ensure_ascii=False)
        return Cost(
            calls=len(requests),
            tokens=sum(self.of_messages(request["messages"]) for request in requests),
            schema=sum(self.of(json.dumps(schema["json_schema"])) for schema in schemas),
            remembers=said in told,
        )


async def ours(twin: OpenAITwin, folder: Path, tokens: Tokens) -> dict[int, Cost]:
    """Our bot's turn at each length of history."""
    writer = OpenAIWriter(KEY, twin.url, MODEL, 20.0)
    memory = AegisMemory(folder / "memory.db", lambda: tokens.embedder)
    await memory.warm()
    shop = await Shop.open(folder, writer=writer)
    shop.engine = replace(shop.engine, memory=memory)
    costs = {length: await _our_turn(shop, memory, twin, tokens, length) for length in HISTORIES}
    await writer.close()
    await memory.close()
    await shop.close()
    return costs


async def _our_turn(shop: Shop, memory: AegisMemory, twin: OpenAITwin, tokens: Tokens, length: int) -> Cost:
    customer, write = length + 1, shop.ledger._database.write
    addresses = history.addresses(customer)
    keys = [f"{'phone' if channel == 'sms' else channel}:{who}" for channel, who in addresses]
    await shop.knows(f"cus_{customer}", "John Miller", *keys, plan="Pro", value=480)
    held = (await write(partial(history.people, customers=[customer], now=shop.now)))[customer]
    told = await write(partial(history.tell, held=held, count=length, now=shop.now)) if length else []
    await memory.remember(await write(lambda tx: [recall.case_note(tx, case) for case in told[:-2][-200:]]))
    twin.says(case=None, issue="A cracked toaster.", category="damaged")
    twin.requests.clear()
    await shop.hears(*addresses[0], ASKED)
    return tokens.cost(twin.requests, f"about case {told[-1]}." if told else ASKED)


class Recipe:
    """The recipe's AISupportAgent.respond, as it is written, on the calls that aegis-memory 2.7.0 has."""

    def __init__(self, twin: OpenAITwin, aegis: AegisClient) -> None:
        self._aegis = aegis
        self._llm = AsyncOpenAI(api_key=KEY, base_url=twin.url, max_retries=0)

    async def respond(self, customer_id: str, message: str) -> None:
        """One turn; the reply is of no interest here."""
        memory = Customer(self._aegis, customer_id)
        context = await self._context(memory)
        if not memory.session()[0]:
            analysis = json.loads(await self._analysis(message))
            memory.start_session("chat", analysis["issue_summary"])
            context = await self._context(memory)
        resolutions = [e.content for e in self._aegis.query_playbook(message, "support-bot", top_k=5).entries[:3]]
        similar = "\n\nSimilar past resolutions:\n" + "".join(f"- {text}\n" for text in resolutions)
        system = f"{_AGENT}\n\n{context}\n{similar if resolutions else ''}"
        await self._ask({"role": "system", "content": system}, {"role": "user", "content": message})

    async def close(self) -> None:
        """Closes the connections."""
        await self._llm.close()

    async def _context(self, memory: Customer) -> str:
        profile, recent = memory.profile(), memory.interactions()
        shown = "\n".join(f"- {text[:100]}" for text in recent[:3])
        summary = await self._ask(
            {"role": "system", "content": _SUMMARIZE},
            {"role": "user", "content": f"Customer profile: {json.dumps(profile)}\n\nRecent interactions:\n{shown}"},
        )
        issue = memory.session()[0] or "New inquiry"
        about = f"Customer: {profile.get('name')}\nPlan: {profile.get('plan')}\nTenure: {profile.get('tenure_months')}"
        now = f" months\nSummary: {summary}\nCurrent mood: neutral\nCurrent issue: {issue}\n\n"
        return f"{about}{now}Communication preferences: {{}}\n\nRecent interactions:\n" + "\n".join(recent[:3])

    async def _analysis(self, message: str) -> str:
        return await self._ask({"role": "system", "content": _ANALYZE}, {"role": "user", "content": message})

    async def _ask(self, *messages: Mapping[str, str]) -> str:
        given: Any = list(messages)
        answered = await self._llm.chat.completions.create(model=MODEL, messages=given)
        return answered.choices[0].message.content or ""


# The recipe's own prompts.
_SUMMARIZE = """Summarize this customer in 2-3 sentences for a support agent.
Focus on: relationship length, value, past issues, and anything notable.
Be concise and actionable."""
_ANALYZE = """Analyze this customer support message. Extract:
- issue_summary: One sentence describing the issue
- sentiment: positive/neutral/frustrated/angry
- urgency: low/medium/high/critical
- category: billing/technical/account/feature_request/complaint/other"""
_AGENT = """You are a helpful customer support agent.

You have access to this customer's history and preferences.
Personalize your response based on:
- Their tenure and value (long-term customers deserve extra care)
- Their communication style (technical vs. non-technical)
- Their current emotional state (frustrated customers need empathy first)
- Past interactions (don't ask for info they've already provided)

IMPORTANT: Never ask the customer to repeat information that's in their history."""


async def recipe(twin: OpenAITwin, folder: Path, tokens: Tokens) -> dict[int, Cost]:
    """The recipe's turn at each length of history."""
    provider = as_provider(tokens.embedder)
    aegis = AegisClient(mode="local", db_path=str(folder / "recipe.db"), embedding_provider=provider)
    agent, costs = Recipe(twin, aegis), dict[int, Cost]()
    twin.content = json.dumps(_ANALYSIS)
    for length in HISTORIES:
        memory = Customer(aegis, f"c{length}")
        memory.update_profile(dict(_PROFILE))
        for case in range(length // history.A_CASE):
            memory.record(f"My kettle number {case} of {length} does not work, charged ${10 + case % 90}.", "Refunded.")
        twin.requests.clear()
        await agent.respond(f"c{length}", ASKED)
        said = f"My kettle number {length // history.A_CASE - 1} of {length}" if length else ASKED
        costs[length] = tokens.cost(twin.requests, said)
    await agent.close()
    aegis.close()
    return costs


def crowded() -> Brief:
    """More of everything than a prompt can hold."""
    said = [
        Spoken(sender="customer" if n % 2 else "bot", text=f"{n}: it hums {'and hums ' * 60}", channel="web", at=START)
        for n in range(200)
    ]
    return Brief(
        text="It still hums. " * 200,
        channel="web",
        language="en",
        languages=("en", "de", "fr", "es"),
        now=START,
        said=said,
        cases=[OpenCase(id=n, category="fault", issue="It hums and hums. " * 30) for n in range(1, 9)],
        facts={"plan": "Corvane plan", "device": "Pixel 8"},
        summary="Pro plan, customer since 2023, 7 earlier cases (4 charge), last resolved: refund, prefers email",
        name="Ann",
        remembered=["She told of a humming kettle. " * 30] * 20,
        patterns=[Pattern(id=3, category="fault", issue="hum", resolution="Descale it. " * 40)] * 9,
        articles=[Article(title="Humming", text="A kettle hums when it is full. " * 60, source="hum.md")] * 5,
    )


async def run() -> list[Row]:
    """Every row of the table."""
    tokens = Tokens()
    with TemporaryDirectory() as folder:
        async with openai_twin() as twin:
            mine = await ours(twin, Path(folder), tokens)
            theirs = await recipe(twin, Path(folder), tokens)
    return [*_of_ours(mine, tokens), *_of_recipe(theirs)]


def _of_ours(costs: Mapping[int, Cost], tokens: Tokens) -> Iterator[Row]:
    for length, cost in costs.items():
        at = f"at {length:,} messages"
        yield Row(figure=Figure(name=f"ours, calls {at}", value=cost.calls, least=CALLS, most=CALLS))
        yield _tokens(f"ours, prompt tokens {at}", cost.tokens)
        yield Row(figure=Figure(name=f"ours, tokens with the schema {at}", value=cost.tokens + cost.schema))
        told = Figure(name=f"ours, the conversation is in it {at}", value=cost.remembers, least=1)
        yield Row(figure=told, shown="yes" if cost.remembers else "no")
    yield _tokens("ours, more of everything than fits: prompt tokens", tokens.of_messages(_messages(crowded())))
    for length in HISTORIES[3:]:
        ratio = costs[length].tokens / costs[10].tokens
        name = f"ours, tokens of {length:,} messages beside those of 10"
        yield Row(figure=Figure(name=name, value=ratio, unit="x", most=GROWTH))


def _messages(brief: Brief) -> list[Mapping[str, Any]]:
    return [dict(message) for message in prompt(brief)]


def _tokens(name: str, count: int) -> Row:
    return Row(figure=Figure(name=name, value=count, most=TOKENS))


def _of_recipe(costs: Mapping[int, Cost]) -> Iterator[Row]:
    for length, cost in costs.items():
        at = f"at {length:,} messages"
        yield Row(figure=Figure(name=f"recipe, calls one after the other {at}", value=cost.calls))
        yield Row(figure=Figure(name=f"recipe, prompt tokens {at}", value=cost.tokens))
        if length:
            told = Figure(name=f"recipe, the newest is in it {at}", value=cost.remembers)
            yield Row(figure=told, shown="yes" if cost.remembers else "no")


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    rows = asyncio.run(run())
    print("what a turn asks of the language model; tokens by Llama 2's tokenizer, an upper estimate")
    for row in rows:
        print(row)
    keep(row.figure for row in rows)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
