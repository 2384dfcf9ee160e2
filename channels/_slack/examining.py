"""What `doctor` asks Slack. Nothing is changed there."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Final

from slack_sdk.errors import SlackApiError

from channels._slack.connecting import app_token_refused
from channels._slack.web import NO_TOKEN, Refused, Web, error_of, refused, token_refused
from core.channel import Finding
from core.errors import TryAgain

PATIENCE: Final = 8.0  # seconds
_WHERE: Final = "at api.slack.com/apps, OAuth & Permissions, Bot Token Scopes, and install the app again"
NEEDED: Final = ("chat:write", "im:history", "im:write", "app_mentions:read")
# What works less well without them.
WANTED: Final = {
    "users:read": "members are not recognised by their email",
    "users:read.email": "members are not recognised by their email",
    "commands": "there is no /throughline",
    "files:write": "colleagues can send no files",
    "assistant:write": "the assistant's pane offers nothing and shows no status",
}


async def examined(
    web: Web, app_token: str, room: Awaitable[Sequence[Finding]], *, has_secret: bool, base_url: str
) -> Sequence[Finding]:
    """Tokens, scopes, the way in, and what `room` finds of the agents' channel."""
    way = _socket_mode(web, app_token) if app_token else _by_http(base_url, has_secret=has_secret)
    found = await asyncio.gather(_in_time(_bot(web)), _in_time(way), _in_time(room))
    return [finding for findings in found for finding in findings]


async def _in_time(look: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await look
    except TimeoutError:
        return [Finding(f"Slack did not answer within {PATIENCE:g} s", "See whether this machine reaches it.")]
    except TryAgain as away:
        return [Finding(str(away), "See whether SLACK_API_URL is right, or ask again later.")]


async def _bot(web: Web) -> Sequence[Finding]:
    try:
        answer = await web.call("auth.test")
    except Refused as refusal:
        if refusal.error in NO_TOKEN:
            return [Finding(f"SLACK_BOT_TOKEN: {token_refused(refusal.error)}", "Set the new token.", fatal=True)]
        return [Finding(str(refusal), "See whether SLACK_BOT_TOKEN is the bot's token (xoxb-).", fatal=True)]
    name, team = answer.get("user") or "a bot", answer.get("team") or answer.get("team_id")
    given = answer.headers.get("x-oauth-scopes")
    return [Finding(f"Slack takes the bot token: {name} of {team}."), *_scopes(given)]


def _scopes(given: object) -> list[Finding]:
    if not isinstance(given, str):
        return [Finding("Slack does not say which scopes the bot has.")]
    has = {scope.strip() for scope in given.split(",")}
    lacking = [scope for scope in NEEDED if scope not in has]
    needed = [Finding(f"The bot lacks the scopes {', '.join(lacking)}", f"Add them {_WHERE}.", fatal=True)]
    wanted = [
        Finding(f"Without the scope {scope} {without}", f"Add it {_WHERE}.")
        for scope, without in WANTED.items()
        if scope not in has
    ]
    return (needed if lacking else []) + wanted or [Finding("The bot has every scope that it needs.")]


async def _socket_mode(web: Web, app_token: str) -> Sequence[Finding]:
    try:
        web.session()
        await web.client.apps_connections_open(app_token=app_token)
    except SlackApiError as refusal:
        if isinstance(problem := refused("apps.connections.open", refusal), TryAgain):
            raise problem from refusal
        what = app_token_refused(error_of(refusal))
        return [Finding(f"SLACK_APP_TOKEN: {what}", "Switch Socket Mode on, and set the new token.", fatal=True)]
    except OSError as away:
        raise TryAgain(f"Slack: apps.connections.open broke off ({type(away).__name__})") from away
    return [Finding("Slack gives out an address for Socket Mode.")]


async def _by_http(base_url: str, *, has_secret: bool) -> Sequence[Finding]:
    if not has_secret:
        return [Finding("There is no way in", "Set SLACK_APP_TOKEN or SLACK_SIGNING_SECRET.", fatal=True)]
    what = "Events, interactivity and the slash command come by HTTP; all three have the request URL"
    return [Finding(f"{what} {base_url}/slack/events; whether the signing secret is right shows with the first one.")]
