"""The whole bot behind one channel whose provider fails, and the status page that a colleague looks at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bots.console.status import HERE
from core.backends.ledger.schema import outbox
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.messages import Raw
from core.writing import Writer
from tests.console.office import Office, opened, text_of
from tests.shop import HOUSE, Shop

AT_ONCE = replace(HOUSE, burst=timedelta(0))


@dataclass(kw_only=True)
class Bot:
    """`page` is what a colleague sees."""

    shop: Shop
    office: Office
    channel: Any
    delivery: Delivery
    dispatch: Dispatch
    browser: httpx.AsyncClient
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def hears(self, who: str, text: str, **more: object) -> None:
        """A customer writes; it is kept when this returns."""
        message = self.shop.message(self.channel.name, who, text, **more)
        await self.dispatch.hear(message, Raw(body=text.encode(), received_at=self.shop.now))

    async def page(self) -> str:
        """The status page, as text."""
        return text_of((await self.browser.get(HERE)).text)

    async def page_without(self, words: str) -> str:
        """The page, once these words have gone from it."""
        async with asyncio.timeout(20):
            while words in (page := await self.page()):
                pass
        return page

    async def until(self, holds: Callable[[], bool]) -> None:
        """Returns once this holds, looked at whenever anything's health changes."""
        self.office.health.on_change = self._changed.set
        async with asyncio.timeout(20):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def ails(self, what: str) -> bool:
        """Whether something does not do well."""
        return bool(self.office.health.of(what).ails)

    async def all_is_sent(self) -> None:
        """Waits until nothing is left to be answered or sent."""
        async with asyncio.timeout(20):
            while tasks := [*self.dispatch._serving.values(), *self.delivery._tasks]:
                await asyncio.wait(tasks)

    async def states(self) -> list[tuple[str, bool]]:
        """Of every reply, what became of it, and whether it may have gone out twice."""
        found = select(outbox.c.state, outbox.c.maybe_twice).order_by(outbox.c.id)
        rows = await self.shop.ledger._database.read(lambda tx: tx.execute(found).all())
        return [(row.state, row.maybe_twice) for row in rows]


@asynccontextmanager
async def bot_with(
    channel: Any, folder: Path, *, writer: Writer | None = None, shop: Shop | None = None
) -> AsyncIterator[Bot]:
    """A bot with this channel alone."""
    shop = shop or await Shop.open(folder, house=AT_ONCE, writer=writer)
    async with opened(shop) as office:
        health = office.health
        delivery = Delivery(
            shop.ledger, {channel.name: channel}, lambda: shop.now, noted=health.note, rests=health.rests
        )
        dispatch = Dispatch(shop.engine, shop.ledger, delivery, {channel.name: channel})
        browser = await office.signed_in()
        try:
            yield Bot(shop=shop, office=office, channel=channel, delivery=delivery, dispatch=dispatch, browser=browser)
        finally:
            await dispatch.close()
            await closed(channel)
    await shop.close()


async def closed(channel: Any) -> None:
    """Lets go of a channel's connections, where it keeps some."""
    close: Callable[[], Awaitable[None]] | None = getattr(channel, "close", None)
    if close:
        await close()
