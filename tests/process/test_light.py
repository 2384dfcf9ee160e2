"""A process loads what it needs, and models only once it is ready; who only hears never does."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.process.running import environment
from tests.process.test_run import next_mail
from tests.process.test_several import house, mail_settings
from tests.twins.mail import MailRelay
from tests.twins.openai import KEY
from tests.twins.postgres import new_database

pytestmark = pytest.mark.slow

LATE = ("numpy", "tokenizers", "aegis_memory", "openai", "alembic", "procrastinate", "psycopg", "discord", "slack_bolt")
STARTED = """
import sys
from bots.run import load
from bots.settings import environment
from bots.wiring import put_together
put_together(load(), environment())
print(*sys.modules)
"""


async def loaded(folder: Path, settings: Mapping[str, str]) -> set[str]:
    """The modules of a bot that was put together and not yet started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTED),
        cwd=folder,
        env=environment(folder, settings),
        stdout=asyncio.subprocess.PIPE,
    )
    written, _ = await process.communicate()
    assert process.returncode == 0
    return set(written.decode().split())


async def test_what_is_needed_later_is_loaded_later(tmp_path: Path) -> None:
    found = await loaded(tmp_path, {"OPENAI_API_KEY": KEY})
    assert "core.backends.ledger.sql" in found
    assert not found.intersection((*LATE, "bots.console"))


def mapped(process: int, library: str) -> bool:
    """Whether a process has something of a library's machine code."""
    return f"/{library}" in Path(f"/proc/{process}/maps").read_text()


async def test_who_only_hears_loads_no_models(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        settings = {"DATABASE_URL": await new_database()} | mail_settings(relay)
        async with house(tmp_path, ("listen", "email"), ("worker",), **settings) as (ear, hand):
            await ear.mails("ann@shop.test", "I was charged twice")
            await next_mail(relay)
            assert mapped(hand.process.pid, "numpy")
            assert not mapped(ear.process.pid, "numpy")
