"""Remembers nothing from one message to the next."""

from benchmarks.repeatbench.arms.remembering import Remembering
from benchmarks.repeatbench.protocol import Inbound


class Stateless(Remembering):
    """Every message is the first."""

    def key(self, message: Inbound) -> str:  # noqa: ARG002 - nobody is known by anything
        """Nobody is remembered."""
        return ""
