"""SMS beside Twilio's twin, for the tests of text messages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from channels.sms import Sms, SmsSettings
from core.messages import Raw
from tests.site import NOW, SAMPLES, site
from tests.twins.twilio import Twilio

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
    twilio: Twilio, var: Path, *, kind: type[Sms] = Sms, base_url: str = "", **settings: Any
) -> AsyncIterator[Sms]:
    """The channel, with its connection to that Twilio."""
    here = replace(site(var), now=lambda: clock.now)
    here = replace(here, base_url=base_url) if base_url else here
    sms = kind(SmsSettings(**{**SETTINGS, "twilio_api_base": twilio.base, **settings}), here)
    try:
        yield sms
    finally:
        await sms.close()


@dataclass
class Clock:
    """What the channel takes for the time."""

    now: datetime = NOW


clock = Clock()


def webhook(body: str, path: str = "/twilio/sms") -> Raw:
    """A delivery that is not verified."""
    return Raw(body=body.encode(), received_at=NOW, path=path)
