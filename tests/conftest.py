"""What every test may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.shop import Shop


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--pictures FOLDER` keeps the pictures of the console's pages that docs/ shows."""
    parser.addoption("--pictures", type=Path, default=None)


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """An open shop that nobody has written to yet."""
    opened = await Shop.open(tmp_path)
    yield opened
    await opened.close()
