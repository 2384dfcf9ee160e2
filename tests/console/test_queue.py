"""The queue: its tabs and filters, what stands on top, what is remembered of it, and that it shows nobody else's."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update

from bots.console.filters import COOKIE
from core.accounts import Role
from core.backends.ledger.schema import access_log, cases, facts
from tests.console.office import Office, Outline, text_of

HUMAN = "I want to speak to a human please."


async def escalates(office: Office, who: str, text: str = "I was charged $99 twice.", channel: str = "slack") -> None:
    await office.shop.hears(channel, who, f"{text} {HUMAN}")


async def counts(browser: httpx.AsyncClient, query: str = "?tab=all") -> dict[str, int]:
    """How many cases each tab says that it has."""
    seen = text_of((await browser.get(f"/console{query}")).text)
    names = ["All open", "Escalated", "Waiting", "Active", "Mine", "Snoozed", "Resolved lately"]
    after = [seen.split(f" {name} ", 1)[1].split()[0] for name in names]
    return dict(zip(names, map(int, after), strict=True))


async def customers(browser: httpx.AsyncClient, query: str = "?tab=all") -> list[str]:
    """Whom the queue shows, from the top: the numbers of their cases."""
    links = Outline((await browser.get(f"/console{query}")).text).elements
    found = [attrs.get("href") or "" for tag, attrs in links if tag == "a"]
    return [href.rpartition("/")[2] for href in found if href.startswith("/console/cases/")]


async def changes(office: Office, case: int, **values: Any) -> None:
    await office.shop.ledger._database.write(
        lambda tx: tx.execute(update(cases).where(cases.c.id == case).values(values))
    )


# ── tabs ──
async def test_each_tab_has_its_cases_and_says_how_many(office: Office) -> None:
    for n in range(5):
        await escalates(office, f"T1/U{n}")
    await office.shop.hears("slack", "T1/BOT", "My kettle shows an error.")
    eve, bob = await office.colleague("eve"), await office.colleague("bob")
    await eve.post("/console/cases/1/take")
    await bob.post("/console/cases/2/take")
    await bob.post("/console/cases/3/resolve", data={"resolution": "Refunded"})
    await changes(office, 4, snoozed_until=office.shop.now + timedelta(hours=1))
    assert await counts(eve) == {
        "All open": 4,
        "Escalated": 3,
        "Waiting": 1,
        "Active": 3,
        "Mine": 1,
        "Snoozed": 1,
        "Resolved lately": 1,
    }
    shown = {tab: set(await customers(eve, f"?tab={tab}")) for tab in ("waiting", "active", "mine", "snoozed")}
    assert shown == {"waiting": {"5"}, "active": {"1", "2", "6"}, "mine": {"1"}, "snoozed": {"4"}}
    assert await customers(eve, "?tab=resolved") == ["3"]


async def test_a_snoozed_case_is_back_when_its_time_has_come_and_a_resolved_one_leaves_after_a_week(
    office: Office,
) -> None:
    await escalates(office, "T1/U1")
    await escalates(office, "T1/U2")
    browser = await office.signed_in()
    await changes(office, 1, snoozed_until=office.shop.now + timedelta(hours=1))
    await browser.post("/console/cases/2/resolve", data={"resolution": "Refunded"})
    assert (await customers(browser, "?tab=waiting"), await customers(browser, "?tab=resolved")) == ([], ["2"])
    office.shop.later(hours=1)
    assert await customers(browser, "?tab=waiting") == ["1"]
    office.shop.later(days=7)
    browser = await office.signed_in()
    assert await customers(browser, "?tab=resolved") == []


# ── what stands on top ──
async def test_a_vip_and_somebody_angry_count_as_having_waited_two_hours_longer_each(office: Office) -> None:
    for number, key in enumerate(("slack:T1/VIP", "slack:T1/BOTH")):
        await office.shop.knows(f"cus_{number}", f"Vera {number}", key, value=20_000)
    await escalates(office, "T1/EARLY")
    office.shop.later(hours=1)
    await escalates(office, "T1/PLAIN")
    office.shop.later(minutes=30)
    await escalates(office, "T1/VIP")
    office.shop.later(minutes=30)
    await escalates(office, "T1/BOTH")
    office.shop.later(minutes=70)
    await escalates(office, "T1/ANGRY")
    for case in (4, 5):
        await feels(office, case, "angry")
    browser = await office.signed_in()
    page = await browser.get("/console?tab=waiting")
    assert "a VIP counts as two hours longer" in text_of(page.text)
    # Counted as waiting since: 4 at 7:00, 3 at 8:30 less 2 h, 1 at 9:00, 5 at 12:10 less 2 h, 2 at 10:00.
    assert await customers(browser, "?tab=waiting") == ["4", "3", "1", "2", "5"]


async def feels(office: Office, case: int, mood: str) -> None:
    def write(tx: Any) -> None:
        here = facts.c.case_id == case, facts.c.slot == "mood"
        tx.execute(update(facts).where(*here).values(superseded_at=office.shop.now))
        handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == case)).scalar_one()
        told = {"handle_id": handle, "case_id": case, "slot": "mood", "value": mood, "proof": 2}
        tx.execute(insert(facts).values(**told, told_at=office.shop.now))

    await office.shop.ledger._database.write(write)


async def test_a_vip_is_found_over_a_channel_that_only_a_link_joins_to_the_directory(office: Office) -> None:
    await office.shop.knows("cus_1", "Vera Long", "email:vera@shop.test", value=20_000)
    await escalates(office, "42", channel="discord")
    await escalates(office, "vera@shop.test", channel="email")
    browser = await office.signed_in()
    assert await customers(browser, "?tab=all&vip=1") == ["2"]
    await browser.post("/console/cases/1/identity/merge", data={"a": "discord:42", "b": "email:vera@shop.test"})
    assert set(await customers(browser, "?tab=all&vip=1")) == {"1", "2"}


# ── filters ──
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("channel=sms", {"2"}),
        ("mood=angry", {"1"}),
        ("vip=1", {"2"}),
        ("category=delivery", {"3"}),
        ("with=eve", {"3"}),
        ("with=-", {"1", "2"}),
        ("channel=slack&mood=angry", {"1"}),
        ("channel=sms&mood=angry", set()),
        ("channel=nowhere&mood=cheerful&category=everything&page=-1", {"1", "2", "3"}),
    ],
)
async def test_filters_narrow_what_is_shown_and_counted(office: Office, query: str, expected: set[str]) -> None:
    await office.shop.knows("cus_2", "Vera Long", "phone:+15550122", value=20_000)
    await escalates(office, "T1/U1")
    await feels(office, 1, "angry")
    await escalates(office, "+15550122", channel="sms")
    await escalates(office, "T1/U3", "My parcel with the order W4829137 never arrived.")
    eve = await office.colleague("eve")
    await eve.post("/console/cases/3/take")
    assert set(await customers(eve, f"?tab=escalated&{query}")) == expected
    assert (await counts(eve, f"?tab=escalated&{query}"))["Escalated"] == len(expected)


async def test_a_filter_goes_by_what_staff_may_read_of_the_customer_alone(office: Office) -> None:
    await escalates(office, "T1/U1")
    await escalates(office, "T1/OTHER", "My kettle is broken.")

    def strays(tx: Any) -> None:
        handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == 2)).scalar_one()
        told = {"handle_id": handle, "case_id": 1, "value": "angry", "slot": "mood", "proof": 2}
        tx.execute(insert(facts).values(**told, told_at=office.shop.now + timedelta(hours=1)))

    await office.shop.ledger._database.write(strays)
    browser = await office.signed_in()
    assert await customers(browser, "?tab=all&mood=angry") == []


async def test_filters_are_in_the_address_and_remembered_for_the_next_visit_of_the_same_colleague(
    office: Office,
) -> None:
    await escalates(office, "T1/U1")
    eve = await office.colleague("eve")
    assert (await eve.get("/console")).url.query == b""
    page = await eve.get("/console?tab=waiting&channel=slack&with=-&page=1")
    assert " selected>Slack<" in page.text
    again = await eve.get("/console")
    assert str(again.url).endswith("/console?tab=waiting&channel=slack&with=-")
    await eve.get("/console?tab=all")
    assert str((await eve.get("/console")).url).endswith("/console?tab=all")
    await eve.get("/console?tab=mine")
    await office.hires("bob")
    bob = await office.signed_in("bob", "the long password of bob")
    bob.cookies.set(COOKIE, eve.cookies[COOKIE], domain=bob.base_url.host, path="/console")
    assert (await bob.get("/console")).url.query == b"", "what eve chose is not what bob sees"


@pytest.mark.parametrize(
    "cookie", ["who=eve&query=tab%3Dnothing", "&".join("a=1" for _ in range(99)), "%00", "who=eve"]
)
async def test_a_cookie_that_somebody_wrote_by_hand_breaks_nothing(office: Office, cookie: str) -> None:
    eve = await office.colleague("eve")
    eve.cookies.set(COOKIE, cookie, domain=eve.base_url.host, path="/console")
    assert (await eve.get("/console")).status_code == 200


async def test_what_the_queue_showed_and_nothing_else_stands_in_the_access_log(office: Office) -> None:
    await escalates(office, "T1/U1")
    await escalates(office, "+15550122", channel="sms")
    eve = await office.colleague("eve", Role.AGENT)
    await eve.get("/console?tab=all&channel=sms")
    query = select(access_log.c.rows).where(access_log.c.reader == "eve").order_by(access_log.c.id)
    read = await office.shop.ledger._database.read(lambda tx: tx.execute(query).scalars().all())
    assert read == [["case:1"], ["case:2"], ["case:2"]], (
        "the first page after signing in, and the one that was asked for"
    )


async def test_a_page_that_has_not_changed_is_not_sent_again(office: Office) -> None:
    await escalates(office, "T1/U1")
    browser = await office.signed_in()
    page = await browser.get("/console?tab=waiting")
    state = page.text.split('data-state="')[1].split('"')[0]
    assert (await browser.get("/console?tab=waiting", headers={"if-none-match": state})).status_code == 304
    await browser.post("/console/cases/1/take")
    assert (await browser.get("/console?tab=waiting", headers={"if-none-match": state})).status_code == 200


async def test_the_pictures_of_the_tab_are_there(office: Office) -> None:
    for path in ("/favicon.ico", "/console/static/icon.svg", "/console/static/icon-waiting.svg"):
        answer = await office.browser().get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml"), path
