"""What a process of the program reads at its start and in its first turn is read once, before any process is born: the
channels with their vendors, the tables of the writer, and what it learns from its examples."""

import asyncio
import gc
import importlib
import inspect
from collections.abc import Sequence
from datetime import UTC, datetime

from bots import roster
from core import voices, wishing
from core.backends.embedding import WordLlamaEmbedder
from core.backends.rules import learning, learnt
from core.backends.rules.writer import RulesWriter
from core.writing import Brief
from tests.crash import words

_READ_LATE = (
    "aegis_memory.local", "core.backends.jobs", "numpy", "tokenizers", "twilio.rest.api.v2010",
    "uvicorn.protocols.http.h11_impl",
)  # fmt: skip
_SAID: Sequence[str] = (words.CHARGED, words.HUMAN, words.REFUND, words.THANKS, words.DATE)


def warm() -> None:
    """Reads it."""
    for name in roster.supported():
        roster.load(name)
    for name in _READ_LATE:
        importlib.import_module(name)
    inspect.stack()  # Slack's Bolt looks itself up in all that is loaded
    ours = learnt.from_ours(WordLlamaEmbedder())
    learnt.from_ours = lambda embedder: ours  # noqa: ARG005 - two seconds of each process, always with the same outcome
    asyncio.run(_think())
    gc.collect()
    gc.freeze()  # children share it


async def _think() -> None:
    examples = learning.Examples(WordLlamaEmbedder)
    examples.learn()
    writer = RulesWriter(examples.category_of, examples.move_of)
    for text in _SAID:
        wishing.wish(text)
        brief = Brief(text=text, channel="web", language="", languages=["en", "de"], now=datetime.now(UTC))
        voices.own_answer(await writer.answer(brief), text)
