"""What insights are counted from: see core/insights.py."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from core.backends.ledger import insights, people
from core.backends.ledger.facets.base import OnDatabase
from core.backends.ledger.people import node_of
from core.figures import Span
from core.insights import in_doubt
from core.world import World
from core.writing import PERSON_SLOTS


class ForInsights(OnDatabase):
    """What insights are counted from: see core/insights.py."""

    async def world(self, span: Span, *, now: datetime) -> World:
        """One short read after the other, so that turns get in between."""
        read = self._database.read
        ids = await read(partial(insights.case_ids, span=span))
        kinds = await read(partial(insights.categories, ids=ids))
        heard_at = await read(partial(insights.heard_at, ids=ids))
        asked = await read(partial(insights.asked, span=span))
        told = await read(partial(insights.told_in_cases, asking=asked))
        if any(slot in PERSON_SLOTS for one in asked for slot in one.slots):
            told += await read(insights.told_of_people)
        groups = await read(people.groups)
        world = World(
            now=now,
            cases=await read(partial(insights.case_rows, ids=ids, kinds=kinds, heard_at=heard_at)),
            steps=await read(partial(insights.steps, ids=ids)),
            heard=await read(partial(insights.heard, span=span)),
            contacts=await read(partial(insights.contacts, span=span)),
            said=await read(partial(insights.said, ids=ids)),
            asked=asked,
            told=told,
            moods=await read(partial(insights.moods, ids=ids)),
            near=lambda handle: groups.of(node_of(handle)),
        )
        customers = await read(partial(people.customers_of, handles_in_doubt=in_doubt(world), now=now))
        return replace(world, customer=lambda handle: customers.of(node_of(handle)))
