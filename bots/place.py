"""Where a process of ours runs, so that one that died can be told from one that cannot be seen from here."""

import os
from pathlib import Path

from bots.givens import new_id

_BOOT, _NUMBERS = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


def new_name() -> str:
    """What a process is called: a name that no other has, and the place that its number counts in."""
    return f"{new_id()}@{_place()}"


def has_ended(name: str, pid: int) -> bool:
    """Whether the process of this name and number has certainly ended: numbers count the same there and here, and none
    of this number is left. False where that cannot be told, e.g. of one in another container."""
    place = name.partition("@")[2]
    return bool(place) and place == _place() and not lives(pid)


def lives(pid: int) -> bool:
    """Whether there is another process of this number."""
    if pid == os.getpid():  # in a container every process may have the same number
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def _place() -> str:
    """This start of this machine, and the container; "" where the system does not tell."""
    try:
        return f"{_BOOT.read_text().strip()}/{_NUMBERS.readlink()}"
    except OSError:
        return ""
