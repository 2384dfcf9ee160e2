"""Tasks: on the case and in one place, checked off by whoever did them, and gone with the customer they are about."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import select

from core.backends.ledger.schema import access_log, action_runs, drafts, tasks
from core.exporting import from_json, to_json
from tests.console.office import Office, Outline, opened, text_of
from tests.console.test_drafting import count
from tests.shop import Shop

CASE = "/console/cases/1"
ALL = "/console/tasks"


@pytest.fixture
async def office(shop: Shop) -> AsyncIterator[Office]:
    await shop.knows("cus_7", "Ann Keller", "email:ann@post.test")
    await shop.hears("email", "ann@post.test", "I was charged $99 instead of $49 for order W4829137. Please refund me.")
    async with opened(shop) as office:
        yield office


async def add(browser: httpx.AsyncClient, title: str, due: str = "", case: str = CASE) -> str:
    answer = await browser.post(f"{case}/tasks", data={"title": title, "due": due})
    return str(answer.text)


async def test_a_task_stands_on_the_case_and_in_the_list_until_somebody_has_done_it(office: Office) -> None:
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    page = text_of(await add(bea, "Ask the bank about W4829137", "2026-03-05"))
    assert "The task stands on the case" in page
    assert "Ask the bank about W4829137 by bea, due 2026-03-05" in page
    assert "Ask the bank about W4829137 Ann Keller 2026-03-05 bea nobody Done" in text_of((await carl.get(ALL)).text)
    office.shop.later(hours=1)
    done = await carl.post(f"{CASE}/tasks/1/done", data={"from": "tasks"})
    assert "The task is checked off. " in text_of(done.text)
    assert "Nothing is open." in text_of(done.text)
    again = await bea.post(f"{CASE}/tasks/1/done")
    assert "by carl, 2 Mar 2026, 10:00 UTC" in text_of(again.text), "who did it first stays"


async def test_mine_are_those_that_i_made_and_those_of_my_cases(office: Office) -> None:
    await office.shop.hears("email", "bob@post.test", "My parcel B7700112 never came, I want a person.")
    bea, carl = await office.colleague("bea"), await office.colleague("carl")
    await add(bea, "made by bea")
    await add(carl, "of the other case", case="/console/cases/2")
    await carl.post(f"{CASE}/take")
    mine = {name: text_of((await who.get(f"{ALL}?mine=1")).text) for name, who in (("bea", bea), ("carl", carl))}
    assert ["made by bea" in mine["bea"], "of the other case" in mine["bea"]] == [True, False]
    assert ["made by bea" in mine["carl"], "of the other case" in mine["carl"]] == [True, True]


async def test_what_is_due_first_is_on_top_and_what_is_late_says_so(office: Office) -> None:
    bea = await office.colleague("bea")
    for title, due in (("whenever", ""), ("later", "2026-04-01"), ("soon", "2026-03-02")):
        await add(bea, title, due)
    office.shop.later(hours=15.5)
    carl = await office.colleague("carl")
    page = text_of((await carl.get(ALL)).text)
    assert page.index("soon") < page.index("later") < page.index("whenever", page.index("later"))
    assert page.count("overdue") == 1


@pytest.mark.parametrize(
    ("title", "due", "field", "why"),
    [
        ("", "", "title", "say what is to be done"),
        ("x" * 201, "", "title", "at most 200 characters"),
        ("call", "yesterday", "due", "write the day as"),
        ("call", "2026-03-01", "due", "that day is over"),
    ],
)
async def test_a_task_that_cannot_be_is_refused_beside_its_field_with_what_was_typed(
    office: Office, title: str, due: str, field: str, why: str
) -> None:
    bea = await office.colleague("bea")
    answer = await bea.post(f"{CASE}/tasks", data={"title": title, "due": due})
    assert answer.status_code == 409
    fields = {attributes["id"]: attributes for _, attributes in Outline(answer.text).elements if "id" in attributes}
    assert why in text_of(answer.text)
    assert fields[field]["aria-invalid"] == "true"
    assert fields[field]["aria-describedby"] == "task-problem"
    assert [fields["title"]["value"], fields["due"]["value"]] == [title, due]


async def test_resolving_warns_of_what_is_open(office: Office) -> None:
    bea = await office.colleague("bea")
    assert "Resolving leaves" not in text_of((await bea.get(CASE)).text)
    await add(bea, "ask the bank")
    assert "1 task is open: ask the bank. Resolving leaves it open." in text_of((await bea.get(CASE)).text)
    await bea.post(f"{CASE}/resolve", data={"resolution": ""})
    assert "ask the bank" in text_of((await bea.get(ALL)).text)


@pytest.mark.parametrize("path", ["1/tasks/9", "1/tasks/x", "9/tasks/1", "2/tasks/1"])
async def test_no_other_task_can_be_checked_off(office: Office, path: str) -> None:
    bea = await office.colleague("bea")
    await office.shop.hears("email", "bob@post.test", "My parcel B7700112 never came.")
    await add(bea, "ask the bank")
    assert (await bea.post(f"/console/cases/{path}/done")).status_code == 404


async def test_the_page_of_the_case_is_news_when_a_task_is_made_or_done(office: Office) -> None:
    bea = await office.colleague("bea")
    states = [await office.shop.ledger.case_state(1)]
    await add(bea, "ask the bank")
    states.append(await office.shop.ledger.case_state(1))
    await bea.post(f"{CASE}/tasks/1/done")
    states.append(await office.shop.ledger.case_state(1))
    assert len(set(states)) == 3


async def test_who_read_the_list_is_on_record(office: Office) -> None:
    bea = await office.colleague("bea")
    await add(bea, "ask the bank")
    await bea.get(ALL)
    query = select(access_log.c.rows).where(access_log.c.reader == "bea")
    rows = await office.shop.ledger._database.read(lambda tx: tx.execute(query).scalars().all())
    assert ["task:1"] in rows


# ── with the customer ──
async def test_tasks_drafts_and_wishes_are_gone_with_the_customer(office: Office) -> None:
    bea = await office.colleague("bea")
    await add(bea, "ask Ann's bank")
    await bea.post(f"{CASE}/draft", data={"reply": ""})
    await office.shop.hears("email", "bob@post.test", "My parcel B7700112 never came.")
    await add(bea, "ask Bob's neighbour", case="/console/cases/2")
    await office.shop.ledger.erase("cus_7", receipt="r1", now=office.shop.now)
    assert [await count(office, table) for table in (tasks, drafts, action_runs)] == [1, 0, 0]
    page = text_of((await bea.get(ALL)).text)
    assert "Ann" not in page


async def test_tasks_are_exported_with_the_customer_and_nobody_else_s(office: Office) -> None:
    bea = await office.colleague("bea")
    await add(bea, "ask Ann's bank")
    await office.shop.hears("email", "bob@post.test", "My parcel B7700112 never came.")
    await add(bea, "ask Bob's neighbour", case="/console/cases/2")
    export = await office.shop.ledger.export("cus_7", reader="boss", now=office.shop.now)
    assert [task["title"] for task in export.tasks] == ["ask Ann's bank"]
    assert from_json(to_json(export)).tasks == export.tasks


async def test_whatever_is_typed_stays_text(office: Office) -> None:
    bea = await office.colleague("bea")
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    pages = [await add(bea, evil), (await bea.get(ALL)).text, (await bea.get(CASE)).text]
    for page in pages:
        assert "alert(1)" in page
        elements = Outline(page).elements
        assert all(attributes.get("src", "").startswith("/console/") for tag, attributes in elements if tag == "script")  # type: ignore[union-attr]
        assert not any("onerror" in attributes for _, attributes in elements)
