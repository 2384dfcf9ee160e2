"""The status page: what it says is measured, nothing on it is a secret, and what went wrong is put right from it."""

from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import select, update

from bots.condition import about
from bots.console.status import HERE
from bots.settings import Settings
from bots.version import version
from core.accounts import Role
from core.backends.ledger.schema import audit, outbox
from core.channel import Report
from core.errors import WriterFailed
from core.health import MOST, Health
from core.messages import Raw
from core.watched import MEMORY, MODEL, WatchedMemory, WatchedWriter
from core.writing import Answer, Brief, WithFallback
from tests.console.office import Office, Outline, opened, text_of
from tests.shop import START, Shop
from tests.site import raw_of, sample_paths


async def lead(office: Office) -> httpx.AsyncClient:
    return await office.colleague("lea", Role.LEAD)


async def seen(browser: httpx.AsyncClient) -> str:
    return text_of((await browser.get(HERE)).text)


async def a_refused_reply(office: Office) -> httpx.AsyncClient:
    """Ann wrote by mail, and what a colleague answered was refused."""
    await office.shop.hears("email", "ann@shop.test", "I was charged $99 twice. I want to speak to a human.")
    office.channels["email"].refuses = "550 no such mailbox"
    browser = await lead(office)
    await browser.post("/console/cases/1/reply", data={"reply": "Hello Ann"})
    await office.delivered()
    return browser


async def state_of(office: Office, reply: int) -> str:
    found = select(outbox.c.state).where(outbox.c.id == reply)
    return str(await office.shop.ledger._database.read(lambda tx: tx.execute(found).scalar()))


async def refused_reply(office: Office) -> int:
    (one,) = await office.shop.ledger.undelivered()
    return one.id


# ── what is measured ──
async def test_every_channel_says_whether_it_is_on_and_when_it_was_last_used(office: Office) -> None:
    await office.shop.hears("email", "ann@shop.test", "My kettle is broken.")
    office.shop.later(hours=3)
    page = await seen(await office.colleague("ada"))
    assert "Slack off: SLACK_BOT_TOKEN is not set" in page
    assert "email on its provider calls us 3 h 3 h none" in page
    assert "SMS on its provider calls us never never none" in page


async def test_what_a_listener_and_a_provider_did_in_the_last_hour_is_counted_by_reason(office: Office) -> None:
    office.health.note("listening discord")
    for _ in range(2):
        office.health.note("sending discord", "rate-limited")
    assert "Discord on yes, since 2 Mar 2026, 09:00 UTC never never 2 × rate-limited" in await seen(await lead(office))
    office.health.note("listening discord", "broke off (ConnectionError)")
    browser = await office.signed_in("lea", "the long password of lea")
    assert "no: broke off (ConnectionError)" in await seen(browser)
    office.shop.later(minutes=61)
    assert "rate-limited" not in await seen(browser)


async def test_what_waits_and_what_was_put_off_is_told_with_attempts_and_since_when(office: Office) -> None:
    await office.shop.hears("email", "ann@shop.test", "My kettle is broken.")
    put_off = office.shop.now + timedelta(minutes=15)
    waits = update(outbox).values(state="waiting", attempts=3, error="450 greylisted", due_at=put_off)
    await office.shop.ledger._database.write(lambda tx: tx.execute(waits))
    await office.shop.accept(office.shop.message("slack", "T1/U2", "Hello"))
    page = await seen(await lead(office))
    for shown in (
        "1 messages wait for an answer",
        "1 replies on their way, 0 due",
        "450 greylisted",
        "email: 1 put off",
    ):
        assert shown in page, shown
    office.shop.later(minutes=20)
    assert "1 replies on their way, 1 due" in await seen(await office.signed_in("lea", "the long password of lea"))


async def test_what_may_have_gone_out_twice_is_listed(office: Office) -> None:
    await office.shop.hears("email", "ann@shop.test", "My kettle is broken.")
    assert "None of the last day may have gone out twice." in await seen(await lead(office))
    twice = update(outbox).values(maybe_twice=True)
    await office.shop.ledger._database.write(lambda tx: tx.execute(twice))
    page = await seen(await office.signed_in("lea", "the long password of lea"))
    assert "May have gone out twice" in page
    assert "has gone out" in page


async def test_the_models_failures_are_counted_with_their_reasons(office: Office) -> None:
    class Flaky:
        fails = True

        async def answer(self, _brief: Brief) -> Answer:
            if self.fails:
                raise WriterFailed("429 from the model")
            return Answer(human_wanted=False, confidence=1)

    flaky = Flaky()
    writer = WithFallback(WatchedWriter(flaky, office.health.note), office.shop.engine.writer)
    brief = Brief(text="Hello", channel="web", language="en", languages=["en"], now=office.shop.now)
    assert (await writer.answer(brief)).fell_back == "429 from the model"
    assert "1 × 429 from the model" in await seen(await lead(office))
    flaky.fails = False
    assert not (await writer.answer(brief)).fell_back
    assert office.health.of(MODEL).well_at == office.shop.now
    page = await seen(await office.signed_in("lea", "the long password of lea"))
    for shown in ("Answers gpt-x at models.test", "Last success just now", "0 of 2,000 messages by the model"):
        assert shown in page, shown


async def test_memory_is_counted_against_the_record_and_its_silences_are_noted(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    async with opened(shop) as office:
        await shop.hears("email", "ann@shop.test", "I was charged $99 twice for order W4829137.")
        browser = await lead(office)
        page = await seen(browser)
        assert "lags behind" not in page
        held = await shop.memory.size()
        assert f"Rows {held} of {held} in the record" in page
        shop.later(minutes=2)
        await shop.hears_without_learning("email", "bob@shop.test", "My kettle is broken. It is order W1111111.")
        page = await seen(browser)
        assert "lags behind the record by" in page
        assert "python -m bots memory rebuild" in page
        watched = WatchedMemory(shop.memory, office.health.note)
        shop.engine = type(shop.engine)(**{**vars(shop.engine), "memory": watched})
        shop.memory.awake.clear()
        await shop.hears_without_learning("email", "eve@shop.test", "My lamp is broken.")
        assert [one.why for one in office.health.of(MEMORY).mishaps] == ["no answer in time"]
        shop.memory.awake.set()
        await shop.hears("email", "eve@shop.test", "And now?")
        assert office.health.of(MEMORY).ails == ""
    await shop.close()


async def test_the_house_tells_version_sizes_and_retention_and_no_secret(office: Office) -> None:
    page = await seen(await lead(office))
    for shown in ("Version 1.2.3", "Free on the disk 123.0 GB", "What was said kept 30 days"):
        assert shown in page, shown
    settings = Settings(openai_api_key="sk-very-secret", openai_base_url="https://user:pw@models.test/v1")
    told = about(settings)
    assert told.model == "gpt-4o-mini at models.test"
    assert not {"sk-very-secret", "pw"} & set(str(told).replace("'", " ").split())
    assert version()


async def test_an_open_page_is_told_only_what_is_new(office: Office) -> None:
    browser = await lead(office)
    (live,) = [given for _, given in Outline((await browser.get(HERE)).text).elements if given.get("id") == "live"]
    known = {"if-none-match": live["data-state"] or ""}
    assert (await browser.get(HERE, headers=known)).status_code == 304
    await office.shop.hears("email", "ann@shop.test", "My kettle is broken.")
    assert (await browser.get(HERE, headers=known)).status_code == 200


def test_what_is_remembered_of_mishaps_is_bounded_and_passes_with_time() -> None:
    now = [START]
    health = Health(lambda: now[0])
    for _ in range(MOST + 5):
        health.note("model", "away")
    assert len(health.of("model").mishaps) == MOST
    now[0] += timedelta(hours=2)
    assert (health.of("model").mishaps, health.of("model").ails) == ([], "away")


# ── who sees what ──
async def test_agents_see_how_it_is_and_leads_what_was_said(office: Office) -> None:
    browser = await a_refused_reply(office)
    agent = await office.colleague("ada")
    page = await seen(agent)
    assert "1 replies could not be delivered" in page
    assert "1 × 550 no such mailbox" in page
    assert "Hello Ann" not in page
    assert "Hello Ann" in await seen(browser)
    reply = await refused_reply(office)
    for path in (
        f"replies/{reply}/retry",
        f"replies/{reply}/discard",
        "deliveries/1/read-again",
        "deliveries/1/let-go",
    ):
        assert (await agent.post(f"{HERE}/{path}")).status_code == 404, path
    assert await state_of(office, reply) == "parked"
    assert (await browser.get("/console/parked")).url.path == HERE


# ── replies that were not delivered ──
async def test_a_parked_reply_is_sent_again_once_and_that_is_audited(office: Office) -> None:
    browser = await a_refused_reply(office)
    office.channels["email"].refuses = ""
    reply = await refused_reply(office)
    again = await browser.post(f"{HERE}/replies/{reply}/retry")
    assert "It is on its way again." in text_of(again.text)
    await office.delivered()
    assert [one.text for one in office.channels["email"].arrived] == ["Hello Ann"]
    twice = await browser.post(f"{HERE}/replies/{reply}/retry")
    assert (twice.status_code, "was sent again" in text_of(twice.text)) == (409, True)
    assert len(office.channels["email"].arrived) == 1
    done = select(audit.c.who, audit.c.about).where(audit.c.what == "status retry")
    audited = await office.shop.ledger._database.read(lambda tx: [tuple(row) for row in tx.execute(done)])
    assert audited == [("lea", f"reply {reply}")]


async def test_what_went_out_and_failed_later_goes_out_whole_again(office: Office) -> None:
    await office.shop.hears("email", "ann@shop.test", "My kettle is broken.")
    browser = await lead(office)
    await browser.post("/console/cases/1/reply", data={"reply": "Hello Ann"})
    await office.delivered()
    (sent,) = office.channels["email"].arrived
    bounced = Report(provider_id=sent.id, failure="550 the mailbox is full")
    assert await office.shop.ledger.reported("email", bounced, now=office.shop.now)
    await browser.post(f"{HERE}/replies/{await refused_reply(office)}/retry")
    await office.delivered()
    assert [one.text for one in office.channels["email"].arrived] == ["Hello Ann", "Hello Ann"]
    assert not await office.shop.ledger.undelivered()
    assert "May have gone out twice" in await seen(browser)


async def test_what_is_reported_of_the_second_sending_finds_its_reply(office: Office) -> None:
    await office.shop.hears("email", "ann@shop.test", "My kettle is broken.")
    ledger, now = office.shop.ledger, office.shop.now
    first = Report(provider_id=f"p{office.shop.sent[-1].id}", failure="550 the mailbox is full")
    assert await ledger.reported("email", first, now=now)
    again = await ledger.put_back(await refused_reply(office), now=now)
    await ledger.part_sent(again.id, parts=1, done=True, provider_id="the second", now=now)
    assert await ledger.reported("email", Report(provider_id="the second", failure="550 still full"), now=now)
    assert [one.error for one in await ledger.undelivered()] == ["550 still full"]


async def test_who_wants_to_hear_no_more_is_not_written_to_again(office: Office) -> None:
    browser = await a_refused_reply(office)
    reply = await refused_reply(office)
    await office.shop.ledger.opted_out(reply, now=office.shop.now)
    refused = await browser.post(f"{HERE}/replies/{reply}/retry")
    assert (refused.status_code, "wants to hear no more" in text_of(refused.text)) == (409, True)
    assert await state_of(office, reply) == "parked"


async def test_a_reply_is_discarded_once_it_was_asked_and_stays_in_the_case_as_not_delivered(office: Office) -> None:
    browser = await a_refused_reply(office)
    reply = await refused_reply(office)
    asked = await browser.get(Outline((await browser.get(HERE)).text).links["Discard"])
    assert "Do not send this reply?" in text_of(asked.text)
    assert await state_of(office, reply) == "parked"
    done = await browser.post(f"{HERE}/replies/{reply}/discard")
    assert "It stays in the case, as not delivered." in text_of(done.text)
    assert "Hello Ann" not in text_of(done.text)
    assert "not delivered: 550 no such mailbox" in text_of((await browser.get("/console/cases/1")).text)
    assert (await browser.post(f"{HERE}/replies/{reply}/retry")).status_code == 409


# ── deliveries that were not read ──
async def parked(office: Office, raw: Raw) -> int:
    await office.shop.ledger.park("email", raw, "this version could not read it")
    (one, *_) = await office.shop.ledger.unread()
    return one.id


async def test_a_delivery_is_read_again_and_answered(office: Office) -> None:
    mail = next(raw for path in sample_paths("email") for raw, kept in [raw_of(path)] if isinstance(kept, dict))
    number = await parked(office, mail)
    browser = await lead(office)
    assert "this version could not read it" in await seen(browser)
    done = await browser.post(f"{HERE}/deliveries/{number}/read-again")
    assert "It was read, and is being answered." in text_of(done.text)
    assert not await office.shop.ledger.unread()
    waits = [*await office.shop.ledger.open_lines(), *await office.shop.ledger.unchecked()]
    assert len(waits) == 1, "for its answer, or for its check"
    assert (await browser.post(f"{HERE}/deliveries/{number}/read-again")).status_code == 404


async def test_what_still_cannot_be_read_stays_with_the_new_reason(office: Office) -> None:
    number = await parked(office, Raw(body=b"\xff\xfe nothing like a mail", received_at=office.shop.now))
    browser = await lead(office)
    refused = await browser.post(f"{HERE}/deliveries/{number}/read-again")
    (still,) = await office.shop.ledger.unread()
    assert refused.status_code == 409
    assert f"It still cannot be read: {still.reason}" in text_of(refused.text)
    assert still.reason != "this version could not read it"
    asked = await browser.get(Outline(refused.text).links["Discard"])
    assert "Do not keep this delivery?" in text_of(asked.text)
    assert "not kept any longer" in text_of((await browser.post(f"{HERE}/deliveries/{number}/let-go")).text)
    assert not await office.shop.ledger.unread()


async def test_unknown_rows_and_other_sites_change_nothing(office: Office) -> None:
    browser = await a_refused_reply(office)
    for path in ("replies/999/retry", "replies/x/retry", "deliveries/-1/read-again", "deliveries/9/let-go"):
        assert (await browser.post(f"{HERE}/{path}")).status_code == 404, path
    assert (await browser.get(f"{HERE}/confirm", params={"reply": "999"})).status_code == 404
    reply = await refused_reply(office)
    foreign = await browser.post(f"{HERE}/replies/{reply}/retry", headers={"origin": "https://evil.test"})
    assert (foreign.status_code, await state_of(office, reply)) == (403, "parked")
