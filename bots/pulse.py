"""That this process runs, and how it does, written down for the status page and for monitoring."""

import os
import socket

from bots.givens import clock, new_id
from bots.wiring import Throughline
from core.running import Process, Pulse

OURS = new_id()  # this process, among all


def pulse(bot: Throughline, kind: str) -> Pulse:
    """To be kept while the process runs. `kind` is its command, e.g. run, worker, listen discord."""
    here = Process(
        id=OURS,
        kind=kind,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=clock(),
        seen_at=clock(),
        health={},
    )
    return Pulse(here, bot.ledger, bot.health, clock, _lives)


def _lives(pid: int) -> bool:
    if pid == os.getpid():  # in a container every process may have the same number
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
