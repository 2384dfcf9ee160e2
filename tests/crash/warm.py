"""What a process of the program reads at its start and in its first turn is read once, before any process is born: the
channels with their vendors, and the tables of the writer."""

import asyncio
import gc
import importlib
from collections.abc import Sequence
from datetime import UTC, datetime

from bots import roster
from core import voices, wishing
from core.backends.rules.writer import RulesWriter
from core.writing import Brief
from tests.crash import words

_READ_LATE = ("aegis_memory.local", "numpy", "tokenizers", "uvicorn.protocols.http.h11_impl", "twilio.rest.api.v2010")
_SAID: Sequence[str] = (words.CHARGED, words.HUMAN, words.REFUND, words.THANKS, words.DATE)


def warm() -> None:
    """Reads it."""
    for name in roster.supported():
        roster.load(name)
    for name in _READ_LATE:
        importlib.import_module(name)
    asyncio.run(_think())
    gc.collect()
    gc.freeze()  # children share it


async def _think() -> None:
    writer = RulesWriter()
    for text in _SAID:
        wishing.wish(text)
        brief = Brief(text=text, channel="web", language="", languages=["en", "de"], now=datetime.now(UTC))
        voices.own_answer(await writer.answer(brief), text)
