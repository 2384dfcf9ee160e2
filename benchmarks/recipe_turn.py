"""The recipe's turn at a long history, as cheap as it can be had: benchmarks/llm_cost.py's agent, as it is written.

Its way on what there is: the real aegis-memory in local mode with the namespace that the recipe uses, one for all, and
four calls of the openai client one after the other. To its favour the customer measured is the only one there, nothing
is kept of the turn, and the model answers at once. Against it: Aegis' local mode reads its whole namespace at each
query, which a server with an index would not.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aegis_memory import AegisClient

from benchmarks import llm_cost
from benchmarks.apart import model_server
from benchmarks.repeatbench.arms.recipe import Customer
from core.backends.aegis_client import as_provider
from core.backends.embedding import WordLlamaEmbedder
from tests.twins.openai import OpenAITwin

_NAME = "c1"


@asynccontextmanager
async def recipe(folder: Path, history: int) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """What answers one message that begins a session, of a customer with so many interactions on record."""
    provider = as_provider(WordLlamaEmbedder())
    aegis = AegisClient(mode="local", db_path=str(folder / "recipe.db"), embedding_provider=provider)
    customer = Customer(aegis, _NAME)
    customer.update_profile(dict(llm_cost._PROFILE))
    for number in range(history):
        customer.record(f"My kettle number {number} does not work, charged ${10 + number % 90}.", "Refunded.")
    with model_server(json.dumps(llm_cost._ANALYSIS)) as url:
        agent = llm_cost.Recipe(OpenAITwin(url=url), aegis)

        async def respond(said: str) -> None:
            aegis.update_session(f"support-{_NAME}", status="resolved")
            await agent.respond(_NAME, said)

        customer._existing_session()
        yield respond
        await agent.close()
    aegis.close()
