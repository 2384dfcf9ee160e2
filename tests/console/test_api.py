"""The API: it does what its document says, as the pages do, and nothing for who may not."""

from typing import Any

import httpx
import pytest

from core.accounts import Role
from tests.console.office import Office

WISH = "I was charged $99 twice, the order is W4829137. I want to speak to a human!"


async def ann_writes(office: Office) -> None:
    await office.shop.knows("cus_7", "Ann Keller", "email:ann@shop.test", plan="Pro", value=12_500)
    await office.shop.hears("email", "ann@shop.test", WISH)


async def test_the_document_describes_every_answer(office: Office) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea")
    document = (await bea.get("/console/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            assert told["summary"]
            answer = await bea.request(method, path.replace("{case}", "1"), json={} if method == "post" else None)
            described = told["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
            fits(answer.json(), described, document)


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """A value is what a schema says, as far as names and kinds go."""
    if "$ref" in schema:
        return fits(value, document["components"]["schemas"][schema["$ref"].split("/")[-1]], document)
    if schema.get("type") == "object" and "properties" in schema:
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"])
        for name, one in value.items():
            fits(one, schema["properties"][name], document)
    if schema.get("type") == "array":
        for one in value:
            fits(one, schema["items"], document)
    kinds = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
    if schema.get("type") in kinds:
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
    return None


async def test_a_case_is_taken_answered_and_resolved(office: Office) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea")
    (waiting,) = (await bea.get("/console/api/queue?tab=waiting")).json()["cases"]
    assert (waiting["name"], waiting["vip"], waiting["channel"]) == ("Ann Keller", True, "email")
    case = (await bea.get(f"/console/api/cases/{waiting['id']}")).json()
    assert (case["proof"], case["goes_to"], case["plan"]) == ("proven", "email", "Pro")
    assert "$99" in case["issue"]
    for deed, sent in (
        ("take", None),
        ("reply", {"text": "I look into it.", "id": "once"}),
        ("reply", {"text": "I look into it.", "id": "once"}),
        ("note", {"text": "Asked billing."}),
        ("resolve", {"resolution": "Refunded by hand.", "satisfaction": 5}),
    ):
        answer = await bea.post(f"/console/api/cases/1/{deed}", json=sent)
        assert (answer.status_code, answer.json()) == (200, {"done": True}), deed
    await office.delivered()
    assert [reply.text for reply in office.channels["email"].arrived] == ["I look into it."]
    assert (await bea.get("/console/api/cases/1")).json()["satisfaction"] == 5
    assert (await bea.post("/console/api/cases/1/reopen")).json() == {"done": True}
    found = (await bea.get("/console/api/search", params={"q": "keller"})).json()
    assert [one["name"] for one in found["customers"]] == ["Ann Keller"]


async def test_what_cannot_be_done_is_said_as_json(office: Office) -> None:
    await ann_writes(office)
    bea, cem = await office.colleague("bea"), await office.colleague("cem")
    await bea.post("/console/api/cases/1/take")
    for answer, status, why in (
        (await cem.post("/console/api/cases/1/reply", json={"text": "Hello"}), 409, "bea"),
        (await bea.post("/console/api/cases/99/take"), 404, "no case 99"),
        (await bea.get("/console/api/cases/x"), 404, "no such case"),
        (await bea.post("/console/api/cases/1/reply", json={"txt": "Hello"}), 422, "text"),
        (await bea.post("/console/api/cases/1/reply", content=b"{"), 422, "JSON"),
        (await bea.post("/console/api/cases/1/resolve", json={"satisfaction": True}), 422, "satisfaction"),
        (await bea.post("/console/api/cases/1/resolve", json={"satisfaction": 6}), 422, "satisfaction"),
        (await bea.post("/console/api/cases/1/snooze", json={"until": "2020-01-01T00:00:00Z"}), 409, "gone by"),
        (await bea.post("/console/api/cases/1/reply", content=b"x" * 70_000), 413, "65536"),
        (await office.browser().get("/console/api/queue"), 401, "sign in"),
    ):
        assert answer.status_code == status, answer.text
        assert why in answer.json()["error"]


async def test_another_site_can_do_nothing(office: Office) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea")
    for origin in ("https://evil.test", "null"):
        foreign = await bea.post(
            "/console/api/cases/1/take", headers={"origin": origin, "sec-fetch-site": "cross-site"}
        )
        assert foreign.status_code == 403
    async with httpx.AsyncClient(base_url=office.url, cookies=bea.cookies) as bare:
        assert (await bare.post("/console/api/cases/1/take")).status_code == 403


async def test_what_is_done_and_read_leaves_its_lines(office: Office) -> None:
    await ann_writes(office)
    bea = await office.colleague("bea", Role.ADMIN)
    await bea.get("/console/api/cases/1")
    await bea.post("/console/api/cases/1/take")
    audited = (await bea.get("/console/audit")).text
    assert "take" in audited
    assert "case 1" in audited


async def test_the_page_for_people_lists_what_the_document_does(office: Office) -> None:
    bea = await office.colleague("bea")
    page = (await bea.get("/console/api")).text
    for path in (await bea.get("/console/api/openapi.json")).json()["paths"]:
        assert path in page


@pytest.mark.parametrize("number", ["0", "1" * 30, "-1", "%00"])
async def test_a_case_that_cannot_be_is_not_found(office: Office, number: str) -> None:
    bea = await office.colleague("bea")
    assert (await bea.get(f"/console/api/cases/{number}")).status_code == 404
