"""Every channel as the engine has to know it to be played, also where it is off and its module is not loaded."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.channel import Limits
from core.house import Known

_BYTES, _SIGNS = 10_000_000, 100_000
_WORDS = Limits(inbound_bytes=_BYTES, text=_SIGNS)
_WORDS_AND_FILES = replace(_WORDS, file_bytes=_BYTES)

KNOWN: Final[Mapping[str, Known]] = {
    "web": Known(label="chat", limits=replace(_WORDS_AND_FILES, live=True)),
    "voice": Known(label="phone", limits=replace(_WORDS, live=True, reachable=False)),
    "email": Known(label="email", limits=replace(_WORDS_AND_FILES, answers_to_claimed=1)),
    "sms": Known(label="SMS", limits=replace(_WORDS, keywords=True)),
    "slack": Known(label="Slack", limits=_WORDS_AND_FILES),
    "discord": Known(label="Discord", limits=_WORDS_AND_FILES),
}
