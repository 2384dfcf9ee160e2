"""One pair of bots serves all forgeries."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.forgeries.stage import JWT_SECRET, Theatre, theatre
from tests.forgeries.tokens import PUBLIC_PEM


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bots(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    """Both bots, running."""
    async with theatre(tmp_path_factory.mktemp("forgeries"), {"hs": JWT_SECRET, "rs": PUBLIC_PEM}) as both:
        yield both
