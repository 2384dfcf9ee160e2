"""SMS beside Twilio's twin, for the tests of text messages."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bots import web
from channels.sms import Sms, SmsSettings
from core.channel import SentFile
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.messages import Raw
from tests.shop import Shop
from tests.site import NOW, SAMPLES, site
from tests.twins.twilio import PUBLIC, Twilio
from tests.twins.twilio_archive import Sent

SETTINGS = json.loads((SAMPLES / "sms" / "settings.json").read_text())
ANN = "+15550100"
BEN = "+15550101"


@asynccontextmanager
async def twilio_twin() -> AsyncIterator[Twilio]:
    """Twilio, with our account."""
    async with Twilio(
        account_sid=SETTINGS["twilio_account_sid"],
        auth_token=SETTINGS["twilio_auth_token"],
        number=SETTINGS["twilio_from_number"],
    ) as twin:
        yield twin


@asynccontextmanager
async def texting(
    twilio: Twilio,
    var: Path,
    *,
    kind: type[Sms] = Sms,
    now: Callable[[], datetime] = lambda: NOW,
    base_url: str = PUBLIC,
    sent_file: Callable[[str, int], Awaitable[SentFile | None]] | None = None,
    **settings: Any,
) -> AsyncIterator[Sms]:
    """The channel, with its connection to that Twilio."""
    here = replace(site(var), now=now, base_url=base_url)
    here = replace(here, sent_file=sent_file) if sent_file else here
    sms = kind(SmsSettings(**{**SETTINGS, "twilio_api_base": twilio.base, **settings}), here)
    try:
        yield sms
    finally:
        await sms.close()


def webhook(body: str, path: str = "/twilio/sms") -> Raw:
    """A delivery that is not verified."""
    return Raw(body=body.encode(), received_at=NOW, path=path)


@dataclass(kw_only=True)
class Desk:
    """The whole bot behind the channel: what Twilio delivers is kept, answered, and sent."""

    shop: Shop
    twilio: Twilio
    delivery: Delivery
    dispatch: Dispatch

    async def answer(self) -> Sent:
        """The next text that Twilio takes from us."""
        async with asyncio.timeout(10):
            return await self.twilio.outbox.get()

    async def all_is_sent(self) -> None:
        """Waits until it is on record that everything went out, or did not."""
        await _all(self.delivery._tasks)

    async def all_is_answered(self) -> None:
        """Waits until nothing is left to be answered, nor to be sent."""
        await _all(self.dispatch._serving.values())
        await self.all_is_sent()


@asynccontextmanager
async def desk(shop: Shop, twilio: Twilio, sms: Sms) -> AsyncIterator[Desk]:
    """The bot, served where Twilio's webhooks go. Ann is a customer on record."""
    await shop.knows("c-1", "Ann", f"phone:{ANN}")
    shop.engine = replace(shop.engine, house=replace(shop.engine.house, burst=timedelta(0)))
    channels = {"sms": sms}
    delivery = Delivery(shop.ledger, channels, lambda: shop.now)
    dispatch = Dispatch(shop.engine, shop.ledger, delivery, channels)
    app = web.application(
        [sms], dispatch.hear, nothing_is_missing, note=dispatch.note, base_url=PUBLIC, now=lambda: NOW
    )
    listening = web.listen("127.0.0.1", 0)
    twilio.deliver_to = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with web.serving(app, listening):
            yield Desk(shop=shop, twilio=twilio, delivery=delivery, dispatch=dispatch)
    finally:
        await dispatch.close()


async def _all(tasks: Collection["asyncio.Task[None]"]) -> None:
    async with asyncio.timeout(10):
        while tasks:
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # those that are done leave


async def nothing_is_missing() -> Mapping[str, str]:
    return {}
