"""The audit: every deed of a colleague leaves one line, at the console, in a room and on the command line; leads read
it by colleague, deed and day; it holds nothing that a customer said, or is called."""

import csv
import io
from datetime import timedelta

import pytest
from starlette.requests import Request

from bots.console import deeds
from core.accounts import AuditFilter, Role
from core.calling import Calling, Due
from core.rooms import Deed
from tests.console.office import BOSS, Office, text_of


async def lines(office: Office, **wanted: str) -> list[tuple[str, str, str]]:
    found = await office.shop.ledger.audited(AuditFilter(**wanted), most=1_000)  # type: ignore[arg-type]
    return [(line.who, line.what, line.about) for line in found]


async def test_what_was_done_is_written_down_once_and_what_was_refused_is_not(office: Office) -> None:
    await office.shop.hears("slack", "T1/U1", "My name is Zebediah Quill. I want to speak to a human")
    bea = await office.colleague("bea")
    refused = await bea.post("/console/cases/1/reply", data={"reply": ""})
    assert refused.status_code == 409
    assert (await bea.post("/console/cases/77/take")).status_code == 404
    elsewhere = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}
    assert (await bea.post("/console/cases/1/take", headers=elsewhere)).status_code == 403
    await bea.post("/console/cases/1/take")
    await bea.post("/console/cases/1/reply", data={"reply": "Hello Zebediah, a word of ours"})
    await bea.post("/console/cases/1/hand-back")
    done = [line for line in await lines(office) if line[0] == "bea" and line[2]]
    assert done == [("bea", "hand back", "case 1"), ("bea", "reply", "case 1"), ("bea", "take", "case 1")]
    lead = await office.colleague("lea", Role.LEAD)
    page = (await lead.get("/console/audit")).text
    assert "bea take case 1" in text_of(page)
    assert "Zebediah" not in page


async def test_what_a_colleague_does_in_a_room_is_written_down_too(office: Office) -> None:
    shop = office.shop
    await shop.hears("slack", "T1/U1", "I want to speak to a human")
    await office.hires("bea")
    await shop.ledger.tie("bea", "slack:T1/BEA", by=BOSS, now=shop.now)
    due = Due(case=1, handed_off_at=shop.now, nth=1)
    await shop.ledger.called(due, "slack", "post 1", now=shop.now)
    calling = Calling(
        desk=office.desk,
        ledger=shop.ledger,
        rooms={},
        base_url=office.url,
        patience=timedelta(minutes=15),
        now=lambda: shop.now,
    )
    for what, text in [("take", ""), ("reply", ""), ("reply", "Words to the customer"), ("hand_back", "")]:
        await calling.act(Deed(room="slack", post="post 1", key="slack:T1/BEA", what=what, text=text))  # type: ignore[arg-type]
    about = "case 1 in slack"
    done = [("bea", "hand back", about), ("bea", "reply", about), ("bea", "take", about)]
    assert [line for line in await lines(office) if line[0] == "bea"] == done


async def test_leads_read_it_by_colleague_deed_and_day(office: Office) -> None:
    shop = office.shop
    for n, (who, what) in enumerate([("bea", "take"), ("carl", "take"), ("carl", "resolve")]):
        await shop.ledger.audit(who, what, f"case {n}", now=shop.now - timedelta(days=n))
    lead = await office.colleague("lea", Role.LEAD)
    day = (shop.now - timedelta(days=1)).date().isoformat()
    for query, seen in [
        ("who=carl", {"case 1", "case 2"}),
        ("what=take", {"case 0", "case 1"}),
        (f"day={day}", {"case 1"}),
        (f"who=bea&day={day}", set()),
    ]:
        page = text_of((await lead.get(f"/console/audit?{query}")).text)
        table = list(csv.reader(io.StringIO((await lead.get(f"/console/audit.csv?{query}")).text)))
        assert {about for about in ("case 0", "case 1", "case 2") if about in page} == seen
        assert {row[3] for row in table[1:]} == seen
    assert table[0] == ["at", "who", "what", "about"]


async def test_it_is_read_a_page_at_a_time(office: Office) -> None:
    for n in range(60):
        await office.shop.ledger.audit("bea", "take", f"case {n}", now=office.shop.now)
    lead = await office.colleague("lea", Role.LEAD)
    first, second = [(await lead.get(f"/console/audit?who=bea&page={n}")).text for n in (1, 2)]
    assert (first.count("<tr>") - 1, second.count("<tr>") - 1) == (50, 10)
    assert "who=bea&amp;page=2" in first
    assert "page=3" not in second
    assert (await lead.get("/console/audit?page=x")).status_code == 200


async def test_a_day_that_is_none_is_said_beside_the_field(office: Office) -> None:
    lead = await office.colleague("lea", Role.LEAD)
    for path in ("/console/audit", "/console/audit.csv"):
        answer = await lead.get(f"{path}?day=yesterday")
        assert answer.status_code == 409
        assert 'value="yesterday" aria-invalid="true" aria-describedby="why"' in answer.text


async def test_an_agent_finds_no_audit(office: Office) -> None:
    bea = await office.colleague("bea")
    assert (await bea.get("/console/audit")).status_code == 404
    assert (await bea.get("/console/audit.csv")).status_code == 404


async def test_no_cell_of_the_table_is_a_formula(office: Office) -> None:
    await office.shop.ledger.audit("=1+1", "@take", "-case", now=office.shop.now)
    lead = await office.colleague("lea", Role.LEAD)
    assert "'=1+1,'@take,'-case" in (await lead.get("/console/audit.csv")).text


@pytest.mark.parametrize(
    ("path", "values", "deed", "about"),
    [
        ("/console/cases/12/hand-back", {"case": "12"}, "hand back", "case 12"),
        ("/console/cases/12/notes/3/delete", {"case": "12", "note": "3"}, "delete", "case 12, note 3"),
        ("/console/cases/12/identity/merge", {"case": "12"}, "identity merge", "case 12"),
        ("/console/settings", {}, "settings", ""),
        ("/console/cases/12", {"case": "12"}, "cases", "case 12"),
        ("/console/customers/ann@shop.test/forget", {"customer": "ann@shop.test"}, "forget", ""),
        ("/console/customers/15550100200/forget", {"customer": "15550100200"}, "forget", ""),
    ],
)
def test_a_path_names_the_deed_and_never_a_person(path: str, values: dict[str, str], deed: str, about: str) -> None:
    scope = {"type": "http", "path": path, "path_params": values, "headers": [], "query_string": b""}
    request = Request(scope | {"server": ("console.test", 80), "scheme": "http"})
    assert (deeds.deed(request), deeds.about(request)) == (deed, about)
    deeds.names(request, "receipt 5")
    assert deeds.about(request) == "receipt 5"
