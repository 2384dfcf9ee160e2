"""The company's endpoint fails in every way there is: the customer is told honestly that it is not certain, a person
gets the case, staff see why; one that fails on and on is not asked, and then it is certain that nothing was done."""

from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from core.actions import Action
from core.backends.carrying import Company, Endpoint
from core.breaker import IN_A_ROW, Breaker
from core.sparing import ENDPOINT, SparedCarrier, endpoint_is_away
from tests.console.office import Office, opened, text_of
from tests.faults.front import FAULTS, Front
from tests.shop import Shop
from tests.twins.company import KEY, CompanyTwin, company

WISH = "I was charged $99 instead of $49 for order W4829137, for the third time. Please refund me."
REFUND = ENDPOINT.format("refund")


@pytest.fixture
async def twin() -> AsyncIterator[CompanyTwin]:
    async with company() as opened_one:
        yield opened_one


@pytest.fixture
async def front(twin: CompanyTwin) -> AsyncIterator[Front]:
    async with Front(behind=twin.url).open() as passing:
        yield passing


@pytest.fixture
async def office(tmp_path: Path, front: Front) -> AsyncIterator[Office]:
    refund = Action(name="refund", limit=Decimal(50), patience=2.0)
    shop = await Shop.open(tmp_path, actions={"refund": refund})
    for number in range(IN_A_ROW + 2):
        await shop.knows(f"cus_{number}", "John Smith", f"email:john{number}@post.test")
    async with opened(shop) as made:
        endpoint = Endpoint(url=front.url, headers={"Authorization": KEY})
        spared = SparedCarrier(Company({"refund": endpoint}), partial(_breaker, made), made.health.note)
        object.__setattr__(shop.engine.actions, "carrier", spared)
        object.__setattr__(made.ports.status, "actions", ["refund"])
        yield made
    await shop.close()


def _breaker(office: Office, name: str) -> Breaker:
    return Breaker(lambda: office.shop.now, partial(office.health.rests, name), endpoint_is_away)


async def page(office: Office) -> str:
    return text_of((await (await office.signed_in()).get("/console/status")).text)


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_said_to_be_done_that_may_not_be(
    office: Office, twin: CompanyTwin, front: Front, fault: str
) -> None:
    await front.begins(fault)
    said = await office.shop.hears("web", "cus_1", WISH)
    readable = fault in {"malformed", "wrong type"}  # 2xx is what says that it was done
    assert ("has been made" in said) == readable
    if not readable:
        assert "colleague" in said
        case = (await office.shop.ledger.case_file(1, reachable=(), now=office.shop.now)).case
        assert case.status == "handed_off"
    if not (readable or fault.startswith("429")):  # no, and that is an answer
        assert "failed in the last hour: 1 ×" in await page(office)

    await front.ends()
    assert "has been made" in await office.shop.hears("web", "cus_2", WISH)
    assert not office.health.of(REFUND).ails
    assert len(twin.attempts) == len(set(twin.attempts))


async def test_an_endpoint_that_is_away_is_left_alone(office: Office, twin: CompanyTwin, front: Front) -> None:
    await front.begins("503")
    for number in range(IN_A_ROW):
        await office.shop.hears("web", f"cus_{number}", WISH)
    said = await office.shop.hears("web", f"cus_{IN_A_ROW}", WISH)
    assert front.met == IN_A_ROW
    assert not twin.done
    assert "I could not get" in said
    assert "resting until" in await page(office)
