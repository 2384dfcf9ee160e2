"""A colleague says what a case is really about; the offline writer learns from it, and nobody's name is kept."""

from tests.console.office import Office

LOST = "My name is Ann Keller and the thing went off to nowhere, write to ann@shop.test. I want to speak to a human!"


async def kept(office: Office) -> list[tuple[str, str]]:
    return await office.shop.ledger.corrected()  # type: ignore[return-value]


async def corrected(office: Office, category: str = "delivery") -> tuple[int, str]:
    await office.shop.knows("cus_7", "Ann Keller", "email:ann@shop.test")
    await office.shop.hears("email", "ann@shop.test", LOST)
    browser = await office.signed_in()
    answer = await browser.post("/console/cases/1/category", data={"category": category})
    return answer.status_code, answer.text


async def test_the_category_is_changed_and_learnt_without_names(office: Office) -> None:
    status, page = await corrected(office)
    assert status == 200
    assert "<option selected>delivery</option>" in page
    (text, category) = (await kept(office))[0]
    assert category == "delivery"
    assert "nowhere" in text
    assert "Keller" not in text
    assert "ann@shop.test" not in text


async def test_a_case_is_an_example_once(office: Office) -> None:
    await corrected(office)
    browser = await office.signed_in()
    await browser.post("/console/cases/1/category", data={"category": "damaged"})
    assert [category for _, category in await kept(office)] == ["damaged"]


async def test_an_unknown_category_is_refused(office: Office) -> None:
    status, page = await corrected(office, "nonsense")
    assert status == 409
    assert "no such category" in page
    assert await kept(office) == []


async def test_it_is_forgotten_with_its_customer(office: Office) -> None:
    await corrected(office)
    await office.shop.ledger.erase("cus_7", receipt="r1", now=office.shop.now)
    assert await kept(office) == []
