"""What our own arm is fitted with instead of a machine's clock, a provider's network and a company's endpoint."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from bots.roster import load, supported
from core.actions import ActionRefused
from core.backends.aegis import AegisMemory
from core.backends.aegis_store import Store
from core.backends.embedding import Embedder, WordLlamaEmbedder
from core.backends.ledger.sql import SqlLedger
from core.backends.rules.learning import Examples
from core.backends.rules.writer import RulesWriter
from core.house import House, Known
from core.ledger import Settled, Settlement
from core.runs import Outcome as Done
from core.runs import Request

_LANGUAGES = ("en", "es", "de", "fr", "pt", "it", "nl")

R = TypeVar("R")


@dataclass(slots=True)
class Clock:
    """The harness's time. It never goes back."""

    time: datetime

    def __call__(self) -> datetime:
        """Now."""
        return self.time

    def reach(self, time: datetime) -> None:
        """Moves on to a time, unless it has passed."""
        self.time = max(self.time, time)


class WitnessedLedger(SqlLedger):
    """The ledger; it also keeps what was settled last, for the report."""

    settled: Settlement

    async def settle(self, settlement: Settlement) -> Settled:
        """Writes the outcome of a turn."""
        outcome = await super().settle(settlement)
        self.settled = settlement
        return outcome


class SteadyMemory(AegisMemory):
    """The memory, awaited without letting time pass: whether it is in time must not depend on how busy a machine is."""

    async def _run(self, work: Callable[[Store], R]) -> R:
        done = self._thread.submit(self._attempt, work)
        return done.result()


@cache
def embedder() -> Embedder:
    """The offline embedder, loaded once for all runs."""
    return WordLlamaEmbedder()


@cache
def writer() -> RulesWriter:
    """The offline writer as the real process has it, taught once for all runs by our own examples."""
    examples = Examples(embedder)
    examples.learn()
    return RulesWriter(examples.category_of, examples.move_of)


class Nobody:
    """The company has no endpoint for actions here: a human does them."""

    async def carry_out(self, request: Request) -> Done:
        """Raises ActionRefused."""
        raise ActionRefused(f"there is no endpoint for {request.action}")


def house() -> House:
    """An installation with every channel on, and all languages that the rules speak."""
    return House(
        secret=secrets.token_bytes(32),
        bot_name="Throughline",
        brand="Acme",
        languages=_LANGUAGES,
        channels={name: _known(name) for name in supported()},
    )


def _known(name: str) -> Known:
    kind: Any = load(name)
    return Known(label=kind.label, limits=kind.limits)
