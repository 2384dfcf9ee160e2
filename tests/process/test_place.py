"""Whether a process has certainly ended: only then is what it held given to another one at once."""

import asyncio
import os
import sys

from bots.place import has_ended, new_name
from tests.process.running import CHECKOUT


async def test_a_process_has_ended_once_it_is_gone_and_not_before() -> None:
    told = "import sys; from bots.place import new_name; print(new_name(), flush=True); sys.stdin.read()"
    pipe = asyncio.subprocess.PIPE
    one = await asyncio.create_subprocess_exec(sys.executable, "-c", told, cwd=CHECKOUT, stdin=pipe, stdout=pipe)
    assert one.stdout
    name = (await one.stdout.readline()).decode().strip()
    assert not has_ended(name, one.pid)
    await one.communicate(b"")
    assert has_ended(name, one.pid)


def test_of_one_elsewhere_nothing_is_known() -> None:
    """On another machine, before this one was started anew, or in another container: its number says nothing here."""
    ours, _, place = new_name().partition("@")
    assert not has_ended(f"{ours}@{place}0", os.getpid())
    assert not has_ended(f"{ours}@", os.getpid())
    assert not has_ended(ours, os.getpid())


def test_one_of_our_own_number_was_here_before_us() -> None:
    assert has_ended(new_name(), os.getpid())
    assert new_name() != new_name()
