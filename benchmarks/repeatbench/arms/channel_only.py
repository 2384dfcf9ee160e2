"""Remembers by channel and address, and neither links nor checks."""

from benchmarks.repeatbench.arms.remembering import Remembering
from benchmarks.repeatbench.protocol import Inbound


class ChannelOnly(Remembering):
    """One memory for each address of each channel."""

    def key(self, message: Inbound) -> str:
        """The address, as it was given."""
        sender = message.sender
        workspace = f"{sender.workspace}/" if sender.workspace else ""
        return f"{message.channel}:{workspace}{sender.address}"
