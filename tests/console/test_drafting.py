"""A suggested reply: behind the gate of who will get it, with what it rests on, and sent by colleagues alone."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Table, func, select

from core.backends.ledger.schema import access_log, drafts, facts, outbox, turns
from core.backends.openai_writer import OpenAIWriter
from core.backends.proofreading import Proofread
from core.backends.rules.writer import RulesWriter
from core.knowledge import Knowledge
from core.writing import WithFallback
from identity.proof import Proof
from tests.console.office import Office, Outline, opened, text_of
from tests.shop import HOUSE, Shop
from tests.twins.openai import KEY, MODEL, OpenAITwin, openai_twin

CASE = "/console/cases/1"
ISSUE = "I was charged $99 instead of $49 for order W4829137. Please refund me."
ARTICLE = """# Refunds for double charges

If you were charged twice we give the second charge back within 5 days once we see the order.
"""


@pytest.fixture
async def twin() -> AsyncIterator[OpenAITwin]:
    async with openai_twin() as twin:
        yield twin


async def furnished(shop: Shop, folder: Path) -> None:
    """With a case of somebody in the directory that waits for a colleague, and an article that was written since."""
    await shop.knows("cus_7", "Ann Keller", "email:ann@post.test", "phone:+15550123")
    await shop.hears("email", "ann@post.test", ISSUE)
    knowledge = folder / "knowledge"
    knowledge.mkdir()
    (knowledge / "charges.md").write_text(ARTICLE)
    shop.engine = replace(shop.engine, knowledge=Knowledge(knowledge))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    shop = await Shop.open(tmp_path)
    await furnished(shop, tmp_path)
    async with opened(shop) as office:
        yield office
    await shop.close()


@pytest.fixture
async def with_model(tmp_path: Path, twin: OpenAITwin) -> AsyncIterator[Office]:
    """The same, with a language model that the rules stand behind."""
    model = OpenAIWriter(KEY, twin.url, MODEL, 20.0)
    shop = await Shop.open(tmp_path)
    await furnished(shop, tmp_path)
    shop.engine = replace(shop.engine, writer=WithFallback(Proofread(model), RulesWriter()))
    async with opened(shop) as office:
        yield office
    await model.close()
    await shop.close()


async def suggested(browser: httpx.AsyncClient, typed: str = "", case: str = CASE, **more: str) -> httpx.Response:
    return await browser.post(f"{case}/draft", data={"reply": typed, **more})


def box(page: str) -> str:
    """What stands in the Reply box."""
    return page.split('id="reply"', 1)[1].split(">", 1)[1].split("</textarea>", 1)[0]


async def count(office: Office, table: Table) -> int:
    return int(
        await office.shop.ledger._database.read(
            lambda tx: tx.execute(select(func.count()).select_from(table)).scalar_one()
        )
    )


# ── the page ──
async def test_a_suggestion_stands_in_the_empty_box_with_what_it_rests_on(office: Office) -> None:
    page = await suggested(await office.signed_in())
    assert page.status_code == 200
    assert "we give the second charge back within 5 days" in box(page.text)
    assert "assistant of" not in box(page.text), "no disclosure: a colleague writes"
    assert "colleague" not in box(page.text), "the colleague is who answers"
    shown = text_of(page.text)
    assert "From: article. Refunds for double charges (charges.md)" in shown
    assert "From: amount. $99, told on 2 Mar 2026" in shown
    assert Outline(page.text).links["…9137, told on 2 Mar 2026"] == "#m1"
    assert 'id="m1"' in page.text
    assert "They ask for: refund. It is not done yet." in shown


async def test_what_was_typed_is_never_written_over_and_the_suggestion_can_be_chosen(office: Office) -> None:
    browser = await office.signed_in()
    page = await suggested(browser, "Dear Ann,\nI am at it.")
    assert box(page.text) == "Dear Ann,\nI am at it."
    assert "Use it" in Outline(page.text).buttons
    words = Outline(page.text).field("suggested")["value"]
    assert words
    assert "charge back within 5 days" in words
    chosen = await suggested(browser, "Dear Ann,\nI am at it.", use="yes", suggested=words)
    assert "charge back within 5 days" in box(chosen.text)


async def test_it_is_sent_and_learnt_by_nobody(office: Office) -> None:
    before = [await count(office, table) for table in (outbox, facts, turns)]
    await suggested(await office.signed_in())
    assert [await count(office, table) for table in (outbox, facts, turns)] == before
    assert not office.channels["email"].arrived
    assert "With the bot" not in text_of((await (await office.signed_in()).get(CASE)).text)


async def test_it_answers_everything_since_the_last_answer_and_nothing_before(office: Office) -> None:
    browser = await office.signed_in()
    await browser.post(f"{CASE}/reply", data={"reply": "I am looking into it.", "id": "one"})
    office.shop.later(minutes=5)
    await office.shop.hears("email", "ann@post.test", "The order was in my old name, Miller.")
    await office.shop.hears("email", "ann@post.test", "And the product was a kettle.")
    shown = text_of((await suggested(browser)).text)
    assert "From: their message. The order was in my old name, Miller." in shown
    assert "From: their message. And the product was a kettle." in shown
    assert "From: their message. I was charged" not in shown


async def test_it_is_in_the_customer_s_language(office: Office) -> None:
    await office.shop.hears("email", "dora@post.test", "Ich wurde zweimal belastet, 20 Euro, Bestellung B1234567.")
    page = await suggested(await office.signed_in(), case="/console/cases/2")
    assert "Das tut mir leid" in box(page.text)


async def test_reading_for_it_is_logged_in_the_colleague_s_name(office: Office) -> None:
    bea = await office.colleague("bea")
    await suggested(bea)
    rows = await office.shop.ledger._database.read(
        lambda tx: tx.execute(select(access_log).where(access_log.c.reader == "bea")).all()
    )
    assert any("draft" in row.rows and row.purpose == "staff" for row in rows)


async def test_an_unknown_case_is_404(office: Office) -> None:
    browser = await office.signed_in()
    for case in ("/console/cases/99", "/console/cases/x"):
        assert (await suggested(browser, case=case)).status_code == 404


# ── the gate ──
async def test_it_holds_nothing_that_its_reader_may_not_know(office: Office) -> None:
    await office.shop.hears(
        "email", "ann@post.test", "What about my charge of $12?", proof=Proof.CLAIMED, conversation="forged"
    )
    page = await suggested(await office.signed_in(), case="/console/cases/2")
    assert page.status_code == 200
    for secret in ("9137", "$99", "Ann"):
        assert secret not in box(page.text)


async def test_a_model_gets_what_the_reader_may_know_and_no_note_of_colleagues(
    with_model: Office, twin: OpenAITwin
) -> None:
    twin.says(reply="We are looking into the $99 charge of order ending 9137.", case=1)
    browser = await with_model.signed_in()
    await browser.post(f"{CASE}/note", data={"note": "Ann is a difficult one, give nothing."})
    await with_model.shop.hears("email", "ann@post.test", "My other number is +15550142.")
    await browser.post(f"{CASE}/reply", data={"reply": "Thank you.", "id": "one"})
    with_model.shop.later(minutes=5)
    await with_model.shop.hears("email", "ann@post.test", "How is it going?")
    page = await suggested(browser)
    assert box(page.text) == "We are looking into the $99 charge of order ending 9137."
    asked = json.dumps(twin.requests[-1])
    assert "difficult" not in asked
    assert "My other number is" in asked
    assert "+15550142" not in asked, "masked for who is proven and no more"
    assert asked.count("How is it going?") == 1, "what is answered stands there once"
    assert f"Written by {MODEL}" in text_of(page.text)


async def test_what_they_could_know_an_hour_ago_is_not_what_they_may_know_now(
    with_model: Office, twin: OpenAITwin
) -> None:
    shop = with_model.shop
    await shop.hears("web", "cus_9", "My charge of $7 is wrong. You can call +15550177.", conversation="chat1")
    browser = await with_model.signed_in()
    await browser.post("/console/cases/2/reply", data={"reply": "Thank you.", "id": "one"})
    shop.later(minutes=1)
    twin.says(case=2, issue="", facts=[])
    await shop.hears("web", "cus_9", "And now?", conversation="chat1")
    told = [await told_of(browser, twin)]
    shop.later(minutes=40)
    told.append(await told_of(browser, twin))
    assert ["+15550177" in words for words in told] == [True, False]


async def test_what_came_from_a_number_that_two_people_share_by_now_is_told_to_neither(
    with_model: Office, twin: OpenAITwin
) -> None:
    shop, browser = with_model.shop, await with_model.signed_in()
    twin.says(case=1, issue="", facts=[])
    await shop.hears("sms", "+15550123", "How does it stand?")
    told = []
    for _ in range(2):
        await suggested(browser)
        told.append(json.dumps(twin.requests[-1]["messages"]))
        await shop.knows("cus_8", "Bob Keller", "phone:+15550123")
    assert ["How does it stand?" in words for words in told] == [True, False]
    assert all("$99" in words for words in told), "the second goes to the mailbox, which is still Ann's"


async def test_who_is_less_proven_than_before_gets_nothing_of_other_channels(
    with_model: Office, twin: OpenAITwin
) -> None:
    shop = with_model.shop
    twin.says(case=1, issue="", facts=[])
    await shop.hears("sms", "+15550123", "How does it stand?")
    await shop.hears("email", "ann@post.test", "And now?", proof=Proof.PLAUSIBLE)
    await suggested(await with_model.signed_in())
    asked = json.dumps(twin.requests[-1]["messages"])
    assert "And now?" in asked
    assert "How does it stand?" not in asked


async def told_of(browser: httpx.AsyncClient, twin: OpenAITwin) -> str:
    """What the model is told of the chat's customer beside their newest words."""
    await suggested(browser, case="/console/cases/2")
    return json.dumps(twin.requests[-1]["messages"][:-1])


# ── a model that does not help ──
async def test_nothing_is_said_to_be_done_that_was_not(with_model: Office, twin: OpenAITwin) -> None:
    twin.says(reply="I have refunded the $50.", case=1)
    page = await suggested(await with_model.signed_in())
    assert "refunded" not in box(page.text)
    assert "These are the words of the offline rules." in text_of(page.text)


@pytest.mark.parametrize("trouble", ["500", "429", "html", "refuses"])
async def test_a_model_that_fails_leaves_the_rules_words_and_says_so(
    with_model: Office, twin: OpenAITwin, trouble: str
) -> None:
    twin.trouble = trouble
    page = await suggested(await with_model.signed_in())
    assert "charge back within 5 days" in box(page.text)
    assert "These are the words of the offline rules." in text_of(page.text)


async def test_a_model_that_is_slow_leaves_the_page_usable_and_says_so(with_model: Office, twin: OpenAITwin) -> None:
    twin.trouble = "hangs"
    browser = await with_model.signed_in()
    page = await suggested(browser)
    assert page.status_code == 200
    assert "The language model did not answer within 0.2 s." in text_of(page.text)
    sent = await browser.post(f"{CASE}/reply", data={"reply": box(page.text), "id": "one"})
    assert "Your reply is on its way." in text_of(sent.text)


async def test_a_writer_that_breaks_takes_nothing_with_it(office: Office) -> None:
    class Broken:
        async def answer(self, _brief: object) -> object:
            raise RuntimeError("a fault of ours")

    drafting = office.ports.drafting
    object.__setattr__(drafting, "writer", Broken())
    page = await suggested(await office.signed_in(), "Dear Ann,")
    assert page.status_code == 409
    assert "No reply could be suggested just now" in text_of(page.text)
    assert box(page.text) == "Dear Ann,"


async def test_a_draft_of_a_model_counts_in_the_hour_s_budget(with_model: Office, twin: OpenAITwin) -> None:
    shop, browser = with_model.shop, await with_model.signed_in()
    shop.engine = replace(shop.engine, house=replace(HOUSE, model_turns_an_hour=1))
    twin.says(reply="We are looking into the $99 charge.", case=1)
    assert box((await suggested(browser)).text) == "We are looking into the $99 charge."
    assert "charge back within 5 days" in box((await suggested(browser)).text), "the rules write the second"
    assert twin.calls == 1
    assert await count(with_model, drafts) == 2
