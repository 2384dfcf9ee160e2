"""Actions at the console: what waits is done once a colleague approves it, and the customer is told the truth."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from core.actions import Action
from core.backends.carrying import Company, Endpoint
from tests.console.office import Office, opened, text_of
from tests.shop import Shop
from tests.twins.company import KEY, CompanyTwin, company

WISH = "I was charged $99 instead of $49 for order W4829137. Please refund me."


@pytest.fixture
async def twin() -> AsyncIterator[CompanyTwin]:
    async with company() as twin:
        yield twin


@pytest.fixture
async def office(tmp_path: Path, twin: CompanyTwin) -> AsyncIterator[Office]:
    endpoint = Endpoint(url=twin.url, headers={"Authorization": KEY})
    shop = await Shop.open(
        tmp_path,
        actions={"refund": Action(name="refund", limit=Decimal(0))},
        carrier=Company({"refund": endpoint}),
    )
    await shop.knows("cus_7", "Ann Keller", "email:ann@post.test")
    await shop.hears("email", "ann@post.test", WISH)
    async with opened(shop) as office:
        yield office
    await shop.close()


def told(office: Office) -> list[str]:
    return [reply.text for reply in office.channels["email"].arrived]


async def test_what_waits_is_shown_and_done_on_approval_and_the_customer_told(
    office: Office, twin: CompanyTwin
) -> None:
    browser = await office.signed_in()
    page = text_of((await browser.get("/console/cases/1")).text)
    assert "refund $50: waits for your approval" in page
    assert not twin.attempts
    await browser.post("/console/cases/1/approve", data={"run": "1"})
    await office.delivered()
    assert twin.refunded() == 50
    assert told(office) == ["A refund of $50 has been made. You will see it in 3 to 5 days."]
    assert "refund $50: done (R-1)" in text_of((await browser.get("/console/cases/1")).text)


async def test_it_is_done_once_however_often_it_is_approved(office: Office, twin: CompanyTwin) -> None:
    browser = await office.signed_in()
    await browser.post("/console/cases/1/approve", data={"run": "1"})
    again = await browser.post("/console/cases/1/approve", data={"run": "1"})
    assert again.status_code == 409
    assert "waits for nobody any more" in text_of(again.text)
    assert twin.refunded() == 50


async def test_an_approval_that_fails_says_so_and_tells_the_customer_nothing(office: Office, twin: CompanyTwin) -> None:
    twin.trouble = "refuses"
    browser = await office.signed_in()
    answer = await browser.post("/console/cases/1/approve", data={"run": "1"})
    await office.delivered()
    assert answer.status_code == 409
    assert "The refund $50 was refused: the invoice is closed" in text_of(answer.text)
    assert not told(office)


@pytest.mark.parametrize("run", ["2", "-1", "", "x", "9" * 40])
async def test_no_other_action_can_be_approved_here(office: Office, twin: CompanyTwin, run: str) -> None:
    answer = await (await office.signed_in()).post("/console/cases/1/approve", data={"run": run})
    assert answer.status_code == 409
    assert not twin.attempts


async def test_a_declined_one_is_never_done(office: Office, twin: CompanyTwin) -> None:
    browser = await office.signed_in()
    await browser.post("/console/cases/1/decline", data={"run": "1"})
    answer = await browser.post("/console/cases/1/approve", data={"run": "1"})
    assert answer.status_code == 409
    assert not twin.attempts
    assert "refund $50: declined" in text_of((await browser.get("/console/cases/1")).text)
