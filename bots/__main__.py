"""The command line: `python -m bots COMMAND`."""

import argparse
import asyncio
import logging
import os
import runpy
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from bots import logs
from core.errors import Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it went well."""
    options = _parser().parse_args(arguments)
    logs.to(sys.stderr)
    try:
        asyncio.run(options.command(options))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what we print has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bots", description="A support bot that remembers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "run", "everything that is enabled, in one process", _run)
    _command(commands, "doctor", "what is well, what is not, and what to do; changes nothing", _doctor)
    _command(commands, "chat", "web chat in the terminal", _chat)
    _command(commands, "demo", "John's story over real sockets, printed", _demo)
    customers = commands.add_parser("customers", help="the directory of customers").add_subparsers(required=True)
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
    accounts = commands.add_parser("accounts", help="colleagues' accounts").add_subparsers(required=True)
    resetting = _command(accounts, "reset", "a new password, printed once", _reset)
    resetting.add_argument("name", help="as they sign in")
    resetting.add_argument("--second-factor", action="store_true", help="and no code any more, where theirs is lost")
    tying = _command(accounts, "tie", "who a colleague is in a room for colleagues", _tie)
    tying.add_argument("name", help="as they sign in")
    tying.add_argument("key", nargs="?", default="", help="e.g. slack:T0123/U0456; without one they are nobody there")
    memory = commands.add_parser("memory", help="the memory's projection").add_subparsers(required=True)
    _command(memory, "rebuild", "drop it and fill it again from the ledger", _rebuild)
    understanding = _command(commands, "understand", "category, mood and language of JSON lines {text}", _understand)
    understanding.add_argument("--learn", type=Path, metavar="FILE", help="corrections: JSON lines {text, category}")
    _command(commands, "bench", "every benchmark, one after the other", _bench)
    _command(commands, "settings", "every setting, as .env.example has them", _settings)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    command: Callable[[argparse.Namespace], Awaitable[None]],
) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=what)
    added.set_defaults(command=command)
    return added


async def _run(_options: argparse.Namespace) -> None:
    from bots.run import run  # noqa: PLC0415 - each command loads what it needs

    await run()


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
