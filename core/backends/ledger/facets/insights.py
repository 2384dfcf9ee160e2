"""What insights are counted from: see core/insights.py."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from core.backends.ledger import insights, people
from core.backends.ledger.facets.base import OnDatabase
from core.backends.ledger.people import node_of
from core.figures import Span
from core.insights import in_doubt
from core.world import Asked, Told, World
from core.writing import PERSON_SLOTS

T = TypeVar("T")


class ForInsights(OnDatabase):
    """What insights are counted from: see core/insights.py."""

    async def world(self, span: Span, *, needs: Collection[str], now: datetime) -> World:
        """One short read after the other, so that turns get in between."""

        async def where(need: str, read: Callable[[Connection], T]) -> T | None:
            return await self._database.read(read) if need in needs else None

        ids = await self._database.read(partial(insights.case_ids, span=span))
        kinds = await self._database.read(partial(insights.categories, ids=ids))
        heard_at = await where("said", partial(insights.heard_at, ids=ids)) or {}
        groups = await self._database.read(people.groups)
        asked = await where("asked", partial(insights.asked, span=span)) or []
        world = World(
            now=now,
            cases=await self._database.read(partial(insights.case_rows, ids=ids, kinds=kinds, heard_at=heard_at)),
            steps=await where("steps", partial(insights.steps, ids=ids)) or {},
            heard=await where("heard", partial(insights.heard, span=span)) or [],
            contacts=await where("contacts", partial(insights.contacts, span=span)) or [],
            said=await where("said", partial(insights.said, ids=ids)) or {},
            asked=asked,
            told=await self._told(asked),
            moods=await where("moods", partial(insights.moods, ids=ids)) or {},
            near=lambda handle: groups.of(node_of(handle)),
        )
        doubt = in_doubt(world) if {"asked", "contacts"} & set(needs) else set()
        customers = await self._database.read(partial(people.customers_of, handles_in_doubt=doubt, now=now))
        return replace(world, customer=lambda handle: customers.of(node_of(handle)))

    async def _told(self, asked: Collection[Asked]) -> list[Told]:
        told = await self._database.read(partial(insights.told_in_cases, asking=asked))
        if any(slot in PERSON_SLOTS for one in asked for slot in one.slots):
            told += await self._database.read(insights.told_of_people)
        return told
