"""The manifest in the docs asks for what the channel needs and no more; so does what an agents' channel adds."""

import json
import re
from pathlib import Path
from typing import Any

from channels._slack.agents_channel import SCOPES
from channels._slack.examining import NEEDED, WANTED
from channels._slack.objects import COMMAND

PAGE = Path(__file__).parents[2] / "docs" / "channels" / "slack.md"


def manifest(part: str = "") -> Any:
    found = re.search(rf"```json{part}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_it_asks_for_the_scopes_that_doctor_looks_for() -> None:
    assert set(manifest()["oauth_config"]["scopes"]["bot"]) == {*NEEDED, *WANTED}


def test_it_switches_on_what_is_listened_to() -> None:
    settings, features = manifest()["settings"], manifest()["features"]
    assert settings["interactivity"]["is_enabled"]
    assert settings["socket_mode_enabled"]
    assert {"message.im", "app_mention", "assistant_thread_started"} <= set(
        settings["event_subscriptions"]["bot_events"]
    )
    assert [command["command"] for command in features["slash_commands"]] == [COMMAND]
    assert features["app_home"]["messages_tab_enabled"]
    assert not features["app_home"]["messages_tab_read_only_enabled"]


def test_an_agents_channel_adds_the_scopes_that_doctor_looks_for_there() -> None:
    added = manifest(" agents")
    assert set(added["oauth_config"]["scopes"]["bot"]) == set(SCOPES[True])
    assert added["settings"]["event_subscriptions"]["bot_events"] == ["message.groups"]
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{scope}`" in page for scope in SCOPES[False] if scope not in SCOPES[True])
    assert not set(SCOPES[True]) & set(manifest()["oauth_config"]["scopes"]["bot"])
