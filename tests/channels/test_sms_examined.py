"""What `doctor` finds out about text messages: the account, the number, and where its messages go."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from channels.sms import Sms
from core.channel import Examined, Finding
from tests.channels.texting import SETTINGS, texting, twilio_twin
from tests.twins.twilio import PUBLIC, Trouble, Twilio


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
async def sms(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Sms]:
    async with texting(twilio, tmp_path) as channel:
        yield channel


def trouble(found: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.advice]


async def test_all_is_well(twilio: Twilio, sms: Sms) -> None:
    assert isinstance(sms, Examined)
    found = await sms.examine()
    assert trouble(found) == []
    assert [f.what for f in found] == [
        "Twilio takes the account SID and the auth token.",
        f"Messages to {twilio.number} come to {PUBLIC}/twilio/sms.",
        f"Calls to {twilio.number} come to {PUBLIC}/twilio/voice.",
    ]


async def test_a_refused_token_is_fatal_and_not_printed(twilio: Twilio, sms: Sms) -> None:
    twilio.auth_token = "another one"
    (finding,) = await sms.examine()
    assert finding.fatal
    assert "TWILIO_AUTH_TOKEN" in finding.what
    assert SETTINGS["twilio_auth_token"] not in f"{finding}"


@pytest.mark.parametrize("status", ["suspended", "closed", ""])
async def test_an_account_that_is_not_active_is_fatal(status: str, twilio: Twilio, sms: Sms) -> None:
    twilio.archive.status = status
    assert (await sms.examine())[0].fatal


async def test_a_trial_account_is_named(twilio: Twilio, sms: Sms) -> None:
    twilio.archive.type = "Trial"
    (finding,) = trouble(await sms.examine())
    assert "on trial" in finding.what
    assert not finding.fatal


async def test_a_number_of_somebody_else_is_fatal(twilio: Twilio, sms: Sms) -> None:
    twilio.archive.numbers.clear()
    (finding,) = trouble(await sms.examine())
    assert finding.fatal
    assert "does not belong to this account" in finding.what


async def test_a_number_without_texts_is_fatal(twilio: Twilio, sms: Sms) -> None:
    twilio.archive.numbers[twilio.number] = {"capabilities": {"voice": True, "sms": False, "mms": False}}
    (finding,) = trouble(await sms.examine())
    assert finding.fatal


@pytest.mark.parametrize(
    ("number", "what", "advice"),
    [
        ({"sms_url": "https://demo.twilio.com/welcome"}, "leads to https://demo.twilio.com/welcome", "/twilio/sms"),
        ({"sms_url": ""}, "leads to nowhere", "Active numbers"),
        ({"sms_url": None}, "leads to nowhere", "Active numbers"),
        ({"sms_url": f"{PUBLIC}/twilio/sms/"}, "leads to", "/twilio/sms, HTTP POST"),
        ({"status_callback": ""}, "The end of calls", f"{PUBLIC}/twilio/voice/status, HTTP POST"),
        ({"sms_method": "GET"}, "come by GET", "HTTP POST"),
        ({"sms_application_sid": "AP" + "1" * 32}, "go to a TwiML App", "Messaging request URL"),
    ],
)
async def test_a_wrong_webhook_says_what_to_paste_where(
    number: dict[str, object], what: str, advice: str, twilio: Twilio, sms: Sms
) -> None:
    twilio.archive.numbers[twilio.number] = number
    (finding,) = trouble(await sms.examine())
    assert what in finding.what
    assert advice in finding.advice


async def test_a_number_without_pictures_is_told(twilio: Twilio, sms: Sms) -> None:
    twilio.archive.numbers[twilio.number] = {"capabilities": {"voice": True, "sms": True, "mms": False}}
    assert "takes no pictures" in (await sms.examine())[2].what


async def test_calls_that_go_elsewhere_are_shown_and_no_trouble_of_texts(twilio: Twilio, sms: Sms) -> None:
    twilio.archive.numbers[twilio.number] = {"voice_url": "https://pbx.acme.test"}
    found = await sms.examine()
    assert trouble(found) == []
    assert "lead to https://pbx.acme.test" in found[-1].what


async def test_a_short_code_is_found_too(twilio: Twilio, tmp_path: Path) -> None:
    twilio.archive.numbers["72345"] = {}
    async with texting(twilio, tmp_path, twilio_from_number="72345") as sms:
        assert trouble(await sms.examine()) == []


@pytest.mark.parametrize(
    "answer",
    [Trouble(status=503), Trouble(status=429), Trouble(status=200, body="<html>"), Trouble(status=418, body="{}")],
)
async def test_an_answer_that_is_none_raises_nothing(answer: Trouble, twilio: Twilio, sms: Sms) -> None:
    twilio.troubles.append(answer)
    assert trouble(await sms.examine())


async def test_what_is_not_twilio_is_told(twilio: Twilio, sms: Sms) -> None:
    twilio.troubles.append(Trouble(status=200, body='{"status": 7}'))
    (finding,) = await sms.examine()
    assert "is not Twilio's API" in finding.what


class Hurried(Sms):
    """SMS that does not wait long for Twilio."""

    examined_within = 0.2


async def test_twilio_hanging_is_a_finding(twilio: Twilio, tmp_path: Path) -> None:
    twilio.troubles.append(Trouble(hangs=True))
    async with texting(twilio, tmp_path, kind=Hurried) as sms:
        (finding,) = await sms.examine()
    assert "does not answer" in finding.what
