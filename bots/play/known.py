"""Every channel as the engine has to know it to be played, also where it is off and its module is not loaded."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from core.channel import Limits
from core.house import Known

KNOWN: Final[Mapping[str, Known]] = {
    "web": Known(label="chat", limits=Limits(inbound_bytes=65_536, text=100_000, live=True)),
    "voice": Known(label="phone", limits=Limits(inbound_bytes=65_536, text=4_096, live=True, reachable=False)),
    "email": Known(
        label="email",
        limits=Limits(
            inbound_bytes=25_000_000,
            text=100_000,
            answers_to_claimed=1,
            patience=timedelta(days=5),
            file_bytes=15_000_000,
        ),
    ),
    "sms": Known(label="SMS", limits=Limits(inbound_bytes=65_536, text=1_600, keywords=True)),
    "slack": Known(label="Slack", limits=Limits(inbound_bytes=1_000_000, text=3_000, file_bytes=50_000_000)),
    "discord": Known(label="Discord", limits=Limits(inbound_bytes=262_144, text=2_000, file_bytes=24_000_000)),
}
