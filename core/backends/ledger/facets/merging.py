"""Who is who: see core/merging.py."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from core.backends.ledger import merging, resembling, undoing
from core.backends.ledger.facets.base import OnDatabase
from core.merging import Dismissed, Order, Pair, Pairs, Plan, Undo, WhoIsIt
from identity.gate import handles_of
from identity.partition import Node


class ForMerging(OnDatabase):
    """Who is who: see core/merging.py."""

    async def plan_merge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.plan_merge(tx, order))

    async def plan_unmerge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.plan_unmerge(tx, order))

    async def merge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.merge(tx, order), durable=True)

    async def unmerge(self, order: Order) -> Plan:
        return await self._database.write(lambda tx: merging.unmerge(tx, order), durable=True)

    async def plan_undo(self, undo: Undo) -> Plan:
        return await self._database.write(lambda tx: undoing.plan_undo(tx, undo))

    async def undo(self, undo: Undo) -> Plan:
        return await self._database.write(lambda tx: undoing.undo(tx, undo), durable=True)

    async def dismiss(self, order: Order) -> None:
        await self._database.write(lambda tx: undoing.dismiss(tx, order), durable=True)

    async def restore_suggestion(self, dismissed: int, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: undoing.restore_suggestion(tx, dismissed, by, now), durable=True)

    async def dismissed(self) -> Sequence[Dismissed]:
        return await self._database.read(undoing.dismissed)

    async def pairs(self, *, after: int | None, now: datetime) -> Pairs:
        """One short read a customer, so that turns get in between."""
        found: dict[frozenset[Node], Pair] = {}
        handles = await self._database.read(partial(resembling.next_handles, after=after))
        for handle in handles:
            for nodes, pair in await self._database.read(partial(resembling.pairs_of, handle=handle, now=now)):
                if not await self._stood_before(nodes, after, now):
                    found.setdefault(nodes, pair)
            if len(found) >= resembling.MOST:
                break
        looked_at = handles.index(handle) + 1 if handles else 0
        more = looked_at < len(handles) or len(handles) == resembling.AT_A_TIME
        likeliest = sorted(found.values(), key=lambda pair: -pair.suggestion.score)
        return Pairs(pairs=likeliest, further=handles[looked_at - 1] if handles and more else None)

    async def _stood_before(self, nodes: frozenset[Node], after: int | None, now: datetime) -> bool:
        """Whether a pair was found from its other side, on an earlier page."""
        newest = max(handles_of(nodes))
        if after is None or newest < after:
            return False
        earlier = await self._database.read(partial(resembling.pairs_of, handle=newest, now=now))
        return any(found == nodes for found, _ in earlier)

    async def who_is_it(self, case: int, *, now: datetime) -> WhoIsIt:
        return await self._database.read(lambda tx: resembling.who_is_it(tx, case, now))
