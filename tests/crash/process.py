"""The real program, to be killed at a crash point: `python -m tests.crash.process POINT PASSAGE [COMMAND ...]`.

As `--nursery` it has everything loaded and waits for orders, one in JSON a line: each starts a process of its own (by
fork, so that a start costs no imports), and what becomes of each is told on stdout. A process is the program itself,
`python -m bots COMMAND`, with the fuse laid at the ports and nothing else changed.
"""

import ctypes
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import bots.__main__ as program
import bots.customers
import bots.run  # noqa: F401 - what children need is loaded once
from tests.crash.points import Fuse
from tests.crash.warm import warm

_DIES_WITH_ITS_PARENT = 1  # Linux: PR_SET_PDEATHSIG


def main() -> int:
    """One process that dies at a point, or the nursery."""
    if sys.argv[1:] == ["--nursery"]:
        return _nursery()
    point, passage, *command = sys.argv[1:]
    Fuse(point=point, passage=int(passage)).lay()
    return program.main(command or ["run"])


def _nursery() -> int:
    warm()
    children: set[int] = set()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    waiting = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            _reap(children)
        if 0 in ready:
            if not (more := os.read(0, 65_536)):
                break
            *lines, waiting = (waiting + more).split(b"\n")
            for line in lines:
                child = _born(json.loads(line))
                children.add(child)
                _tell(pid=child)
    for child in children:
        os.kill(child, signal.SIGKILL)
    return 0


def _reap(children: set[int]) -> None:
    for child in list(children):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            children.discard(child)
            _tell(pid=child, status=os.waitstatus_to_exitcode(status))


def _tell(**what: int) -> None:
    os.write(1, f"{json.dumps(what)}\n".encode())


def _born(order: dict[str, Any]) -> int:
    if child := os.fork():
        return child
    ctypes.CDLL(None).prctl(_DIES_WITH_ITS_PARENT, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
    os.environ.clear()  # noqa: TID251 - a child's own environment, which fork has not made
    os.environ.update(order["environment"])  # noqa: TID251
    trace, waits_for = (Path(order[name]) if order[name] else None for name in ("trace", "waits_for"))
    Fuse(point=order["point"], passage=order["passage"], trace=trace, waits_for=waits_for).lay()
    return program.main(order["command"])


if __name__ == "__main__":
    sys.exit(main())
