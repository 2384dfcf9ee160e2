"""`python -m bots doctor`: what is well, what is not, and what to do. It changes nothing, here or elsewhere.

Everything is looked at at once, each thing for a few seconds at most, and told in the same order every time.
"""

import asyncio
import json
import re
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from bots.checkup import house, memory, outside
from bots.checkup.report import Report
from bots.givens import clock
from bots.roster import Entry, roster
from bots.settings import Settings, environment, load
from bots.sites import Sites
from bots.wiring import closed_ledger
from core.channel import Channel, Closes, Examined, Finding, Pages, Webhook
from core.errors import Misconfigured, Problem

_PATIENCE = 10.0  # seconds for one thing
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")  # in the name of a setting

Look = Callable[[], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """The channels: those that could be made, and what became of the others."""

    entries: Sequence[Entry]
    made: Mapping[str, Channel[Any]]
    wrong: Mapping[str, Misconfigured]


async def doctor() -> None:
    """Prints what it finds. Raises Problem when a credential is refused, or the bot cannot work like this."""
    values = environment()
    report = Report(sys.stdout, hidden=_secrets(values), colours="NO_COLOR" not in values)
    try:
        settings = load()
        found = _roster(settings, values)
    except Misconfigured as error:
        report.tell("settings", [Finding(str(error), "Correct it; the rest is looked at after that.", fatal=True)])
        raise Problem("doctor: `run` does not start with this setting") from None
    report.tell("settings", [Finding("The settings can be read.")])
    await _examine(_looks(settings, found), found, report)
    _conclude(report)


async def _examine(looks: Mapping[str, Look], found: Roster, report: Report) -> None:
    tasks = {name: asyncio.create_task(_within_time(look)) for name, look in looks.items()}
    for name, task in tasks.items():
        report.waiting(name)
        report.tell(name, await task)
    for entry in found.entries:
        if entry.left_out or entry.missing:
            report.off(
                entry.name, "not named in CHANNELS" if entry.left_out else f"set {entry.missing} to switch it on"
            )
    for channel in found.made.values():
        if isinstance(channel, Closes):
            await channel.close()


def _conclude(report: Report) -> None:
    if report.wrong:
        what = "1 thing is wrong" if report.wrong == 1 else f"{report.wrong} things are wrong"
        raise Problem(f"doctor: {what}; what to do stands beside it")
    report.end("All is well." if not report.warnings else "It works; the warnings say what could be better.")


def _looks(settings: Settings, found: Roster) -> Mapping[str, Look]:
    """What is looked at, in the order in which it is told."""
    called = [name for name, channel in found.made.items() if _is_called(channel)]
    return {
        "secret": partial(asyncio.to_thread, house.secret, settings),
        "hours": partial(asyncio.to_thread, house.hours, settings, clock()),
        "folder": partial(asyncio.to_thread, house.folder),
        "ledger": partial(house.ledger, settings),
        "memory": partial(memory.memory, settings),
        "knowledge": partial(asyncio.to_thread, house.knowledge, settings),
        "play": partial(asyncio.to_thread, house.play, settings),
        "actions": partial(outside.actions, settings),
        "model": partial(outside.model, settings),
        "sign-in": partial(outside.provider, settings),
        "server": partial(outside.server, settings),
        "address": partial(outside.public_address, settings, called),
        **{e.name: partial(_channel, e.name, found) for e in found.entries if not e.missing and not e.left_out},
    }


async def _channel(name: str, found: Roster) -> Sequence[Finding]:
    if error := found.wrong.get(name):
        return [Finding(str(error), "Correct it; `run` does not start like this.", fatal=True)]
    channel = found.made[name]
    return await channel.examine() if isinstance(channel, Examined) else [Finding("It is on.")]


async def _within_time(look: Look) -> Sequence[Finding]:
    """What a look found. Whatever goes wrong in it is a finding as well."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await look()
    except TimeoutError:
        return [Finding(f"No answer within {_PATIENCE:g} s", "See whether this machine reaches it, and ask again.")]
    except Exception as error:  # noqa: BLE001 - one thing that cannot be looked at must not hide the others
        return [Finding(f"This could not be looked at ({type(error).__name__})", "Please report it as a defect.")]


def _is_called(channel: Channel[Any]) -> bool:
    """Whether a provider comes to it from outside; a page's own requests come by the same way as the page."""
    return isinstance(channel, Webhook) and bool(channel.paths) and not isinstance(channel, Pages)


def _roster(settings: Settings, values: Mapping[str, str]) -> Roster:
    """Makes every channel that is on. Raises Misconfigured when it is not clear which those are."""
    entries = roster(settings.channels, values)
    settings = _with_some_secret(settings)
    sites = Sites(settings=settings, values=values, ledger=closed_ledger(settings))
    made: dict[str, Channel[Any]] = {}
    wrong: dict[str, Misconfigured] = {}
    for name in [e.name for e in entries if not e.missing and not e.left_out]:
        try:
            made[name] = sites.channel(name)
        except Misconfigured as error:
            wrong[name] = error
    return Roster(entries=entries, made=made, wrong=wrong)


def _with_some_secret(settings: Settings) -> Settings:
    """A secret for this look only: nothing is signed with it, and the first `run` makes the real one."""
    return settings.model_copy(update={"secret_key": SecretStr(secrets.token_urlsafe(48))})


def _secrets(values: Mapping[str, str]) -> Sequence[str]:
    """What must not be printed, whoever says it: secret settings, their values in JSON, passwords in addresses."""
    given = [value for name, value in values.items() if _SECRET.search(name) and not name.endswith("_FILE")]
    inner = [part for value in given for part in _values_in(value)]
    return [*given, *inner, *filter(None, map(_password_in, values.values()))]


def _values_in(value: str) -> Sequence[str]:
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return []
    return [str(part) for part in read.values()] if isinstance(read, dict) else []


def _password_in(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
