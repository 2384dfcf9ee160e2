"""What a process has in hand: it stays its own while the process lives, and lapses soon after it died."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from core.ledger import Ledger

log = logging.getLogger(__name__)

_EVERY = 5.0  # seconds, well within the time after which the ledger gives to others what is not held


class Holding:
    """Holds on to leases and to replies that are being sent, for as long as anything is in hand."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now
        self._in_hand = 0
        self._keeping: asyncio.Task[None] | None = None

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """While the block runs, what it took on the ledger stays taken."""
        self._in_hand += 1
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self._in_hand -= 1

    async def close(self) -> None:
        """Holds on to nothing more."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            if not self._in_hand:
                self._keeping = None
                return
            try:
                await self._ledger.hold(now=self._now())
            except Exception as error:  # noqa: BLE001 - the next one is in time
                log.warning("what is in hand could not be held on to: %s", type(error).__name__)
