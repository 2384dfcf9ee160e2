"""What colleagues work with: the desk, and the console put together over it."""

import logging
from collections.abc import Sequence

from starlette.routing import BaseRoute

from bots.console import Ports, routes
from bots.settings import VAR, Settings, kept_secret
from bots.wiring import Throughline, clock, new_id, secret_for
from core.desk import Desk
from core.files import Files

log = logging.getLogger("throughline")


def desk(bot: Throughline) -> Desk:
    """The desk, beside the engine."""
    return Desk(
        ledger=bot.ledger,
        memory=bot.memory,
        house=bot.engine.house,
        actions=bot.engine.actions,
        post=bot.delivery.post,
        now=clock,
        new_id=new_id,
        corrected=bot.teaching.again,
    )


def console(bot: Throughline) -> Sequence[BaseRoute]:
    """The console's routes."""
    settings = bot.settings
    secret = secret_for("console", settings.secret())
    token = _console_token(settings)
    files = Files(ledger=bot.ledger, channels=bot.channels, now=clock)
    ports = Ports(desk=desk(bot), accounts=bot.ledger, files=files)
    return routes(ports, token=token, secret=secret, base_url=settings.base_url)


def _console_token(settings: Settings) -> str:
    """CONSOLE_TOKEN, or one that is made at the first start and printed that once."""
    path = VAR / "console_token"
    if given := settings.console_token.get_secret_value():
        return given
    is_new = not path.exists()
    token = kept_secret(path)
    if is_new:
        log.info("sign in to the console with %s (kept in %s)", token, path)
    return token
