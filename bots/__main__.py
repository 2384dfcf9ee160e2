"""The command line: `python -m bots COMMAND`."""

import argparse
import asyncio
import logging
import os
import runpy
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from bots import logs
from core.errors import LedgerAway, Problem


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are one line: what was wrong, and what there is. `commands`: those that one has to be of."""

    commands: Collection[str] = ()

    def error(self, message: str) -> NoReturn:
        wrong = message.partition(" (choose from ")[0]
        usage = " ".join(self.format_usage().split()[1:]).replace(" [-h]", "")
        there_is = f"there are {', '.join(self.commands)}" if self.commands else f"write {usage}"
        self.exit(2, f"{self.prog}: {wrong}; {there_is}\n")

    def group(self) -> "argparse._SubParsersAction[_Parser]":
        """Makes room for commands below it."""
        below = self.add_subparsers(required=True, metavar="COMMAND")
        self.commands = below.choices
        return below


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it went well."""
    options, left = _parser().parse_known_args(arguments)
    if left:
        options.parser.error(f"unrecognized arguments: {' '.join(left)}")
    logs.to(sys.stderr)
    try:
        asyncio.run(options.command(options))
    except LedgerAway as away:
        sys.stderr.write(f"DATABASE_URL: {away}; see that it runs, and say the command again\n")
        return 1
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what we print has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> _Parser:
    parser = _Parser(prog="python -m bots", description="A support bot that remembers.")
    commands = parser.group()
    _command(commands, "run", "everything that is enabled, in one process", _run)
    _command(commands, "web", "pages, webhooks and live conversations; one of several processes", _web)
    hearing = _command(commands, "listen", "channels with a connection or a server of their own; the same", _listen)
    hearing.add_argument("channel", nargs="+", type=_channel, metavar="CHANNEL", help="e.g. slack, discord, email, sms")
    _command(commands, "worker", "answers what other processes heard; the same", _worker)
    _command(commands, "doctor", "what is well, what is not, and what to do; changes nothing", _doctor)
    _command(commands, "chat", "web chat in the terminal", _chat)
    _command(commands, "demo", "John's story over real sockets, printed", _demo)
    customers = commands.add_parser("customers", help="the directory of customers").group()
    importing = _command(customers, "import", "add or update customers from a CSV", _import)
    importing.add_argument("file", type=Path, help="columns: external_id,name,email,phone,plan,ltv,since,language")
    for deed, what, command in (
        ("merge", "make two customers one", _merge),
        ("unmerge", "make one customer two, for good", _unmerge),
    ):
        pair = _command(customers, deed, what, command)
        pair.add_argument("a", metavar="A", help="an external_id or channel:address, e.g. email:ann@shop.test")
        pair.add_argument("b", metavar="B", help="another")
        pair.add_argument("--by", metavar="NAME", default="", help="who decides")
        pair.add_argument(
            "--and", metavar="NAME", default="", dest="second", help="who else; two external_ids need both"
        )
    importing.add_argument("--restore", action="store_true", help="take people in again who were forgotten")
    for name, what, command in (
        ("forget", "erase a customer everywhere, for good", _forget),
        ("export", "everything on record about a customer, as JSON", _export),
    ):
        whom = _command(customers, name, what, command)
        whom.add_argument("name", help="an external_id or channel:address, e.g. email:ann@shop.test")
    accounts = commands.add_parser("accounts", help="colleagues' accounts").group()
    resetting = _command(accounts, "reset", "a new password, printed once", _reset)
    resetting.add_argument("name", help="as they sign in")
    resetting.add_argument("--second-factor", action="store_true", help="and no code any more, where theirs is lost")
    tying = _command(accounts, "tie", "who a colleague is in a room for colleagues", _tie)
    tying.add_argument("name", help="as they sign in")
    tying.add_argument("key", nargs="?", default="", help="e.g. slack:T0123/U0456; without one they are nobody there")
    memory = commands.add_parser("memory", help="the memory's projection").group()
    _command(memory, "rebuild", "drop it and fill it again from the ledger", _rebuild)
    _ledger(commands)
    keys = commands.add_parser("keys", help="the key that signs and seals").group()
    _command(keys, "rotate", "make a new SECRET_KEY; the one before is accepted until it is dropped", _rotate)
    _command(keys, "drop", "accept the one before no longer", _drop)
    understanding = _command(commands, "understand", "category, mood and language of JSON lines {text}", _understand)
    understanding.add_argument("--learn", type=Path, metavar="FILE", help="corrections: JSON lines {text, category}")
    _command(commands, "bench", "every benchmark, one after the other", _bench)
    _command(commands, "settings", "every setting, as .env.example has them", _settings)
    return parser


def _command(
    commands: "argparse._SubParsersAction[_Parser]",
    name: str,
    what: str,
    command: Callable[[argparse.Namespace], Awaitable[None]],
) -> _Parser:
    added = commands.add_parser(name, help=what)
    added.set_defaults(command=command, parser=added)
    return added


def _channel(name: str) -> str:
    from bots.roster import supported  # noqa: PLC0415 - each command loads what it needs

    if name not in supported():
        raise argparse.ArgumentTypeError(f"there is no such channel, {name}; there are {', '.join(supported())}")
    return name


def _ledger(commands: "argparse._SubParsersAction[_Parser]") -> None:
    ledger = commands.add_parser("ledger", help="the database: its shape, its backups, its moves").group()
    _command(ledger, "status", "in which shape it is, and which is the newest", _shape)
    _command(ledger, "upgrade", "bring it to the newest shape, as every start does", _upgrade)
    going_back = _command(ledger, "downgrade", "bring it back to an older shape, for an older version", _downgrade)
    going_back.add_argument("revision", metavar="REVISION", help="for example 0010")
    going_back.add_argument(
        "--forgotten-may-return",
        action="store_true",
        help="even where the older version cannot refuse forgotten people",
    )
    moving = _command(ledger, "move", "move a ledger of SQLite into an empty PostgreSQL", _move)
    moving.add_argument("url", metavar="URL", help="postgresql://USER@HOST/NAME")
    moving.add_argument("--from", metavar="URL", default="", dest="source", help="sqlite:///PATH; else DATABASE_URL")
    keeping = _command(ledger, "backup", "copy it into a file, beside a running bot (SQLite)", _backup)
    keeping.add_argument("file", type=Path, metavar="FILE", help="which is not there yet")
    restoring = _command(
        ledger, "restore", "put a backup in its place, without who was erased since (SQLite)", _restore
    )
    restoring.add_argument("file", type=Path, metavar="FILE", help="what `ledger backup` made")


async def _run(_options: argparse.Namespace) -> None:
    from bots.run import run  # noqa: PLC0415 - each command loads what it needs

    await run()


async def _web(_options: argparse.Namespace) -> None:
    from bots.run import serve  # noqa: PLC0415

    await serve()


async def _listen(options: argparse.Namespace) -> None:
    from bots.run import listen  # noqa: PLC0415

    await listen(options.channel)


async def _worker(_options: argparse.Namespace) -> None:
    from bots.run import work  # noqa: PLC0415

    await work()


async def _doctor(_options: argparse.Namespace) -> None:
    from bots.doctor import doctor  # noqa: PLC0415

    logging.getLogger().setLevel(logging.ERROR)
    await doctor()


async def _chat(_options: argparse.Namespace) -> None:
    from bots.chat import chat  # noqa: PLC0415

    logging.getLogger().setLevel(logging.WARNING)
    await chat()


async def _demo(_options: argparse.Namespace) -> None:
    from bots.demo import demo  # noqa: PLC0415

    await demo()


async def _import(options: argparse.Namespace) -> None:
    from bots.customers import import_file  # noqa: PLC0415

    await import_file(options.file, restore=options.restore)


async def _forget(options: argparse.Namespace) -> None:
    from bots.privacy import forget  # noqa: PLC0415

    await forget(options.name)


async def _export(options: argparse.Namespace) -> None:
    from bots.privacy import export  # noqa: PLC0415

    await export(options.name)


async def _merge(options: argparse.Namespace) -> None:
    from bots.customers import merge  # noqa: PLC0415

    await merge(options.a, options.b, options.by, options.second)


async def _unmerge(options: argparse.Namespace) -> None:
    from bots.customers import unmerge  # noqa: PLC0415

    await unmerge(options.a, options.b, options.by, options.second)


async def _reset(options: argparse.Namespace) -> None:
    from bots.accounts import reset  # noqa: PLC0415

    await reset(options.name, second_factor=options.second_factor)


async def _tie(options: argparse.Namespace) -> None:
    from bots.accounts import tie  # noqa: PLC0415

    await tie(options.name, options.key)


async def _rebuild(_options: argparse.Namespace) -> None:
    from bots.memory import rebuild  # noqa: PLC0415

    await rebuild()


async def _shape(_options: argparse.Namespace) -> None:
    from bots.ledger import status  # noqa: PLC0415

    await status()


async def _upgrade(_options: argparse.Namespace) -> None:
    from bots.ledger import upgrade  # noqa: PLC0415

    await upgrade()


async def _downgrade(options: argparse.Namespace) -> None:
    from bots.ledger import go_back  # noqa: PLC0415

    await go_back(options.revision, forgotten_may_return=options.forgotten_may_return)


async def _move(options: argparse.Namespace) -> None:
    from bots.ledger import move  # noqa: PLC0415

    await move(options.url, options.source)


async def _backup(options: argparse.Namespace) -> None:
    from bots.ledger import backup  # noqa: PLC0415

    await backup(options.file)


async def _restore(options: argparse.Namespace) -> None:
    from bots.ledger import restore  # noqa: PLC0415

    await restore(options.file)


async def _rotate(_options: argparse.Namespace) -> None:
    from bots.keys import rotate  # noqa: PLC0415

    await rotate()


async def _drop(_options: argparse.Namespace) -> None:
    from bots.keys import drop  # noqa: PLC0415

    await drop()


async def _understand(options: argparse.Namespace) -> None:
    from bots.understand import answer_lines  # noqa: PLC0415

    await answer_lines(options.learn)


async def _bench(_options: argparse.Namespace) -> None:
    if find_spec("benchmarks") is None:
        raise Problem("bench: there is no folder benchmarks/ here; run it in a checkout of the project")
    runpy.run_module("benchmarks", run_name="__main__")


async def _settings(_options: argparse.Namespace) -> None:
    from bots.env_example import env_example  # noqa: PLC0415
    from bots.roster import supported  # noqa: PLC0415

    sys.stdout.write(env_example(supported()))


if __name__ == "__main__":
    sys.exit(main())
