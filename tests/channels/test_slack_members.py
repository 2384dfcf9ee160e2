"""Whom our own Slack workspace vouches for: its full members, by the email that they confirmed. A guest, a bot and a
stranger of a shared channel who bears a member's email or id get nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from channels.slack import Slack, SlackSettings
from core.channel import Checks
from core.messages import InboundMessage, Raw
from identity.proof import Proof
from tests.site import NOW, site
from tests.twins.slack import SlackTwin

GUESTS_AND_STRANGERS: dict[str, dict[str, Any]] = {
    "a guest": {"is_restricted": True},
    "a guest of one channel": {"is_restricted": True, "is_ultra_restricted": True},
    "a guest of one channel, flagged once": {"is_ultra_restricted": True},
    "a bot": {"is_bot": True},
    "somebody who has left": {"deleted": True},
    "a stranger of a shared channel": {"is_stranger": True},
    "a member of another workspace": {"team_id": "T9OTHER"},
    "a member of another organisation": {"team_id": "T9OTHER", "enterprise_user": {"enterprise_id": "E9OTHER"}},
    "a member who did not confirm it": {"is_email_confirmed": False},
    "a member without email": {"profile": {}},
    "a member with an empty email": {"profile": {"email": " "}},
}


class Clock:
    """A clock that the test turns."""

    now = NOW


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as slack:
        yield slack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def channel(twin: SlackTwin, clock: Clock, tmp_path: Path) -> Slack:
    given: dict[str, Any] = {"slack_bot_token": twin.bot_token, "slack_app_token": twin.app_token}
    settings = SlackSettings(**given, slack_api_url=twin.api_url)
    return Slack(settings, replace(site(tmp_path), now=lambda: clock.now))


def heard(channel: Slack, callback: dict[str, Any]) -> InboundMessage:
    message = channel.parse(Raw(body=json.dumps(callback).encode(), received_at=NOW))
    assert message
    assert message.proof is Proof.PROVEN
    return message


async def emails(channel: Slack, callback: dict[str, Any]) -> list[str]:
    """What is vouched for in the end, asked as dispatch asks."""
    message = heard(channel, callback)
    if not message.unchecked:
        assert message.vouchers == ()
        return []
    found = await channel.check(message, Raw(body=b"", received_at=NOW))
    assert found.proof is Proof.PROVEN
    return [v.key for v in found.vouchers]


async def test_a_member_s_confirmed_email_is_vouched_for(twin: SlackTwin, channel: Slack) -> None:
    twin.users["U1ANN"] = {"profile": {"email": " Ann@Shop.test"}}
    assert isinstance(channel, Checks)
    message = heard(channel, twin.says("U1ANN", "hello"))
    assert (message.unchecked, message.vouchers) == (True, None)
    assert await emails(channel, twin.says("U1ANN", "hello")) == ["email:ann@shop.test"]
    assert await emails(channel, twin.mentions("U2BEN", "hello")) == ["email:u2ben@shop.test"]


@pytest.mark.parametrize("who", GUESTS_AND_STRANGERS)
async def test_everybody_else_s_email_is_worth_nothing(twin: SlackTwin, channel: Slack, who: str) -> None:
    twin.users["U1ANN"] = GUESTS_AND_STRANGERS[who]
    assert await emails(channel, twin.says("U1ANN", "hello")) == []
    assert twin.asked == ["U1ANN"]


@pytest.mark.parametrize("flag", ["is_bot", "is_restricted", "is_ultra_restricted", "is_email_confirmed", "team_id"])
async def test_what_slack_leaves_out_counts_against_the_user(twin: SlackTwin, channel: Slack, flag: str) -> None:
    twin.left_out = flag
    assert await emails(channel, twin.says("U1ANN", "hello")) == []


async def test_a_member_of_a_sister_workspace_is_the_organisation_s(twin: SlackTwin, channel: Slack) -> None:
    twin.enterprise = "E1ACME"
    twin.users["W1ANN"] = {"team_id": "T2ACME", "enterprise_user": {"enterprise_id": "E1ACME"}}
    callback = twin.says("W1ANN", "hello", team="T2ACME") | {"enterprise_id": "E1ACME"}
    assert heard(channel, callback).handle.address == "E1ACME/W1ANN"
    assert await emails(channel, callback) == ["email:w1ann@shop.test"]


@pytest.mark.parametrize("user", ["U9EVE", "U1ANN"])
@pytest.mark.parametrize("fields", [{"team": "T9OTHER"}, {"team": "T1ACME", "user_team": "T9OTHER"}, {"team": None}])
async def test_a_stranger_with_a_member_s_email_or_id_gets_nothing_and_is_not_asked_about(
    twin: SlackTwin, channel: Slack, user: str, fields: dict[str, Any]
) -> None:
    twin.users["U9EVE"] = {"profile": {"email": "u1ann@shop.test"}}
    callback = twin.says(user, "I am Ann", **fields) | {"is_ext_shared_channel": True}
    assert await emails(channel, callback) == []
    assert twin.asked == []


async def test_a_handle_of_another_workspace_is_never_asked_about(twin: SlackTwin, channel: Slack) -> None:
    """Whatever the delivery says of itself, it is our token whose workspace counts."""
    callback = twin.says("U1ANN", "hello", team="T9OTHER") | {"team_id": "T9OTHER"}
    assert heard(channel, callback).unchecked
    assert await emails(channel, callback) == []
    assert twin.asked == []


async def test_a_busy_member_is_asked_about_once_in_two_hours(twin: SlackTwin, channel: Slack, clock: Clock) -> None:
    ann = twin.says("U1ANN", "hello")
    twin.gate.clear()
    asking = [asyncio.create_task(emails(channel, ann)) for _ in range(3)]
    await twin.questions.get()
    twin.gate.set()
    assert await asyncio.gather(*asking) == [["email:u1ann@shop.test"]] * 3
    clock.now += timedelta(minutes=119)
    twin.users["U1ANN"] = {"profile": {"email": "ann.lee@shop.test"}}
    assert await emails(channel, ann) == ["email:u1ann@shop.test"]
    assert twin.asked == ["U1ANN"]
    clock.now += timedelta(minutes=2)
    assert await emails(channel, ann) == ["email:ann.lee@shop.test"]
    assert await emails(channel, twin.says("U2BEN", "hello")) == ["email:u2ben@shop.test"]
    assert twin.asked == ["U1ANN", "U1ANN", "U2BEN"]


@pytest.mark.parametrize("method", ["auth.test", "users.info"])
@pytest.mark.parametrize("error", ["ratelimited", "missing_scope", "user_not_found"])
async def test_a_refused_question_is_asked_again_next_time(
    twin: SlackTwin, channel: Slack, method: str, error: str
) -> None:
    twin.refuse(method, error)
    with pytest.raises(SlackApiError):
        await emails(channel, twin.says("U1ANN", "hello"))
    assert await emails(channel, twin.says("U1ANN", "hello")) == ["email:u1ann@shop.test"]


@pytest.mark.parametrize(
    ("user", "fields"), [("U1ANN", {"bot_id": "B1"}), ("U1ANN", {"subtype": "bot_message"}), ("U0BOT", {}), ("", {})]
)
def test_bots_are_nobody(twin: SlackTwin, channel: Slack, user: str, fields: dict[str, Any]) -> None:
    callback = twin.says(user, "beep", **fields)
    assert channel.parse(Raw(body=json.dumps(callback).encode(), received_at=NOW)) is None
