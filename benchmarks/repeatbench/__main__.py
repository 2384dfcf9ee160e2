"""RepeatBench: `serve --port P` puts our bot behind the benchmark's interface, `run` plays it on every arm."""

import argparse
import asyncio
import sys

from benchmarks.repeatbench.ours import Ours
from benchmarks.repeatbench.run import add_arguments, run
from benchmarks.repeatbench.serve import serve


def main() -> None:
    """Reads the command line and does as it says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repeatbench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve our bot on 127.0.0.1")
    serving.add_argument("--port", type=int, required=True)
    serving.add_argument("--host", default="127.0.0.1", help="an address of this machine (default: %(default)s)")
    add_arguments(commands.add_parser("run", help="play it, and print the table; 1 when a goal is missed"))
    asked = parser.parse_args()
    if asked.command == "run":
        sys.exit(asyncio.run(run(asked)))
    asyncio.run(serve(Ours(), port=asked.port, host=asked.host))


if __name__ == "__main__":
    main()
