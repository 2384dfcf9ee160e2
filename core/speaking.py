"""A reply that is said sentence by sentence while it is still being worded, to somebody who waits on the line.

A channel that `Speaks` is given the reply's beginning, longer each time, under the id that the whole reply will have.
The whole reply is settled and sent as any other; of that one the channel says what it has not said yet.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from core import safety
from core.judgement import may_begin
from core.ledger import Settlement
from core.messages import Interruption, Reply
from core.phrases import say
from core.writing import Answer, Brief, Writer, write

Begin = Callable[[Reply], Awaitable[None]]

_END = re.compile(r"[.!?…][\"'”’)\]*_]*\s|[。！？]|\n")


class Saying:
    """What one turn says while it thinks. `reply` is the reply as far as it was said, None while nothing was."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._stopped = asyncio.Event()
        self.reply: Reply | None = None
        self.interruption: Interruption | None = None

    def stop(self, interruption: Interruption) -> None:
        """The customer spoke against it: no more of it is worded."""
        self.interruption = interruption
        self._stopped.set()

    async def worded(self, writer: Writer, brief: Brief, *, start: Reply, hosts: Collection[str]) -> Answer:
        """The answer to a brief, said while it is worded. The rules understand what is left when it is stopped.

        `start` is the reply without its text; links lead to `hosts` only. Raises WriterFailed.
        """

        async def draft(answer: Answer) -> None:
            text = safety.only_known_links(whole_sentences(answer.reply), hosts)
            if text != (self.reply.text if self.reply else "") and may_begin(answer):
                self.reply = replace(start, text=text)
                await self._begin(self.reply)

        writing = asyncio.ensure_future(write(writer, brief, draft))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({writing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                return writing.result()
        finally:
            writing.cancel()
            stopped.cancel()
            await asyncio.gather(writing, stopped, return_exceptions=True)
        return await writer.answer(replace(brief, offline=True))

    def completed(self, settlement: Settlement) -> Settlement:
        """What a turn settles, with a reply that begins as it was said; where it went on otherwise, that is owned."""
        if self.reply is None:
            return settlement
        whole, *others = settlement.replies or (self.reply,)
        if self.interruption:
            whole = replace(whole, text=self.reply.text, asks=(), expects_digits=0, rates=None)
        elif not whole.text.startswith(self.reply.text):
            whole = replace(whole, text=f"{self.reply.text} {say('begin_again', whole.language)} {whole.text}")
        return replace(settlement, replies=[replace(whole, id=self.reply.id), *others])


def whole_sentences(text: str) -> str:
    """The beginning of a text that ends with a sentence, never within a link."""
    ends = [found.end() for found in _END.finditer(text)]
    return next((text[:end].rstrip() for end in reversed(ends) if _is_closed(text[:end])), "")


def _is_closed(text: str) -> bool:
    return text.count("[") == text.count("]") and text.count("(") == text.count(")") and text.count("**") % 2 == 0
