"""Checking: has channels ask others about messages, after these were kept."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tenacity import RetryCallState

from core.channel import Channel, Checked, Checks
from core.errors import LedgerAway
from core.ledger import Ledger, Unchecked
from core.messages import InboundMessage, Raw
from core.pausing import insisting

log = logging.getLogger(__name__)

_AT_ONCE = 8
_PATIENCE = 5.0  # seconds that a check may take
_LONGEST_PAUSE = timedelta(seconds=30)  # while the ledger is away


class Checking:
    """Asks channels about kept messages, several at once. Messages of one address go on in the order they came in.

    `call` is told each line on which a message waits now.
    """

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel[Any]],
        call: Callable[[str], None],
        *,
        patience: float = _PATIENCE,
    ) -> None:
        self._ledger = ledger
        self._able = {name: channel for name, channel in channels.items() if isinstance(channel, Checks)}
        self._call = call
        self._patience = patience
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[Unchecked, asyncio.Task[None]] = {}
        self._newest: dict[str, asyncio.Task[None]] = {}

    def begin(self, one: Unchecked, raw: Raw | None = None) -> None:
        """Has a message checked, unless it is being checked already.

        `raw` is the delivery as it came: what is kept of it may lack a card's number, which breaks its signature.
        """
        if one in self._tasks:
            return
        task = asyncio.create_task(self._check(one, raw, self._newest.get(one.sender)))
        self._tasks[one] = self._newest[one.sender] = task
        task.add_done_callback(lambda done: self._forget(one, done))

    async def resume(self, *, before: datetime | None = None) -> None:
        """Takes up what was accepted, before then, and is not checked."""
        for one in await self._ledger.unchecked(before=before):
            self.begin(one)

    async def close(self) -> None:
        """Stops; what is not checked stays in the ledger."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, one: Unchecked, raw: Raw | None, before: asyncio.Task[None] | None) -> None:
        async with self._room:
            found = await self._ask(one, raw)
        if before is not None:
            await asyncio.wait([before])
        line = await self._note(one, found)
        if line is not None:
            self._call(line)

    async def _ask(self, one: Unchecked, raw: Raw | None) -> Checked | None:
        """What the channel found; None leaves the message as it was parsed."""
        channel = self._able.get(one.channel)
        if channel is None:
            return None
        try:
            kept: tuple[InboundMessage, Raw] | None = await insisting(_LONGEST_PAUSE, when=_is_away)(
                self._ledger.to_check, one
            )
            if kept is None:
                return None
            message, kept_raw = kept
            async with asyncio.timeout(self._patience):
                return await channel.check(message, raw or kept_raw)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, nobody vouched for it
            log.warning("a message by %s stays as it came: its check failed (%s)", one.channel, type(error).__name__)
            return None

    async def _note(self, one: Unchecked, found: Checked | None) -> str | None:
        """Notes what was found, however often that takes: until then the message waits for no turn."""
        return await insisting(_LONGEST_PAUSE, told=_not_noted)(self._ledger.checked, one, found)

    def _forget(self, one: Unchecked, done: asyncio.Task[None]) -> None:
        del self._tasks[one]
        if self._newest.get(one.sender) is done:
            del self._newest[one.sender]


def _is_away(error: BaseException) -> bool:
    return isinstance(error, LedgerAway)


def _not_noted(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("the ledger took no note of a check, attempt %d", state.attempt_number, exc_info=error)
