"""Merges and unmerges through the whole engine: what is recalled afterwards is as if they had never been."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from core.backends.ledger import people
from core.backends.ledger.whois import node_named
from core.merging import NoSuchCustomer, NotDone, Order, Plan, WhoIsIt
from identity.gate import Purpose, Standing, permit
from identity.partition import Node
from identity.proof import Proof
from tests.shop import Shop
from tests.test_attacks import CHARGED, knows_after, link, shows_code

JOHN = ("slack", "T1/U1")
MARY = ("discord", "666")
SCRIPTS = 12


async def merge(shop: Shop, a: str, b: str, *, by: str = "ann", second: str = "") -> Plan:
    return await shop.ledger.merge(Order(a=a, b=b, by=by, second=second, at=shop.now))


async def unmerge(shop: Shop, a: str, b: str) -> Plan:
    return await shop.ledger.unmerge(Order(a=a, b=b, by="ann", at=shop.now))


async def who(shop: Shop, case: int = 1) -> WhoIsIt:
    return await shop.ledger.who_is_it(case, now=shop.now)


# ── merging ──
async def test_after_a_merge_the_other_channel_knows_and_after_an_unmerge_it_does_not(shop: Shop) -> None:
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello")
    await merge(shop, "slack:T1/U1", "discord:666")
    shop.later(days=1)
    assert "$99" in await shop.hears(*MARY, "Hello, any news?")
    await unmerge(shop, "slack:T1/U1", "discord:666")
    shop.later(days=1)
    assert "$99" not in await shop.hears(*MARY, "Hello, any news?")
    assert "$99" in await shop.hears(*JOHN, "Hello, any news?")


async def test_two_people_of_the_directory_need_two_colleagues(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await shop.knows("cus_2", "Jon Miller", "discord:666")
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello")
    for names in ({"by": "ann"}, {"by": "ann", "second": "Ann "}):
        with pytest.raises(NotDone, match="two different colleagues"):
            await merge(shop, "cus_1", "cus_2", **names)
    plan = await merge(shop, "cus_1", "cus_2", by="ann", second="bea")
    assert plan.two_operators
    shop.later(days=1)
    assert "$99" in await shop.hears(*MARY, "Hello, any news?")


async def test_a_plan_shows_both_sides_and_changes_nothing(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello", display_name="John M")
    order = Order(a="cus_1", b="discord:666", by="ann", at=shop.now)
    plan = await shop.ledger.plan_merge(order)
    assert ([str(h) for h in plan.a.handles], plan.a.cases) == (["slack:T1/U1"], 1)
    assert plan.a.evidence == ["the directory vouches that cus_1 holds slack:T1/U1, verified 2 Mar 2026"]
    assert ([str(h) for h in plan.b.handles], plan.b.cases) == (["discord:666 (John M)"], 0)
    assert plan.changes == ["cus_1 and discord:666 are one customer, by ann"]
    assert await shop.ledger.plan_merge(order) == plan


async def test_nobody_is_merged_while_being_answered(shop: Shop) -> None:
    await shop.hears(*MARY, "Hello")
    message = shop.message(*JOHN, CHARGED)
    await shop.accept(message)
    shop.later(seconds=3)
    turn = await shop.ledger.open_turn(
        "slack:T1/U1", token="t", now=shop.now, burst=shop.engine.house.burst, live=False
    )
    with pytest.raises(NotDone, match="answered just now"):
        await merge(shop, "discord:666", "slack:T1/U1")
    await shop.ledger.release(turn)  # type: ignore[arg-type]
    await merge(shop, "discord:666", "slack:T1/U1")


async def test_what_is_so_already_or_unknown_is_refused_in_a_line(shop: Shop) -> None:
    await shop.hears(*JOHN, "Hello")
    await shop.hears(*MARY, "Hello")
    with pytest.raises(NotDone, match="two customers already"):
        await unmerge(shop, "slack:T1/U1", "discord:666")
    with pytest.raises(NoSuchCustomer, match="cus_9: no customer"):
        await merge(shop, "slack:T1/U1", "cus_9")
    await merge(shop, "slack:T1/U1", "discord:666")
    with pytest.raises(NotDone, match="one customer already"):
        await merge(shop, "slack:T1/U1", "discord:666")


# ── unmerging ──
async def test_a_link_by_code_is_unmerged_and_what_the_code_gave_ends(shop: Shop) -> None:
    await shop.hears(*JOHN, CHARGED)
    await link(shop, JOHN, MARY)
    plan = await unmerge(shop, "slack:T1/U1", "discord:666")
    assert plan.changes[0] == "The link between slack:T1/U1 and discord:666 has ended"
    assert "$99" not in await knows_after(shop, *MARY, "What do you have on record about my case?")


async def test_evidence_that_comes_later_does_not_rejoin_them(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1", "discord:666", "email:john@shop.test")
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello")
    await unmerge(shop, "cus_1", "discord:666")
    await shop.knows("cus_1", "John Miller", "slack:T1/U1", "discord:666", "email:john@shop.test", plan="Pro")
    await shop.hears("email", "john@shop.test", "Hello")
    code = await shows_code(shop, "email", "john@shop.test")
    assert "answer with" not in await shop.hears(*MARY, code)
    shop.later(days=1)
    assert "$99" not in await shop.hears(*MARY, "Hello, any news?")
    assert "$99" in await shop.hears("email", "john@shop.test", "Hello, any news?")


async def test_a_case_that_the_other_one_talked_about_stands_where_its_own_customer_left_it(shop: Shop) -> None:
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello")
    await merge(shop, "slack:T1/U1", "discord:666")
    shop.later(days=1)
    assert "$99" in await shop.hears(*MARY, "Hello, any news about the charge?")
    await unmerge(shop, "slack:T1/U1", "discord:666")
    shop.later(days=1)
    greeting = await shop.hears("slack", "T1/U1", "Hello, any news?")
    assert "Discord" not in greeting
    assert "yesterday" not in greeting


async def test_what_was_told_in_the_other_ones_case_stays_with_who_told_it(shop: Shop) -> None:
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello")
    await merge(shop, "slack:T1/U1", "discord:666")
    shop.later(days=1)
    await shop.hears(*MARY, "About the charge: the order number is W4829137, I already restarted the app.")
    await unmerge(shop, "slack:T1/U1", "discord:666")
    john, mary = [await recalled(shop, *who) for who in (JOHN, MARY)]
    assert "W4829137" not in str(john)
    assert "W4829137" in str(mary)
    assert "$99" not in str(mary)
    shop.later(days=1)
    assert "restarted the app" in await shop.hears(*MARY, "Hello, any news?")


# ── who is who ──
async def test_the_history_names_who_did_what(shop: Shop) -> None:
    await shop.hears(*JOHN, CHARGED)
    await shop.hears(*MARY, "Hello")
    await merge(shop, "slack:T1/U1", "discord:666")
    await unmerge(shop, "slack:T1/U1", "discord:666")
    history = (await who(shop)).history
    assert [(past.what, past.who, past.ended_by) for past in history] == [
        ("slack:T1/U1 and discord:666 were told apart by ann", "ann", ""),
        ("slack:T1/U1 and discord:666 were merged by ann", "ann", "ann"),
    ]


async def test_likely_twins_are_suggested_with_reasons_and_nothing_is_done(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john.miller@shop.test")
    await shop.hears("email", "johnmiller+acme@shop.test", CHARGED, display_name="John Miller")
    [found] = (await who(shop)).resemblances
    assert found.other.asked_for.name == "cus_1"
    assert found.suggestion.score > 0.8
    assert found.suggestion.reasons == [
        "johnmiller+acme@shop.test and john.miller@shop.test are one mailbox where dots and +tags do not count",
        "the same full name, John Miller",
    ]
    assert "$99" not in await shop.hears("email", "john.miller@shop.test", "Hello, any news?")


async def test_an_address_that_was_typed_or_claimed_is_a_hint(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john@shop.test")
    await shop.hears("email", "john@shop.test", "My kettle is broken.", proof=Proof.CLAIMED)
    await shop.hears(*MARY, "I was charged twice, my account is john@shop.test")
    by_claim, by_text = [(await who(shop, case)).resemblances[0] for case in (1, 2)]
    assert by_claim.suggestion.reasons == ["a message without proof named email:john@shop.test"]
    assert by_text.suggestion.reasons == ["email:john@shop.test stood in a message"]


async def test_namesakes_and_households_are_weak_and_whoever_was_told_apart_is_not_suggested_again(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1", "phone:+15550142")
    await shop.knows("cus_2", "John Miller", "discord:666", "phone:+15550142")
    await shop.hears(*JOHN, CHARGED)
    [namesake] = (await who(shop)).resemblances
    assert namesake.suggestion.score <= 0.3
    assert len(namesake.suggestion.reasons) == 2
    await merge(shop, "cus_1", "cus_2", by="ann", second="bea")
    await unmerge(shop, "cus_1", "cus_2")
    assert not (await who(shop)).resemblances


# ── as if it had never been ──
TOLD = (
    "I was charged ${n} but I downgraded to the $49 plan last week. I already checked the invoice.",
    "My order W48{n} has not arrived.",
    "I cannot log in, the error code is E{n}.",
    "My kettle is broken, I already restarted it {n} times.",
)
LATER = (
    "How do I export my contacts to a file? I am on plan {n}.",
    "I would like to change the delivery address of my account, house {n}.",
    "Do you sell a case for the tablet {n}?",
)


@dataclass(frozen=True)
class Recalled:
    """The rows of one recall, without what we said ourselves."""

    nodes: frozenset[Node]
    said: list[str]
    facts: list[tuple[int, str, str]]
    cases: list[tuple[int, str]]


@pytest_asyncio.fixture
async def twins(tmp_path: Path) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two shops that hear the same."""
    shops = (await Shop.open(tmp_path / "merged"), await Shop.open(tmp_path / "never"))
    yield shops
    for shop in shops:
        await shop.close()


def town(number: int) -> list[tuple[str, str]]:
    """The handles of one script: two people of the directory with two each, and two strangers."""
    phone = f"+1555{number:07d}"
    return [
        ("slack", f"T1/U{number}"),
        ("email", f"john{number}@shop.test"),
        ("sms", phone),
        ("discord", f"{number}"),
        ("email", f"mary{number}@shop.test"),
        ("web", f"login{number}"),
    ]


async def settle_in(shop: Shop, number: int) -> None:
    slack, john, phone, _, mary, _ = (f"{c}:{a}" for c, a in town(number))
    await shop.knows(f"j{number}", "John Miller", slack, john)
    await shop.knows(f"m{number}", "Mary Brown", phone.replace("sms", "phone"), mary)


async def whose(shop: Shop, name: str) -> frozenset[Node]:
    """The customer of channel:address."""

    def read(tx: Connection) -> frozenset[Node]:
        return people.customer_of(tx, int(node_named(tx, name).removeprefix("h:")), shop.now)

    return await shop.ledger._database.read(read)


async def recalled(shop: Shop, channel: str, address: str) -> Recalled:
    """What this handle's customer would be answered from."""
    name = f"{channel}:{address}"
    nodes = await whose(shop, name)
    handle = await shop.ledger._database.read(lambda tx: int(node_named(tx, name).removeprefix("h:")))
    rows = await shop.ledger.recall(permit(Standing(handle=handle, proof=Proof.PROVEN, nodes=nodes), Purpose.ANSWER))
    return Recalled(
        nodes=nodes,
        said=sorted(s.spoken.text for s in rows.said if s.spoken.sender == "customer"),
        facts=sorted((f.handle, f.slot, f.value) for f in rows.facts),
        cases=sorted((c.handle, c.status) for c in rows.cases),
    )


async def plays(merged: Shop, never: Shop, number: int, chance: random.Random) -> set[str]:
    """Everybody writes; then merges with traffic in between, which are undone; in one of the shops.

    Returns the nodes of who wrote while they were merged: what they said was understood with other things known.
    """
    spoke_while_merged = set[str]()
    handles, both = town(number), (merged, never)
    for shop in both:
        await settle_in(shop, number)
    for channel, address in handles:
        text = chance.choice(TOLD).format(n=chance.randrange(100, 999))
        for shop in both:
            await shop.hears(channel, address, text)
    for _ in range(chance.randint(1, 2)):
        a, b = chance.sample(handles, 2)
        names = f"{a[0]}:{a[1]}", f"{b[0]}:{b[1]}"
        try:
            await merge(merged, *names, by="ann", second="bea")
        except NotDone:
            continue
        for shop in both:
            shop.later(days=2)
        teller, text = chance.choice(handles), chance.choice(LATER).format(n=chance.randrange(100, 999))
        for shop in both:
            await shop.hears(*teller, text)
        await unmerge(merged, *names)
        pair = [await whose(merged, name) for name in names]
        if await whose(merged, ":".join(teller)) in pair:
            spoke_while_merged |= pair[0] | pair[1]
    merged.now = never.now = max(merged.now, never.now)
    for shop in both:
        shop.later(days=2)
    return spoke_while_merged


async def test_after_any_merges_and_unmerges_all_is_as_in_a_shop_that_never_merged(twins: tuple[Shop, Shop]) -> None:
    merged, never = twins
    for number in range(1, SCRIPTS + 1):
        chance = random.Random(number)  # noqa: S311 - a script, not a secret
        influenced = await plays(merged, never, number, chance)
        for who in town(number):
            mine, theirs = await recalled(merged, *who), await recalled(never, *who)
            assert (mine.nodes, mine.said) == (theirs.nodes, theirs.said), number
            if influenced.isdisjoint(mine.nodes):
                assert mine == theirs, number
                merged.now = never.now = max(merged.now, never.now)
                hello = [await shop.hears(*who, "Hello, any news?") for shop in twins]
                assert hello[0] == hello[1], number
