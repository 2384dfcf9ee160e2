"""Asks for everything, every time."""

from benchmarks.repeatbench.arms.mute import Mute
from benchmarks.repeatbench.protocol import Inbound, Outcome, Reply
from benchmarks.repeatbench.world import SLOTS

_ALL = (
    "Could you tell me your order number, the amount that was charged, which product it is, the error code that is "
    "shown, which plan you are on and which device you are using?"
)


class AlwaysAsking(Mute):
    """A bot that has every customer repeat everything."""

    async def inbound(self, message: Inbound) -> Outcome:
        """All questions at once."""
        reply = Reply(channel=message.channel, to=message.sender.address, text=_ALL, asks=SLOTS)
        return Outcome(replies=[reply])
