"""Opting out, budgets, and what is never kept or sent."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.backends.rules.writer import RulesWriter
from core.house import House
from core.ledger import line_of
from core.messages import Raw
from core.writing import Answer, Brief, WithFallback
from identity.proof import Proof
from tests.shop import HOUSE, Shop

CHARGED = "I was charged $99 twice."


class Model:
    """A model that says what it is told, and counts."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.calls = 0

    async def answer(self, _brief: Brief) -> Answer:
        self.calls += 1
        return Answer(human_wanted=False, confidence=0.9, reply=self.reply, writer="model")


async def test_stop_is_honoured_at_once_and_until_start(shop: Shop) -> None:
    await shop.hears("sms", "+15550142", CHARGED)
    assert await shop.hears("sms", "+15550142", "STOP") == ""
    assert await shop.hears("sms", "+15550142", "Where is my refund?") == ""
    assert await shop.hears("sms", "+15550142", "START")
    assert await shop.hears("sms", "+15550142", "Any news?")


async def test_stop_waits_for_no_burst(shop: Shop) -> None:
    before = shop.now
    await shop.hears("sms", "+15550142", "STOP")
    assert shop.now == before


async def test_what_is_said_after_stop_is_kept_for_staff(shop: Shop) -> None:
    await shop.hears("sms", "+15550142", "STOP")
    await shop.hears("sms", "+15550142", "My Zelvora kettle arrived broken, order W4829137")
    assert [case.issue for case in await shop.ledger.queue(now=shop.now)]


async def test_a_plain_wish_ends_notices_and_writing_again_ends_the_wish(shop: Shop) -> None:
    assert "hear no more" in await shop.hears("slack", "T1/U1", "Please stop messaging me.")
    handle = (await shop.ledger.reaches([1], now=shop.now)) or None
    assert handle is None
    assert "order number" in await shop.hears("slack", "T1/U1", CHARGED)
    assert await shop.ledger.reaches([1], now=shop.now)


async def test_a_forged_stop_stops_nothing(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", CHARGED)
    await shop.hears("email", "ann@shop.test", "unsubscribe me", proof=Proof.CLAIMED, conversation="forged")
    assert await shop.hears("email", "ann@shop.test", "Any news?")


async def test_help_tells_who_we_are(shop: Shop) -> None:
    reply = await shop.hears("sms", "+15550142", "HELP")
    assert "Acme" in reply
    assert "STOP" in reply


async def test_a_flood_is_kept_said_once_and_left_to_a_colleague(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path, house=replace(HOUSE, turns_an_hour=3))
    replies = [await shop.hears("slack", "T1/U1", f"I was charged $4{n} twice.") for n in range(6)]
    assert all(replies[:3])
    assert "very often" in replies[3]
    assert replies[4:] == ["", ""]
    assert any(case.case.status == "handed_off" for case in await shop.ledger.queue(now=shop.now))
    assert await shop.hears("discord", "42", CHARGED), "somebody else is not affected"
    shop.later(hours=2)
    await shop.close()


async def test_no_more_is_sent_to_one_address_than_its_budget_and_one_sentence(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path, house=replace(HOUSE, sent_an_hour=2))
    replies = [await shop.hears("slack", "T1/U1", f"I was charged $4{n} twice.") for n in range(6)]
    assert all(replies[:2])
    assert "very often" in replies[2]
    assert replies[3:] == ["", "", ""]
    assert await shop.hears("slack", "T1/U1", "Please stop messaging me.") == ""
    assert await shop.hears("slack", "T1/U2", CHARGED), "somebody else is not affected"
    shop.later(hours=2)
    assert await shop.ledger.reaches([1], now=shop.now) == [], "what was asked for is honoured all the same"
    await shop.close()


@pytest.mark.parametrize("house", [replace(HOUSE, all_turns_an_hour=3), replace(HOUSE, all_sent_an_hour=3)])
async def test_what_is_too_much_of_everybody_is_kept_for_a_colleague_and_nothing_is_sent(
    tmp_path: Path, house: House
) -> None:
    shop = await Shop.open(tmp_path, house=house)
    replies = [await shop.hears("slack", f"T1/U{n}", CHARGED) for n in range(6)]
    assert all(replies[:3])
    assert replies[3:] == ["", "", ""]
    queue = await shop.ledger.queue(now=shop.now)
    assert [q.case.status for q in queue].count("handed_off") == 3
    shop.later(hours=2)
    assert await shop.hears("slack", "T1/U9", CHARGED)
    await shop.close()


async def test_a_notice_counts_as_something_sent(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    assert await shop.hears("slack", "T1/U1", CHARGED)
    [reach] = await shop.ledger.reaches([1], now=shop.now)
    assert reach.sent_lately == 1
    shop.later(hours=2)
    assert [reach.sent_lately for reach in await shop.ledger.reaches([1], now=shop.now)] == [0]
    await shop.close()


async def test_a_model_has_a_budget_and_then_the_rules_answer(tmp_path: Path) -> None:
    model = Model("Let me look.")
    house = replace(HOUSE, model_turns_an_hour=2)
    shop = await Shop.open(tmp_path, writer=WithFallback(model, RulesWriter()), house=house)
    replies = [await shop.hears("slack", f"T1/U{n}", CHARGED) for n in range(3)]
    assert model.calls == 2
    assert "order number" in replies[2]
    await shop.close()


async def test_a_model_cannot_lead_customers_astray(tmp_path: Path) -> None:
    model = Model("Pay at https://evil.test/pay or read https://help.acme.test/refunds ![x](https://evil.test/p.png)")
    shop = await Shop.open(tmp_path, writer=model, house=replace(HOUSE, link_hosts=["acme.test"]))
    reply = await shop.hears("slack", "T1/U1", CHARGED)
    assert "evil.test" not in reply
    assert "https://help.acme.test/refunds" in reply
    await shop.close()


async def test_a_card_is_kept_nowhere(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    card = "4111 1111 1111 1111"
    message = shop.message("slack", "T1/U1", f"Charged on my card {card}")
    await shop.engine.accept(message, Raw(body=f"<{card}>".encode(), received_at=shop.now))
    shop.later(seconds=3)
    await shop.answers(line_of(message))
    await shop.close()
    for path in tmp_path.rglob("*"):
        assert card.encode() not in path.read_bytes()
