"""The desk, which every process has; what colleagues see of it stands in bots/office.py."""

from bots.givens import clock, new_id
from bots.wiring import Throughline
from core.desk import Desk


def desk(bot: Throughline) -> Desk:
    """The desk, beside the engine."""
    return Desk(
        ledger=bot.ledger,
        memory=bot.memory,
        house=bot.engine.house,
        actions=bot.engine.actions,
        post=bot.delivery.post,
        now=clock,
        new_id=new_id,
        corrected=bot.teaching.again,
    )
