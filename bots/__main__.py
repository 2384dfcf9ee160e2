"""The command line: `python -m bots COMMAND`."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence

from core.errors import Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it went well."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)
    for noisy in ("aiosmtpd", "mail.log", "slack_bolt", "discord", "httpx", "uvicorn", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        asyncio.run(options.command(options))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bots", description="A support bot that remembers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "run", "everything that is enabled, in one process", _run)
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


if __name__ == "__main__":
    sys.exit(main())
