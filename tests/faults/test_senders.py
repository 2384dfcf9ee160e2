"""Providers of channels fail in every way there is: the customer's message is kept, the reply arrives once the fault is
over, exactly once or flagged, staff see the fault on the status page while it lasts, and not afterwards."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.discord import Discord, DiscordSettings
from channels.slack import Slack, SlackSettings
from channels.sms import Sms, SmsSettings
from core.channel import Site
from tests.faults.front import FAULTS, TAKEN, Front
from tests.faults.house import Bot, bot_with
from tests.site import SAMPLES, site
from tests.twins.discord import DiscordTwin
from tests.twins.slack import SlackTwin
from tests.twins.twilio import Twilio

ANN, HER_NUMBER = "800000000000000011", "+15550100"
SURELY_NOT_TAKEN = {"429", "429 and when", "503", "refused"}
SMS = json.loads((SAMPLES / "sms" / "settings.json").read_text())
DISCORD = json.loads((SAMPLES / "discord" / "settings.json").read_text())


class QuickSms(Sms):
    timeout = 0.3


@dataclass(kw_only=True)
class Provider:
    """One provider behind a front. `arrived`: what its customers got, in order."""

    front: Front
    channel: Any
    who: str
    route: dict[str, str]
    arrived: Callable[[], list[str]]


def here(var: Path) -> Site:
    return replace(site(var), now=lambda: datetime.now(UTC))


@asynccontextmanager
async def slack(var: Path) -> AsyncIterator[Provider]:
    async with SlackTwin() as twin, Front(behind=twin.api_url).open() as front:
        tokens: dict[str, Any] = {"slack_bot_token": twin.bot_token, "slack_app_token": twin.app_token}
        channel = Slack(SlackSettings(slack_api_url=front.url, **tokens), here(var))
        route = {"channel": "DU1ANN", "user": "U1ANN", "home": "T1ACME"}
        yield Provider(
            front=front, channel=channel, who="T1ACME/U1ANN", route=route, arrived=lambda: [p.text for p in twin.posted]
        )


@asynccontextmanager
async def discord(var: Path) -> AsyncIterator[Provider]:
    async with DiscordTwin() as twin, Front(behind=twin.api_base).open() as front:
        given = DISCORD | {"discord_api_base": front.url, "discord_gateway_url": twin.gateway_url}
        channel = Discord(DiscordSettings(**given), here(var))
        yield Provider(
            front=front,
            channel=channel,
            who=ANN,
            route={"user": ANN},
            arrived=lambda: [post["content"] for post in twin.posted],
        )


@asynccontextmanager
async def sms(var: Path) -> AsyncIterator[Provider]:
    async with (
        Twilio(
            account_sid=SMS["twilio_account_sid"], auth_token=SMS["twilio_auth_token"], number=SMS["twilio_from_number"]
        ) as twin,
        Front(behind=twin.base).open() as front,
    ):
        channel = QuickSms(SmsSettings(**{**SMS, "twilio_api_base": front.url}), here(var))
        route = {"to": HER_NUMBER, "from": twin.number}
        yield Provider(
            front=front, channel=channel, who=HER_NUMBER, route=route, arrived=lambda: [s.body for s in twin.sent]
        )


PROVIDERS = {"slack": slack, "discord": discord, "sms": sms}


@pytest.fixture(params=PROVIDERS)
async def provider(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Provider]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(PROVIDERS[request.param](tmp_path))


@pytest.fixture
async def bot(provider: Provider, tmp_path: Path) -> AsyncIterator[Bot]:
    async with bot_with(provider.channel, tmp_path) as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_reply_outlives_what_its_provider_does(bot: Bot, provider: Provider, fault: str) -> None:
    sending = f"sending {bot.channel.name}"
    await provider.front.begins(fault)
    await bot.hears(provider.who, "My parcel W4829137 never arrived.", route=provider.route)
    await bot.until(lambda: bot.ails(sending))
    page = await bot.page_without("None was put off")
    why = bot.office.health.of(sending).mishaps[-1].why
    assert f"× {why}" in page

    await provider.front.ends()
    await bot.all_is_sent()
    [(state, flagged)] = await bot.states()
    assert state == "sent"
    assert len(provider.arrived()) == 1 or (fault in TAKEN and flagged)
    assert not (flagged and fault in SURELY_NOT_TAKEN)
    assert not bot.ails(sending)
    assert "None was put off" in await bot.page()
