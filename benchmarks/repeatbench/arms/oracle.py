"""Knows what is expected, since the harness tells it: what a perfect bot would score."""

from benchmarks.repeatbench.arms.mute import Mute
from benchmarks.repeatbench.exchange import Exchange
from benchmarks.repeatbench.protocol import Inbound, Outcome, Reply
from benchmarks.repeatbench.world import Slot

_ASKS: dict[Slot, str] = {
    "order_id": "your order number",
    "amount": "the amount that was charged",
    "product": "which product it is",
    "error_code": "the error code that is shown",
    "plan": "which plan you are on",
    "device": "which device you are using",
}


class Oracle(Mute):
    """Names the right issue, asks for what is missing, and says nothing else."""

    def __init__(self) -> None:
        self._expected: dict[str, Exchange] = {}

    def expects(self, exchange: Exchange) -> None:
        """The harness tells what the next message is about."""
        self._expected[exchange.say.id] = exchange

    async def inbound(self, message: Inbound) -> Outcome:
        """The perfect answer; to a copy none."""
        exchange = self._expected.pop(message.msg_id, None)
        if exchange is None or exchange.say.repeated:
            return Outcome()
        asks = sorted(exchange.missing - exchange.say.tells.keys()) if exchange.say.needs else []
        wanted = f" Could you tell me {' and '.join(_ASKS[slot] for slot in asks)}?" if asks else ""
        known = exchange.right - exchange.wrong - exchange.stale if self._may_name(exchange) else frozenset()
        text = f"Thank you. It is about {', '.join(sorted(known)) or 'this'}.{wanted}"
        return Outcome(replies=[Reply(channel=message.channel, to=message.sender.address, text=text, asks=asks)])

    def _may_name(self, exchange: Exchange) -> bool:
        return exchange.say.scored and not exchange.say.sender.public
