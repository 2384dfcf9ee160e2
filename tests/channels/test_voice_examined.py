"""What `doctor` finds out about calls: the credentials, and where calls go."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.voice import Voice, VoiceSettings
from core.channel import Examined, Finding
from tests.channels.texting import SETTINGS, twilio_twin
from tests.site import site
from tests.twins.twilio import Trouble, Twilio


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


async def finding(twilio: Twilio, var: Path) -> Finding:
    given: dict[str, Any] = {name: SETTINGS[name] for name in VoiceSettings.model_fields if name in SETTINGS}
    voice = Voice(VoiceSettings(**given | {"twilio_api_base": twilio.base}), site(var))
    assert isinstance(voice, Examined)
    (found,) = await voice.examine()
    return found


async def test_all_is_well(twilio: Twilio, tmp_path: Path) -> None:
    found = await finding(twilio, tmp_path)
    assert "come to https://support.acme.test/twilio/voice" in found.what
    assert not found.advice


async def test_a_refused_token_is_fatal_and_not_printed(twilio: Twilio, tmp_path: Path) -> None:
    twilio.auth_token = "another one"
    found = await finding(twilio, tmp_path)
    assert found.fatal
    assert "TWILIO_AUTH_TOKEN" in found.what
    assert SETTINGS["twilio_auth_token"] not in f"{found}"


async def test_calls_that_lead_elsewhere_are_named_with_what_to_click(twilio: Twilio, tmp_path: Path) -> None:
    twilio.archive.numbers.clear()
    found = await finding(twilio, tmp_path)
    assert "Webhook, https://support.acme.test/twilio/voice, HTTP POST" in found.advice
    assert not found.fatal


async def test_a_twilio_that_is_busy_or_away_is_no_refusal(twilio: Twilio, tmp_path: Path) -> None:
    twilio.troubles.append(Trouble(status=503))
    assert not (await finding(twilio, tmp_path)).fatal
