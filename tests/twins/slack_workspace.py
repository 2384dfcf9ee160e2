"""What happens in the twin's workspace, as Slack tells it: events, presses of buttons and slash commands."""

import itertools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

JSON = dict[str, Any]

TEAM, BOT, CHANNEL, AGENTS = "T1ACME", "U0BOT", "C1SUPPORT", "C2AGENTS"
_LONGEST = {"section": 3_000, "button": 75}  # characters; 2,000 in anything else


class Workspace:
    """Makes payloads; each has a time of its own. `hooks` is where response URLs point."""

    hooks = ""

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self.triggers: set[str] = set()  # that can open a form, once

    def says(self, user: str, text: str, **fields: Any) -> JSON:
        """A direct message to the bot, as an events callback."""
        return self.happens({"type": "message", "channel": f"D{user}", "channel_type": "im"}, user, text, **fields)

    def mentions(self, user: str, text: str, **fields: Any) -> JSON:
        """A mention of the bot in a channel, as an events callback."""
        return self.happens({"type": "app_mention", "channel": CHANNEL}, user, f"<@{BOT}> {text}", **fields)

    def edits(self, said: JSON, text: str) -> JSON:
        """The writer of a direct message changes it."""
        ts, before = self._ts(), said["event"].get("message", said["event"])
        now = before | {"text": text, "edited": {"user": before["user"], "ts": ts}}
        changed = {"type": "message", "subtype": "message_changed", "hidden": True, "channel": said["event"]["channel"]}
        return said | {"event": changed | {"ts": ts, "message": now, "previous_message": before}}

    def deletes(self, said: JSON) -> JSON:
        """The writer of a direct message takes it back."""
        ts, before = self._ts(), said["event"].get("message", said["event"])
        gone = {"type": "message", "subtype": "message_deleted", "hidden": True, "channel": said["event"]["channel"]}
        return said | {"event": gone | {"ts": ts, "deleted_ts": before["ts"], "previous_message": before}}

    def opens_pane(self, user: str) -> JSON:
        """Somebody opens the assistant's pane."""
        thread = {"user_id": user, "context": {}, "channel_id": f"D{user}", "thread_ts": self._ts()}
        event = {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": self._ts()}
        return self._callback(event)

    def happens(self, event: JSON, user: str = "", text: str = "", **fields: Any) -> JSON:
        """Any event."""
        ts = self._ts()
        return self._callback(event | {"user": user, "text": text, "team": TEAM, "ts": ts, "event_ts": ts} | fields)

    def presses(self, user: str, posted: JSON, number: int = 0, *, ts: str, **fields: Any) -> JSON:
        """Somebody presses a button under a message that was posted with these arguments."""
        block = next(block for block in posted["blocks"] if block["type"] == "actions")
        button = block["elements"][number] | {"block_id": block["block_id"], "action_ts": self._ts()}
        where, ephemeral = posted["channel"], "user" in posted
        trigger = f"press.{next(self._count)}"
        self.triggers.add(trigger)
        message = {} if ephemeral else {"message": {"user": BOT, "ts": ts, "text": posted["text"]}}
        return (
            {
                "type": "block_actions",
                "user": {"id": user, "team_id": TEAM},
                "team": {"id": TEAM, "domain": "acme"},
                "enterprise": None,
                "channel": {"id": where, "name": "somewhere"},
                "container": {"type": "message", "message_ts": ts, "channel_id": where, "is_ephemeral": ephemeral},
                "trigger_id": trigger,
                "response_url": self.hooks,
                "actions": [button],
            }
            | message
            | fields
        )

    def answers(self, user: str, text: str, under: str, **fields: Any) -> JSON:
        """Somebody writes in a thread of the agents' channel under a post of the bot's."""
        event = {"type": "message", "channel": AGENTS, "channel_type": "group"}
        return self.happens(event, user, text, thread_ts=under, **({"parent_user_id": BOT} | fields))

    def submits(self, user: str, view: JSON, text: str, **fields: Any) -> JSON:
        """Somebody fills in the one field of a form that was opened with this view."""
        (block,) = view["blocks"]
        typed = {block["block_id"]: {block["element"]["action_id"]: {"type": "plain_text_input", "value": text}}}
        who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM, "domain": "acme"}, "enterprise": None}
        filled = view | {"id": "V1", "state": {"values": typed}}
        return {"type": "view_submission", **who, "view": filled, "response_urls": []} | fields

    def commands(self, user: str, text: str, channel: str = CHANNEL) -> JSON:
        """Somebody types /throughline and something after it."""
        return {
            "command": "/throughline",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "channel_id": channel,
            "trigger_id": f"command.{next(self._count)}",
            "response_url": self.hooks,
        }

    def _ts(self) -> str:
        return f"{1_772_441_000 + next(self._count)}.000100"

    def _callback(self, event: JSON) -> JSON:
        number = next(self._count)
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A1",
            "event_id": f"Ev{number}",
            "event_time": 1_772_441_000 + number,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}],
            "event": event,
        }


_KINDS = {"event_callback": "events_api", "block_actions": "interactive", "view_submission": "interactive"}


def kind_of(payload: Mapping[str, Any]) -> str:
    """The kind of envelope that carries a payload in Socket Mode."""
    return _KINDS.get(payload.get("type", ""), "slash_commands")


def by_http(payload: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body of a request, and its media type: presses and commands come as forms."""
    kind = kind_of(payload)
    if kind == "events_api" or "challenge" in payload:
        return json.dumps(payload).encode(), "application/json"
    fields = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def fits(block: JSON) -> bool:
    """Whether Slack takes a block, of the kinds that we use."""
    shown = [block] if block["type"] == "section" else block["elements"]
    for element in shown:
        text = element["text"]["text"] if isinstance(element["text"], dict) else element["text"]
        if not 0 < len(text) <= _LONGEST.get(element["type"], 2_000) or len(element.get("value", "")) > 2_000:
            return False
    names = {element.get("action_id", number) for number, element in enumerate(shown)}
    return len(shown) == len(names) <= 25
