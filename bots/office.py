"""What colleagues work with: the console, put together over the desk."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from starlette.routing import BaseRoute

from bots import condition
from bots.console import Ports, routes
from bots.console.by_provider import BACK, Provider
from bots.console.seal import Seal
from bots.desk import desk
from bots.givens import clock, new_id, secret_for
from bots.play import CAST, JOHN, STORY
from bots.privacy import forgetting
from bots.settings import VAR, Settings, kept_secret
from bots.wiring import Throughline
from core.casework import Casework
from core.curating import Curating
from core.drafting import Drafting
from core.files import Files
from core.gaps import Gaps
from core.lookout import Lookout
from core.play import Play
from core.previewing import Previewing
from core.quick import QuickActions
from core.reporting import Reporting
from core.searching import Search
from core.tasks import Tasks

log = logging.getLogger("throughline")


def casework(bot: Throughline) -> Casework:
    """What stands beside the desk."""
    return Casework(ledger=bot.ledger, now=clock, hours=bot.engine.house.hours)


def console(bot: Throughline) -> Sequence[BaseRoute]:
    """The console's routes."""
    settings = bot.settings
    secret = secret_for("console", settings.secret())
    token = _console_token(settings)
    files = Files(ledger=bot.ledger, channels=bot.channels, now=clock)
    play = _play(bot) if bot.plays else None
    at = desk(bot)
    ports = Ports(
        desk=at,
        casework=casework(bot),
        accounts=bot.ledger,
        files=files,
        search=Search(ledger=bot.ledger, now=clock),
        lookout=lookout(bot),
        drafting=Drafting(desk=at, ledger=bot.ledger, briefing=lambda: bot.engine.briefing, writer=bot.engine.writer),
        previewing=Previewing(desk=at, ledger=bot.ledger, channels=bot.channels),
        quick=QuickActions(desk=at, ledger=bot.ledger),
        tasks=Tasks(ledger=bot.ledger, now=clock),
        privacy=condition.privacy(bot),
        status=condition.status(bot),
        gaps=Gaps(ledger=bot.ledger, knowledge=lambda: bot.engine.knowledge, now=clock),
        insights=Reporting(ledger=bot.ledger, now=clock),
        playbook=Curating(ledger=bot.ledger, memory=bot.memory, enough=bot.engine.house.pattern_customers, now=clock),
        play=play,
        provider=_provider(settings, secret),
        domains=settings.oidc_domains,
    )
    return routes(
        ports,
        token=token,
        secret=secret,
        accepted=[secret_for("console", former) for former in settings.accepted()],
        base_url=settings.base_url,
        both=settings.console_totp_required,
    )


def _provider(settings: Settings, secret: bytes) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    from bots.console.oidc import OpenIdProvider  # noqa: PLC0415 - loads its vendor, only with an issuer

    return OpenIdProvider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        back=f"{settings.base_url}{BACK}",
        seal=Seal(secret, "provider"),
        now=clock,
    )


def lookout(bot: Throughline) -> Lookout:
    """Who tells open pages what is new."""
    return Lookout(
        ledger=bot.ledger,
        hours=bot.engine.house.hours,
        patience=timedelta(seconds=bot.settings.handoff_patience),
        now=clock,
    )


def _play(bot: Throughline) -> Play:
    return Play(
        cast=CAST,
        star=JOHN,
        story=STORY,
        ledger=bot.ledger,
        forgetting=forgetting(bot.settings, bot.ledger, bot.memory),
        hear=bot.dispatch.hear,
        now=clock,
        new_id=new_id,
    )


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
