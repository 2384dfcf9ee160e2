"""Slack users of other workspaces, guests and namesakes, whose account has the victim's email."""

from typing import Any

import pytest

from tests.forgeries.stage import ASK, CANARIES, JOHN, Stage, Theatre

pytestmark = pytest.mark.asyncio(loop_scope="session")

THEIRS = {"profile": {"email": JOHN, "display_name": "John Miller", "real_name": "John Miller"}}
ELSEWHERE = {"team_id": "T9EVIL"}
# What users.info says of them, and what is unusual about their message.
STRANGERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "of another workspace": (ELSEWHERE, {"team": "T9EVIL", "user_team": "T9EVIL"}),
    "of another workspace, said by their record alone": (ELSEWHERE, {}),
    "of another workspace, said by their message alone": ({}, {"team": "T9EVIL", "user_team": "T9EVIL"}),
    "of another organisation": ({"is_stranger": True}, {}),
    "of another workspace of another organisation": (
        {"enterprise_user": {"enterprise_id": "E9EVIL"}, **ELSEWHERE},
        {"team": "T9EVIL", "user_team": "E9EVIL"},
    ),
    "a guest": ({"is_restricted": True}, {}),
    "a guest of one channel": ({"is_ultra_restricted": True}, {}),
    "not confirmed": ({"is_email_confirmed": False}, {}),
    "a bot": ({"is_bot": True}, {}),
    "deleted": ({"deleted": True}, {}),
    "a look-alike": ({"profile": {"email": "john@sh0p.test", "real_name": "John Miller"}}, {}),
    "without an email": ({"profile": {"display_name": JOHN}}, {}),
}


async def writes(stage: Stage, user: str, text: str = ASK, **fields: Any) -> None:
    envelope = await stage.slack.emits(stage.slack.says(user, text, **fields))
    await envelope.acked.wait()
    await stage.quiet()


@pytest.mark.parametrize("name", STRANGERS)
async def test_a_stranger_with_the_victims_email(bots: Theatre, name: str) -> None:
    record, fields = STRANGERS[name]
    user = f"U9EVE{list(STRANGERS).index(name)}"

    async def asks(stage: Stage) -> None:
        stage.slack.users[user] = THEIRS | record
        await writes(stage, user, **fields)

    assert len(await bots.withstands(asks)) == 2  # answered, as anybody is


async def test_the_victims_id_in_another_workspace(bots: Theatre) -> None:
    await bots.withstands(lambda stage: writes(stage, "U1JOHN", team="T9EVIL", user_team="T9EVIL"))


@pytest.mark.parametrize("fields", [{"subtype": "bot_message", "username": "John Miller"}, {"bot_id": "B9"}])
async def test_a_bot_by_the_victims_name(bots: Theatre, fields: dict[str, str]) -> None:
    assert len(await bots.withstands(lambda stage: writes(stage, "U1JOHN", "UNDO", **fields))) == 1


async def test_a_button_that_was_put_to_the_victim(bots: Theatre) -> None:
    """Whoever presses it; that one can see it at all would be Slack's fault."""
    block = {"type": "actions", "block_id": "T1ACME/U1JOHN/DU1JOHN//r1"}
    button = {"type": "button", "action_id": "choice-0", "text": {"text": "Undo"}, "value": "UNDO"}
    posted = {"channel": "DU1JOHN", "text": "Linked.", "blocks": [block | {"elements": [button]}]}

    async def presses(stage: Stage) -> None:
        envelope = await stage.slack.emits(stage.slack.presses("U9EVE", posted, ts="1772441000.000100"))
        await envelope.acked.wait()
        await stage.quiet()

    assert len(await bots.withstands(presses)) == 1


async def test_the_customer_is_greeted_on_slack(bots: Theatre) -> None:
    bots.present.a_day_passes()
    await writes(bots.present, "U1JOHN")
    assert all(known in bots.present.slack.posted[-1].text for known in CANARIES[:3])
