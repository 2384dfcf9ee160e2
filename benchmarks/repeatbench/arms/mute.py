"""Says nothing at all."""

from datetime import datetime

from benchmarks.repeatbench.protocol import AgentDid, Inbound, Outcome, Reset, Seed


class Mute:
    """A bot that never answers; also what other arms build on."""

    async def reset(self, reset: Reset) -> None:
        """Nothing is kept."""

    async def seed(self, seed: Seed) -> None:
        """Nothing is learnt."""

    async def inbound(self, message: Inbound) -> Outcome:  # noqa: ARG002 - it listens to nothing
        """Nothing is said."""
        return Outcome()

    async def tick(self, now: datetime) -> Outcome:  # noqa: ARG002
        """Nothing is due."""
        return Outcome()

    async def agent(self, did: AgentDid) -> Outcome:  # noqa: ARG002
        """Nothing comes of it."""
        return Outcome()

    async def forget(self, customer: str) -> None:
        """Nothing was known."""

    async def close(self) -> None:
        """Nothing is held."""
