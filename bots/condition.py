"""What the console's status and privacy pages work on."""

import shutil
from urllib.parse import urlsplit

from bots.givens import clock, new_id
from bots.privacy import forgetting
from bots.settings import VAR, Settings
from bots.version import version
from bots.wiring import Throughline
from core.backends.aegis import LIVE_ROWS
from core.backends.ledger.migrations import HEAD
from core.channel import Listener
from core.privacy import Erasures, Privacy
from core.status import About, Setting, Status


def privacy(bot: Throughline) -> Privacy:
    """What customers may ask of us."""
    erasures = Erasures(forgetting(bot.settings, bot.ledger, bot.memory), clock, new_id)
    return Privacy(ledger=bot.ledger, erasures=erasures)


def status(bot: Throughline) -> Status:
    """How everything does."""
    return Status(
        ledger=bot.ledger,
        memory=bot.memory,
        health=bot.health,
        house=bot.engine.house,
        settings=[_setting(bot, entry.name, entry.missing, left_out=entry.left_out) for entry in bot.roster],
        channels=bot.channels,
        about=about(bot.settings),
        post=bot.delivery.post,
        hear=bot.dispatch.hear,
        free=lambda: shutil.disk_usage(VAR).free,
        now=clock,
        own=bot.ledger.holder,
        actions=sorted(bot.engine.actions.known),
    )


def about(settings: Settings) -> About:
    """What the settings say that may be shown."""
    where = urlsplit(settings.openai_base_url).hostname or ""
    return About(
        version=f"{version()} (ledger {HEAD})",
        model=f"{settings.openai_model} at {where}" if settings.openai_api_key.get_secret_value() else "",
        retention={
            "Deliveries as they came": _days(settings.retention_days_raw),
            "What was said": _days(settings.retention_days_messages),
            "What was told": _days(settings.retention_days_facts),
            "Who read what": _days(settings.retention_days_access_log),
        },
        most_for_memory=LIVE_ROWS,
    )


def _days(number: int) -> str:
    return f"{number} days" if number else "for ever"


def _setting(bot: Throughline, name: str, missing: str, *, left_out: bool) -> Setting:
    if left_out or missing:
        return Setting(name=name, label=name, off="CHANNELS does not name it" if left_out else f"{missing} is not set")
    channel = bot.channels[name]
    return Setting(name=name, label=channel.label, listens=isinstance(channel, Listener))
