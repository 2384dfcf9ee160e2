"""Decisions about who is who are taken back exactly, and only while nothing else has changed; every step stands in the
history; and two of whom a colleague says that they are two people are suggested no more, until that is taken back."""

from typing import Any

import pytest
from sqlalchemy import select

from core.backends.ledger import resembling
from core.backends.ledger.schema import decisions, links
from core.erasing import Forgetting
from core.merging import Happened, NotDone, Order, Plan, Undo, WhoIsIt
from core.record import DirectoryRow, Profile
from tests.shop import Shop, voucher
from tests.test_attacks import CHARGED, link

JOHN, OTHER = ("slack", "T1/U1"), ("discord", "666")
PAIR = ("slack:T1/U1", "discord:666")


def order(shop: Shop, *pair: str, second: str = "") -> Order:
    a, b = pair or PAIR
    return Order(a=a, b=b, by="ann", second=second, at=shop.now)


async def two_write(shop: Shop) -> None:
    """Two who bear the same name."""
    await shop.hears(*JOHN, CHARGED, display_name="John Miller")
    await shop.hears(*OTHER, "My kettle is broken.", display_name="John Miller")
    shop.later(minutes=1)


async def who(shop: Shop, case: int = 1) -> WhoIsIt:
    return await shop.ledger.who_is_it(case, now=shop.now)


async def newest(shop: Shop) -> int:
    """The decision that the history offers to take back."""
    (found,) = {past.decision for past in (await who(shop)).history if past.decision}
    return found


async def undo(shop: Shop, *, second: str = "") -> Plan:
    shop.later(minutes=1)
    asked = Undo(decision=await newest(shop), by="lea", second=second, at=shop.now)
    planned = await shop.ledger.plan_undo(asked)
    done = await shop.ledger.undo(asked)
    assert planned.changes == done.changes
    shop.later(minutes=1)
    return done


async def standing(shop: Shop) -> list[tuple[Any, ...]]:
    """Every link and tombstone that counts."""
    counts = select(links.c.a, links.c.b, links.c.kind).where(links.c.retired_at.is_(None)).order_by(links.c.id)
    return await shop.ledger._database.read(lambda tx: [tuple(row) for row in tx.execute(counts)])


async def looks(shop: Shop) -> list[tuple[object, ...]]:
    """Both customers, as colleagues see them."""
    found = [await who(shop, case) for case in (1, 2)]
    return [(one.side.handles, one.side.people, one.side.evidence, one.resemblances) for one in found]


# ── taking back ──
async def test_an_undone_merge_leaves_all_as_it_was_and_is_suggested_again(shop: Shop) -> None:
    await two_write(shop)
    before = await looks(shop)
    assert before[0][3], "they are suggested"
    await shop.ledger.merge(order(shop))
    plan = await undo(shop)
    assert "The link between slack:T1/U1 and discord:666 has ended" in plan.changes
    assert await looks(shop) == before
    assert await standing(shop) == []
    shop.later(hours=1)
    assert "$99" not in await shop.hears(*OTHER, "Hello, any news about the charge?")
    await shop.ledger.merge(order(shop))


async def test_what_was_told_while_they_were_one_stays_with_who_told_it(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    shop.later(days=1)
    assert "$99" in await shop.hears(*OTHER, "About the charge: the order number is W4829137.")
    await undo(shop)
    file = await shop.ledger.case_file(1, reachable={"slack", "discord"}, now=shop.now)
    assert (file.case.last_channel, file.issue.count("W4829137")) == ("slack", 0)
    shop.later(days=1)
    assert "9137" not in await shop.hears(*JOHN, "Which order number do you have of me?")


async def test_an_undone_unmerge_lifts_the_tombstones_and_brings_the_link_back(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    before = await standing(shop)
    shop.later(minutes=1)
    await shop.ledger.unmerge(order(shop))
    plan = await undo(shop)
    assert "That slack:T1/U1 and discord:666 were told apart counts no longer" in plan.changes
    assert "The link between slack:T1/U1 and discord:666 counts again" in plan.changes
    assert await standing(shop) == before
    shop.later(hours=1)
    assert "$99" in await shop.hears(*OTHER, "Hello, any news about the charge?")


async def test_what_keys_joined_is_joined_again(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await shop.hears(*JOHN, CHARGED)
    shop.later(minutes=1)
    await shop.ledger.unmerge(order(shop, "cus_1", "slack:T1/U1"))
    assert not (await who(shop)).side.people
    plan = await undo(shop)
    assert "What cus_1 and slack:T1/U1 share joins them again" in plan.changes
    assert [person.name for person in (await who(shop)).side.people] == ["cus_1"]


async def test_one_after_the_other_can_be_taken_back(shop: Shop) -> None:
    await two_write(shop)
    before = await looks(shop)
    await shop.ledger.merge(order(shop))
    shop.later(minutes=1)
    await shop.ledger.unmerge(order(shop))
    await undo(shop)
    await undo(shop)
    assert await looks(shop) == before
    assert not [past for past in (await who(shop)).history if past.decision]


async def test_two_known_people_become_one_again_only_by_two(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await shop.knows("cus_2", "Jon Miller", "discord:666")
    await two_write(shop)
    await shop.ledger.merge(order(shop, "cus_1", "cus_2", second="max"))
    shop.later(minutes=1)
    await shop.ledger.unmerge(order(shop, "cus_1", "cus_2"))
    with pytest.raises(NotDone, match="two different colleagues must agree"):
        await undo(shop)
    with pytest.raises(NotDone, match="named twice"):
        await undo(shop, second="Lea")
    assert (await undo(shop, second="max")).two_operators
    assert len((await who(shop)).side.people) == 2


# ── when something has changed ──
async def test_nothing_is_undone_when_something_has_changed_since_and_it_says_what(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    shop.later(minutes=1)
    await link(shop, JOHN, ("email", "john@shop.test"))
    with pytest.raises(NotDone, match=r"changed: slack:T1/U1 and email:john@shop\.test were linked by a code"):
        await undo(shop)


async def test_a_new_word_of_the_directory_is_such_a_change_too(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    shop.later(minutes=1)
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    refused = Undo(decision=1, by="lea", at=shop.now)
    with pytest.raises(NotDone, match="directory vouches that cus_1 holds"):
        await shop.ledger.undo(refused)


async def test_a_decision_is_taken_back_once_and_an_unknown_one_never(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    await undo(shop)
    with pytest.raises(NotDone, match="lea has taken this back already"):
        await shop.ledger.undo(Undo(decision=1, by="max", at=shop.now))
    with pytest.raises(NotDone, match="no such decision"):
        await shop.ledger.undo(Undo(decision=7, by="max", at=shop.now))


async def test_nothing_is_undone_while_one_of_them_is_being_answered(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    await shop.accept(shop.message(*JOHN, "Hello again"))
    shop.later(seconds=3)
    await shop.ledger.open_turn("slack:T1/U1", token="t", now=shop.now, burst=shop.engine.house.burst, live=False)
    with pytest.raises(NotDone, match="answered just now"):
        await shop.ledger.undo(Undo(decision=1, by="lea", at=shop.now))


# ── what happened ──
async def test_every_step_stands_in_the_history_with_who_what_from_and_how_it_ended(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1", "email:john@shop.test")
    await shop.hears(*JOHN, CHARGED)
    shop.later(minutes=1)
    await link(shop, JOHN, OTHER)
    await shop.hears(*JOHN, "UNDO")
    shop.later(days=1)
    await shop.ledger.merge(order(shop))
    await undo(shop)
    row = DirectoryRow(profile=Profile(external_id="cus_1", name="John Miller"), keys=["slack:T1/U1"])
    await shop.ledger.import_directory([row], now=shop.now)
    told = {past.what: past for past in (await who(shop)).history}

    def step(what: str) -> Happened:
        return next(past for known, past in told.items() if what in known)

    linked = step("were linked by a code")
    assert (linked.who, linked.ended_by) == ("the customer", "the customer said UNDO")
    assert "entered on the other" in linked.evidence
    assert (step("was shown a code").who, "used" in step("was shown a code").what) == ("the customer", True)
    assert step("were merged by ann").ended_by == "lea"
    assert (step("was taken back").who, step("was taken back").at > step("were merged").at) == ("lea", True)
    assert (step("holds slack:T1/U1").who, step("holds slack:T1/U1").ended_at) == ("the directory", None)
    assert step("holds email:john@shop.test").ended_by == "the directory names it no more"


async def test_what_lapsed_and_what_changed_hands_says_so(shop: Shop) -> None:
    await shop.hears(*JOHN, CHARGED, vouchers=[voucher("email:john@shop.test")])
    shop.later(days=46)
    (told,) = [past for past in (await who(shop)).history if "holds" in past.what]
    assert (told.who, told.ended_by) == ("the provider of the slack account", "it was not said again for 45 days")
    await shop.hears("sms", "+15550142", "Hello")
    await shop.hears("sms", "+15550142", "I was charged $99 twice.")
    shop.later(days=60)
    await shop.hears("sms", "+15550142", "I was charged $20 twice.")
    assert any("began anew, as it may have another owner" in past.what for past in (await who(shop, 3)).history)


# ── these are two people ──
async def test_two_people_are_suggested_no_more_until_that_is_taken_back(shop: Shop) -> None:
    await two_write(shop)
    assert [pair.suggestion.score for pair in (await shop.ledger.pairs(after=None, now=shop.now)).pairs] == [0.2]
    await shop.ledger.dismiss(order(shop))
    await shop.ledger.dismiss(order(shop))
    assert not (await shop.ledger.pairs(after=None, now=shop.now)).pairs
    assert not (await who(shop)).resemblances
    assert any("are two people" in past.what for past in (await who(shop)).history)
    (dismissed,) = await shop.ledger.dismissed()
    await shop.ledger.restore_suggestion(dismissed.number, by="lea", now=shop.now)
    assert len((await shop.ledger.pairs(after=None, now=shop.now)).pairs) == 1
    with pytest.raises(NotDone, match="already"):
        await shop.ledger.restore_suggestion(dismissed.number, by="lea", now=shop.now)


async def test_a_dismissal_joins_and_parts_nobody(shop: Shop) -> None:
    await two_write(shop)
    await shop.ledger.dismiss(order(shop))
    assert await standing(shop) == []
    await link(shop, JOHN, OTHER)
    shop.later(hours=1)
    assert "$99" in await shop.hears(*OTHER, "Hello, any news about the charge?")
    with pytest.raises(NotDone, match="are one customer"):
        await shop.ledger.dismiss(order(shop))


async def test_every_pair_is_found_once_however_many_customers_there_are(shop: Shop) -> None:
    for n in range(3):
        await shop.hears("discord", f"{n}", "Hello", display_name="John Miller")
        await shop.hears("slack", f"T1/X{n}", "Hello", display_name=f"Mary {n} Brown")
    pairs = (await shop.ledger.pairs(after=None, now=shop.now)).pairs
    found = [frozenset((pair.one.asked_for.name, pair.other.asked_for.name)) for pair in pairs]
    assert len(found) == len(set(found)) == 3


async def test_nor_does_a_pair_come_again_on_a_later_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resembling, "AT_A_TIME", 2)
    for n in range(3):
        await shop.hears("discord", f"{n}", "Hello", display_name="John Miller")
        await shop.hears("slack", f"T1/X{n}", "Hello", display_name="John Miller")
    found, after = [], None
    while True:
        page = await shop.ledger.pairs(after=after, now=shop.now)
        found += [frozenset((pair.one.asked_for.name, pair.other.asked_for.name)) for pair in page.pairs]
        if (after := page.further) is None:
            break
    assert len(found) == len(set(found)) == 15


async def test_decisions_are_exported_and_erased_with_their_customer(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await two_write(shop)
    await shop.ledger.merge(order(shop))
    await undo(shop)
    await shop.ledger.dismiss(order(shop))
    exported = await shop.ledger.export("cus_1", reader="eve", now=shop.now)
    assert [row["kind"] for row in exported.decisions] == ["merge", "dismiss"]

    async def no_letters(_addresses: object) -> int:
        return 0

    forgetting = Forgetting(ledger=shop.ledger, memory=shop.memory, letters=no_letters)
    await forgetting.forget("cus_1", receipt="r1", now=lambda: shop.now)
    rows = await shop.ledger._database.read(lambda tx: tx.execute(select(decisions)).all())
    assert not rows
