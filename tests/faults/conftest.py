"""Pauses are as long as in earnest divided by fifty, so that no test waits for them."""

from datetime import timedelta

import aiohttp
import pytest


def shortened(pause: timedelta) -> timedelta:
    return pause / 50


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("core.delivery", "core.dispatch", "core.breaker", "core.pausing"):
        monkeypatch.setattr(f"{module}.jittered", shortened)
    for patience in ("channels._slack.web.PATIENCE", "channels._discord.rest._PATIENCE"):
        monkeypatch.setattr(patience, aiohttp.ClientTimeout(total=0.3))
