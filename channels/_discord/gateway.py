"""The gateway: discord.py's connection, held for ever.

The library only listens. A cancelled request of its own leaves its lock for global rate limits taken for ever.
"""

import asyncio
import json
import logging
import warnings
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import aiohttp
from yarl import URL

from channels._discord.rest import PORTAL, REFUSED_TOKEN
from core.errors import Misconfigured
from core.pausing import a_little_longer

with warnings.catch_warnings():  # discord.py imports audioop, which Python 3.11 and 3.12 announce to remove
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    from discord.gateway import DiscordWebSocket
    from discord.http import Route as Endpoint

# Or else the library warns at every start that it cannot speak.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

log = logging.getLogger(__name__)

# Told how the connection does: "" while it stands, or why not.
Told = Callable[[str], None]
# An event's name and what it carries.
Heard = Callable[[str, Mapping[str, Any]], None]

MISSING_INTENT: Final = f'the bot may not read messages: switch on the intent "Message Content" at {PORTAL}'
_LONGEST_PAUSE: Final = 120.0  # seconds
_AUTHENTICATION_FAILED: Final = 4004  # how the gateway closes on a wrong token

# What an outage looks like in the library; anything else is a fault.
_OUTAGES: Final = (discord.DiscordException, aiohttp.ClientError, OSError)


class Gateway(discord.Client):
    """One session at the gateway, resumed by the library for as long as Discord lets it."""

    def __init__(self, heard: Heard, told: Told, *, pause: float) -> None:
        """`pause` is how many seconds go before a further IDENTIFY."""
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            enable_debug_events=True,
        )
        # Of the other events the library makes objects that nobody uses; one without a field that it expects, such as a
        # message with a new kind of file, would end the session.
        parsers = self._connection.parsers
        self._connection.parsers = {event: parsers[event] for event in ("READY", "RESUMED")}
        self.heard = heard
        self.told = told
        self.pause = pause
        self.identified = False

    async def on_socket_raw_receive(self, frame: str) -> None:
        event = json.loads(frame)
        if event["t"] and isinstance(event["d"], dict):
            self.heard(event["t"], event["d"])

    async def on_connect(self) -> None:
        self.identified = True
        self.told("")

    async def on_disconnect(self) -> None:
        self.told("the gateway is lost")

    async def on_resumed(self) -> None:
        self.told("")

    async def before_identify_hook(self, _shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await asyncio.sleep(self.pause)


async def stay_connected(
    token: str, api_base: str, gateway_url: str, heard: Heard, told: Told, *, pause: float
) -> None:
    """Holds one session after the other until cancelled, `pause` seconds or more apart. Raises Misconfigured."""
    # The library reads both addresses from class attributes.
    Endpoint.BASE = api_base
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway_url)
    waits = pause
    while True:
        gateway = Gateway(heard, told, pause=pause)
        lost = await _hold(gateway, token, gateway_url)
        waits = pause if gateway.identified else min(waits * 2, _LONGEST_PAUSE)
        log.warning("Discord's gateway is lost (%s); connecting again in %g seconds.", lost, waits)
        told(f"the gateway is lost ({lost})")
        await asyncio.sleep(a_little_longer(timedelta(seconds=waits)).total_seconds())


async def _hold(gateway: Gateway, token: str, gateway_url: str) -> str:
    """Holds one session for as long as it lasts, and says why it ended. Raises Misconfigured."""
    try:
        async with gateway:
            await gateway.start(token)
    except Exception as lost:
        if hint := _misconfiguration(lost):
            raise Misconfigured("DISCORD_BOT_TOKEN", hint) from lost
        # What the library dies of when its very first connection to the gateway fails.
        if isinstance(lost, AttributeError) and not gateway.identified:
            return f"no connection to {gateway_url}"
        if not isinstance(lost, _OUTAGES):
            log.exception("Discord's library failed; its session is dropped.")
        return f"{type(lost).__name__}: {next(iter(str(lost).splitlines()), '')[:200]}"
    return "closed"


def _misconfiguration(lost: Exception) -> str:
    """What to do about a refusal that no further try can change; empty when there is hope."""
    if isinstance(lost, discord.PrivilegedIntentsRequired):
        return MISSING_INTENT
    if isinstance(lost, discord.ConnectionClosed) and lost.code == _AUTHENTICATION_FAILED:
        return REFUSED_TOKEN
    return REFUSED_TOKEN if isinstance(lost, discord.LoginFailure) else ""
