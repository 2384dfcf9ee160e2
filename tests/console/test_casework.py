"""What a colleague does with a case beside answering it: notes, transfer, taking over, snooze, opening again; two of
them cannot answer at once, and nobody answers over words that they have not seen."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from core.backends.ledger.schema import cases, notes, patterns, presence
from core.ledger import line_of
from tests.console.office import Office, Outline, text_of
from tests.console.test_cases import CHARGED, ann_writes
from tests.identity.blurter import Blurter, canary
from tests.shop import Shop

CASE = "/console/cases/1"


async def row(office: Office) -> dict[str, object]:
    """The case as it stands on record."""
    found = await office.shop.ledger._database.read(lambda tx: tx.execute(select(cases).where(cases.c.id == 1)).one())
    return dict(found._mapping)


def seen_on(page: str) -> str:
    """The number of the newest words that a page showed."""
    return Outline(page).field("seen")["value"] or ""


def typed_in(page: str, name: str) -> dict[str, str | None]:
    """A field, whatever it is."""
    return next(attrs for tag, attrs in Outline(page).elements if attrs.get("id") == name)


# ── notes ──
async def test_a_note_is_seen_by_every_colleague_with_who_wrote_it_and_when(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    assert "The note is kept." in (await bea.post(f"{CASE}/note", data={"note": "Carrier: back on Friday"})).text
    seen = text_of((await carl.get(CASE)).text)
    assert "Notes Carrier: back on Friday bea, 2 Mar 2026" in seen
    assert "Note by bea, 2 Mar 2026" in seen, "it stands in the timeline too"
    assert (await row(office))["assignee"] == "", "whoever writes a note has not taken the case"


async def test_a_note_may_be_written_on_a_case_that_another_has_or_that_is_closed(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    await bea.post(f"{CASE}/take")
    assert (await carl.post(f"{CASE}/note", data={"note": "Seen this before"})).status_code == 200
    await bea.post(f"{CASE}/resolve")
    page = (await carl.post(f"{CASE}/note", data={"note": "It was the card processor"})).text
    assert "It was the card processor" in page


async def test_no_writer_no_customer_and_no_memory_gets_a_note(office: Office) -> None:
    writer, secret = Blurter(), canary(77)
    office.shop.engine = replace(office.shop.engine, writer=writer)
    await ann_writes(office, f"My kettle {canary(1)} broke.")
    browser = await office.signed_in()
    await browser.post(f"{CASE}/note", data={"note": f"secretly {secret}"})
    office.shop.later(minutes=2)
    told = await office.shop.hears("email", "ann@shop.test", "Any news about it?")
    assert canary(1) in told, "the writer blurts out what it is given"
    assert secret not in told + repr(writer.briefs) + repr(office.shop.memory._notes)
    await browser.post(f"{CASE}/resolve", data={"resolution": "Sent a new one"})
    assert secret not in repr(office.shop.memory._notes) + repr(office.shop.memory._lessons)


async def test_a_note_is_exported_and_erased_with_its_customer(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post(f"{CASE}/note", data={"note": "Prefers the afternoon"})
    ledger = office.shop.ledger
    export = await ledger.export("cus_7", reader="bea", now=office.shop.now)
    assert [note["text"] for note in export.notes] == ["Prefers the afternoon"]
    receipt = await ledger.erase("cus_7", receipt="r1", now=office.shop.now)
    assert receipt.erased["notes"] == 1
    for table in (notes, presence):
        assert not await ledger._database.read(lambda tx, table=table: tx.execute(select(table)).all())  # type: ignore[misc]


async def test_a_note_goes_when_what_was_said_goes(office: Office) -> None:
    await ann_writes(office)
    await (await office.signed_in()).post(f"{CASE}/note", data={"note": "Prefers the afternoon"})
    await office.shop.ledger.erase_messages(office.shop.now + timedelta(days=1), 100)
    assert not await office.shop.ledger._database.read(lambda tx: tx.execute(select(notes)).all())


# ── transfer ──
async def test_a_case_is_given_to_a_colleague_with_a_note(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    page = Outline((await bea.get(CASE)).text)
    offered = [attrs.get("value") for tag, attrs in page.elements if tag == "option"]
    assert offered, "there is somebody to choose"
    page_text = (await bea.post(f"{CASE}/transfer", data={"to": "carl", "transfer_note": "You know the carrier"})).text
    assert "Your colleague has it now." in page_text
    assert "Transferred to carl by bea" in text_of(page_text)
    seen = text_of((await carl.get(CASE)).text)
    assert "Taken by carl" in seen
    assert "You know the carrier" in seen
    assert "Ann Keller" in text_of((await carl.get("/console?tab=mine")).text)
    refused = await bea.post(f"{CASE}/reply", data={"reply": "Too late"})
    assert (refused.status_code, "carl has taken this case" in refused.text) == (409, True)


@pytest.mark.parametrize("to", ["", "nobody", "dora", "bea"])
async def test_a_case_goes_to_no_one_who_is_not_there(office: Office, to: str) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea")
    await office.hires("dora")
    await office.shop.ledger.disable_account("dora", by="boss", now=office.shop.now)
    await bea.post(f"{CASE}/take")
    refused = await bea.post(f"{CASE}/transfer", data={"to": to, "transfer_note": "My careful words"})
    assert refused.status_code == 409
    assert typed_in(refused.text, "to")["aria-invalid"] == "true"
    assert 'id="to-problem"' in refused.text
    assert ">My careful words</textarea>" in refused.text
    assert (await row(office))["assignee"] == "bea"
    assert not await office.shop.ledger._database.read(lambda tx: tx.execute(select(notes)).all())


# ── two at once ──
async def test_who_has_a_case_is_told_before_anybody_types(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    await bea.post(f"{CASE}/take")
    office.shop.later(minutes=5)
    page = (await carl.get(CASE)).text
    assert "bea has this case since 5 min" in text_of(page)
    assert "disabled" in typed_in(page, "reply")
    send = page[: page.index(">Send<")].rpartition("<button")[2]
    assert "disabled" in send
    assert "Take over" in Outline(page).buttons
    mine = (await bea.get(CASE)).text
    assert "disabled" not in typed_in(mine, "reply")
    assert "Take over" not in Outline(mine).buttons


async def test_taking_over_is_confirmed_audited_and_seen_by_whoever_had_the_case(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    await bea.post(f"{CASE}/take")
    state = next(a["data-state"] for _, a in Outline((await bea.get(CASE)).text).elements if "data-state" in a) or ""
    asked = await carl.post(f"{CASE}/take-over", data={"reply": "My careful words"})
    assert asked.status_code == 409
    assert "Yes, take over" in Outline(asked.text).buttons
    assert (await row(office))["assignee"] == "bea", "nothing is done before it is confirmed"
    office.shop.later(minutes=5)
    done = await carl.post(f"{CASE}/take-over", data={"reply": "My careful words", "confirmed": "yes"})
    assert done.status_code == 200
    assert ">My careful words</textarea>" in done.text
    assert (await row(office))["assignee"] == "carl"
    told = await bea.get(CASE, headers={"if-none-match": state})
    assert "carl has this case since just now" in text_of(told.text)
    assert "Taken over from bea by carl" in text_of(told.text)
    boss = await office.signed_in("boss", "the long password of boss")
    audit = text_of((await boss.get("/console/audit")).text)
    assert "take over case 1" in audit
    assert audit.count("take over case 1") == 1


async def test_others_who_look_at_a_case_are_named_for_a_minute(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    assert "looking at this too" not in (await bea.get(CASE)).text
    assert "bea is looking at this too" in text_of((await carl.get(CASE)).text)
    state = next(a["data-state"] for _, a in Outline((await bea.get(CASE)).text).elements if "data-state" in a) or ""
    office.shop.later(seconds=50)
    assert (await bea.get(CASE, headers={"if-none-match": state})).status_code == 304
    office.shop.later(seconds=50)
    assert "bea is looking at this too" in text_of((await carl.get(CASE)).text), "a page that asks for news is open"
    office.shop.later(seconds=9)
    assert "looking at this too" in (await carl.get(CASE)).text
    office.shop.later(seconds=2)
    assert "looking at this too" not in (await carl.get(CASE)).text


async def test_whoever_has_the_page_open_looks_at_the_case(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    async with bea.stream("GET", "/console/live?case=1") as told:
        async for line in told.aiter_lines():
            if line == "event: case":
                break
        assert "bea is looking at this too" in text_of((await carl.get(CASE)).text)


async def test_of_two_who_send_in_the_same_moment_one_gets_through_and_nobody_loses_a_word(office: Office) -> None:
    for n in range(1, 6):
        await office.shop.hears("slack", f"T1/U{n}", f"I was charged ${n}0 twice, get me a human please")
    names = ["bea", "carl", "dora", "emil"]
    team = {name: await office.colleague(name) for name in names}

    async def sends(name: str, case: int) -> httpx.Response:
        form = {"reply": f"The words of {name}", "id": f"{name}-{case}", "seen": "99"}
        return await team[name].post(f"/console/cases/{case}/reply", data=form)

    for case in range(1, 6):
        answers = await asyncio.gather(*(sends(name, case) for name in names))
        statuses = [answer.status_code for answer in answers]
        assert sorted(statuses) == [200, 409, 409, 409]
        winner = names[statuses.index(200)]
        for name, answer in zip(names, answers, strict=True):
            if name != winner:
                assert f"{winner} has taken this case" in answer.text
                assert f">The words of {name}</textarea>" in answer.text
    await office.delivered()
    sent = [reply.text for reply in office.channels["slack"].arrived]
    assert len(sent) == 5


# ── words that were not seen ──
async def test_a_reply_over_unseen_words_waits_for_a_second_send(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = (await browser.get(CASE)).text
    office.shop.later(minutes=1)
    await ann_writes(office, "Wait, it was $89 and not $99!")
    form = {"reply": "You get $99 back", "id": "r1", "seen": seen_on(page)}
    answer = await browser.post(f"{CASE}/reply", data=form)
    assert answer.status_code == 409
    assert "the customer has written meanwhile" in answer.text
    assert ">You get $99 back</textarea>" in answer.text
    new = answer.text[answer.text.index(">new</strong>") :]
    assert "Wait, it was $89" in new
    assert (await row(office))["assignee"] == "", "nothing was done"
    await office.delivered()
    assert not office.channels["email"].arrived
    again = await browser.post(f"{CASE}/reply", data=form | {"reply": "You get $89 back", "seen": seen_on(answer.text)})
    assert again.status_code == 200
    await office.delivered()
    assert [reply.text for reply in office.channels["email"].arrived] == ["You get $89 back"]


async def test_words_on_another_channel_count_too(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    seen = seen_on((await browser.get(CASE)).text)
    office.shop.later(minutes=1)
    await ann_writes(office, "I was charged $99 twice, now I write here", channel="slack")
    answer = await browser.post(f"{CASE}/reply", data={"reply": "Hello", "seen": seen})
    assert answer.status_code == 409


async def test_what_was_not_seen_is_not_taken_for_seen_by_turning_a_page(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    seen = seen_on((await browser.get(CASE)).text)
    office.shop.later(minutes=1)
    await ann_writes(office, "One thing more: it was $89")
    assert seen_on((await browser.get(f"{CASE}?channel=slack&seen={seen}")).text) == seen


@pytest.mark.parametrize("seen", ["", "x", "-1", "٣", "9" * 40])
async def test_a_form_that_does_not_say_what_was_seen_is_sent(office: Office, seen: str) -> None:
    await ann_writes(office)
    answer = await (await office.signed_in()).post(f"{CASE}/reply", data={"reply": "Hello", "seen": seen})
    assert answer.status_code == 200


# ── snooze ──
async def test_a_snoozed_case_is_out_of_sight_until_its_time_has_come(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    page = (await browser.post(f"{CASE}/snooze", data={"until": "hour"})).text
    assert "Snoozed until 2 Mar 2026, 10:0" in text_of(page)
    assert "Ann Keller" not in (await browser.get("/console")).text
    assert "Ann Keller" in (await browser.get("/console?tab=snoozed")).text
    office.shop.later(minutes=61)
    assert "Ann Keller" in (await browser.get("/console?tab=all")).text
    assert "Snoozed until" not in (await browser.get(CASE)).text


async def test_a_snoozed_case_wakes_when_its_customer_writes(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post(f"{CASE}/snooze", data={"until": "tomorrow"})
    assert "Snoozed until 3 Mar 2026, 09:00 UTC" in text_of((await browser.get(CASE)).text)
    office.shop.later(minutes=5)
    await ann_writes(office, "Any news about the $99? The order was W4829137.")
    assert "Ann Keller" in (await browser.get("/console")).text
    assert (await row(office))["snoozed_until"] is None


async def test_a_snoozed_case_can_be_woken_and_nobody_is_called_for_it(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post(f"{CASE}/snooze", data={"until": "date", "date": "2026-03-20"})
    assert "Snoozed until 20 Mar 2026, 09:00" in text_of((await browser.get(CASE)).text)
    shop: Shop = office.shop
    long_ago = shop.now - timedelta(days=9)
    assert not await shop.ledger.to_call("slack", again_from=shop.now, oldest=long_ago)
    page = (await browser.post(f"{CASE}/wake")).text
    assert "Snoozed until" not in page
    assert "Ann Keller" in (await browser.get("/console")).text


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({}, "choose until when"),
        ({"until": "never"}, "choose until when"),
        ({"until": "date"}, "choose a day"),
        ({"until": "date", "date": "31.12.2026"}, "choose a day"),
        ({"until": "date", "date": "2026-03-01"}, "has gone by"),
        ({"until": "date", "date": "2036-03-01"}, "for a year at most"),
    ],
)
async def test_a_moment_that_is_none_is_refused_beside_its_field(
    office: Office, form: dict[str, str], why: str
) -> None:
    await ann_writes(office)
    refused = await (await office.signed_in()).post(f"{CASE}/snooze", data=form)
    assert refused.status_code == 409
    assert typed_in(refused.text, "until")["aria-describedby"] == "until-problem"
    assert why in refused.text[refused.text.index('id="until-problem"') :][:200]
    assert typed_in(refused.text, "date")["value"] == form.get("date", "")
    assert (await row(office))["snoozed_until"] is None


# ── opening again, and corrections ──
async def test_a_case_that_was_closed_by_mistake_is_opened_again(office: Office) -> None:
    await ann_writes(office)
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    office.shop.later(minutes=1)
    closed = await bea.post(f"{CASE}/resolve", data={"resolution": "Refunded the double charge", "satisfaction": "5"})
    assert "Send" not in Outline(closed.text).buttons
    page = (await carl.post(f"{CASE}/reopen")).text
    assert "The case is open again, and yours." in page
    assert "Opened again by carl" in text_of(page)
    assert "Send" in Outline(page).buttons
    now = await row(office)
    assert (now["status"], now["assignee"], now["resolution"]) == ("handed_off", "carl", "")
    assert (now["resolved_at"], now["satisfaction"]) == (None, None)
    kept = await office.shop.ledger._database.read(lambda tx: tx.execute(select(patterns)).all())
    assert len(kept) == 1
    shown = text_of((await bea.get(CASE)).text)
    assert "0%, worked in 0 of 1" in shown, "what it spoke well of counts for it no more"
    await carl.post(f"{CASE}/resolve", data={"resolution": "Refunded the double charge"})
    assert "worked in 1 of 1" in text_of((await bea.get(CASE)).text)


async def test_memory_holds_what_was_told_again_once_a_case_is_open_again(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    await browser.post(f"{CASE}/resolve", data={"resolution": "Refunded"})
    assert {kind for _, kind, _ in office.shop.memory._notes} == {"case"}
    await browser.post(f"{CASE}/reopen")
    assert {kind for _, kind, _ in office.shop.memory._notes} == {"fact"}


async def test_an_open_case_is_not_opened_again(office: Office) -> None:
    await ann_writes(office)
    refused = await (await office.signed_in()).post(f"{CASE}/reopen")
    assert (refused.status_code, "is open already" in refused.text) == (409, True)


async def test_a_mood_is_corrected_and_drawn(office: Office) -> None:
    await ann_writes(office)
    browser = await office.signed_in()
    office.shop.later(minutes=1)
    page = (await browser.post(f"{CASE}/mood", data={"mood": "angry"})).text
    assert "The mood is changed." in page
    drawn = next(attrs for tag, attrs in Outline(page).elements if tag == "svg")
    assert str(drawn["aria-label"]).endswith(", angry")
    refused = await browser.post(f"{CASE}/mood", data={"mood": "furious"})
    assert (refused.status_code, typed_in(refused.text, "mood")["aria-invalid"]) == (409, "true")


@pytest.mark.parametrize(("note", "why"), [("  ", "the note is empty"), ("x" * 10_001, "10,001 characters")])
async def test_a_note_that_is_none_is_refused_beside_its_field(office: Office, note: str, why: str) -> None:
    await ann_writes(office)
    refused = await (await office.signed_in()).post(f"{CASE}/note", data={"note": note})
    assert refused.status_code == 409
    assert typed_in(refused.text, "note")["aria-invalid"] == "true"
    assert why in refused.text[refused.text.index('id="note-problem"') :]
    assert note in refused.text


@pytest.mark.parametrize("deed", ["note", "transfer", "take-over", "snooze", "wake", "reopen", "mood"])
async def test_a_deed_on_a_case_that_does_not_exist_is_not_found(office: Office, deed: str) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea")
    form = {"note": "x", "to": "boss", "until": "hour", "mood": "angry", "confirmed": "yes"}
    assert (await bea.post(f"/console/cases/99/{deed}", data=form)).status_code == 404


async def test_who_took_over_while_the_bot_was_at_it_is_not_answered_over(office: Office) -> None:
    await ann_writes(office, CHARGED)
    bea = await office.colleague("bea")
    await office.hires("carl")
    office.shop.later(minutes=1)
    message = office.shop.message("email", "ann@shop.test", "Hello?")
    await office.shop.accept(message)
    await bea.post(f"{CASE}/transfer", data={"to": "carl"})
    assert await office.shop.answers(line_of(message)) == ""
