"""What `doctor` asks Discord. Nothing is changed there."""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ValidationError

from channels._discord.commands import registered
from channels._discord.gateway import MISSING_INTENT
from channels._discord.rest import REFUSED_TOKEN, Refused, Rest
from core.channel import Finding
from core.errors import TryAgain

# View channels, send messages there and in threads: for the one line that says that direct messages are closed.
_PERMISSIONS: Final = 1 << 10 | 1 << 11 | 1 << 38
_MESSAGE_CONTENT: Final = 1 << 18 | 1 << 19  # flags of an application: granted by Discord, or switched on
_UNAUTHORISED: Final = 401


class _Bot(BaseModel):
    id: str
    username: str = ""


class _Application(BaseModel):
    id: str
    flags: int = 0
    interactions_endpoint_url: str | None = None


async def examined(rest: Rest) -> Sequence[Finding]:
    """Token, intent, commands, servers."""
    try:
        bot = _Bot.model_validate(await rest.ask("GET", "users/@me"))
        application = _Application.model_validate(await rest.ask("GET", "applications/@me"))
        found = [Finding(f"Discord takes the token: the bot is {bot.username}."), _intent(application)]
        return [*found, *_endpoint(application), await _commands(rest, application), await _servers(rest, application)]
    except Refused as refused:
        if refused.status == _UNAUTHORISED:
            return [Finding("DISCORD_BOT_TOKEN is refused", f"{REFUSED_TOKEN}.", fatal=True)]
        return [Finding(str(refused), "See whether the bot still stands on its application's page.")]
    except TryAgain as away:
        return [Finding(str(away), "See whether DISCORD_API_BASE is right, or ask again later.")]
    except ValidationError:
        return [Finding("What answers is not Discord's API", "Correct DISCORD_API_BASE.", fatal=True)]


def _intent(application: _Application) -> Finding:
    if application.flags & _MESSAGE_CONTENT:
        return Finding('The intent "Message Content" is switched on.')
    return Finding(
        'The intent "Message Content" is off', f"{MISSING_INTENT[0].upper()}{MISSING_INTENT[1:]}.", fatal=True
    )


def _endpoint(application: _Application) -> list[Finding]:
    if not application.interactions_endpoint_url:
        return []
    advice = 'Empty "Interactions Endpoint URL" on its page General Information; they come over the gateway then.'
    return [Finding("Commands and presses of buttons go to another address", advice)]


async def _commands(rest: Rest, application: _Application) -> Finding:
    if await registered(rest, application.id):
        return Finding("The commands /help, /link and /human are registered.")
    return Finding("The commands are not registered yet; `run` does it when it connects.")


async def _servers(rest: Rest, application: _Application) -> Finding:
    if await rest.ask("GET", "users/@me/guilds", limit="1"):
        return Finding("The bot is in a server.")
    where = "https://discord.com/oauth2/authorize"
    scopes = f"client_id={application.id}&scope=bot+applications.commands&permissions={_PERMISSIONS}"
    return Finding("The bot is in no server, so nobody can write to it", f"Invite it: {where}?{scopes}")
