"""A lead at work on who is who: both sides are seen first, deeds can be undone, two people take two leads."""

import httpx
from sqlalchemy import select

from core.accounts import Role
from core.backends.ledger.schema import access_log
from core.merging import Order
from tests.console.office import Office, Outline, password_of, text_of
from tests.test_attacks import CHARGED

PAGE = "/console/cases/1/identity"


async def john_and_mary_write(office: Office) -> None:
    """John is known by his Slack account; somebody of his name writes on Discord."""
    await office.shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await office.shop.hears("slack", "T1/U1", CHARGED)
    await office.shop.hears("discord", "666", "My kettle is broken.", display_name="John Miller")


async def lead(office: Office) -> httpx.AsyncClient:
    return await office.colleague("lea", Role.LEAD)


async def test_the_case_leads_to_who_its_customer_is(office: Office) -> None:
    await john_and_mary_write(office)
    browser = await lead(office)
    assert Outline((await browser.get("/console/cases/1")).text).links["Who this is"] == PAGE
    page = (await browser.get(PAGE)).text
    assert (Outline(page).count("h1"), Outline(page).elements[0]) == (1, ("html", {"lang": "en"}))
    for shown in ("slack:T1/U1", "the directory vouches that cus_1 holds slack:T1/U1", "the same full name", "20%"):
        assert shown in text_of(page), shown


async def test_a_merge_is_shown_then_done_then_undone(office: Office) -> None:
    await john_and_mary_write(office)
    browser = await lead(office)
    plan = (await browser.get(PAGE, params={"merge": "discord:666"})).text
    for shown in ("discord:666 (John Miller)", "slack:T1/U1", "are one customer, by lea"):
        assert shown in text_of(plan), shown
    assert "Merge" in Outline(plan).buttons
    done = await browser.post(f"{PAGE}/merge", data={"a": "slack:T1/U1", "b": "discord:666"})
    assert "The two are one customer now." in text_of(done.text)
    assert "were merged by lea" in text_of(done.text)
    office.shop.later(hours=1)
    assert "$99" in await office.shop.hears("discord", "666", "Hello, any news about the charge?")
    assert "Undo" in Outline(done.text).buttons
    undone = await browser.post(f"{PAGE}/unmerge", data={"a": "slack:T1/U1", "b": "discord:666"})
    assert "The two are two customers now." in text_of(undone.text)
    office.shop.later(hours=1)
    assert "$99" not in await office.shop.hears("discord", "666", "Hello, any news about the charge?")


async def test_what_keys_joined_can_be_unmerged_and_says_what_will_go(office: Office) -> None:
    await john_and_mary_write(office)
    browser = await lead(office)
    plan = text_of((await browser.get(PAGE, params={"unmerge": "cus_1"})).text)
    assert "share does not join them any more" in plan
    await browser.post(f"{PAGE}/unmerge", data={"a": "slack:T1/U1", "b": "cus_1"})
    assert "John" not in await office.shop.hears("slack", "T1/U1", "Hello, any news?")


async def test_two_known_people_take_a_second_leads_password(office: Office) -> None:
    await john_and_mary_write(office)
    await office.shop.knows("cus_2", "Jon Miller", "discord:666")
    browser = await lead(office)
    await office.hires("max", Role.LEAD)
    await office.hires("ada")
    names = {"a": "cus_1", "b": "cus_2"}
    assert "a second lead has to agree" in text_of((await browser.get(PAGE, params={"merge": "cus_2"})).text)
    for second, password, why in (
        ("", "", "two different colleagues must agree"),
        ("max", "a wrong password", "wrong"),
        ("ada", password_of("ada"), "no lead"),
        ("lea", password_of("lea"), "named twice"),
    ):
        refused = await browser.post(f"{PAGE}/merge", data={**names, "second": second, "password": password})
        assert (refused.status_code, why in text_of(refused.text)) == (409, True), text_of(refused.text)
    both = await browser.post(f"{PAGE}/merge", data={**names, "second": "max", "password": password_of("max")})
    assert "were merged by lea and max" in text_of(both.text)


async def test_only_leads_decide_and_only_from_our_own_pages(office: Office) -> None:
    await john_and_mary_write(office)
    agent = await office.colleague("ada")
    assert (await agent.get(PAGE)).status_code == 404
    names = {"a": "slack:T1/U1", "b": "discord:666"}
    assert (await agent.post(f"{PAGE}/merge", data=names)).status_code == 404
    assert "Who this is" not in (await agent.get("/console/cases/1")).text
    leading = await lead(office)
    foreign = await leading.post(f"{PAGE}/merge", data=names, headers={"origin": "https://evil.test"})
    assert foreign.status_code == 403
    history = (await office.shop.ledger.who_is_it(1, now=office.shop.now)).history
    assert not [past for past in history if "merged" in past.what]
    assert (await leading.get("/console/cases/99/identity")).status_code == 404


async def test_unknown_names_are_refused_with_a_line_and_nothing_is_run_from_them(office: Office) -> None:
    await john_and_mary_write(office)
    refused = await (await lead(office)).get(PAGE, params={"merge": "<script>alert(1)</script>"})
    assert refused.status_code == 409
    assert "no customer has this external_id" in text_of(refused.text)
    assert "<script>alert" not in refused.text


async def test_looking_stands_in_the_access_log(office: Office) -> None:
    await john_and_mary_write(office)
    await (await lead(office)).get(PAGE)
    await office.shop.ledger.plan_merge(Order(a="cus_1", b="discord:666", by="max", at=office.shop.now))
    log = await office.shop.ledger._database.read(
        lambda tx: tx.execute(select(access_log.c.reader, access_log.c.handle_id)).all()
    )
    assert {("lea", 1), ("lea", 2), ("max", 1), ("max", 2)} <= {tuple(row) for row in log}


# ── taking back, and all who may be one ──
async def test_the_newest_decision_is_taken_back_from_the_history_once_it_was_shown(office: Office) -> None:
    await john_and_mary_write(office)
    browser = await lead(office)
    before = text_of((await browser.get(PAGE)).text).partition("What happened")[0]
    await browser.post(f"{PAGE}/merge", data={"a": "slack:T1/U1", "b": "discord:666"})
    page = Outline((await browser.get(PAGE)).text)
    assert page.buttons.count("Undo") == 1
    decision = page.field("undo")["value"] or ""
    shown = text_of((await browser.get(PAGE, params={"undo": decision})).text)
    assert "Undo?" in shown
    assert "The link between" in shown
    assert "has ended" in shown
    office.shop.later(minutes=1)
    done = await browser.post(f"{PAGE}/undo", data={"decision": decision})
    assert "all is as it was before" in text_of(done.text)
    assert before in text_of((await browser.get(PAGE)).text)
    again = await browser.post(f"{PAGE}/undo", data={"decision": decision})
    assert (again.status_code, "only the newest decision" in text_of(again.text)) == (409, True)


async def test_nobody_takes_back_a_decision_about_somebody_elses_customer(office: Office) -> None:
    await john_and_mary_write(office)
    await office.shop.hears("email", "zoe@shop.test", "My lamp is broken.")
    browser = await lead(office)
    await browser.post(f"{PAGE}/merge", data={"a": "slack:T1/U1", "b": "discord:666"})
    refused = await browser.post("/console/cases/3/identity/undo", data={"decision": "1"})
    assert refused.status_code == 409
    assert "discord:666" not in text_of(refused.text)


async def test_two_sides_stand_in_aligned_rows_and_words_say_how_they_differ(office: Office) -> None:
    await john_and_mary_write(office)
    page = (await (await lead(office)).get(PAGE)).text
    assert page.count('<table class="compare">') == 1
    for shown in ("Name John Miller John Miller = the same", "Discord none 666 – only on the right"):
        assert shown in text_of(page), shown


async def test_all_who_may_be_one_are_listed_merged_or_told_to_be_two_people(office: Office) -> None:
    await john_and_mary_write(office)
    browser = await lead(office)
    page = await browser.get("/console/identity")
    for shown in ("20% likely", "the same full name", "= the same", "slack:T1/U1", "discord:666"):
        assert shown in text_of(page.text), shown
    assert "Merge?" in text_of((await browser.get(Outline(page.text).links["Merge these two"])).text)
    pair = {"a": "discord:666", "b": "slack:T1/U1"}
    two_people = await browser.post("/console/identity/dismiss", data=pair)
    assert "Nobody resembles anybody else." in text_of(two_people.text)
    assert "Nobody on record resembles them." in text_of((await browser.get(PAGE)).text)
    number = Outline(two_people.text).field("dismissed")["value"] or ""
    back = await browser.post("/console/identity/restore", data={"dismissed": number})
    assert "20% likely" in text_of(back.text)
    assert (await browser.post("/console/identity/restore", data={"dismissed": number})).status_code == 409
    merged = await browser.post("/console/identity/merge", data=pair)
    assert "The two are one customer now." in text_of(merged.text)


async def test_the_list_is_for_leads_and_what_was_read_of_both_is_noted(office: Office) -> None:
    await john_and_mary_write(office)
    agent = await office.colleague("ada")
    assert (await agent.get("/console/identity")).status_code == 404
    assert (await agent.post("/console/identity/dismiss", data={"a": "x", "b": "y"})).status_code == 404
    await (await lead(office)).get("/console/identity")
    log = await office.shop.ledger._database.read(
        lambda tx: tx.execute(select(access_log.c.reader, access_log.c.handle_id)).all()
    )
    assert {("lea", 1), ("lea", 2)} <= {tuple(row) for row in log}
