"""What becomes of old cases: memory keeps one summary of each that is closed, the brief counts them all and says how
the last one ended; an unmerge parts the counts, and a case that comes back is told in full again."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select

from core.backends.ledger import recall
from core.backends.ledger.schema import cases
from core.backends.rules.writer import RulesWriter
from core.desk import Resolution
from core.history import History, Tally, history, profile_summary
from core.memory import Hit
from core.merging import Order
from core.playbook import tell
from core.writing import Answer, Brief
from identity.proof import Proof
from tests.shop import Shop

ANN = "ann@shop.test"
CHARGED = "I was charged $99 twice for order W4829137. I already checked the invoice."


@dataclass
class Watched:
    """The rules, and the briefs that they were given."""

    rules: RulesWriter = field(default_factory=RulesWriter)
    briefs: list[Brief] = field(default_factory=list)

    async def answer(self, brief: Brief) -> Answer:
        self.briefs.append(brief)
        return await self.rules.answer(brief)


def watch(shop: Shop) -> Watched:
    writer = Watched()
    shop.engine = replace(shop.engine, writer=writer)
    return writer


async def newest_case(shop: Shop) -> int:
    newest = select(cases.c.id).order_by(cases.c.id.desc()).limit(1)
    return await shop.ledger._database.read(lambda tx: int(tx.execute(newest).scalar_one()))


async def resolve(shop: Shop, text: str) -> int:
    """A colleague closes the newest case, and memory follows."""
    case = await newest_case(shop)
    done = Resolution(case=case, agent="kim", at=shop.now, text=text)
    await tell(shop.memory, (await shop.ledger.resolve(done, reachable=["email"])).learnt)
    return case


async def remembered(shop: Shop, handle: int = 1) -> list[Hit]:
    return list(await shop.memory.recall([handle], CHARGED, limit=100))


async def test_a_closed_case_is_one_summary_in_memory(shop: Shop) -> None:
    await shop.hears("email", ANN, CHARGED)
    assert {hit.kind for hit in await remembered(shop)} == {"fact"}
    case = await resolve(shop, "The second charge was refunded.")
    assert [(hit.kind, hit.row) for hit in await remembered(shop)] == [("case", case)]


async def test_so_it_is_when_the_customer_says_that_it_is_solved(shop: Shop) -> None:
    await shop.hears("email", ANN, CHARGED)
    await shop.hears("email", ANN, "It is solved now, thank you!")
    case = await newest_case(shop)
    assert [(hit.kind, hit.row) for hit in await remembered(shop)] == [("case", case)]


async def test_what_a_rebuild_brings_back_is_the_same(shop: Shop) -> None:
    await shop.hears("email", ANN, CHARGED)
    await resolve(shop, "The second charge was refunded.")
    await shop.hears("email", ANN, "My router shows error KX-48213.")
    before = {(hit.kind, hit.row) for hit in await remembered(shop)}
    await shop.memory.clear()
    async for notes in shop.ledger.all_notes(10):
        await shop.memory.remember(notes)
    assert {(hit.kind, hit.row) for hit in await remembered(shop)} == before


async def test_a_case_that_comes_back_is_told_in_full_again(shop: Shop) -> None:
    await shop.hears("email", ANN, CHARGED)
    case = await resolve(shop, "The second charge was refunded.")
    shop.later(days=1)
    await shop.hears("email", ANN, "I was charged $99 twice again for order W4829137, it is not solved!")
    assert await newest_case(shop) == case
    assert {hit.kind for hit in await remembered(shop)} == {"fact"}


async def test_an_old_case_is_recalled_with_what_was_tried_and_how_it_ended(shop: Shop) -> None:
    await shop.knows("cus_1", "Ann Miller", f"email:{ANN}", plan="Pro")
    await shop.hears("email", ANN, CHARGED)
    await resolve(shop, "The second charge was refunded.")
    shop.later(days=30)
    writer = watch(shop)
    await shop.hears("email", ANN, "I was charged twice for something else.")
    [episode] = writer.briefs[-1].remembered
    assert "invoice" in episode.partition("Tried:")[2]
    assert episode.endswith("Resolved: The second charge was refunded.")
    assert "W4829137" not in episode
    assert writer.briefs[-1].summary.startswith("Pro plan, 1 earlier case (1 charge), last resolved: The second charge")


async def test_a_fact_of_a_closed_case_leads_to_the_case(shop: Shop) -> None:
    await shop.hears("email", ANN, CHARGED)
    [fact, *_] = await remembered(shop)
    case = await resolve(shop, "The second charge was refunded.")
    told = await shop.ledger._database.read(lambda tx: list(recall._cases_of(tx, [fact])))
    assert told == [case]


async def test_an_unmerge_parts_what_was_counted(shop: Shop) -> None:
    for channel, who in (("email", ANN), ("slack", "T1/U1")):
        await shop.hears(channel, who, CHARGED)
        await resolve(shop, "It was refunded.")
        shop.later(days=10)
    writer = watch(shop)
    order = Order(a=f"email:{ANN}", b="slack:T1/U1", by="kim", at=shop.now)
    await shop.ledger.merge(order)
    await shop.hears("email", ANN, "Hello, my lamp is broken.")
    assert "2 earlier cases (2 charge)" in writer.briefs[-1].summary
    await shop.ledger.unmerge(order)
    await shop.hears("slack", "T1/U1", "Hello, my lamp is broken.")
    assert "1 earlier case (1 charge)" in writer.briefs[-1].summary


async def test_a_message_that_nobody_vouches_for_learns_nothing_of_it(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    await shop.knows("cus_1", "Ann Miller", f"email:{ANN}", plan="Pro")
    await shop.hears("email", ANN, CHARGED)
    await resolve(shop, "The second charge was refunded.")
    writer = watch(shop)
    await shop.hears("email", ANN, "My lamp is broken.", proof=Proof.CLAIMED, conversation="forged")
    assert writer.briefs[-1].summary == ""
    await shop.close()


def test_the_open_cases_are_not_counted_as_earlier_ones() -> None:
    told = [Tally(handle=1, kind="charge", cases=3), Tally(handle=2, kind="fault", cases=1)]
    closed = [Tally(handle=1, kind="", cases=2), Tally(handle=2, kind="", cases=1)]
    assert history([*told, *closed], ["charge"], "") == History(closed=3, kinds={"charge": 2, "fault": 1})


def test_the_summary_is_a_sentence_of_what_is_known() -> None:
    known = History(closed=7, kinds={"charge": 4, "delivery": 3}, ended="refund $50")
    wishes = {"channel": "email", "level": "technical"}
    assert profile_summary(known, plan="Pro", since="2023-05-01", preferences=wishes) == (
        "Pro plan, customer since 2023, 7 earlier cases (4 charge, 3 delivery), last resolved: refund $50, "
        "prefers email, technical"
    )
    assert profile_summary(History(), plan="", since="", preferences={}) == ""
