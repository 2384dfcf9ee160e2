"""Keeps the offline writer's examples abreast of what colleagues correct, behind readiness and off the loop."""

import asyncio
import ctypes
import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import cast, get_args

from core.backends.rules.learning import Example, Examples
from core.writing import Category

log = logging.getLogger(__name__)

_PAUSE = 15.0  # seconds after which what other processes corrected, or erased, is looked for


class Teaching:
    """`corrected` reads the corrections on record: what was said, and the category it is really of."""

    def __init__(self, examples: Examples, corrected: Callable[[], Awaitable[Sequence[tuple[str, str]]]]) -> None:
        self._examples = examples
        self._corrected = corrected
        self._again = asyncio.Event()

    def again(self) -> None:
        """There is something new to learn."""
        self._again.set()

    async def keep(self) -> None:
        """Learns now, and again whenever the corrections differ, until cancelled."""
        learnt: Sequence[Example] | None = None
        while True:
            self._again.clear()
            try:
                corrections = _known(await self._corrected())
                if corrections != learnt:
                    await asyncio.to_thread(self._learn, corrections)
                    learnt = corrections
            except Exception as error:  # noqa: BLE001 - the rules alone tell categories until it goes again
                log.warning("could not learn from corrections: %s", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), _PAUSE)

    def _learn(self, corrections: Sequence[Example]) -> None:
        self._examples.learn(corrections)
        # What is loaded by now stays: looked through again with every full collection, it would cost a fifth of a turn.
        gc.collect()
        gc.freeze()
        if give_back := getattr(
            ctypes.CDLL(None), "malloc_trim", None
        ):  # glibc alone; it keeps 25 MB of what was freed
            give_back(0)


def _known(corrected: Sequence[tuple[str, str]]) -> list[Example]:
    return [Example(text, cast(Category, kind)) for text, kind in corrected if kind in get_args(Category)]
