"""The timeline over all channels: every line once and with its source, however many there are; and what the panel shows
of what was attempted, promised and told before. Whatever is read is found by an index."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Connection, event, insert, select, update

from core.backends.ledger import casefiles, panels, schema
from core.backends.ledger.schema import action_runs, facts, handles, messages, outbox, patterns, turns
from core.merging import Order
from core.panel import Kind, Place, Wanted, became, joined
from tests.console.office import Office, Outline, text_of
from tests.console.test_cases import CHARGED, ann_writes
from tests.shop import START

CASE = "/console/cases/1"


async def write(office: Office, statement: object) -> None:
    await office.shop.ledger._database.write(lambda tx: tx.execute(statement))  # type: ignore[call-overload]


async def everything(browser: httpx.AsyncClient, path: str) -> list[str]:
    """What every page of the timeline says, the newest first, by following "Load older" to the end."""
    said: list[str] = []
    while path:
        page = (await browser.get(path)).text
        lines = page[page.index('class="lines"') :]
        said += re.findall(r'<p class="said">(Line \d+)</p>', lines)[::-1]
        path = Outline(page).links.get("Load older", "")
    return said


def plant(tx: Connection, count: int, *, at_once: int) -> None:
    """So many lines of Ann's, so many of them in the same moment, by turns hers and ours."""
    (handle,) = tx.execute(select(handles).where(handles.c.channel == "email")).all()
    body = tx.execute(select(messages.c.body).limit(1)).scalar()
    reply = tx.execute(select(outbox.c.reply).limit(1)).scalar()
    whose = {"handle_id": handle.id, "channel": "email", "conversation": "with ann@shop.test"}
    for n in range(count):
        at = START - timedelta(days=9) + timedelta(hours=n // at_once)
        if n % 2:
            told = {"destination": "d", "reply": reply, "drawn_from": [handle.id], "sender": "bot", "state": "sent"}
            sent = {"maybe_twice": False, "parts_sent": 1, "attempts": 0, "error": ""}
            tx.execute(insert(outbox).values(**whose, **told, **sent, text=f"Line {n}", created_at=at))
        else:
            known = {"external_id": f"x{n}", "line": "email:ann@shop.test", "vouched": 2, "proof": 2, "body": body}
            when = {"received_at": at, "told_at": at, "state": "answered"}
            tx.execute(insert(messages).values(**whose, **known, **when, text=f"Line {n}"))


# ── pages ──
@pytest.mark.parametrize("at_once", [1, 7, 500])
async def test_every_line_is_shown_once_also_where_many_are_of_one_moment(office: Office, at_once: int) -> None:
    await ann_writes(office)
    await office.shop.ledger._database.write(lambda tx: plant(tx, 221, at_once=at_once))
    browser = await office.signed_in()
    said = await everything(browser, CASE)
    assert sorted(said) == sorted(f"Line {n}" for n in range(221))
    assert said[0] in {"Line 220", "Line 219"}
    assert sorted(await everything(browser, f"{CASE}?channel=email")) == sorted(said)
    assert await everything(browser, f"{CASE}?channel=slack") == []


async def test_a_line_names_its_channel_its_handle_its_proof_and_its_case(office: Office) -> None:
    await ann_writes(office, "My kettle W4829137 is broken")
    browser = await office.signed_in()
    await browser.post(f"{CASE}/resolve", data={"resolution": "Sent a new kettle"})
    office.shop.later(days=30)
    await ann_writes(office, CHARGED, channel="slack")
    browser = await office.signed_in()
    page = (await browser.get("/console/cases/2")).text
    seen = text_of(page[page.index('class="lines"') :])
    assert "Customer, email ann@shop.test , 2 Mar 2026, 09:00 UTC , vouched for, case 1" in seen
    assert "Customer, Slack T1/U7 , 1 Apr 2026, 09:00 UTC , vouched for" in seen
    assert "Resolved by admin: Sent a new kettle" in seen
    assert "Handed over to colleagues by the bot: The customer asked for a person." in seen
    assert Outline(page).links["case 1"] == "/console/cases/1"
    only = text_of((await browser.get("/console/cases/2?channel=slack")).text)
    assert "My kettle W4829137 is broken" not in only[only.index("Timeline") :]
    assert "charged $99 twice" in only[only.index("Timeline") :]


async def test_a_merge_stands_in_the_timeline(office: Office) -> None:
    await ann_writes(office)
    await office.shop.hears("discord", "4242", "My kettle is broken")
    order = Order(a="email:ann@shop.test", b="discord:4242", by="ada", at=office.shop.now)
    await office.shop.ledger.merge(order)
    browser = await office.signed_in()
    seen = text_of((await browser.get(CASE)).text)
    assert "were merged by ada" in seen
    assert "My kettle is broken" in seen


async def test_nobody_else_s_lines_are_ever_shown(office: Office) -> None:
    await ann_writes(office)
    await office.shop.hears("email", "eve@shop.test", "I am Eve and nobody's business, get me a human")
    browser = await office.signed_in()
    for path in (CASE, f"{CASE}?channel=email", f"{CASE}?before={Place.after(START + timedelta(days=9))}"):
        assert "nobody's business" not in (await browser.get(path)).text.replace("&#39;", "'")


@pytest.mark.parametrize("asked", ["before=x", "before=9-9-9-9", "before=99999999999999999-9-1", "before=-1-1-1"])
@pytest.mark.parametrize("also", ["", "&channel=<script>", "&channel=fax", "&seen=x"])
async def test_a_page_that_is_none_is_the_newest(office: Office, asked: str, also: str) -> None:
    await ann_writes(office)
    answer = await (await office.signed_in()).get(f"{CASE}?{asked}{also}")
    assert answer.status_code == 200
    assert "charged $99 twice" in answer.text


def test_a_place_reads_back_as_it_was_written() -> None:
    place = Place(START + timedelta(microseconds=7), Kind.NOTE, 12)
    assert Place.read(str(place)) == place


async def test_an_endless_mail_is_cut_and_says_so(office: Office) -> None:
    await ann_writes(office, "I want to speak to a human! " + "x" * 50_000)
    page = (await (await office.signed_in()).get(CASE)).text
    assert "characters more" in page
    assert len(page) < 120_000


# ── what stands beside ──
async def test_what_the_bot_attempted_is_shown_in_full_with_what_came_of_it(office: Office) -> None:
    await ann_writes(office)
    long = "I looked at your invoice. " * 60 + "That is all."
    now = office.shop.now
    asked = {"id": "a1", "action": "refund", "customer": "cus_7", "amount": "50.00", "shown": "$50", "facts": {}}
    asked |= {"language": "en", "proof": "proven", "requested_at": now.isoformat()}
    run = {"handle_id": 1, "case_id": 1, "action": "refund", "request": asked, "message": "", "approved_by": ""}
    pattern = {"category": "charge", "issue": "charged twice", "resolution": "Undo the second charge"}

    def done(tx: Connection) -> None:
        tx.execute(update(outbox).where(outbox.c.case_id == 1).values(text=long))
        refused = {"state": "refused", "reference": "", "error": "limit reached", "begun_at": now}
        tx.execute(insert(action_runs).values(**run, **refused))
        tx.execute(insert(patterns).values(case_id=1, confirmed_by="bea", made_at=now, **pattern))
        tx.execute(update(turns).where(turns.c.case_id == 1).values(article="Charges that come twice", pattern_id=1))

    await office.shop.ledger._database.write(done)
    page = (await (await office.signed_in()).get(CASE)).text
    tried = page[page.index("What the AI tried") : page.index("</section>", page.index("What the AI tried"))]
    assert long in tried
    assert "<details>" in tried
    seen = text_of(tried)
    assert "Asked the company" in seen
    assert "refund $50: refused (limit reached)" in seen
    assert "Offered the article" in seen
    assert "Charges that come twice" in seen
    assert "Undo the second charge" in seen


async def test_a_promise_says_who_made_it_and_when(office: Office) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea")
    await bea.post(f"{CASE}/reply", data={"reply": "Sorry! You'll get the money by Friday.", "id": "r1"})
    seen = text_of((await bea.get(CASE)).text)
    assert "What we promised You'll get the money by Friday. bea, 2 Mar 2026, 09:00 UTC" in seen


async def test_what_is_known_says_where_from_and_what_was_known_before(office: Office) -> None:
    await ann_writes(office, "I was charged $99 twice, the order is W4829137. A human please!")
    await write(office, update(facts).where(facts.c.slot == "order_id").values(superseded_at=office.shop.now))
    office.shop.later(minutes=3)
    await ann_writes(office, "Sorry, the order that I was charged twice for is W1111111.")
    page = (await (await office.signed_in()).get(CASE)).text
    known = text_of(page[page.index("What is known") : page.index("What was told before")])
    assert "Order id W1111111 email, 2 Mar 2026, 09:03 UTC" in known
    assert "W4829137" not in known
    before = page[page.index("<details>\n<summary>What was told before") :]
    assert "Order id W4829137 email, 2 Mar 2026, 09:00 UTC" in text_of(before[: before.index("</details>")])
    links, targets = set(re.findall(r'href="#(m\d+)"', page)), {a.get("id") for _, a in Outline(page).elements}
    assert links
    assert links <= targets


async def test_a_fact_leads_to_its_message_however_long_ago_that_was(office: Office) -> None:
    await ann_writes(office)
    await office.shop.ledger._database.write(lambda tx: plant(tx, 60, at_once=1))
    await write(office, update(outbox).where(outbox.c.text.like("Line%")).values(created_at=START + timedelta(hours=1)))
    await write(
        office,
        update(messages)
        .where(messages.c.text.like("Line%"))
        .values(told_at=START + timedelta(hours=1), received_at=START + timedelta(hours=1)),
    )
    browser = await office.signed_in()
    page = (await browser.get(CASE)).text
    assert 'id="m1"' not in page, "it is not on the newest page"
    href = re.findall(r'href="(\?before=[\d-]+)#m1"', page)[0]
    assert 'id="m1"' in (await browser.get(CASE + href)).text


async def test_what_worked_for_others_comes_with_how_often_and_the_best_first(office: Office) -> None:
    for n, (words, score) in enumerate((("Asked for patience", "1"), ("Undid the second charge", "5")), 1):
        await office.shop.hears("slack", f"T1/U{n}", "I was charged $99 twice on my invoice, a human please")
        browser = await office.signed_in()
        await browser.post(f"/console/cases/{n}/resolve", data={"resolution": words, "satisfaction": "4"})
        if score == "1":
            await write(office, update(schema.pattern_votes).values(helpful=False))
    await office.shop.hears("slack", "T1/U9", "I was charged $99 twice on my invoice, a human please")
    page = (await browser.get("/console/cases/3")).text
    seen = text_of(page[page.index("What worked for others") :])
    assert seen.index("Undid the second charge 100%, worked in 1 of 1") < seen.index("Asked for patience 0%")


# ── words ──
@pytest.mark.parametrize(
    ("before", "now", "by", "told"),
    [
        (("open", ""), ("handed_off", ""), "bot", "Handed over to colleagues by the bot"),
        (("handed_off", ""), ("handed_off", "bea"), "bea", "Taken by bea"),
        (("open", ""), ("handed_off", "bea"), "bea", "Taken by bea"),
        (("handed_off", "bea"), ("handed_off", "carl"), "bea", "Transferred to carl by bea"),
        (("handed_off", "bea"), ("handed_off", "carl"), "carl", "Taken over from bea by carl"),
        (("handed_off", "bea"), ("open", ""), "bea", "Handed back to the bot by bea"),
        (("handed_off", "bea"), ("resolved", "bea"), "bea", "Resolved by bea"),
        (("open", ""), ("resolved", ""), "customer", "Resolved by the customer"),
        (("resolved", "bea"), ("handed_off", "carl"), "carl", "Opened again by carl"),
        (("resolved", "bea"), ("open", ""), "customer", "Opened again by the customer"),
    ],
)
def test_a_step_in_words(before: tuple[str, str], now: tuple[str, str], by: str, told: str) -> None:
    assert became(before, now, by) == told


def test_a_link_in_words() -> None:
    assert joined("code", "A and B", "customer", ended=False) == "A and B were linked by a code"
    assert joined("operators", "A and B", "ann", ended=False) == "A and B were merged by ann"
    assert joined("operator", "A and B", "ann", ended=True) == "A and B are linked no more"
    assert joined("apart", "A and B", "ann", ended=False) == "A and B were told apart by ann"


# ── how it is read ──
async def test_no_statement_of_the_page_reads_a_whole_table(office: Office) -> None:
    """Those that would: every message, reply, fact, case, note or turn of everybody."""
    await ann_writes(office)
    asked: list[tuple[str, object]] = []

    def looks(tx: Connection) -> list[str]:
        def note(_c: object, _cursor: object, statement: str, given: object, *_: object) -> None:
            asked.append((statement, given))

        event.listen(tx, "before_cursor_execute", note)
        casefiles.case_file(tx, 1, {"email"}, office.shop.now)
        for wanted in (Wanted(), Wanted(channel="email"), Wanted(before=Place.after(START))):
            panels.panel(tx, 1, wanted, office.shop.now)
        casefiles.case_state(tx, 1)
        event.remove(tx, "before_cursor_execute", note)
        steps = [tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", given).all() for one, given in asked]  # type: ignore[arg-type]
        return [row.detail for rows in steps for row in rows]

    plans = await office.shop.ledger._database.read(looks)
    assert len(asked) > 30
    big = re.compile(
        r"SCAN (messages|outbox|facts|cases|notes|turns|case_steps|access_log|pattern_votes|action_runs)\b"
    )
    assert [step for step in plans if big.search(step)] == []
    for index in ("facts_moods", "messages_newest", "facts_by_handle"):
        assert any(f"INDEX {index}" in step for step in plans), index
