"""What every test may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.shop import Shop


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """An open shop that nobody has written to yet."""
    opened = await Shop.open(tmp_path)
    yield opened
    await opened.close()
