"""Privacy in the console: what is on record is exported, who read it is told, and who is forgotten leaves no trace,
also where nobody ever put them into the directory."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bots.console.privacy import HERE
from core.accounts import Role
from core.backends.ledger.schema import access_log
from core.exporting import from_json
from tests.console.office import BOSS, Office, Outline, password_of, text_of
from tests.console.test_hostile import PAYLOADS, plant
from tests.test_attacks import CHARGED

JOHN = ("cus_1", "John Quennel", "email:john@quennel.test", "slack:T1/U1")
MAILBOX = "john@quennel.test"


@pytest.fixture
async def two(office: Office) -> Office:
    """John is in the directory and wrote twice; somebody on Discord is not, and wrote once."""
    await office.shop.knows(*JOHN)
    await office.shop.hears("slack", "T1/U1", CHARGED)
    await office.shop.hears("email", MAILBOX, "My order number is W4829137.")
    await office.shop.hears("discord", "4242", "My quennelkettle is broken.", display_name="Visitor")
    return office


async def lead(office: Office) -> httpx.AsyncClient:
    return await office.colleague("lea", Role.LEAD)


async def admin(office: Office) -> httpx.AsyncClient:
    if not await office.shop.ledger.has_accounts():
        await office.hires(BOSS, Role.ADMIN)
    return await office.signed_in(BOSS, password_of(BOSS))


async def forgets(office: Office, browser: httpx.AsyncClient, name: str, confirm: str) -> httpx.Response:
    answer = await browser.post(f"{HERE}/forget", data={"customer": name, "confirm": confirm})
    await office.ports.privacy.erasures.finished()
    return answer


# ── finding and exporting ──
async def test_a_customer_is_found_by_any_name_and_from_a_case(two: Office) -> None:
    browser = await lead(two)
    for asked in ({"customer": "cus_1"}, {"customer": f"email:{MAILBOX.upper()}"}, {"case": "1"}):
        seen = text_of((await browser.get(HERE, params=asked)).text)
        assert "slack:T1/U1" in seen, asked
        assert "Who read what of them" in seen
        assert "Forget them" not in seen, "only an admin forgets"
    unknown = await browser.get(HERE, params={"customer": "<script>"})
    page = Outline(unknown.text)
    assert (unknown.status_code, page.field("customer")["value"]) == (409, "<script>")
    assert (page.field("customer")["aria-invalid"], page.field("customer")["aria-describedby"]) == (
        "true",
        "wrong names",
    )
    assert (await browser.get(HERE, params={"case": "99"})).status_code == 404


async def test_an_export_is_saved_as_json_and_stands_in_the_access_log(two: Office) -> None:
    browser = await lead(two)
    answer = await browser.post(f"{HERE}/export", data={"customer": "cus_1"})
    assert answer.headers["content-disposition"] == 'attachment; filename="customer.json"'
    exported = from_json(answer.text)
    assert (exported.external_id, len(exported.messages), "kettle" in answer.text) == ("cus_1", 2, False)
    log = await two.shop.ledger._database.read(
        lambda tx: tx.execute(select(access_log.c.reader, access_log.c.purpose)).all()
    )
    assert ("lea", "export") in {tuple(row) for row in log}
    assert (await browser.post(f"{HERE}/export", data={"customer": "cus_9"})).status_code == 409


async def test_who_is_not_in_the_directory_is_exported_too(two: Office) -> None:
    answer = await (await lead(two)).post(f"{HERE}/export", data={"customer": "discord:4242"})
    told = json.loads(answer.text)
    assert (told["external_id"], told["profile"], [h["address"] for h in told["handles"]]) == ("", None, ["4242"])
    assert "quennelkettle" in answer.text
    assert "W4829137" not in answer.text


# ── forgetting ──
async def test_forgetting_shows_what_goes_wants_the_name_typed_and_leaves_a_receipt(
    two: Office, tmp_path: Path
) -> None:
    browser = await admin(two)
    asked = await browser.get(f"{HERE}/forget", params={"customer": "cus_1"})
    seen = text_of(asked.text)
    for shown in ("Messages 2", "Directory 1", "Type cus_1 to confirm", "What stays"):
        assert shown in seen, shown
    wrong = await forgets(two, browser, "cus_1", "cus_2")
    page = Outline(wrong.text)
    assert (wrong.status_code, page.field("confirm")["value"]) == (409, "cus_2")
    assert page.field("confirm")["aria-describedby"] == "wrong"
    assert (await two.shop.ledger.addresses("cus_1", now=two.shop.now)) != frozenset()
    receipt = await forgets(two, browser, "cus_1", " cus_1 ")
    done = text_of((await browser.get(str(receipt.url))).text)
    for shown in ("Nothing is left.", "Messages 2", "Directory 1", "What is kept"):
        assert shown in done, shown
    for trace in ("Quennel", "cus_1", MAILBOX):
        assert trace not in done
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert (b"W4829137" in left, MAILBOX.encode() in left, b"quennelkettle" in left) == (False, False, True)
    assert str(receipt.url).rpartition("/")[2] in text_of((await browser.get(HERE)).text)
    assert (await browser.get(HERE, params={"customer": "cus_1"})).status_code == 409


async def test_what_was_shown_to_go_is_what_goes(two: Office) -> None:
    counts = await two.shop.ledger.to_be_erased("cus_1", now=two.shop.now)
    await forgets(two, await admin(two), "cus_1", "cus_1")
    (kept,) = await two.shop.ledger.receipts()
    differing = {t for t in counts.keys() | kept.receipt.erased.keys() if counts.get(t) != kept.receipt.erased.get(t)}
    assert differing <= {"wires"}, "what hangs on a reply goes with it"


async def test_who_is_not_in_the_directory_is_forgotten_too(two: Office, tmp_path: Path) -> None:
    browser = await admin(two)
    assert "Type discord:4242 to confirm" in text_of(
        (await browser.get(f"{HERE}/forget", params={"customer": "discord:4242"})).text
    )
    await forgets(two, browser, "discord:4242", "discord:4242")
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert (b"quennelkettle" in left, b"4242" in left, b"W4829137" in left) == (False, False, True)
    again = two.shop.message("discord", "4242", "My quennelkettle!", sent_at=two.shop.now - timedelta(minutes=1))
    two.shop.later(hours=1)
    assert not await two.shop.accept(again), "what is older than the erasure does not come back"


async def test_a_handle_of_somebody_known_forgets_all_of_them(two: Office) -> None:
    browser = await admin(two)
    assert "Type cus_1 to confirm" in text_of(
        (await browser.get(f"{HERE}/forget", params={"customer": "slack:T1/U1"})).text
    )
    await forgets(two, browser, "slack:T1/U1", "cus_1")
    assert (await browser.get(HERE, params={"customer": f"email:{MAILBOX}"})).status_code == 409


async def test_only_admins_forget_and_only_from_our_own_pages(two: Office) -> None:
    leading, typed = await lead(two), {"customer": "cus_1", "confirm": "cus_1"}
    assert (await leading.get(f"{HERE}/forget", params={"customer": "cus_1"})).status_code == 404
    assert (await leading.post(f"{HERE}/forget", data=typed)).status_code == 404
    foreign = await (await admin(two)).post(f"{HERE}/forget", data=typed, headers={"origin": "https://evil.test"})
    assert foreign.status_code == 403
    agent = await two.colleague("ada")
    for path in (HERE, f"{HERE}/readings?customer=cus_1", f"{HERE}/receipts/id1"):
        assert (await agent.get(path)).status_code == 404, path
    assert await two.shop.ledger.receipts() == []
    assert (await leading.get(f"{HERE}/receipts/nowhere")).status_code == 404


async def test_the_audit_names_the_receipt_and_nobody_else(two: Office) -> None:
    browser = await admin(two)
    receipt = str((await forgets(two, browser, "cus_1", "cus_1")).url).rpartition("/")[2]
    audit = text_of((await browser.get("/console/audit")).text)
    assert f"receipt {receipt}" in audit
    assert "cus_1" not in audit


async def test_the_receipt_says_how_far_it_has_come(two: Office) -> None:
    browser = await admin(two)
    two.shop.memory.awake.clear()
    asked = await browser.post(f"{HERE}/forget", data={"customer": "cus_1", "confirm": "cus_1"})
    page = str(asked.url)
    while "Erasing what memory holds" not in (told := await browser.get(page)).text:
        pass
    state = Outline(told.text)
    (live,) = [given for _, given in state.elements if given.get("id") == "live"]
    assert (await browser.get(page, headers={"if-none-match": live["data-state"] or ""})).status_code == 304
    two.shop.memory.awake.set()
    await two.ports.privacy.erasures.finished()
    news = await browser.get(page, headers={"if-none-match": live["data-state"] or ""})
    assert "Nothing is left." in text_of(news.text)


# ── who read what ──
async def test_who_read_what_of_a_customer_by_reader_and_day_and_as_a_table(two: Office) -> None:
    ada = await two.colleague("ada")
    await ada.get("/console/cases/1")
    two.shop.later(days=1)
    browser = await two.colleague("lea", Role.LEAD)
    await browser.get("/console/cases/1")
    page = (await browser.get(f"{HERE}/readings", params={"customer": "cus_1"})).text
    for shown in ("ada", "lea", "bot", "2 Mar 2026", "3 Mar 2026", "fact"):
        assert shown in text_of(page), shown
    only = {"customer": "cus_1", "reader": "ada", "day": "2026-03-02"}
    assert "case" in text_of((await browser.get(f"{HERE}/readings", params=only)).text)
    none = await browser.get(f"{HERE}/readings", params={**only, "day": "2026-03-03"})
    assert "Nothing was read." in text_of(none.text)
    wrong = await browser.get(f"{HERE}/readings", params={**only, "day": "yesterday"})
    assert (wrong.status_code, Outline(wrong.text).field("day")["aria-invalid"]) == (409, "true")
    table = list(csv.DictReader(io.StringIO((await browser.get(f"{HERE}/readings.csv", params=only)).text)))
    assert {(row["reader"], row["whom"]) for row in table} == {("ada", "slack:T1/U1"), ("ada", f"email:{MAILBOX}")}


async def test_the_log_comes_in_pages(two: Office) -> None:
    browser = await lead(two)
    for _ in range(60):
        await two.desk.open(1, "ada")
    first = await browser.get(f"{HERE}/readings", params={"customer": "cus_1", "reader": "ada"})
    assert Outline(first.text).count("tr") == 51
    second = await browser.get(Outline(first.text).links["Older"])
    assert Outline(second.text).count("tr") == 11
    assert "Newer" in Outline(second.text).links


async def test_an_admin_sees_what_a_colleague_read_today_and_a_lead_does_not(two: Office) -> None:
    ada = await two.colleague("ada")
    await ada.get("/console/cases/1")
    await ada.get("/console/cases/3")
    asked = {"reader": "ada", "day": "2026-03-02"}
    seen = text_of((await (await admin(two)).get(f"{HERE}/readings", params=asked)).text)
    assert "slack:T1/U1" in seen
    assert "discord:4242" in seen
    leading = await lead(two)
    for path in (f"{HERE}/readings", f"{HERE}/readings.csv"):
        assert (await leading.get(path, params=asked)).status_code == 404


async def test_of_who_was_erased_only_that_somebody_read_is_told(two: Office) -> None:
    ada = await two.colleague("ada")
    await ada.get("/console/cases/1")
    browser = await admin(two)
    await forgets(two, browser, "cus_1", "cus_1")
    seen = text_of((await browser.get(f"{HERE}/readings", params={"reader": "ada"})).text)
    assert "somebody who was erased" in seen
    assert "erased since" in seen
    assert "slack:" not in seen


async def test_hostile_text_is_text_on_these_pages(two: Office) -> None:
    browser = await admin(two)
    paths = (
        "/console/identity",
        "/console/cases/1/identity",
        f"{HERE}?case=1",
        f"{HERE}/forget?customer=cus_1",
        f"{HERE}/readings",
    )
    for text in ("harmless", *PAYLOADS):
        await two.shop.ledger._database.write(lambda tx, text=text: plant(tx, text))  # type: ignore[misc]
        for path in paths:
            page = Outline((await browser.get(path)).text)
            assert page.count("h1") == 1, (path, text)
            tags = {tag for tag, _ in page.elements}
            assert not tags & {"iframe", "img", "object", "embed", "base", "style", "marquee", "template"}, (path, text)
            assert all(given.get("src", "").startswith("/") for tag, given in page.elements if tag == "script")  # type: ignore[union-attr]
            assert not [given for _, given in page.elements if any(name.startswith("on") for name in given)]
            assert not [given for _, given in page.elements if (given.get("href") or "").startswith(("java", "//"))]
