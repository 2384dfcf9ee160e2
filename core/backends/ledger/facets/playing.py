"""What the stage reads: see core/play.py."""

from collections.abc import Sequence

from core.backends.ledger import playing
from core.backends.ledger.facets.base import OnDatabase
from core.play import Said


class ForPlay(OnDatabase):
    """What the stage reads: see core/play.py."""

    async def played(self, person: str) -> Sequence[Said]:
        return await self._database.read(lambda tx: playing.lines(tx, person))

    async def played_case(self, person: str) -> int | None:
        return await self._database.read(lambda tx: playing.case(tx, person))

    async def played_keys(self, person: str) -> Sequence[str]:
        return await self._database.read(lambda tx: playing.keys(tx, person))
