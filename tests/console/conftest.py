"""What the console's tests may ask for."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.console.office import Office, opened
from tests.shop import Shop


@pytest_asyncio.fixture
async def office(shop: Shop) -> AsyncIterator[Office]:
    """A shop with its console open."""
    async with opened(shop) as office:
        yield office
