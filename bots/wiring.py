"""Where the concrete classes meet: the ledger, the memory, the writers, the channels and the engine."""

import hashlib
import hmac
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bots.actions import read_actions
from bots.play import KNOWN as PLAYED
from bots.play import ActsForReal
from bots.roster import Entry, load, roster
from bots.settings import VAR, Settings, read
from bots.teaching import Teaching
from core.actions import Actions
from core.backends.aegis import AegisMemory
from core.backends.carrying import Company
from core.backends.embedding import WordLlamaEmbedder
from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.backends.rules.learning import Examples
from core.backends.rules.writer import RulesWriter
from core.channel import Channel, Closes, Site
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.engine import Engine
from core.health import Health
from core.house import House, Known
from core.knowledge import Knowledge
from core.linking import Linking
from core.memory import Memory
from core.stage import Stage
from core.watched import WatchedMemory, WatchedWriter
from core.writing import WithFallback, Writer

log = logging.getLogger(__name__)

_LOOKED_BACK = timedelta(days=30)  # in which a conversation was heard that may have gone on while we were away


@dataclass(frozen=True, kw_only=True)
class Throughline:
    """A bot, put together and not yet started."""

    settings: Settings
    roster: Sequence[Entry]
    channels: Mapping[str, Channel[Any]]
    ledger: SqlLedger
    memory: AegisMemory
    engine: Engine
    delivery: Delivery
    dispatch: Dispatch
    teaching: Teaching
    health: Health

    async def close(self) -> None:
        """Stops and lets go of everything; what waits is in the ledger."""
        await self.dispatch.close()
        for channel in self.channels.values():
            if isinstance(channel, Closes):
                await channel.close()
        await self.memory.close()
        await self.ledger.close()


def clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id that nobody else has."""
    return uuid.uuid4().hex


def secret_for(whom: str, secret: bytes) -> bytes:
    """A secret of its own for each part of the house, derived from SECRET_KEY."""
    return hmac.new(secret, whom.encode(), hashlib.sha256).digest()


async def open_ledger(settings: Settings) -> SqlLedger:
    """The ledger, in its newest shape."""
    ledger = closed_ledger(settings)
    await ledger.migrate()
    return ledger


def closed_ledger(settings: Settings) -> SqlLedger:
    """The ledger; its file is opened at first use. Raises Misconfigured."""
    return SqlLedger(
        open_database(settings.database_url),
        secret=secret_for("erasing", settings.secret()),
        accepted=[secret_for("erasing", secret) for secret in settings.accepted()],
    )


def put_together(settings: Settings, values: Mapping[str, str]) -> Throughline:
    """The whole bot, from its settings; nothing is opened yet. Raises Misconfigured."""
    entries = roster(settings.channels, values)
    ledger = closed_ledger(settings)
    on = [e.name for e in entries if not e.missing and not e.left_out]
    channels = {name: make_channel(name, settings, values, ledger) for name in on}
    embedder = cache(WordLlamaEmbedder)
    memory = AegisMemory(Path(settings.aegis_path), embedder)
    examples = Examples(embedder)
    health = Health(clock)
    stage = Stage() if settings.is_development else None
    delivery = Delivery(ledger, channels, clock, stage=stage, noted=health.note)
    house, writer = _house(settings, values, channels), _writer(settings, examples, health)
    engine = _engine(settings, house, ledger, WatchedMemory(memory, health.note), writer)
    engine = replace(engine, typing=delivery.shows_typing)
    return Throughline(
        settings=settings,
        roster=entries,
        channels=channels,
        ledger=ledger,
        memory=memory,
        engine=engine,
        delivery=delivery,
        dispatch=Dispatch(engine, ledger, delivery, channels),
        teaching=Teaching(examples, ledger.corrected),
        health=health,
    )


def make_channel(name: str, settings: Settings, values: Mapping[str, str], ledger: SqlLedger) -> Channel[Any]:
    """One channel, from its settings. Raises Misconfigured."""
    kind = load(name)
    return kind(read(kind.Settings, values), _site(name, settings, settings.secret(), ledger))


def _site(name: str, settings: Settings, secret: bytes, ledger: SqlLedger) -> Site:
    return Site(
        name=settings.bot_name,
        brand=settings.brand_name,
        base_url=settings.base_url,
        secret=secret_for(f"channel {name}", secret),
        accepted=[secret_for(f"channel {name}", former) for former in settings.accepted()],
        var=VAR,
        now=clock,
        transcript=partial(ledger.transcript, name),
        sent_file=partial(ledger.sent_file, name),
        places=lambda: ledger.places(name, since=clock() - _LOOKED_BACK),
        languages=settings.languages,
    )


def _house(settings: Settings, values: Mapping[str, str], channels: Mapping[str, Channel[Any]]) -> House:
    return House(
        secret=secret_for("engine", settings.secret()),
        bot_name=settings.bot_name,
        brand=settings.brand_name,
        languages=settings.languages,
        burst=settings.burst,
        turns_an_hour=settings.turns_an_hour,
        sent_an_hour=settings.sent_an_hour,
        all_turns_an_hour=settings.all_turns_an_hour,
        all_sent_an_hour=settings.all_sent_an_hour,
        model_turns_an_hour=settings.model_turns_an_hour,
        pattern_customers=settings.pattern_customers,
        call_number=values.get("TWILIO_FROM_NUMBER", "") if "voice" in channels else "",
        link_hosts=_link_hosts(settings),
        hours=settings.hours,
        channels=_known(settings, channels),
    )


def _known(settings: Settings, channels: Mapping[str, Channel[Any]]) -> Mapping[str, Known]:
    """The channels that are on; while it is only tried out, all can be played."""
    on = {name: Known(label=c.label, limits=c.limits) for name, c in channels.items()}
    return {**PLAYED, **on} if settings.is_development else on


def _link_hosts(settings: Settings) -> list[str]:
    """Our own host, and those that LINK_HOSTS names."""
    own = urlsplit(settings.base_url).hostname or ""
    return [host for host in (own, *settings.link_hosts) if host]


def _engine(settings: Settings, house: House, ledger: SqlLedger, memory: Memory, writer: Writer) -> Engine:
    return Engine(
        ledger=ledger,
        memory=memory,
        writer=writer,
        knowledge=Knowledge(Path(settings.knowledge_dir)) if settings.knowledge_dir else None,
        house=house,
        linking=Linking(
            secret=house.secret,
            accepted=[secret_for("engine", former) for former in settings.accepted()],
            label=house.label,
            call_number=house.call_number,
        ),
        actions=_actions(settings, ledger),
        now=clock,
        new_id=new_id,
    )


def _actions(settings: Settings, ledger: SqlLedger) -> Actions:
    known, endpoints = read_actions(settings.actions_file)
    carrier = ActsForReal(carrier=Company(endpoints)) if settings.is_development else Company(endpoints)
    return Actions(known=known, carrier=carrier, ledger=ledger, now=clock, new_id=new_id)


def _writer(settings: Settings, examples: Examples, health: Health) -> Writer:
    rules = RulesWriter(examples.category_of, examples.move_of)
    key = settings.openai_api_key.get_secret_value()
    if not key:
        return rules
    from core.backends.openai_writer import OpenAIWriter  # noqa: PLC0415 - loads its vendor, only with a key
    from core.backends.proofreading import Proofread  # noqa: PLC0415 - only with a key

    model = OpenAIWriter(
        api_key=key,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        timeout=settings.openai_timeout,
    )
    return WithFallback(WatchedWriter(Proofread(model), health.note), rules)
