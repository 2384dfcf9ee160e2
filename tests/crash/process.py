"""The real program, to be killed at a crash point: `python -m tests.crash.process POINT PASSAGE [COMMAND ...]`.

As `--nursery` it has everything loaded and waits for orders, one in JSON a line: each starts a process of its own (by
fork, so that a start costs no imports), and what becomes of each is told on stdout. A process is the program itself,
`python -m bots COMMAND`, with the fuse laid at the ports and nothing else changed.
"""

import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import bots.__main__ as program
import bots.customers
import bots.run  # noqa: F401 - what children need is loaded once
from bots import roster
from tests.crash.points import Fuse


def main() -> int:
    """One process that dies at a point, or the nursery."""
    if sys.argv[1:] == ["--nursery"]:
        return _nursery()
    point, passage, *command = sys.argv[1:]
    Fuse(point=point, passage=int(passage)).lay()
    return program.main(command or ["run"])


def _nursery() -> int:
    for name in roster.supported():
        roster.load(name)
    for name in ("aegis_memory", "numpy", "tokenizers", "uvicorn.protocols.http.h11_impl"):
        importlib.import_module(name)
    children: set[int] = set()

    def reap(*_signal: object) -> None:
        for child in list(children):
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                children.discard(child)
                os.write(1, f"{json.dumps({'pid': child, 'status': os.waitstatus_to_exitcode(status)})}\n".encode())

    signal.signal(signal.SIGCHLD, reap)
    for line in sys.stdin:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        child = _born(json.loads(line))
        children.add(child)
        os.write(1, f"{json.dumps({'pid': child})}\n".encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    for child in children:
        os.kill(child, signal.SIGKILL)
    return 0


def _born(order: dict[str, Any]) -> int:
    if child := os.fork():
        return child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    code = 70
    try:
        code = _lives(order)
    finally:
        os._exit(code)


def _lives(order: dict[str, Any]) -> int:
    os.chdir(order["folder"])
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environment"])
    trace, waits_for = (Path(order[name]) if order[name] else None for name in ("trace", "waits_for"))
    Fuse(point=order["point"], passage=order["passage"], trace=trace, waits_for=waits_for).lay()
    return program.main(order["command"])


if __name__ == "__main__":
    sys.exit(main())
