"""Quick actions: said to the letter before they run, run once, and by a lead's leave where policy asks for one."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from core.accounts import Role
from core.actions import LIMIT_FOR, Action
from core.backends.carrying import Company, Endpoint
from core.quick import AskedAlready, Order
from core.runs import Request
from identity.proof import Proof
from tests.console.office import Office, Outline, opened, text_of
from tests.shop import START, Shop
from tests.twins.company import KEY, CompanyTwin, company

ISSUE = "I was charged $99 instead of $49 for order W4829137."
CASE = "/console/cases/1"
REFUND = f"{CASE}/actions/refund"
DEED = "Refund $50.00 to Ann Keller (cus_7) for order W4829137"


@pytest.fixture
async def twin() -> AsyncIterator[CompanyTwin]:
    async with company() as twin:
        yield twin


@pytest.fixture
async def office(tmp_path: Path, twin: CompanyTwin) -> AsyncIterator[Office]:
    endpoint = Endpoint(url=twin.url, headers={"Authorization": KEY})
    shop = await Shop.open(
        tmp_path,
        actions={
            "refund": Action(name="refund", limit=Decimal(60)),
            "callback": Action(name="callback", approval=True),
        },
        carrier=Company({"refund": endpoint, "callback": endpoint}),
    )
    await shop.knows("cus_7", "Ann Keller", "email:ann@post.test")
    await shop.hears("email", "ann@post.test", ISSUE)
    async with opened(shop) as office:
        yield office
    await shop.close()


def form_of(page: str) -> dict[str, str]:
    """The fields of the form that confirms."""
    fields = {name: Outline(page).field(name)["value"] or "" for name in ("seal", "once")}
    amounts = re.findall(r'type="hidden" name="amount" value="([^"]*)"', page)
    return fields | {"amount": amounts[0] if amounts else ""}


async def confirmed(
    browser: httpx.AsyncClient, path: str = REFUND, *, amount: str = "", why: str = ""
) -> httpx.Response:
    """Looks at what will happen, and has it happen."""
    looked = await browser.get(path, params={"amount": amount} if amount else {})
    return await browser.post(path, data=form_of(looked.text) | {"why": why})


def told(office: Office) -> list[str]:
    return [reply.text for reply in office.channels["email"].arrived]


# ── within policy ──
async def test_what_will_happen_is_said_to_the_letter_and_nothing_happens_before(
    office: Office, twin: CompanyTwin
) -> None:
    agent = await office.colleague("bea")
    assert 'value="50.00"' in (await agent.get(CASE)).text
    page = await agent.get(REFUND)
    assert DEED in text_of(page.text)
    assert not twin.attempts
    done = await agent.post(REFUND, data=form_of(page.text))
    await office.delivered()
    assert "It is done, and the customer is told so." in text_of(done.text)
    assert twin.refunded() == 50
    assert told(office) == ["A refund of $50 has been made. You will see it in 3 to 5 days."]
    assert "refund $50: done (R-1) (asked by bea)" in text_of(done.text)


async def test_one_form_asks_once_however_often_it_is_sent(office: Office, twin: CompanyTwin) -> None:
    agent = await office.colleague("bea")
    form = form_of((await agent.get(REFUND)).text)
    await agent.post(REFUND, data=form)
    again = await agent.post(REFUND, data=form)
    await office.delivered()
    assert twin.refunded() == 50
    assert len(twin.attempts) == 1
    assert again.status_code == 409, "what would happen has changed: a lead has to agree to a second one"
    assert len(told(office)) == 1


async def test_two_windows_of_one_colleague_cannot_both_have_it_done(office: Office, twin: CompanyTwin) -> None:
    twin.trouble = "takes in"  # the outcome is never told
    agent = await office.colleague("bea")
    forms = [form_of((await agent.get(REFUND)).text) for _ in range(2)]
    first = await agent.post(REFUND, data=forms[0])
    assert first.status_code == 409
    assert "did not say that it is done" in text_of(first.text)
    second = await agent.post(REFUND, data=forms[1])
    assert second.status_code == 409
    assert len(twin.attempts) == 1
    assert not told(office)
    assert "It was asked for already" in text_of((await agent.get(REFUND)).text)


async def test_less_may_be_given_and_never_more_than_was_charged(office: Office, twin: CompanyTwin) -> None:
    agent = await office.colleague("bea")
    assert "Refund $20.50 to Ann Keller" in text_of((await agent.get(REFUND, params={"amount": "20.50"})).text)
    for amount in ("99.01", "0", "-5", "1e9", "many", "1.005", "NaN"):
        page = await agent.get(REFUND, params={"amount": amount})
        assert page.status_code == 409, amount
        assert f'value="{amount}"' in page.text
    await confirmed(agent, amount="20.50")
    assert twin.refunded() == Decimal("20.50")


async def test_a_page_that_says_something_else_than_would_happen_is_refused(office: Office, twin: CompanyTwin) -> None:
    agent = await office.colleague("bea")
    form = form_of((await agent.get(REFUND, params={"amount": "5"})).text) | {"amount": "50"}
    answer = await agent.post(REFUND, data=form)
    assert answer.status_code == 409
    assert "something has changed since you looked" in text_of(answer.text)
    assert not twin.attempts


def wish(once: str, case: int = 1, **changes: object) -> Order:
    """What a colleague asks for, as it reaches the record."""
    request = Request(
        id=once, action="refund", customer="cus_7", amount="50.00", shown="$50", facts={}, language="en",
        proof="proven", requested_at=START.isoformat(),
    )  # fmt: skip
    plain = Order(
        once=once, case=case, handle=1, request=request, asked_by="bea", why="", at_once=True, handles=[1],
        limit=Decimal(60), since=START - LIMIT_FOR,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


async def test_of_two_orders_at_once_one_is_on_record(office: Office) -> None:
    ledger, now = office.shop.ledger, office.shop.now
    both = await asyncio.gather(
        *(ledger.order_run(wish(once), now=now) for once in ("one", "two")), return_exceptions=True
    )
    assert [isinstance(one, AskedAlready) for one in both] == [False, True]
    again, is_new = await ledger.order_run(wish("one"), now=now)
    assert (again.state, is_new) == ("running", False)


async def test_two_orders_at_once_cannot_both_have_the_rest_of_the_limit(office: Office) -> None:
    await office.shop.hears("email", "ann@post.test", "My parcel B7700112 never came, that is another thing.")
    ledger, now = office.shop.ledger, office.shop.now
    orders = [ledger.order_run(wish(f"for {case}", case), now=now) for case in (1, 2)]
    assert [run.state for run, _ in await asyncio.gather(*orders)] == ["running", "waiting"]


async def test_what_broke_off_is_said_to_be_unknown_and_not_done_again(office: Office, twin: CompanyTwin) -> None:
    await office.shop.ledger.order_run(wish("one"), now=office.shop.now)
    office.shop.later(minutes=3)
    agent = await office.colleague("bea")
    await agent.get(CASE)
    page = await agent.get(CASE)
    assert "refund $50: outcome not known: we broke off while it was carried out" in text_of(page.text)
    assert "Refund cannot be run: It was asked for already" in text_of(page.text)
    assert not twin.attempts


# ── a lead's leave ──
async def test_above_the_limit_a_lead_agrees_and_not_the_one_who_asked(office: Office, twin: CompanyTwin) -> None:
    agent, lead = await office.colleague("bea"), await office.colleague("carl", Role.LEAD)
    looked = await agent.get(REFUND, params={"amount": "70"})
    assert "It is more than the $50.00 that the record comes to" in text_of(looked.text)
    refused = await confirmed(agent, amount="70")
    assert "tell the lead why" in text_of(refused.text)
    asked = await confirmed(agent, amount="70", why="for the trouble")
    assert "The leads see it under Approvals" in text_of(asked.text)
    assert "You cannot approve it: a lead has to agree" in text_of(asked.text)
    own = await agent.post(f"{CASE}/approve", data={"run": "1"})
    assert own.status_code == 409
    assert not twin.attempts
    page = text_of((await lead.get("/console/approvals")).text)
    assert "refund $70 Ann Keller bea for the trouble" in page
    assert (await agent.get("/console/approvals")).status_code == 404
    done = await lead.post(f"{CASE}/approve", data={"run": "1", "from": "approvals"})
    await office.delivered()
    assert "Nothing waits for a lead." in text_of(done.text)
    assert twin.refunded() == 70
    assert told(office) == ["A refund of $70 has been made. You will see it in 3 to 5 days."]
    assert "Taken by bea" in text_of((await agent.get(CASE)).text)


async def test_a_lead_who_asked_needs_another_lead_where_there_is_one(office: Office, twin: CompanyTwin) -> None:
    carl, dora = await office.colleague("carl", Role.LEAD), await office.colleague("dora", Role.LEAD)
    await confirmed(carl, f"{CASE}/actions/callback", why="they asked for it by phone")
    assert not twin.attempts
    own = await carl.post(f"{CASE}/approve", data={"run": "1", "from": "approvals"})
    assert own.status_code == 409
    assert "another lead has to agree: boss, dora" in text_of(own.text)
    await dora.post(f"{CASE}/approve", data={"run": "1", "from": "approvals"})
    assert len(twin.done) == 1


async def test_the_only_lead_may_agree_alone_and_is_told_so(office: Office, twin: CompanyTwin) -> None:
    only = await office.signed_in()
    assert "You are the only lead" in text_of((await only.get(f"{CASE}/actions/callback")).text)
    await confirmed(only, f"{CASE}/actions/callback")
    assert len(twin.done) == 1


async def test_a_declined_wish_is_never_done(office: Office, twin: CompanyTwin) -> None:
    agent, lead = await office.colleague("bea"), await office.colleague("carl", Role.LEAD)
    await confirmed(agent, amount="70", why="for the trouble")
    await lead.post(f"{CASE}/decline", data={"run": "1", "from": "approvals"})
    answer = await lead.post(f"{CASE}/approve", data={"run": "1"})
    assert answer.status_code == 409
    assert not twin.attempts


async def test_what_they_got_before_counts_in_the_limit(office: Office, twin: CompanyTwin) -> None:
    agent = await office.colleague("bea")
    await confirmed(agent)
    await office.shop.hears("email", "ann@post.test", "I was charged $30 twice for order B7700112, a new problem.")
    case = "/console/cases/2/actions/refund"
    looked = await agent.get(case, params={"amount": "20"})
    assert "above the 60.00 that one customer may get in 30 days without a lead, and they got 50.00 lately" in text_of(
        looked.text
    )


# ── what cannot be run ──
async def test_for_an_unproven_customer_nothing_runs_and_the_page_says_why(office: Office, twin: CompanyTwin) -> None:
    agent = await office.colleague("bea")
    await office.shop.hears("email", "ann@post.test", ISSUE, proof=Proof.CLAIMED, conversation="t9")
    case = "/console/cases/2"
    page = text_of((await agent.get(case)).text)
    assert "Refund cannot be run: Nobody vouches for who wrote last" in page
    assert 'name="seal"' not in (await agent.get(f"{case}/actions/refund")).text
    answer = await agent.post(f"{case}/actions/refund", data={"seal": "x", "once": "x" * 12, "amount": "50"})
    assert answer.status_code == 409
    assert not twin.attempts


async def test_without_an_amount_on_record_the_page_says_what_to_ask_for(office: Office) -> None:
    agent = await office.colleague("bea")
    await office.shop.knows("cus_8", "Bob Marsh", "email:bob@post.test")
    await office.shop.hears("email", "bob@post.test", "I was charged twice.")
    assert "The record does not say how much" in text_of((await agent.get("/console/cases/2")).text)


async def test_an_action_that_is_not_set_up_becomes_a_task(office: Office) -> None:
    agent = await office.colleague("bea")
    page = await agent.get(CASE)
    assert "Credit $50.00 to Ann Keller (cus_7) for order W4829137" in text_of(page.text)
    made = await agent.post(f"{CASE}/tasks", data={"title": "Credit $50.00 to Ann Keller (cus_7)"})
    assert "The task stands on the case" in text_of(made.text)
    assert "Credit $50.00 to Ann Keller (cus_7) by bea" in text_of(made.text)


async def test_a_case_that_another_colleague_has_is_left_to_them(office: Office, twin: CompanyTwin) -> None:
    carl, bea = await office.colleague("carl"), await office.colleague("bea")
    await carl.post(f"{CASE}/take")
    answer = await confirmed(bea)
    assert answer.status_code == 409
    assert "carl has taken this case" in text_of(answer.text)
    assert not twin.attempts


async def test_the_company_s_no_is_told_to_the_colleague_alone(office: Office, twin: CompanyTwin) -> None:
    twin.trouble = "refuses"
    answer = await confirmed(await office.colleague("bea"))
    await office.delivered()
    assert answer.status_code == 409
    assert "The refund $50 was refused: the invoice is closed" in text_of(answer.text)
    assert not told(office)


async def test_what_is_done_and_cannot_be_told_is_said_to_be_both(office: Office, twin: CompanyTwin) -> None:
    agent = await office.colleague("bea")
    form = form_of((await agent.get(REFUND)).text)
    await office.shop.hears("email", "ann@post.test", "STOP", wish="stop")
    form = form_of((await agent.get(REFUND)).text)
    answer = await agent.post(REFUND, data=form)
    assert answer.status_code == 409
    assert "The refund $50 is done (R-1). Nothing was sent" in text_of(answer.text)
    assert "done: refund $50" in {note.text for note in office.shop.memory._notes.values()}, "and memory knows"
    assert twin.refunded() == 50


@pytest.mark.parametrize("name", ["bribe", "refund%0A", "%2e%2e", "x" * 300])
async def test_there_is_no_other_action(office: Office, twin: CompanyTwin, name: str) -> None:
    agent = await office.colleague("bea")
    assert (await agent.get(f"{CASE}/actions/{name}")).status_code in (404, 409)
    assert not twin.attempts


async def test_an_unknown_case_is_404(office: Office) -> None:
    agent = await office.colleague("bea")
    assert (await agent.get("/console/cases/99/actions/refund")).status_code == 404
    assert (await agent.post("/console/cases/99/actions/refund", data={})).status_code == 404


async def test_who_asked_and_who_agreed_is_audited_without_the_customer(office: Office) -> None:
    agent, lead = await office.colleague("bea"), await office.colleague("carl", Role.LEAD)
    await confirmed(agent, amount="70", why="for the trouble")
    await lead.post(f"{CASE}/approve", data={"run": "1"})
    page = text_of((await lead.get("/console/audit")).text)
    assert "bea asked for a refund case 1" in page
    assert "carl approved a refund case 1" in page
    assert "Ann" not in page


async def test_what_the_customer_asked_for_needs_a_lead_only_beyond_the_limit(
    tmp_path: Path, twin: CompanyTwin
) -> None:
    for limit, status in ((60, 200), (40, 409)):
        endpoint = Endpoint(url=twin.url, headers={"Authorization": KEY})
        known = {"refund": Action(name="refund", limit=Decimal(limit))}
        shop = await Shop.open(tmp_path / str(limit), actions=known, carrier=Company({"refund": endpoint}))
        await shop.knows("cus_7", "Ann Keller", "email:ann@post.test")
        await shop.hears("email", "ann@post.test", f"{ISSUE} Please refund me.")
        async with opened(shop) as office:
            agent = await office.colleague("bea")
            answer = await agent.post(f"{CASE}/approve", data={"run": "1"})
            assert answer.status_code == status
            assert ("a lead has to agree. It is above the 40.00" in text_of(answer.text)) is (limit == 40)
        await shop.close()
    assert len(twin.done) == 1
