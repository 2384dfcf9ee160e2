"""Retention: each class of rows is erased when it is too old, not a day before, and never what is still to be answered
or sent."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bots.settings import Settings
from core.erasing import Forgetting
from core.exporting import Export
from core.messages import Raw
from core.retention import Housekeeping, Retention
from tests.shop import Shop

CHARGED = "I was charged $99 but I downgraded to the $49 plan last week."
LIFE = timedelta(days=30)


def housekeeping(shop: Shop, retention: Retention) -> Housekeeping:
    async def no_letters(_addresses: object) -> int:
        return 0

    forgetting = Forgetting(ledger=shop.ledger, memory=shop.memory, letters=no_letters)
    return Housekeeping(retention=retention, ledger=shop.ledger, memory=shop.memory, forgetting=forgetting)


async def tells(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", CHARGED)


async def on_record(shop: Shop) -> Export:
    return await shop.ledger.export("cus_1", reader="eve", now=shop.now)


@pytest.mark.parametrize("kind", ["raw", "messages", "facts", "access_log"])
async def test_a_class_goes_when_it_is_too_old_and_the_others_stay(shop: Shop, kind: str) -> None:
    await tells(shop)
    house = housekeeping(shop, replace(Retention(), **{kind: LIFE}))
    assert not any((await house.enforce(shop.now + LIFE - timedelta(days=1))).values())
    gone = await house.enforce(shop.now + LIFE + timedelta(days=1))
    assert [name for name, count in gone.items() if count] == [kind]
    assert not any((await house.enforce(shop.now + LIFE + timedelta(days=1))).values())
    left = await on_record(shop)
    assert any(message["delivery"] is None for message in left.messages) is (kind == "raw")
    assert bool(left.messages) is bool(left.replies) is (kind != "messages")
    assert bool(left.facts) is (kind != "facts")
    assert any(entry["purpose"] == "answer" for entry in left.access_log) is (kind != "access_log")


async def test_facts_that_went_are_gone_from_memory_too(shop: Shop) -> None:
    await tells(shop)
    (handle,) = (await on_record(shop)).handles
    known = int(str(handle["id"]))
    assert await shop.memory.recall([known], CHARGED, limit=9)
    await housekeeping(shop, Retention(facts=LIFE)).enforce(shop.now + LIFE * 2)
    assert not await shop.memory.recall([known], CHARGED, limit=9)


async def test_more_than_a_batch_goes_in_one_go(shop: Shop) -> None:
    for _ in range(1_100):
        await shop.ledger.park("email", Raw(body=b"?", received_at=shop.now), "cannot be read")
    gone = await housekeeping(shop, Retention(raw=LIFE)).enforce(shop.now + LIFE * 2)
    assert gone["raw"] == 1_100
    assert not await shop.ledger.unread()


async def test_what_waits_for_an_answer_or_to_be_sent_stays(shop: Shop) -> None:
    await tells(shop)
    await shop.accept(shop.message("slack", "T1/U1", "Any news?"))
    shop.later(days=90)
    everything = Retention(raw=LIFE, messages=LIFE, facts=LIFE, access_log=LIFE)
    await housekeeping(shop, everything).enforce(shop.now)
    assert await shop.ledger.open_lines() == ["slack:T1/U1"]
    assert await shop.answers("slack:T1/U1")


async def test_nothing_is_erased_where_everything_is_kept(shop: Shop) -> None:
    await tells(shop)
    assert not any((await housekeeping(shop, Retention()).enforce(shop.now + LIFE * 1_000)).values())


async def test_it_also_ends_an_erasure_that_was_cut_off(shop: Shop, tmp_path: Path) -> None:
    await tells(shop)
    await shop.ledger.erase("cus_1", receipt="r1", now=shop.now)
    await housekeeping(shop, Retention()).enforce(shop.now)
    assert not await shop.ledger.unfinished()


def test_days_come_from_the_settings_and_nought_is_for_ever() -> None:
    retention = Settings(retention_days_raw=7, retention_days_messages=0).retention
    assert (retention.raw, retention.messages) == (timedelta(days=7), None)
