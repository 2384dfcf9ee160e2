"""Where the concrete classes meet: the ledger, the memory, the writers, the channels and the engine."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bots.actions import read_actions
from bots.aegis import running_memory_of
from bots.givens import clock, new_id, secret_for
from bots.metrics import Metrics
from bots.observing import Observing
from bots.place import new_name
from bots.play import KNOWN as PLAYED
from bots.play import ActsForReal
from bots.roster import Entry, roster, supported
from bots.settings import Settings
from bots.sites import Sites
from bots.teaching import Teaching
from bots.version import version
from core.actions import Actions
from core.backends.aegis_client import offline_embedder
from core.backends.carrying import Company
from core.backends.erasures import ErasuresFile
from core.backends.ledger.database import NotedDatabase, is_sqlite, open_database
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.watched import WatchedLedger
from core.backends.rules.learning import Examples
from core.backends.rules.writer import RulesWriter
from core.breaker import Breaker
from core.channel import Channel, Closes
from core.delivery import Delivery
from core.dispatch import Dispatch, HandOver
from core.engine import Engine
from core.health import Health
from core.house import House, Known
from core.knowledge import Knowledge
from core.linking import Linking
from core.memory import Memory
from core.observing import Observer
from core.sparing import SparedCarrier, SparedWriter, endpoint_is_away, model_is_away
from core.stage import Stage
from core.watched import MODEL, FollowedCarrier, FollowedWriter, WatchedMemory, WatchedWriter
from core.writing import WithFallback, Writer

if TYPE_CHECKING:
    from core.backends.announcing import Announcements
    from core.backends.backlog import Recalling
    from core.backends.openai_writer import OpenAIWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Throughline:
    """A bot, put together and not yet started."""

    settings: Settings
    roster: Sequence[Entry]
    channels: Mapping[str, Channel[Any]]
    ledger: SqlLedger
    memory: "Recalling"
    engine: Engine
    delivery: Delivery
    dispatch: Dispatch
    teaching: Teaching
    health: Health
    observer: Observing
    plays: bool  # made-up customers can be played
    announcements: "Announcements | None"  # None for one process alone
    model: "OpenAIWriter | None"  # None without a key

    async def warm(self) -> None:
        """Loads what takes a moment, so that the first customer need not wait for it."""
        if self.model:
            await self.model.warm()
        await self.memory.warm()

    async def close(self) -> None:
        """Stops and lets go of everything; what waits is in the ledger."""
        await self.dispatch.close()
        for channel in self.channels.values():
            if isinstance(channel, Closes):
                await channel.close()
        if self.announcements:
            await self.announcements.close()
        await self.memory.close()
        await self.ledger.close()
        await self.observer.close()


async def open_ledger(settings: Settings) -> SqlLedger:
    """The ledger, in its newest shape, and without whom a backup has brought back; for a command beside the bot."""
    ledger = closed_ledger(settings)
    await ledger.migrate()
    if erased := await ErasuresFile(Path(settings.erasures_file)).read():
        await ledger.erase_again(erased, receipt=new_id(), now=clock())
    return ledger


def closed_ledger(settings: Settings, observer: Observer | None = None, health: Health | None = None) -> SqlLedger:
    """The ledger, watched where there is an observer; its file is opened at first use. Raises Misconfigured."""
    kind = partial(WatchedLedger, observer=observer) if observer else SqlLedger
    database = open_database(settings.database_url)
    return kind(
        NotedDatabase(database, health.note) if health else database,
        secret=secret_for("erasing", settings.secret()),
        accepted=[secret_for("erasing", secret) for secret in settings.accepted()],
        holder=new_name(),
    )


def put_together(
    settings: Settings, values: Mapping[str, str], kind: str = "run", *, hand_over: HandOver | None = None
) -> Throughline:
    """The whole bot, from its settings; nothing is opened yet. `kind` is its command; with `hand_over` others answer
    what it hears. Raises Misconfigured."""
    entries = roster(settings.channels, values)
    health = Health(clock)
    observer = _observer(settings, health, kind)
    ledger = closed_ledger(settings, observer, health)
    on = [e.name for e in entries if not e.missing and not e.left_out]
    announcements = _announcements(settings)
    sites = Sites(settings=settings, values=values, ledger=ledger, note=health.note, announcements=announcements)
    channels = {name: sites.channel(name) for name in on}
    embedder = cache(offline_embedder)
    memory = running_memory_of(settings, embedder, health.note, ledger.erased_among)
    examples = Examples(embedder)
    plays = settings.is_development and hand_over is None
    stage = Stage() if plays else None
    delivery = Delivery(ledger, channels, clock, stage=stage, noted=health.note, rests=health.rests, observer=observer)
    house = _house(settings, values, channels)
    model = _model(settings, observer)
    writer = FollowedWriter(_writer(model, examples, health, observer), observer)
    actions = _actions(settings, ledger, health, observer)
    watched = WatchedMemory(memory, health.note, observer)
    engine = _engine(settings, house, ledger, memory=watched, writer=writer, actions=actions)
    engine = replace(engine, typing=delivery.shows_typing)
    return Throughline(
        settings=settings,
        roster=entries,
        channels=channels,
        ledger=ledger,
        memory=memory,
        engine=engine,
        delivery=delivery,
        dispatch=Dispatch(engine, ledger, delivery, channels, hand_over=hand_over),
        teaching=Teaching(examples, ledger.corrected),
        health=health,
        observer=observer,
        plays=plays,
        announcements=announcements,
        model=model,
    )


def _observer(settings: Settings, health: Health, kind: str) -> Observing:
    metrics, endpoint = Metrics(supported()), settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return Observing(metrics)
    from bots.tracing import Tracing  # noqa: PLC0415 - loads its vendor, only with an endpoint

    return Observing(metrics, Tracing(endpoint, kind=kind, version=version(), note=health.note))


def _announcements(settings: Settings) -> "Announcements | None":
    """How processes tell each other at once, where there may be several."""
    if is_sqlite(settings.database_url):
        return None
    from core.backends.announcing import Announcements  # noqa: PLC0415 - loads its vendor

    return Announcements(settings.database_url)


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


def _engine(
    settings: Settings, house: House, ledger: SqlLedger, *, memory: Memory, writer: Writer, actions: Actions
) -> Engine:
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
        actions=actions,
        now=clock,
        new_id=new_id,
    )


def _actions(settings: Settings, ledger: SqlLedger, health: Health, observer: Observer) -> Actions:
    known, endpoints = read_actions(settings.actions_file)
    company = ActsForReal(carrier=Company(endpoints)) if settings.is_development else Company(endpoints)

    def breaker(name: str) -> Breaker:
        return Breaker(clock, partial(health.rests, name), endpoint_is_away)

    carrier = SparedCarrier(FollowedCarrier(company, observer), breaker, health.note)
    return Actions(known=known, carrier=carrier, ledger=ledger, now=clock, new_id=new_id)


def _model(settings: Settings, observer: Observer) -> "OpenAIWriter | None":
    key = settings.openai_api_key.get_secret_value()
    if not key:
        return None
    from core.backends.openai_writer import OpenAIWriter  # noqa: PLC0415 - only with a key

    return OpenAIWriter(
        api_key=key,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        timeout=settings.openai_timeout,
        spent=lambda kind, tokens: observer.count("tokens", kind, times=tokens),
    )


def _writer(model: "OpenAIWriter | None", examples: Examples, health: Health, observer: Observer) -> Writer:
    rules = RulesWriter(examples.category_of, examples.move_of)
    if not model:
        return rules
    from core.backends.proofreading import Proofread  # noqa: PLC0415 - only with a key

    breaker = Breaker(clock, partial(health.rests, MODEL), model_is_away)
    return WithFallback(WatchedWriter(SparedWriter(Proofread(model), breaker), health.note, observer), rules)
