"""A process that dies between settling a turn and learning from it: memory has it all the same, and by itself."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.errors import Problem
from core.health import Health
from core.memory import Note
from core.relearning import Relearning
from core.running import HEARD_WITHIN, Process
from core.watched import MEMORY
from tests.shop import START, Shop
from tests.twins.postgres import new_database

ANN, BEN = "T1/U1", "T1/U2"
CHARGED = "I was charged $99 instead of $49, order W4829137. I already checked the invoice."
DIED = Process(id="died", kind="run", host="box", pid=7, started_at=START, seen_at=START, health={})
LATER = HEARD_WITHIN + timedelta(seconds=1)


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    url = f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else await new_database()
    ledger = SqlLedger(open_database(url))
    await ledger.migrate()
    shop = await Shop.open(tmp_path, ledger=ledger)
    yield shop
    await shop.close()


def relearning(shop: Shop) -> Relearning:
    return Relearning(shop.ledger, shop.memory, lambda: shop.now)


def held(shop: Shop) -> Collection[Note]:
    return sorted(shop.memory._notes.values(), key=lambda note: (note.kind, note.row))


async def on_record(shop: Shop) -> Collection[Note]:
    """All that a rebuild would fill it with."""
    notes = [note async for some in shop.ledger.all_notes(100) for note in some]
    return sorted(notes, key=lambda note: (note.kind, note.row))


async def test_what_was_told_is_remembered_once_the_process_is_not_heard_of(shop: Shop) -> None:
    await shop.ledger.beat(DIED)
    await shop.hears_without_learning("slack", ANN, CHARGED)
    await relearning(shop).look()
    assert held(shop) == [], "it may still be learning"
    shop.now += LATER
    await relearning(shop).look()
    assert held(shop) == await on_record(shop) != []


async def test_whoever_takes_its_place_need_not_wait(shop: Shop) -> None:
    await shop.hears_without_learning("slack", ANN, CHARGED)
    await relearning(shop).of(DIED)
    assert held(shop) == await on_record(shop) != []


async def test_what_was_corrected_is_taken_back_and_a_closed_case_is_one_row(shop: Shop) -> None:
    await shop.hears("slack", ANN, CHARGED)
    await shop.hears("slack", BEN, "My kettle is broken. It is order W1111111.")
    await shop.hears_without_learning("slack", ANN, "Sorry, I was charged $79, not $99.")
    await shop.hears_without_learning("slack", BEN, "It works again, thank you, that is all.")
    assert held(shop) != await on_record(shop)
    await relearning(shop).of(replace(DIED, seen_at=shop.now))
    assert held(shop) == await on_record(shop)
    assert "case" in {note.kind for note in held(shop)}


async def test_long_before_it_died_memory_had_learnt(shop: Shop) -> None:
    await shop.hears_without_learning("slack", ANN, CHARGED)
    shop.later(minutes=30)
    await relearning(shop).of(replace(DIED, seen_at=shop.now))
    assert held(shop) == []


async def test_where_memory_was_away_before_it_died_as_much_more_is_told(shop: Shop) -> None:
    health = Health(lambda: shop.now)
    health.note(MEMORY, "no answer in time")
    await shop.hears_without_learning("slack", ANN, CHARGED)
    shop.later(minutes=30)
    await relearning(shop).of(replace(DIED, seen_at=shop.now, health=health.written()))
    assert held(shop) == await on_record(shop) != []


async def test_what_is_said_while_memory_is_told_again_holds(shop: Shop) -> None:
    await shop.hears_without_learning("slack", ANN, CHARGED)
    shop.memory.awake.clear()
    shop.memory.asked.clear()
    telling = asyncio.create_task(relearning(shop).of(replace(DIED, seen_at=shop.now)))
    await shop.memory.asked.wait()
    await shop.hears_without_learning("slack", ANN, "Sorry, I was charged $79, not $99.")
    shop.later(seconds=1)
    shop.memory.awake.set()
    await telling
    assert "amount: $99" not in {note.text for note in held(shop)}


async def test_memory_that_is_away_is_told_at_the_next_look(shop: Shop) -> None:
    await shop.ledger.beat(DIED)
    await shop.hears_without_learning("slack", ANN, CHARGED)
    shop.now += LATER
    again, shop.memory.down = relearning(shop), True
    with pytest.raises(Problem):
        await again.look()
    shop.memory.down = False
    await again.look()
    assert held(shop) == await on_record(shop) != []
