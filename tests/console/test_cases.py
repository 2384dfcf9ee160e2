"""A colleague at work: the queue, a case with its customer, answering, handing back, resolving, and what is learnt."""

import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.backends.ledger.schema import access_log, patterns
from core.errors import Fenced
from core.ledger import Settlement, Turn, line_of
from core.messages import Raw
from identity.proof import Proof
from tests.console.office import Office, Outline, text_of

CHARGED = "I was charged $99 twice, the order is W4829137. I already checked the invoice. I want to speak to a human!"


async def ann_writes(office: Office, text: str = CHARGED, channel: str = "email") -> None:
    """Ann Keller is in the directory, with a mailbox, a Slack account and a telephone."""
    await office.shop.knows(
        "cus_7", "Ann Keller", "email:ann@shop.test", "slack:T1/U7", "phone:+15550177", plan="Pro", value=12_500
    )
    who = {"email": "ann@shop.test", "slack": "T1/U7", "sms": "+15550177", "voice": "+15550177"}[channel]
    await office.shop.hears(channel, who, text)


# ── the queue ──
async def test_an_empty_queue_says_so_and_how_to_try(office: Office) -> None:
    page = (await (await office.signed_in()).get("/console")).text
    assert "Nobody is waiting" in page
    assert Outline(page).links["the chat page"] == "/chat"


async def test_the_queue_links_each_case_by_name_and_handed_off_ones_come_first(office: Office) -> None:
    await office.shop.hears("discord", "42", "My parcel never arrived.", display_name="Rob")
    office.shop.later(minutes=1)
    await ann_writes(office)
    office.shop.later(minutes=1)
    await office.shop.hears("slack", "T1/U9", "I want to speak to a human")
    office.shop.later(hours=3)
    page = (await (await office.signed_in()).get("/console")).text
    links = Outline(page).links
    names = [name for name, href in links.items() if href.startswith("/console/cases/")]
    assert names == ["Ann Keller", "Customer #3", "Rob"]
    ann = text_of(page.split("<tr")[2])
    for shown in ("VIP", "email", "3 h", "asked for a person", "nobody"):
        assert shown in ann
    assert "not in the directory" not in ann
    assert "not in the directory" in text_of(page.split("<tr")[4])


async def test_a_resolved_case_leaves_the_queue(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post("/console/cases/1/resolve")
    assert "Nobody is waiting" in (await browser.get("/console")).text


async def test_a_long_queue_is_turned_like_pages_and_the_oldest_stand_first(office: Office) -> None:
    for n in range(51):
        await office.shop.hears("slack", f"T1/U{n}", f"I was charged ${n + 10} twice, get me a human please")
    browser = await office.signed_in()
    first = (await browser.get("/console")).text
    assert (first.count('data-label="Issue"'), "$10 " in first, "$60 " in first) == (50, True, False)
    last = (await browser.get(Outline(first).links["Next"])).text
    assert (last.count('data-label="Issue"'), "$60 " in last) == (1, True)
    assert "Next" not in Outline(last).links
    assert Outline(last).links["Previous"] == "/console?tab=all"
    for page in ("0", "-1", "x", "٣", "9" * 30):
        assert (await browser.get("/console", params={"page": page})).text.count('data-label="Issue"') == 50
    assert "No case waits" in (await browser.get("/console?page=999")).text


async def test_a_page_of_the_queue_that_did_not_change_is_not_sent_again(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    state = str(
        next(a["data-state"] for _, a in Outline((await browser.get("/console")).text).elements if "data-state" in a)
    )
    assert (await browser.get("/console?page=1", headers={"if-none-match": state})).status_code == 304
    assert (await browser.get("/console?page=2", headers={"if-none-match": state})).status_code == 200


# ── the case ──
async def test_a_case_shows_all_that_is_known_of_its_customer(office: Office) -> None:
    await ann_writes(office, "I was charged $99 twice for my plan. I already checked the invoice.")
    office.shop.later(hours=1)
    await ann_writes(office, "Still nothing. This is a disgrace, I want to speak to a human!", channel="slack")
    page = (await (await office.signed_in()).get("/console/cases/1")).text
    seen = text_of(page)
    for shown in (
        "Ann Keller",
        "VIP",
        "ann@shop.test",
        "Pro",
        "12,500.00",
        "T1/U7",
        "The channel vouches for the account.",
        "charged $99 twice",
        "checked the invoice",
        "A valued customer with a money matter.",
        "Why a person is needed",
        "What the AI tried",
        "This is a disgrace",
        "Goes out by Slack",
    ):
        assert shown in seen, shown
    outline = Outline(page)
    assert (outline.count("h1"), outline.elements[0]) == (1, ("html", {"lang": "en"}))
    assert [b for b in outline.buttons if b in {"Take", "Send", "Resolve"}] == ["Take", "Send", "Resolve"]
    assert outline.field("reply")["id"] == "reply"
    assert '<label for="reply">Reply</label>' in page
    assert '<label for="resolution">Resolution</label>' in page


async def test_the_mood_is_drawn(office: Office) -> None:
    await ann_writes(office, "My order W4829137 has not arrived.")
    office.shop.later(hours=1)
    await ann_writes(office, "This is ridiculous, I am furious! Worst service ever!!! Where is my order?")
    page = (await (await office.signed_in()).get("/console/cases/1")).text
    drawn = next(attrs for tag, attrs in Outline(page).elements if tag == "svg")
    assert drawn["aria-label"] == "In this case, over time: neutral, angry"
    words = re.findall(r'<text class="scale"[^>]*>([^<]+)</text>', page)
    assert words[:6] == ["angry", "frustrated", "neutral", "positive", "2 Mar 2026", "2 Mar 2026"]
    (first, last) = re.findall(r"(\d+),(\d+)", re.findall(r'points="([^"]+)"', page)[0])
    assert int(first[0]) < int(last[0])
    assert int(first[1]) < int(last[1]), "an angry mood stands lower than a neutral one"


async def test_an_unproven_address_is_a_hint_and_shows_nothing_of_its_owner(office: Office) -> None:
    await ann_writes(office)
    await office.shop.hears("email", "ann@shop.test", CHARGED, proof=Proof.CLAIMED, conversation="thread-9")
    seen = text_of((await (await office.signed_in()).get("/console/cases/2")).text)
    assert "They say they are ann@shop.test, not proven." in seen
    assert "anybody could have written it" in seen
    assert "Keller" not in seen
    assert "12,500" not in seen


async def test_every_view_stands_in_the_access_log(office: Office) -> None:
    await ann_writes(office)
    browser = await office.colleague("bea")
    await browser.get("/console/cases/1")
    log = await office.shop.ledger._database.read(
        lambda tx: tx.execute(select(access_log).where(access_log.c.purpose == "staff")).all()
    )
    queue, case, panel = log
    assert {(row.reader, row.handle_id) for row in log} == {("bea", 1)}
    assert queue.rows == ["case:1"]
    assert {"case:1", "fact:1", "directory:cus_7"} <= set(case.rows)
    assert {"message:1", "outbox:1"} <= set(panel.rows)


async def test_a_page_is_read_again_only_when_something_happened(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    for path in ("/console", "/console/cases/1"):
        page = (await browser.get(path)).text
        state = next(a["data-state"] for _, a in Outline(page).elements if "data-state" in a) or ""
        assert (await browser.get(path, headers={"if-none-match": state})).status_code == 304
        office.shop.later(minutes=1)
        await ann_writes(office, "Hello, is anybody there? It was $99 for order W4829137.")
        assert (await browser.get(path, headers={"if-none-match": state})).status_code == 200


# ── answering ──
async def test_a_reply_goes_out_on_the_customers_channel_and_the_bot_is_silent(office: Office) -> None:
    await ann_writes(office, "My parcel has not arrived.")
    browser = await office.signed_in()
    assert "With the bot" in (await browser.get("/console/cases/1")).text
    page = await browser.post("/console/cases/1/reply", data={"reply": "Hello Ann,\r\nit is on its way."})
    assert "Your reply is on its way." in page.text
    await office.delivered()
    (sent,) = office.channels["email"].arrived
    assert (sent.text, sent.sender, sent.route) == ("Hello Ann,\nit is on its way.", "agent", {"to": "ann@shop.test"})
    seen = text_of((await browser.get("/console/cases/1")).text)
    assert "Taken by admin" in seen
    assert "Colleague admin, email" in seen
    office.shop.later(minutes=1)
    assert await office.shop.hears("email", "ann@shop.test", "Thank you, my parcel has still not arrived.") == ""


async def test_the_same_page_sends_once(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = Outline((await browser.get("/console/cases/1")).text)
    form = {"reply": "Hello Ann", "id": page.field("id")["value"]}
    await asyncio.gather(*(browser.post("/console/cases/1/reply", data=form) for _ in range(3)))
    await office.delivered()
    assert len(office.channels["email"].arrived) == 1


async def test_two_colleagues_cannot_answer_at_once(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    assert "It is yours" in (await bea.post("/console/cases/1/take")).text
    for deed in ("take", "reply", "resolve", "hand-back"):
        refused = await carl.post(f"/console/cases/1/{deed}", data={"reply": "My careful words", "resolution": "Mine"})
        assert refused.status_code == 409
        assert "bea has taken this case" in refused.text
        assert ">My careful words</textarea>" in refused.text
        assert ">Mine</textarea>" in refused.text
    await office.delivered()
    assert not office.channels["email"].arrived


async def test_an_empty_and_an_endless_reply_are_refused(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    for words, why in (("  ", "the reply is empty"), ("x" * 10_001, "10,001 characters")):
        refused = await browser.post("/console/cases/1/reply", data={"reply": words})
        assert refused.status_code == 409
        assert why in refused.text


async def test_a_turn_of_the_bot_that_was_under_way_is_fenced_off(office: Office) -> None:
    await ann_writes(office)
    office.shop.later(minutes=1)
    message = office.shop.message("email", "ann@shop.test", "Hello?")
    await office.shop.accept(message)
    turn = await office.shop.ledger.open_turn(
        line_of(message), token="t", now=office.shop.now, burst=timedelta(0), live=True
    )
    assert isinstance(turn, Turn)
    await (await office.signed_in()).post("/console/cases/1/take")
    with pytest.raises(Fenced):
        await office.shop.ledger.settle(Settlement(turn=turn, now=office.shop.now, keeper=turn.standing.keeper))


async def test_after_handing_back_the_bot_answers_again(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post("/console/cases/1/take")
    page = (await browser.post("/console/cases/1/hand-back")).text
    assert "With the bot" in page
    office.shop.later(minutes=1)
    assert await office.shop.hears("email", "ann@shop.test", "My order W4829137 was charged twice.")


async def test_after_a_call_the_reply_goes_to_another_proven_channel(office: Office) -> None:
    await ann_writes(office, "Hello", channel="sms")
    office.shop.later(minutes=1)
    await ann_writes(office, channel="voice")
    browser = await office.signed_in()
    assert "Goes out by SMS to +15550177" in text_of((await browser.get("/console/cases/1")).text)
    await browser.post("/console/cases/1/reply", data={"reply": "We tried to call you."})
    await office.delivered()
    assert [reply.text for reply in office.channels["sms"].arrived] == ["We tried to call you."]


async def test_after_a_call_by_somebody_unknown_there_is_no_channel(office: Office) -> None:
    await office.shop.hears("voice", "+15550199", "I want to speak to a human", proof=Proof.CLAIMED)
    browser = await office.signed_in()
    page = await browser.get("/console/cases/1")
    assert "There is no channel on which this customer can be answered" in page.text
    assert "Send" not in Outline(page.text).buttons
    refused = await browser.post("/console/cases/1/reply", data={"reply": "Hello?"})
    assert refused.status_code == 409
    assert "nobody" in text_of((await browser.get("/console")).text), "a refused reply does not take the case"


async def test_an_address_that_never_proved_itself_is_not_written_to(office: Office) -> None:
    await ann_writes(office, channel="voice")
    await office.shop.hears("sms", "+15550177", "Hello", proof=Proof.PLAUSIBLE)
    seen = text_of((await (await office.signed_in()).get("/console/cases/1")).text)
    assert "SMS +15550177 , not proven" in seen
    assert "There is no channel on which this customer can be answered" in seen


async def test_a_chat_that_was_opened_by_code_is_answered_while_the_code_lasts(office: Office) -> None:
    await ann_writes(office)
    office.shop.later(minutes=1)
    shown = await office.shop.hears("email", "ann@shop.test", "Please link my other account, which code do I need?")
    code = re.search(r"\b\d{6}\b", shown)
    assert code
    await office.shop.hears("web", "visitor", code[0], proof=Proof.CLAIMED, conversation="chat-1")
    office.shop.later(minutes=1)
    await office.shop.hears("web", "visitor", "Any news on my invoice?", proof=Proof.CLAIMED, conversation="chat-1")
    browser = await office.signed_in()
    seen = text_of((await browser.get("/console/cases/1")).text)
    for words in ("Ann Keller", "Any news on my invoice?", "entered a code", "Goes out by chat"):
        assert words in seen, words
    office.shop.later(minutes=15)
    seen = text_of((await browser.get("/console/cases/1")).text)
    assert "Goes out by email to ann@shop.test" in seen


async def test_a_number_that_was_silent_for_long_is_not_written_to(office: Office) -> None:
    await ann_writes(office, channel="sms")
    office.shop.later(days=46)
    page = (await (await office.signed_in()).get("/console/cases/1")).text
    assert "There is no channel on which this customer can be answered" in page


async def test_what_a_channel_refused_and_what_could_not_be_read_is_listed(office: Office) -> None:
    await ann_writes(office)
    office.channels["email"].refuses = "550 no such mailbox"
    browser = await office.signed_in()
    await browser.post("/console/cases/1/reply", data={"reply": "Hello Ann"})
    await office.delivered()
    raw = Raw(body=b"\xff\xfe nothing like a mail", received_at=office.shop.now)
    await office.shop.ledger.park("email", raw, "two senders in one mail")
    page = (await browser.get("/console/status")).text
    for shown in ("550 no such mailbox", "Hello Ann", "two senders in one mail", "nothing like a mail"):
        assert shown in text_of(page)
    assert Outline(page).links["Case 1"] == "/console/cases/1"
    assert "not delivered: 550 no such mailbox" in text_of((await browser.get("/console/cases/1")).text)


# ── resolving ──
RESOLUTION = "Refunded Ann Keller (ann@shop.test, +1 555 0177) for W4829137; duplicate charge of the card processor"


async def test_a_resolution_is_learnt_without_its_customer_and_suggested_to_the_next(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = await browser.post("/console/cases/1/resolve", data={"resolution": RESOLUTION})
    assert "The case is resolved." in page.text
    assert "duplicate charge" in page.text
    (pattern,) = await office.shop.ledger._database.read(lambda tx: tx.execute(select(patterns)).all())
    assert pattern.confirmed_by == "admin"
    for personal in ("Ann", "Keller", "ann@shop.test", "0177", "W4829137"):
        assert personal not in pattern.resolution + pattern.issue, personal
    assert "duplicate charge of the card processor" in pattern.resolution
    await office.shop.hears("discord", "42", "I was charged twice on my invoice! I want to speak to a human.")
    seen = text_of((await browser.get("/console/cases/2")).text)
    assert "duplicate charge of the card processor" in seen
    assert "worked in 1 of 1" in seen


async def test_a_colleague_may_say_how_satisfied_the_customer_is_and_then_nobody_asks(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    form = Outline((await browser.get("/console/cases/1")).text)
    assert [attrs.get("value") for tag, attrs in form.elements if tag == "option"].count("5") == 1
    page = await browser.post("/console/cases/1/resolve", data={"resolution": "Refunded", "satisfaction": "4"})
    assert "The customer rates it 4 of 5." in text_of(page.text)
    await office.delivered()
    assert not office.channels["email"].arrived


@pytest.mark.parametrize("satisfaction", ["0", "6", "٣", "5; DROP", "11"])
async def test_a_satisfaction_that_is_none_is_refused_and_nothing_is_closed(office: Office, satisfaction: str) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = await browser.post("/console/cases/1/resolve", data={"satisfaction": satisfaction, "resolution": "Done"})
    assert page.status_code == 409
    assert "a number from 1 to 5" in text_of(page.text)
    assert "Done" in page.text
    assert "Waits for a person" in text_of((await browser.get("/console/cases/1")).text)


async def test_a_customer_whose_word_is_not_known_is_asked_by_the_case_s_channel(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = await browser.post("/console/cases/1/resolve", data={"satisfaction": ""})
    assert "The customer rates it" not in page.text
    await office.delivered()
    (asked,) = office.channels["email"].arrived
    assert (asked.rates, asked.sender) == (1, "bot")
    assert "from 1" in asked.text


async def test_a_case_shows_how_the_mood_went_over_all_cases_and_how_often_they_came_back(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = text_of((await browser.get("/console/cases/1")).text)
    assert "Over all their cases: too little to tell." in page
    assert "Came back" not in page
    office.shop.later(days=2)
    await ann_writes(office, "Any news about the charge on my invoice?", "slack")
    browser = await office.signed_in()
    assert "Came back about it once within 7 days." in text_of((await browser.get("/console/cases/1")).text)


async def test_a_case_is_resolved_once(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post("/console/cases/1/resolve", data={"resolution": "Refunded"})
    again = await browser.post("/console/cases/1/resolve", data={"resolution": "Refunded twice"})
    assert again.status_code == 409
    assert "resolved already" in again.text
    kept = await office.shop.ledger._database.read(lambda tx: tx.execute(select(patterns.c.resolution)).scalars().all())
    assert kept == ["Refunded"]


@pytest.mark.parametrize("trouble", ["down", "asleep"])
async def test_a_memory_that_is_away_costs_nothing(office: Office, trouble: str) -> None:
    await ann_writes(office)
    office.shop.memory.down = trouble == "down"
    if trouble == "asleep":
        office.shop.memory.awake.clear()
    browser = await office.signed_in()
    assert (await browser.get("/console/cases/1")).status_code == 200
    page = await browser.post("/console/cases/1/resolve", data={"resolution": "Refunded"})
    office.shop.memory.awake.set()
    assert "The case is resolved." in page.text


async def test_a_promise_is_shown_on_the_case(office: Office) -> None:
    await office.shop.hears("slack", "T1/U7", "I was charged $99 twice, order W4829137. A human please!")
    browser = await office.signed_in()
    await browser.post("/console/cases/1/reply", data={"reply": "Sorry! You'll get the money by Friday.", "id": "r1"})
    page = text_of((await browser.get("/console/cases/1")).text)
    assert "What we promised You'll get the money by Friday." in page
