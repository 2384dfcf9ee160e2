"""A process that waits a fifth of the time before it takes over what another one held, so that a kill on PostgreSQL
takes five seconds and not twenty-five. The two workers that are killed in turn wait as long as they really do."""

from datetime import timedelta

import bots.run
from core import dispatch, holding
from core.backends import jobs
from core.backends.ledger import outbox, turns

_LEASE, _LOOK = timedelta(seconds=3), timedelta(seconds=1)


def hurry() -> None:
    """Shortens what this process waits for."""
    turns._LEASE = outbox.CLAIM = _LEASE
    holding._EVERY = _LOOK.total_seconds()
    dispatch._NEGLECTED = _LEASE + _LOOK
    jobs._RECOVERS = bots.run._OFTEN = _LOOK
