"""A bot that answers the telephone: the real engine, ledger and delivery behind the real web server, and the twins."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bots import sockets, web
from channels._voice.conversation import Conversation
from channels.voice import Voice, VoiceSettings
from core.backends.openai_writer import OpenAIWriter
from core.backends.rules.writer import RulesWriter
from core.channel import Line
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.writing import WithFallback
from tests.shop import Shop
from tests.site import site
from tests.twins.openai import KEY, MODEL, OpenAITwin
from tests.twins.relay import RelayCall
from tests.twins.twilio import PUBLIC, Twilio

ACCOUNT, TOKEN, OFFICE = "AC" + "5e" * 16, "a token of our own for tests", "+15550190"
ATTESTED = "TN-Validation-Passed-A"
ANN = "+15550142"


@dataclass(kw_only=True)
class Switchboard:
    """Everything that a test may look at."""

    shop: Shop
    voice: Voice
    twilio: Twilio
    dispatch: Dispatch
    delivery: Delivery

    def call(self, caller: str = ANN, *, verstat: str = ATTESTED) -> RelayCall:
        """Somebody picks up a telephone."""
        return RelayCall(twilio=self.twilio, caller=caller, verstat=verstat)

    def hurry(self, call: RelayCall, **seconds: float) -> None:
        """From now on a call waits less long."""
        line = self.voice._lines.find(call.sid)
        assert line
        assert isinstance(line.conversation, Conversation)
        line.conversation._patience = replace(line.conversation._patience, **seconds)  # type: ignore[arg-type]

    async def lines(self, call: RelayCall) -> Sequence[Line]:
        """What stands on record of a call."""
        return await self.shop.ledger.transcript("voice", call.sid)


@asynccontextmanager
async def switchboard(
    folder: Path, *, model: OpenAITwin | None = None, kind: type[Voice] = Voice, **settings: str
) -> AsyncIterator[Switchboard]:
    """A bot with the telephone as its only channel; the offline rules write where there is no model."""
    shop = await Shop.open(folder)

    def now() -> datetime:
        shop.later(milliseconds=1)
        return shop.now

    writer = OpenAIWriter(KEY, model.url, MODEL, timeout=10) if model else None
    shop.engine = replace(shop.engine, now=now, writer=WithFallback(writer, RulesWriter()) if writer else RulesWriter())
    given: dict[str, Any] = {
        "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "twilio_from_number": OFFICE, **settings,
    }  # fmt: skip
    voice = kind(VoiceSettings(**given), replace(site(folder), languages=("en", "de"), now=now))
    delivery = Delivery(shop.ledger, {"voice": voice}, now)
    dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"voice": voice})
    listening = web.listen("127.0.0.1", 0)
    app = web.application(
        [voice], dispatch.hear, _ready, note=dispatch.note, base_url=PUBLIC, now=now,
        extra=list(sockets.routes([voice], dispatch.hear, dispatch.interrupted, base_url=PUBLIC, now=now)),
    )  # fmt: skip
    try:
        async with Twilio(account_sid=ACCOUNT, auth_token=TOKEN, number=OFFICE) as twilio, web.serving(app, listening):
            twilio.deliver_to = f"http://127.0.0.1:{listening.getsockname()[1]}"
            yield Switchboard(shop=shop, voice=voice, twilio=twilio, dispatch=dispatch, delivery=delivery)
    finally:
        await dispatch.close()
        if writer:
            await writer.close()
        await shop.close()


async def _ready() -> dict[str, str]:
    return {}
