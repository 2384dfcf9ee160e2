"""`python -m benchmarks.repeatbench run`: plays the same scripts on every arm and prints one table."""

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.repeatbench.asks_measured import measure
from benchmarks.repeatbench.exchange import Exchange
from benchmarks.repeatbench.harness import Harness
from benchmarks.repeatbench.leaks import differs
from benchmarks.repeatbench.protocol import Bot
from benchmarks.repeatbench.remote import Remote
from benchmarks.repeatbench.scoring import Played, Scores, score
from benchmarks.repeatbench.strata.stories import scripts
from benchmarks.repeatbench.table import as_json, figures, missed, table
from benchmarks.repeatbench.world import World
from benchmarks.rows import keep

# Loaded only when they play: ours and the recipe take their time to import.
_ARMS: Mapping[str, tuple[str, str]] = {
    "ours": ("benchmarks.repeatbench.ours", "Ours"),
    "recipe": ("benchmarks.repeatbench.arms.recipe", "Recipe"),
    "channel_only": ("benchmarks.repeatbench.arms.channel_only", "ChannelOnly"),
    "typed_address": ("benchmarks.repeatbench.arms.typed_address", "TypedAddress"),
    "stateless": ("benchmarks.repeatbench.arms.stateless", "Stateless"),
    "oracle": ("benchmarks.repeatbench.arms.oracle", "Oracle"),
    "mute": ("benchmarks.repeatbench.arms.mute", "Mute"),
    "always_asking": ("benchmarks.repeatbench.arms.always_asking", "AlwaysAsking"),
}
_REPORT = Path("var/repeatbench.json")
_QUICK = (60, 240, 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` may be told."""
    parser.add_argument("--quick", action="store_true", help="60 customers, 240 contacts, one seed")
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--contacts", type=int, default=1200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arm", nargs="+", choices=[*_ARMS], default=[], help="only these (default: all)")
    parser.add_argument("--url", default="", help="also play on a bot that serves the interface there")
    parser.add_argument("--json", help="where the rows of the table over all benchmarks go")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N of each kind of miss")


async def run(options: argparse.Namespace) -> int:
    """Plays, prints the table, writes the report; 1 when a judged arm misses a goal."""
    customers, contacts, seeds = _QUICK if options.quick else (options.customers, options.contacts, options.seeds)
    names = options.arm or ([] if options.url else [*_ARMS])
    arms: dict[str, Callable[[], Bot]] = {name: _arm(name) for name in names}
    if options.url:
        arms["remote"] = lambda: Remote(options.url)
    played: dict[str, Scores] = {}
    for name, make in arms.items():
        try:
            played[name] = await _play(name, make, customers, contacts, seeds)
        except Exception:  # noqa: BLE001 - an arm that fails must not take the others with it
            sys.stderr.write(f"{name} failed and is left out:\n{traceback.format_exc()}")
    judged = [name for name in played if name in {"ours", "remote"}] or [*played]
    sys.stdout.write(table(played, judged, measure(), quick=options.quick) + "\n")
    for name in judged:
        _show(name, played[name], options.misses)
    _write(played)
    keep(figure for name in judged for figure in figures(played[name], quick=options.quick))
    return int(len(played) < len(arms) or any(missed(played[name], quick=options.quick) for name in judged))


def _arm(name: str) -> Callable[[], Bot]:
    module, made = _ARMS[name]
    return cast("Callable[[], Bot]", getattr(import_module(module), made))


async def _play(name: str, make: Callable[[], Bot], customers: int, contacts: int, seeds: int) -> Scores:
    bot, rounds = make(), list[Played]()
    try:
        for seed in range(1, seeds + 1):
            sys.stderr.write(f"{name}: seed {seed} of {seeds}\n")
            rounds.append(await play(bot, seed, customers, contacts))
        return score(rounds)
    finally:
        await bot.close()


async def play(bot: Bot, seed: int, customers: int, contacts: int) -> Played:
    """One seed on one bot: everybody together, and the strangers once more without the owners."""
    world = World(seed=seed)
    acts = scripts(world, customers=customers, contacts=contacts)
    together = Harness(bot=bot, world=world, scripts=acts)
    exchanges = await together.play(f"seed {seed}")
    apart = Harness(bot=bot, world=world, scripts=acts, alone=True)
    lonely = await apart.play(f"seed {seed}")
    compared = {e.say.id: e for e in exchanges if e.say.alone}
    ids = together.case_ids | apart.case_ids
    return Played(
        exchanges=exchanges,
        stray=together.stray,
        owners=world.owners,
        pairs=len({e.say.circle for e in lonely}),
        differing=_differing(compared, {e.say.id: e for e in lonely}, ids),
    )


def _differing(together: Mapping[str, Exchange], apart: Mapping[str, Exchange], ids: set[str]) -> list[str]:
    """The strangers' messages whose answers tell whether the owner is there."""
    places: list[str] = []
    for key in sorted(together.keys() | apart.keys()):
        one, other = together.get(key), apart.get(key)
        if one is None or other is None or differs(one.text, other.text, ids):
            said = (one or other or next(iter(together.values()))).say.text
            places.append(f"{key} {said!r}: {one and one.text!r} / alone: {other and other.text!r}")
    return places


def _show(name: str, scores: Scores, most: int) -> None:
    kinds: Mapping[str, Sequence[str]] = {
        "repeat-asks": scores.repeat_asks.cases,
        "wrong questions": scores.ask_precision.cases,
        "missing questions": scores.ask_recall.cases,
        "undeclared": scores.undeclared,
        "wrong issue": scores.right_issue.cases,
        "leaks": scores.leaks,
        "differing": scores.differing,
        "stale": scores.stale,
        "residue": scores.residue,
        "double": scores.doubles,
        "needless proof": scores.verification.cases,
        "refusals": scores.refusals.cases,
    }
    for kind, cases in kinds.items():
        for case in cases[:most]:
            sys.stdout.write(f"{name}, {kind}: {case}\n")


def _write(played: Mapping[str, Scores]) -> None:
    _REPORT.parent.mkdir(exist_ok=True)
    report = {"at": datetime.now(UTC).isoformat(), "arms": {name: as_json(s) for name, s in played.items()}}
    _REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
