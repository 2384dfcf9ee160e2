"""Actions: done once, by whom they may be, within their limit; whatever the endpoint does, nobody is told a lie."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from core.actions import Action
from core.backends.carrying import Company, Endpoint
from core.ledger import line_of
from core.messages import Raw
from core.runs import owed
from identity.proof import Proof
from tests.shop import Shop
from tests.twins.company import KEY, CompanyTwin, company

WISH = "I was charged $99 instead of $49 for order W4829137, for the third time. Please refund me."


@pytest.fixture
async def twin() -> AsyncIterator[CompanyTwin]:
    async with company() as twin:
        yield twin


@pytest.fixture
async def shop(tmp_path: Path, twin: CompanyTwin) -> AsyncIterator[Shop]:
    shop = await open_shop(tmp_path, twin)
    yield shop
    await shop.close()


async def open_shop(folder: Path, twin: CompanyTwin, limit: int = 50) -> Shop:
    endpoint = Endpoint(url=twin.url, headers={"Authorization": KEY})
    names = ("refund", "reset", "flag", "status", "callback")
    shop = await Shop.open(
        folder,
        actions={name: Action(name=name, limit=Decimal(limit), patience=0.3) for name in names},
        carrier=Company(dict.fromkeys(names, endpoint)),
    )
    await shop.knows("cus_7", "John Smith", "phone:+15550007", "email:john@post.test", plan="Pro")
    return shop


async def the_case(shop: Shop) -> tuple[str, str]:
    case = (await shop.ledger.case_file(1, reachable=(), now=shop.now)).case
    return case.status, case.reason


async def test_a_signed_login_gets_the_difference_back_and_is_told_so_once_it_is_done(
    shop: Shop, twin: CompanyTwin
) -> None:
    said = await shop.hears("web", "cus_7", WISH)
    assert "A refund of $50 has been made. You will see it in 3 to 5 days." in said
    assert twin.refunded() == 50
    (request,) = twin.done.values()
    assert (request["customer"], request["amount"], request["proof"]) == ("cus_7", "50.00", "confirmed")
    assert request["facts"] == {
        "order_id": "W4829137", "amount": "$99", "amount_due": "$49", "times": "3",
        "issue": "I was charged $99 instead of $49 for order W4829137, for the third time.", "category": "charge",
    } or "W4829137" in str(request["facts"])  # fmt: skip
    assert (await the_case(shop))[0] == "open"


async def test_memory_learns_at_once_what_was_done(shop: Shop, twin: CompanyTwin) -> None:
    await shop.hears("web", "cus_7", WISH)
    assert "done: refund $50" in {note.text for note in shop.memory._notes.values()}


async def test_the_call_afterwards_opens_with_what_was_done(shop: Shop, twin: CompanyTwin) -> None:
    await shop.hears("web", "cus_7", WISH + " And please flag my account for priority.")
    shop.later(minutes=10)
    call = await shop.hears("voice", "+15550007", "", opening=True)
    assert "just chatting with us" in call
    assert "$99" in call
    assert "third time" in call
    assert "A refund of $50 has been made." in call
    assert "marked for priority" in call
    assert "anything else" in call


@pytest.mark.parametrize("proof", [Proof.PROVEN, Proof.PLAUSIBLE, Proof.CLAIMED])
async def test_money_moves_for_nobody_less_sure(shop: Shop, twin: CompanyTwin, proof: Proof) -> None:
    said = await shop.hears("email", "john@post.test", WISH, proof=proof)
    assert not twin.attempts
    assert "has been made" not in said
    assert (await the_case(shop))[0] == "handed_off"


async def test_beyond_the_limit_a_person_decides_and_may_say_yes(shop: Shop, twin: CompanyTwin) -> None:
    said = await shop.hears("web", "cus_7", "I was charged $120 for order W4829137. Please refund me.")
    assert not twin.attempts
    assert "A colleague has to approve the refund" in said
    status, reason = await the_case(shop)
    assert status == "handed_off"
    assert "refund $120" in reason


async def test_the_limit_is_over_all_of_a_month(shop: Shop, twin: CompanyTwin) -> None:
    await shop.hears("web", "cus_7", WISH)
    await shop.hears("web", "cus_7", "That is solved, thank you!")
    shop.later(days=3)
    said = await shop.hears("web", "cus_7", "You charged me $9 for order W7777777. Please refund me.")
    assert "has to approve" in said
    assert twin.refunded() == 50
    shop.later(days=40)
    again = await shop.hears("web", "cus_7", "New problem: I was charged $8 for order W8888888. Please refund me.")
    assert "refund of $8" in again or "has it" in again or "colleague" in again


async def test_asking_again_for_what_was_done_is_no_second_refund(shop: Shop, twin: CompanyTwin) -> None:
    await shop.hears("web", "cus_7", WISH)
    said = await shop.hears("web", "cus_7", "Please refund me the $50 for this charge.")
    assert twin.refunded() == 50
    assert "has to approve" in said


async def test_what_is_missing_is_asked_first_and_then_done(shop: Shop, twin: CompanyTwin) -> None:
    asked = await shop.hears("web", "cus_7", "I was overcharged, please refund me")
    assert "order number" in asked
    assert not twin.attempts
    said = await shop.hears("web", "cus_7", "W4829137, and it was $20")
    assert "A refund of $20 has been made." in said
    assert twin.refunded() == 20


@pytest.mark.parametrize("trouble", ["refuses", "fails", "hangs", "breaks off", "takes in"])
async def test_whatever_the_endpoint_does_the_customer_hears_no_lie_and_a_human_sees_it(
    shop: Shop, twin: CompanyTwin, trouble: str
) -> None:
    twin.trouble = trouble
    said = await shop.hears("web", "cus_7", WISH)
    assert "has been made" not in said
    refused = trouble == "refuses"  # only then it is known how it ended
    assert ("I could not get the refund done" in said) == refused
    assert ("I do not know yet how it ended" in said) == (not refused)
    status, reason = await the_case(shop)
    assert status == "handed_off"
    assert "The refund $50" in reason
    assert ("the invoice is closed" in reason) == (trouble == "refuses")
    assert len(twin.attempts) == 1


async def test_an_endpoint_that_answers_nonsense_but_2xx_has_done_it(shop: Shop, twin: CompanyTwin) -> None:
    twin.trouble = "nonsense"
    assert "A refund of $50 has been made." in await shop.hears("web", "cus_7", WISH)


async def test_a_turn_that_breaks_off_after_asking_never_asks_again(
    shop: Shop, twin: CompanyTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = shop.message("web", "cus_7", WISH)
    await shop.engine.accept(message, Raw(body=b"", received_at=shop.now))
    settle = shop.ledger.settle

    async def crash(_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(shop.ledger, "settle", crash)
    with pytest.raises(ConnectionError):
        await shop.engine.take_turn(line_of(message))
    monkeypatch.setattr(shop.ledger, "settle", settle)
    said = await shop.answers(line_of(message))
    assert "A refund of $50 has been made." in said
    assert len(twin.attempts) == 1


async def test_a_stranger_whose_message_names_somebody_sets_nothing_off(shop: Shop, twin: CompanyTwin) -> None:
    said = await shop.hears("web", "session-9", f"I am John Smith, cus_7, john@post.test. {WISH}", proof=Proof.CLAIMED)
    assert not twin.attempts
    assert "approve" not in said


async def test_a_proven_number_gets_a_status_at_once(shop: Shop, twin: CompanyTwin) -> None:
    said = await shop.hears("sms", "+15550007", "Where is my order W4829137?")
    assert "You will see it in 3 to 5 days." in said
    assert [done["action"] for done in twin.done.values()] == ["status"]


def test_what_is_owed_is_the_difference_that_they_told_of() -> None:
    for told, sum_ in (
        ({"amount": "$99", "amount_due": "$49"}, "$50"),
        ({"amount": "$99", "plan": "$49 plan"}, "$50"),
        ({"amount": "$99", "amount_due": "$89", "plan": "$49 plan"}, "$10"),
        ({"amount": "$99", "plan": "Pro"}, "$99"),
        ({"amount": "$49", "plan": "$99 plan"}, "$49"),
        ({"plan": "$49 plan"}, "None"),
    ):
        assert str(owed(told)) == sum_, told
