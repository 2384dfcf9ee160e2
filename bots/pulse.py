"""That this process runs, and how it does, written down for the status page and for monitoring; and what is done when
it takes the place of one that died."""

import os
import socket
from functools import partial

from bots.givens import clock
from bots.place import has_ended, lives
from bots.wiring import Throughline
from core.relearning import Relearning
from core.running import Process, Pulse


def pulse(bot: Throughline, kind: str, relearning: Relearning, *, takes_up: bool) -> Pulse:
    """To be kept while the process runs. `kind` is its command, e.g. run, worker, listen discord; `takes_up`: what one
    that died left is seen to here at once, and not only when it lapses."""
    here = Process(
        id=bot.ledger.holder,
        kind=kind,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=clock(),
        seen_at=clock(),
        health={},
    )
    return Pulse(here, bot.ledger, bot.health, clock, lives, succeed=partial(_succeed, bot, relearning, takes_up))


async def _succeed(bot: Throughline, relearning: Relearning, takes_up: bool, died: Process) -> None:
    if has_ended(died.id, died.pid):
        await bot.ledger.free(died.id)
        if takes_up:
            await bot.dispatch.take_up()
    await relearning.of(died)
